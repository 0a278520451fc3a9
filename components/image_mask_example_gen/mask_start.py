"""A first guess at the class map of a lossy mask: where it is sure, and how far its edges are blurred."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from components.image_mask_example_gen.compiled import compiled
from components.image_mask_example_gen.mask_blocks import BLOCK, as_stored, mixed, mixing_of
from components.image_mask_example_gen.mask_blur import gauss
from components.image_mask_example_gen.mask_planes import Planes
from components.image_mask_example_gen.palette import Palette, judge, to_rgb_colors, to_ycc

SIGMAS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
"""The blurs that are told apart, pixels."""

_NEAR_SHARE = 0.25
UNSURE = 255
_MAX_BITS = 64

_SAMPLES = 200
_MIN_SAMPLES = 8
_MIN_CONTRAST = 8.0
_CONTRAST_SHARE = 0.3
_MARGIN = 9
_BLUR_EVIDENCE = 0.7
"""Errors of the first guess look a little like blur: at most this share of the sharp misfit must be left."""


@dataclass(frozen=True)
class Start:
    """A first guess.

    Attributes:
        nearest: uint8 [height, width]; index of each pixel's nearest palette colour.
        sure: uint8 like it; the nearest in the middle of 3 x 3 pixels that are clearly of this colour, else `UNSURE`.
        strange: bool like it; no mixture of palette colours explains the pixel.
        midway: bool like it; about as far from a second colour as from the nearest.
    """

    nearest: np.ndarray
    sure: np.ndarray
    strange: np.ndarray
    midway: np.ndarray


def first_guess(planes: Planes, palette: Palette) -> Start:
    """Guesses every pixel's colour from its own and from its neighbours'.

    Args:
        planes: The mask.
        palette: The colours to expect.
        reach: How far from a sure pixel its colour is still expected, pixels.
    """
    cells, colors = _cells(planes)
    counts = np.bincount(cells.ravel(), minlength=len(colors))
    present = np.flatnonzero(counts)
    verdict = judge(colors[present], palette)
    near = _near(colors[present], verdict.nearest, palette)
    tables = [
        _spread(values, present, len(colors)) for values in (verdict.nearest, near, verdict.strange, verdict.unsure)
    ]
    nearest, near, strange, midway = (table.take(cells) for table in tables)
    return Start(nearest, _inner(near), strange, midway)


def blur_of(planes: Planes, labels: np.ndarray, levels: np.ndarray) -> float:
    """The blur that explains the luma of a mask's edges best.

    Args:
        planes: The mask.
        labels: uint8 [height, width]; a first guess.
        levels: float32 [colours]; the palette's luma.

    Returns:
        One of `SIGMAS`; 0 where there are too few edges to tell.
    """
    corners = _edge_blocks(labels, levels)
    if len(corners) < _MIN_SAMPLES:
        return 0.0
    span = np.arange(-_MARGIN, BLOCK + _MARGIN)
    painted = levels[labels[corners[:, 0, None, None] + span[:, None], corners[:, 1, None, None] + span]] - 128
    inner = np.arange(BLOCK)
    seen = planes.luma[corners[:, 0, None, None] + inner[:, None], corners[:, 1, None, None] + inner]
    seen = seen.reshape(-1, BLOCK**2).astype(np.float32) - 128
    if planes.tables is None:
        mixing = np.eye(BLOCK**2, dtype=np.float32)
    else:
        seen, mixing = as_stored(seen, planes.tables[0]), mixing_of(planes.tables[0])
    misfits = []
    for sigma in SIGMAS:
        gap = _blurred(painted, gauss(sigma) if sigma else np.ones(1, np.float32)) - seen
        misfits.append(np.median((mixed(gap, mixing) * gap).sum(axis=1)))
    best = int(np.argmin(misfits))
    return SIGMAS[best] if misfits[best] < _BLUR_EVIDENCE * misfits[0] else 0.0


@compiled
def _blurred(painted: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The middles of squares, [n, side, side], blurred: [n, 64]."""
    result = np.zeros((len(painted), BLOCK**2), np.float32)
    spare, side = _MARGIN - len(kernel) // 2, painted.shape[2]
    down = np.empty(side, np.float32)
    for number in range(len(painted)):
        for row in range(BLOCK):
            down[:] = 0
            for tap in range(len(kernel)):
                for column in range(side):
                    down[column] += kernel[tap] * painted[number, row + spare + tap, column]
            for tap in range(len(kernel)):
                for column in range(BLOCK):
                    result[number, row * BLOCK + column] += kernel[tap] * down[column + spare + tap]
    return result


def _edge_blocks(labels: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Upper left corners [n, 2] of blocks with an edge of high contrast, evenly picked, away from the border."""
    contrast = _contrast(labels, levels)
    rim = -(-_MARGIN // BLOCK)
    contrast[:rim] = contrast[-rim:] = contrast[:, :rim] = contrast[:, -rim:] = 0
    corners = np.argwhere(contrast > max(_MIN_CONTRAST, _CONTRAST_SHARE * float(np.ptp(levels)))) * BLOCK
    return corners[:: max(1, len(corners) // _SAMPLES)]


@compiled
def _contrast(labels: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How far apart the levels in each block of 8 x 8 pixels are, float32 [blocks down, blocks across]."""
    result = np.empty((labels.shape[0] // BLOCK, labels.shape[1] // BLOCK), np.float32)
    for down in range(result.shape[0]):
        for right in range(result.shape[1]):
            low, high = np.float32(np.inf), np.float32(-np.inf)
            for row in range(down * BLOCK, (down + 1) * BLOCK):
                for column in range(right * BLOCK, (right + 1) * BLOCK):
                    level = levels[labels[row, column]]
                    low, high = min(low, level), max(high, level)
            result[down, right] = high - low
    return result


def _cells(planes: Planes) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's cell of the colour space, uint16 [height, width], and the cells' colours, float32 [cells, 3]."""
    if planes.chroma is None:
        levels = np.arange(256, dtype=np.float32)
        return planes.luma.astype(np.uint16), np.repeat(levels[:, None], 3, axis=1)
    first, second = (plane.astype(np.uint16) >> 3 for plane in planes.chroma)
    both = first << 5 | second
    if planes.halved:
        both = both.repeat(2, 0).repeat(2, 1)[: planes.luma.shape[0], : planes.luma.shape[1]]
    return (planes.luma.astype(np.uint16) >> 2) << 10 | both, _cell_colors()


@lru_cache(maxsize=1)
def _cell_colors() -> np.ndarray:
    number = np.arange(65536)
    ycc = np.stack([(number >> 10) * 4 + 1.5, (number >> 5 & 31) * 8 + 3.5, (number & 31) * 8 + 3.5], axis=1)
    return to_rgb_colors(ycc.astype(np.float32))


def _near(colors: np.ndarray, nearest: np.ndarray, palette: Palette) -> np.ndarray:
    """The nearest palette colour where the colour is clearly its, else `UNSURE`."""
    gaps = np.linalg.norm(palette.colors[:, None] - palette.colors[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    far = np.linalg.norm(colors - palette.colors[nearest], axis=1)
    return np.where(far < _NEAR_SHARE * gaps.min(axis=1)[nearest], nearest, np.uint8(UNSURE))


def _spread(values: np.ndarray, present: np.ndarray, size: int) -> np.ndarray:
    table = np.zeros(size, values.dtype)
    table[present] = values
    return table


def _inner(near: np.ndarray) -> np.ndarray:
    """Keeps what all 3 x 3 neighbours share, else `UNSURE`."""
    padded = np.pad(near, 1, mode="edge")
    across = np.where((padded[:, :-2] == padded[:, 1:-1]) & (padded[:, 1:-1] == padded[:, 2:]), padded[:, 1:-1], UNSURE)
    return np.where((across[:-2] == across[1:-1]) & (across[1:-1] == across[2:]), across[1:-1], np.uint8(UNSURE))


def among_sure(planes: Planes, start: Start, palette: Palette, reach: int) -> np.ndarray:
    """The nearest colour among those that are sure within `reach`; the nearest of all where none is."""
    count = len(palette.colors)
    if count > _MAX_BITS:
        return start.nearest
    kind = np.min_scalar_type(2**count - 1).type
    bits = np.append(kind(1) << np.arange(count, dtype=kind), np.zeros(256 - count, kind))
    around = _any_within(bits.take(start.sure), reach)
    # A sure pixel is around itself.
    down, right = np.nonzero(start.sure == UNSURE)
    around = around[down, right]
    far = np.flatnonzero((around & bits[start.nearest[down, right]] == 0) & (around != 0))
    down, right, around = down[far], right[far], around[far]
    pixels = _values(planes, down, right)
    colors = to_ycc(palette.colors)[:, : len(pixels)]
    distances = np.zeros((len(down), count), np.float32)
    # No product of matrices: it would start threads that cost more than they save.
    for plane, levels in zip(pixels, colors.T, strict=True):
        distances += (plane[:, None] - levels) ** 2
    distances[around[:, None] & bits[:count] == 0] = np.inf
    seeded = start.nearest.copy()
    seeded[down, right] = distances.argmin(axis=1)
    return seeded


def _values(planes: Planes, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Luma and chroma of some pixels, float32 [planes, n]."""
    step = 2 if planes.halved else 1
    columns = [planes.luma[down, right], *(plane[down // step, right // step] for plane in planes.all[1:])]
    return np.stack(columns).astype(np.float32)


def _any_within(bits: np.ndarray, reach: int) -> np.ndarray:
    """Each pixel's bits and those of all pixels within `reach` rows and columns."""
    for turned in (False, True):
        bits = bits.T if turned else bits
        result = bits.copy()
        for shift in range(1, reach + 1):
            result[shift:] |= bits[:-shift]
            result[:-shift] |= bits[shift:]
        bits = result.T if turned else result
    return bits
