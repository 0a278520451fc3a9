"""The colours of the masks, and what a single colour says about its class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.image_mask_example_gen.compiled import compiled
from schema.features import IGNORE_LABEL
from schema.labelmap import LabelMap

UNCERTAIN_RATIO = 0.5
"""A colour is uncertain when its nearest palette colour is more than half as far away as its second nearest."""

OFF_PALETTE_DISTANCE = 64.0
"""RGB distance from every mixture of two palette colours that neither blur nor JPEG explains."""

_MIXED = 16
"""How many of the nearest palette colours are tried in mixtures: bounds the pairs of large palettes."""

# ITU-R BT.601 as JFIF prescribes it; the constant part is (0, 128, 128).
_RGB_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_YCC_ZERO = np.array([0, 128, 128], np.float32)


@dataclass(frozen=True)
class Palette:
    """The colours of the masks.

    Attributes:
        colors: float32 [colours, 3]; red, green, blue, 0 to 255.
        labels: uint8 [colours]; the class number of each colour, `IGNORE_LABEL` for ignored ones.
    """

    colors: np.ndarray
    labels: np.ndarray

    @staticmethod
    def of(label_map: LabelMap) -> Palette:
        """The palette of a label map."""
        entries = [*label_map.classes, *label_map.ignored]
        labels = [*range(len(label_map.classes)), *[IGNORE_LABEL] * len(label_map.ignored)]
        return Palette(np.array([entry.color for entry in entries], np.float32), np.array(labels, np.uint8))

    @property
    def classes(self) -> int:
        """Number of classes; ignored colours are none."""
        return int((self.labels != IGNORE_LABEL).sum())

    @property
    def is_grey(self) -> bool:
        """Whether all colours are grey levels."""
        return bool((self.colors == self.colors[:, :1]).all())


@dataclass(frozen=True)
class Judgement:
    """What colours say by themselves.

    Attributes:
        nearest: uint8 [n]; index of the nearest palette colour.
        unsure: bool [n]; about midway between two palette colours.
        strange: bool [n]; far from every mixture of two palette colours.
    """

    nearest: np.ndarray
    unsure: np.ndarray
    strange: np.ndarray


def judge(colors: np.ndarray, palette: Palette) -> Judgement:
    """Compares colours with a palette.

    Args:
        colors: float32 or uint8 [n, 3]; red, green, blue, 0 to 255.
        palette: At least two colours.
    """
    return Judgement(*_judge(colors, palette.colors))


@compiled
def _judge(colors: np.ndarray, palette: np.ndarray) -> tuple:
    """The fields of `Judgement`."""
    count = len(colors)
    nearest, unsure, strange = np.empty(count, np.uint8), np.empty(count, np.bool_), np.empty(count, np.bool_)
    distances = np.empty(len(palette), np.float32)
    for one in range(count):
        red, green, blue = np.float32(colors[one, 0]), np.float32(colors[one, 1]), np.float32(colors[one, 2])
        # Neighbours are mostly equal.
        if one and red == colors[one - 1, 0] and green == colors[one - 1, 1] and blue == colors[one - 1, 2]:
            nearest[one], unsure[one], strange[one] = nearest[one - 1], unsure[one - 1], strange[one - 1]
            continue
        near, second = np.float32(np.inf), np.float32(np.inf)
        for other in range(len(palette)):
            distance = (
                (red - palette[other, 0]) ** 2 + (green - palette[other, 1]) ** 2 + (blue - palette[other, 2]) ** 2
            )
            distances[other] = distance
            if distance < near:
                near, second, nearest[one] = distance, near, other
            elif distance < second:
                second = distance
        unsure[one] = near > UNCERTAIN_RATIO**2 * second
        strange[one] = near > OFF_PALETTE_DISTANCE**2
        if strange[one]:
            choices = palette[np.argsort(distances, kind="mergesort")[:_MIXED]]
            strange[one] = _far_from_mixtures(np.array([red, green, blue]), choices)
    return nearest, unsure, strange


@compiled
def _far_from_mixtures(color: np.ndarray, choices: np.ndarray) -> bool:
    """Whether a colour is far from the lines between all pairs of some others."""
    for first in range(len(choices)):
        for last in range(first):
            along, away = choices[last] - choices[first], color - choices[first]
            share = (away * along).sum() / max((along * along).sum(), 1)
            away -= np.float32(min(max(share, 0), 1)) * along
            if (away * away).sum() <= OFF_PALETTE_DISTANCE**2:
                return False
    return True


def to_ycc(colors: np.ndarray) -> np.ndarray:
    """Luma and the two chroma values, float32 [..., 3], of RGB colours, as in JPEG files."""
    return colors.astype(np.float32) @ _RGB_TO_YCC.T + _YCC_ZERO


def to_rgb_colors(ycc: np.ndarray) -> np.ndarray:
    """RGB colours, float32 [..., 3], 0 to 255, of luma and chroma."""
    luma, blue, red = np.moveaxis(ycc - _YCC_ZERO, -1, 0)
    return np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], -1).clip(0, 255)
