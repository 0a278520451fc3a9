"""Lines that tell areas apart without their colour: an outline, and a hatching for each kind of area.

The page's legends draw the same hatchings in CSS, by the classes `hatch-0` to `hatch-5`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

INK = 254
"""Entry of the lines in a map of class numbers; classes go up to 253, 255 is ignored."""

KINDS = 6
SPACING = 9
"""Pixels from line to line."""


def kind_of(place: int) -> int:
    """Hatching of the n-th class besides the background; the first has none.

    Six hatchings and the seven colours of the palette come together again only after 42 classes.
    """
    return place % KINDS


def hatched(values: np.ndarray, kinds: Mapping[int, int], *, outlined: bool = True) -> np.ndarray:
    """Draws outlines and hatchings into a map.

    Args:
        values: uint8 [height, width], small numbers.
        kinds: Hatching by number; areas of other numbers stay as they are.
        outlined: Whether areas get an outline too; of an area two pixels wide it would leave nothing.

    Returns:
        uint8 [height, width], `INK` on the lines.
    """
    rows, columns = np.arange(values.shape[0])[:, np.newaxis], np.arange(values.shape[1])
    lines = _outlines(values) if outlined else np.False_
    inked = np.zeros(values.shape, bool)
    for value in np.unique(values):
        if int(value) in kinds:
            inked |= (values == value) & (lines | _pattern(kinds[int(value)], rows, columns))
    return np.where(inked, np.uint8(INK), values)


def _outlines(values: np.ndarray) -> np.ndarray:
    """Pixels (bool [height, width]) with a neighbour of another number."""
    lines = np.zeros(values.shape, bool)
    across, down = values[:, 1:] != values[:, :-1], values[1:] != values[:-1]
    lines[:, 1:] |= across
    lines[:, :-1] |= across
    lines[1:] |= down
    lines[:-1] |= down
    return lines


def _pattern(kind: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Lines (bool, broadcast to the size of the map): none, rising, falling, level, upright, dots."""
    rising, falling = (rows + columns) % SPACING == 0, (rows - columns) % SPACING == 0
    level, upright = rows % SPACING == 0, columns % SPACING == 0
    dots = (rows % 6 < 2) & (columns % 6 < 2)
    return [np.False_, rising, falling, level, upright, dots][kind]
