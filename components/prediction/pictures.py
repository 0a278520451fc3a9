"""How a prediction is shown: a class map as a paletted PNG, and its colours laid over the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

OPACITY = 0.5
OUTLINE = 255
"""Opacity of colours over the photo, and the grey of the line around objects."""

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Legend:
    """What class numbers mean.

    Attributes:
        names: Class names by class number.
        colors: Colours of the masks that the model learnt from, by class number.
        background: Number of the class that is not an object.
    """

    names: tuple[str, ...]
    colors: tuple[Color, ...]
    background: int


def class_map_picture(class_map: np.ndarray, colors: Sequence[Color]) -> Image.Image:
    """A picture whose pixel values are class numbers and whose palette shows the masks' colours.

    Args:
        class_map: uint8 [height, width], class numbers.
        colors: Colours by class number.
    """
    picture = Image.fromarray(class_map)
    picture.putpalette([channel for color in colors for channel in color])
    return picture


def overlay_picture(photo: Image.Image, class_map: np.ndarray, legend: Legend) -> Image.Image:
    """The photo with the objects' colours over it, half transparent, and a white line along every border.

    The line shows where classes meet whatever the colours are: masks have black and dark ones, too.

    Args:
        photo: RGB, of the class map's size.
        class_map: uint8 [height, width], class numbers.
        legend: Colours; the background's is left out.
    """
    colored = class_map_picture(class_map, legend.colors).convert("RGB")
    opacity = np.where(class_map == legend.background, 0, round(255 * OPACITY)).astype(np.uint8)
    shown = Image.composite(colored, photo, Image.fromarray(opacity))
    shown.paste((OUTLINE,) * 3, mask=Image.fromarray(_borders(class_map)))
    return shown


def _borders(class_map: np.ndarray) -> np.ndarray:
    """uint8 [height, width]: 255 where the pixel above or to the left has another class."""
    borders = np.zeros(class_map.shape, bool)
    borders[1:] |= class_map[1:] != class_map[:-1]
    borders[:, 1:] |= class_map[:, 1:] != class_map[:, :-1]
    width = max(1, round(max(class_map.shape) / 1000))
    # A line of one pixel is lost where a large photo is shown small.
    for _ in range(width - 1):
        borders[:-1] |= borders[1:].copy()
        borders[:, :-1] |= borders[:, 1:].copy()
    return borders.astype(np.uint8) * 255
