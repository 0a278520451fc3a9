"""The colours of the masks, and what a single colour says about its class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schema.features import IGNORE_LABEL
from schema.labelmap import LabelMap

UNCERTAIN_RATIO = 0.5
"""A colour is uncertain when its nearest palette colour is more than half as far away as its second nearest."""

OFF_PALETTE_DISTANCE = 64.0
"""RGB distance from every mixture of two palette colours that neither blur nor JPEG explains."""

_MIXED = 16
"""How many of the nearest palette colours are tried in mixtures: bounds the pairs of large palettes."""

_AT_ONCE = 4096
"""Colours judged at once, which bounds the memory."""

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
        colors: float32 [n, 3]; red, green, blue, 0 to 255.
        palette: At least two colours.
    """
    parts = [
        _judge_some(colors[start : start + _AT_ONCE], palette) for start in range(0, max(len(colors), 1), _AT_ONCE)
    ]
    return Judgement(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def to_ycc(colors: np.ndarray) -> np.ndarray:
    """Luma and the two chroma values, float32 [..., 3], of RGB colours, as in JPEG files."""
    return colors.astype(np.float32) @ _RGB_TO_YCC.T + _YCC_ZERO


def to_rgb_colors(ycc: np.ndarray) -> np.ndarray:
    """RGB colours, float32 [..., 3], 0 to 255, of luma and chroma."""
    luma, blue, red = np.moveaxis(ycc - _YCC_ZERO, -1, 0)
    return np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], -1).clip(0, 255)


def _judge_some(colors: np.ndarray, palette: Palette) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    distances = np.linalg.norm(colors[:, None] - palette.colors[None], axis=2)
    order = np.argsort(distances, axis=1, kind="stable")
    rows = np.arange(len(colors))
    near, second = distances[rows, order[:, 0]], distances[rows, order[:, 1]]
    strange = near > OFF_PALETTE_DISTANCE
    strange[strange] = _far_from_mixtures(colors[strange], palette.colors[order[strange, :_MIXED]])
    return order[:, 0].astype(np.uint8), near > UNCERTAIN_RATIO * second, strange


def _far_from_mixtures(colors: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """Whether colours [n, 3] are far from the lines between all pairs of their choices [n, m, 3]."""
    closest = np.full(len(colors), np.inf, np.float32)
    first, last = np.triu_indices(choices.shape[1], 1)
    for one, other in zip(first, last, strict=True):
        start = choices[:, one]
        along = choices[:, other] - start
        share = ((colors - start) * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1)
        foot = start + share.clip(0, 1)[:, None] * along
        closest = np.minimum(closest, np.linalg.norm(colors - foot, axis=1))
    return closest > OFF_PALETTE_DISTANCE
