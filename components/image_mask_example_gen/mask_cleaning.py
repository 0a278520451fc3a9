"""From the pixels of a mask to its class map, whether the pixels are exact, blurred or came through JPEG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.image_mask_example_gen.mask_blocks import UNIT
from components.image_mask_example_gen.mask_blur import blurred_misfit
from components.image_mask_example_gen.mask_descent import Schedule, descend
from components.image_mask_example_gen.mask_misfit import NOWHERE, Misfit
from components.image_mask_example_gen.mask_planes import Planes, planes_of_rgb
from components.image_mask_example_gen.mask_search import choose, unclear_pixels
from components.image_mask_example_gen.mask_sharp import sharp_misfit
from components.image_mask_example_gen.mask_start import UNSURE, among_sure, blur_of, first_guess
from components.image_mask_example_gen.palette import Palette, judge, to_ycc
from components.image_mask_example_gen.settings import EXACT, IGNORE, KEEP
from schema.features import IGNORE_LABEL

_SHARP = Schedule(rounds=12, caution=1.0, cautious_rounds=0)
_TO_MEASURE_AGAIN = Schedule(rounds=4, caution=2.0, cautious_rounds=2)
_BLURRED = Schedule(rounds=12, caution=2.0, cautious_rounds=2)

_REACH, _REACH_PER_SIGMA = 3, 2.0
"""How far from sure pixels their colour is expected first: blur widens the belt of unsure pixels along edges."""

_MEASURING_REACH = 7

_NOISE = 8.0
"""How far pixels of blurred masks are from what blur and quantisation make of them: less, and the search gets stuck."""

_AT_ONCE = 2**21
"""Pixels worked on at once, which bounds the memory at some 200 MB."""

_OVERLAP = 3 * UNIT
_MIN_SIDE = UNIT
_MAX_COLORS = NOWHERE

_MAX_UNSURE = 0.8
"""With more unsure pixels than that there is nothing to build on: photos, say, which would take seconds."""

_FLAT_COLORS_PER_ENTRY = 4
"""A mask of at most so many colours for each of the palette's is drawn, not blurred or compressed."""


@dataclass(frozen=True)
class CleanMask:
    """An exact class map and how sure it is.

    Attributes:
        class_map: uint8 [height, width]; class numbers, `IGNORE_LABEL` where nothing counts.
        uncertain_fraction: Share of pixels that another colour of the palette explains nearly as well, 0 to 1.
        off_palette_fraction: Share of pixels in areas that no mixture of two palette colours explains, 0 to 1.
    """

    class_map: np.ndarray
    uncertain_fraction: float
    off_palette_fraction: float

    def encoded(self) -> bytes:
        """The class map as an 8-bit grey PNG."""
        buffer = io.BytesIO()
        Image.fromarray(self.class_map).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()


def clean_mask(mask: np.ndarray, palette: Palette, *, cleaning: str = EXACT, uncertain: str = KEEP) -> CleanMask:
    """Gives every pixel of a mask its class.

    Pixels that all have a colour of the palette are read as they are. So is a drawing of few colours, by the nearest
    colour. Anything else has been blurred or compressed and goes through `clean_planes`.

    Args:
        mask: uint8 [height, width, 3], RGB.
        palette: The colours to expect.
        cleaning: `exact` does as said; `nearest` takes the nearest colour everywhere.
        uncertain: `keep` the best guess of uncertain pixels, or `ignore` them.
    """
    if cleaning == EXACT and not _is_drawn(mask, palette):
        return clean_planes(planes_of_rgb(mask), palette, uncertain=uncertain)
    verdict = judge(mask.reshape(-1, 3), palette)
    labels = palette.labels.take(verdict.nearest)
    if uncertain == IGNORE:
        labels[verdict.unsure] = IGNORE_LABEL
    return CleanMask(labels.reshape(mask.shape[:2]), float(verdict.unsure.mean()), float(verdict.strange.mean()))


def _is_drawn(mask: np.ndarray, palette: Palette) -> bool:
    """Whether a mask was neither blurred nor compressed, or is too small to tell."""
    few = _FLAT_COLORS_PER_ENTRY * len(palette.colors)
    return min(mask.shape[:2]) < _MIN_SIDE or Image.fromarray(mask).getcolors(few) is not None


def clean_planes(planes: Planes, palette: Palette, *, uncertain: str = KEEP) -> CleanMask:
    """Gives every pixel of a blurred or compressed mask its class.

    Args:
        planes: The mask's luma and chroma.
        palette: The colours to expect.
        uncertain: `keep` the best guess of uncertain pixels, or `ignore` them.
    """
    class_map = np.empty(planes.luma.shape, np.uint8)
    unclear_count = strange_count = 0
    for rows, inner in _strips(planes.luma.shape):
        labels, unclear, strange = _restore(planes.rows(rows.start, rows.stop), palette)
        classes = palette.labels.take(labels)
        unclear |= strange
        if uncertain == IGNORE:
            classes[unclear] = IGNORE_LABEL
        kept = slice(inner.start - rows.start, inner.stop - rows.start)
        class_map[inner] = classes[kept]
        unclear_count += int(unclear[kept].sum())
        strange_count += int(strange[kept].sum())
    return CleanMask(class_map, unclear_count / class_map.size, strange_count / class_map.size)


def _strips(size: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Rows to work on together, and those of them whose result counts: what is beside a pixel matters for it."""
    height, width = size
    step = max(2 * _OVERLAP, _AT_ONCE // width // UNIT * UNIT)
    for start in range(0, height, step):
        stop = min(height, start + step)
        yield slice(max(0, start - _OVERLAP), min(height, stop + _OVERLAP)), slice(start, stop)


def _restore(planes: Planes, palette: Palette) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour indices, which of them are unclear, and which pixels no mixture of colours explains."""
    start = first_guess(planes, palette)
    strange = _areas(start.strange)
    unsure = start.sure == UNSURE
    if min(planes.luma.shape) < _MIN_SIDE or len(palette.colors) > _MAX_COLORS or not unsure.any():
        return start.nearest, start.midway, strange
    if unsure.mean() > _MAX_UNSURE:
        return start.nearest, unsure, strange
    if palette.is_grey:
        planes = planes.grey()
    colors = to_ycc(palette.colors).round().clip(0, 255)[:, : len(planes.all)]
    height, width = planes.luma.shape
    sigma = blur_of(planes, among_sure(planes, start, palette, _MEASURING_REACH), colors[:, 0])
    seeded = among_sure(planes, start, palette, round(_REACH + _REACH_PER_SIGMA * sigma))
    whole = planes.in_squares(UNIT)
    sides = [(0, after - before) for before, after in zip(planes.luma.shape, whole.luma.shape, strict=True)]
    free = np.pad(unsure, sides)
    guesses = [np.pad(guess, sides, mode="edge") for guess in (start.nearest, seeded)]
    if sigma:
        misfit = _explain_blurred(whole, colors, free, guesses, sigma)
    else:
        misfit = sharp_misfit(whole, colors, guesses[0], free)
        choose(misfit, guesses[1])
        descend(misfit, free, _SHARP)
    return misfit.labels[1 : height + 1, 1 : width + 1], unclear_pixels(misfit, free)[:height, :width], strange


def _explain_blurred(
    planes: Planes, colors: np.ndarray, free: np.ndarray, guesses: list[np.ndarray], sigma: float
) -> Misfit:
    """What explains a blurred mask."""
    misfit = blurred_misfit(planes, colors, guesses[0], sigma, _NOISE)
    choose(misfit, guesses[1])
    descend(misfit, free, _TO_MEASURE_AGAIN)
    # Better labels tell the blur better.
    labels = misfit.labels[1:-1, 1:-1]
    again = blur_of(planes, labels, colors[:, 0])
    if again not in (0, sigma):
        misfit = blurred_misfit(planes, colors, labels, again, _NOISE)
    descend(misfit, free, _BLURRED)
    return misfit


def _areas(which: np.ndarray) -> np.ndarray:
    """The pixels in 3 x 3 squares that have it all: single ones along edges come from chroma at half resolution."""
    if min(which.shape) < 3 or not which.any():
        return np.zeros(which.shape, bool)
    height, width = (side - 2 for side in which.shape)
    shifts = [(down, right) for down in range(3) for right in range(3)]
    full = np.logical_and.reduce([which[down : down + height, right : right + width] for down, right in shifts])
    result = np.zeros(which.shape, bool)
    for down, right in shifts:
        result[down : down + height, right : right + width] |= full
    return result
