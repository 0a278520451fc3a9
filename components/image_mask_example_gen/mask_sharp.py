"""The misfit of a mask that was drawn sharp and stored as JPEG."""

from __future__ import annotations

import numpy as np

from components.image_mask_example_gen.mask_blocks import BLOCK, as_stored, halve, in_blocks, mixed, mixing_of
from components.image_mask_example_gen.mask_misfit import Misfit, with_border
from components.image_mask_example_gen.mask_planes import Planes

_UNKNOWN_STEP = 8.0


def sharp_misfit(planes: Planes, colors: np.ndarray, labels: np.ndarray, free: np.ndarray) -> Misfit:
    """The misfit where nothing but the JPEG's quantisation changed the painted colours.

    The difference is weighed frequency by frequency, by the steps of the quantisation: a coarse step says little.

    Args:
        planes: Padded to whole squares. Where they are from no JPEG, a middling one is assumed.
        colors: float32 [colours, planes]; the palette in luma and chroma.
        labels: uint8 [height, width]; colour indices.
        free: bool like it; the pixels that may change. Only blocks with any of them are worked on, since a pixel's
            influence does not reach beyond its block.
    """
    tables = np.full((3, BLOCK**2), _UNKNOWN_STEP) if planes.tables is None else planes.tables
    height, width = labels.shape
    sources = planes.all
    gradient = np.zeros((len(sources), height, width), np.float32)
    influence = np.empty((len(sources), BLOCK**2, BLOCK, BLOCK), np.float32)
    layout = np.empty((len(sources), 4), np.int64)
    for plane, source in enumerate(sources):
        halved = planes.halved and plane > 0
        step = 1 + halved
        chosen = in_blocks(free, BLOCK * step).any(axis=(2, 3))
        mixing = mixing_of(tables[plane])
        painted = colors[:, plane].take(labels)
        painted = in_blocks(halve(painted) if halved else painted)[chosen].reshape(-1, BLOCK**2) - 128
        seen = in_blocks(source)[chosen].reshape(-1, BLOCK**2).astype(np.float32) - 128
        gap = painted - (seen if planes.tables is None else as_stored(seen, tables[plane]))
        slope = mixed(gap, mixing) / step**2
        in_blocks(gradient[plane, : height // step, : width // step])[chosen] = slope.reshape(-1, BLOCK, BLOCK)
        influence[plane] = mixing.reshape(-1, BLOCK, BLOCK) / step**4
        layout[plane] = halved, BLOCK, 0, BLOCK
    return Misfit(with_border(labels), colors, gradient, influence, layout)
