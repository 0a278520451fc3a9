"""Colours in which pictures for people show classes, whatever the colours of the masks are."""

from __future__ import annotations

import numpy as np

from schema.features import IGNORE_LABEL
from schema.labelmap import Color

IGNORED_COLOR: Color = (128, 128, 128)
"""Colour of the pixels that do not count."""

# The palette of Okabe and Ito without black; those that stand out from sky and grass come first.
_OKABE_ITO: tuple[Color, ...] = (
    (213, 94, 0),
    (86, 180, 233),
    (240, 228, 66),
    (204, 121, 167),
    (0, 158, 115),
    (230, 159, 0),
    (0, 114, 178),
)
# From the eighth class on the colours come again, first lighter, then darker.
_TINTS = ((0, 0.0), (255, 0.5), (0, 0.45))


def class_color(index: int, background: int) -> Color:
    """Colour of a class in overlays and legends, independent of the colours of the masks.

    Args:
        index: Class number.
        background: Class number of the background, which takes no colour away from the others.
    """
    place = index - (index > background)
    base = _OKABE_ITO[place % len(_OKABE_ITO)]
    target, amount = _TINTS[place // len(_OKABE_ITO) % len(_TINTS)]
    red, green, blue = (round(value + (target - value) * amount) for value in base)
    return red, green, blue


def class_palette(background: int) -> np.ndarray:
    """Colours of a class map.

    Returns:
        uint8 [256, 4], red, green, blue, opacity; the background is transparent.
    """
    colors = [(*class_color(index, background), 255 * (index != background)) for index in range(IGNORE_LABEL)]
    return np.array([*colors, (*IGNORED_COLOR, 255)], np.uint8)
