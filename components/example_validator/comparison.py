"""Train against eval, and both against the data of the last run: which features, and from what distance on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2

from components.example_validator.figures import Figures, percent
from schema import features

MIN_PHOTOS = 20
"""Distributions of fewer photos differ too much by chance."""

_DISTANCE = 0.2
_CHANCE = 4.5


@dataclass(frozen=True)
class Compared:
    """A feature whose distribution says what kind of photos these are.

    Attributes:
        words: What the feature is, for messages.
        step: A change that matters, as the mean distance of the nine deciles; smaller ones are not compared.
        relative: Whether `step` is a share of the mean.
        is_share: Whether values are told in percent.
        cause: What a strong change usually means.
    """

    words: str
    step: float
    relative: bool = False
    is_share: bool = False
    cause: str = "another camera, light or season?"


COMPARED = {
    features.IMAGE_BRIGHTNESS: Compared("brightness (0 is black, 1 is white)", 0.03),
    features.IMAGE_SATURATION: Compared(
        "colour (0 is grey, 1 is the purest colour)", 0.02, cause="another camera, or photos turned grey?"
    ),
    features.IMAGE_WIDTH: Compared("width in pixels", 0.15, relative=True, cause="another camera, or scaled photos?"),
    features.IMAGE_ASPECT: Compared(
        "width divided by height", 0.1, relative=True, cause="another camera, cropped or turned photos?"
    ),
    features.OBJECT_FRACTION: Compared(
        "share of the photo that objects cover",
        0.03,
        is_share=True,
        cause="other subjects, another distance, or other rules for drawing masks?",
    ),
}


def threshold(first: int, second: int) -> float | None:
    """The Jensen-Shannon divergence (0 to 1) that two splits of so many photos do not reach by chance.

    TFDV compares histograms of ten buckets. Between two random halves of one set their divergence grows with
    1 / first + 1 / second; the line lies above all of thousands of such draws from real photos.

    Returns:
        The threshold, or None where there are too few photos to compare.
    """
    if min(first, second) < MIN_PHOTOS:
        return None
    return _DISTANCE + _CHANCE * (1 / first + 1 / second)


def arm(
    schema: schema_pb2.Schema,
    comparator: str,
    here: Mapping[str, Figures],
    other: Mapping[str, Figures],
) -> None:
    """Sets the comparators of a schema for two sets of photos.

    Args:
        schema: Changed in place.
        comparator: `skew_comparator` or `drift_comparator`.
        here: Figures of the one set, by feature.
        other: Figures of the other.
    """
    for feature in schema.feature:
        name = feature.name
        if name not in COMPARED or name not in here or name not in other:
            continue
        limit = threshold(here[name].count, other[name].count)
        if limit is not None and _matters(COMPARED[name], here[name], other[name]):
            getattr(feature, comparator).jensen_shannon_divergence.threshold = limit


def _matters(kind: Compared, here: Figures, other: Figures) -> bool:
    # Where all photos of a set have one size, a pixel more or one odd photo is a whole other distribution to TFDV.
    step = kind.step * max(here.mean, other.mean) if kind.relative else kind.step
    return float(np.abs(np.subtract(here.deciles, other.deciles)).mean()) >= step


def describe_change(name: str, here: Figures, other: Figures, whose: str) -> str:
    """Says how a feature differs from that of other photos.

    Args:
        name: The feature.
        here: Its figures.
        other: Those of the other photos.
        whose: What the other photos belong to.
    """
    kind = COMPARED[name]
    ours, theirs = _told(kind, here, other), _told(kind, other, here)
    return f"the photos differ from those of {whose} in {kind.words}: {ours} here, {theirs} there: {kind.cause}"


def _told(kind: Compared, one: Figures, other: Figures) -> str:
    digits = 0 if min(one.mean, other.mean) >= 10 else 2
    low, high = (percent(value) if kind.is_share else f"{value:.{digits}f}" for value in one.deciles[::8])
    return f"mostly {low}" if low == high else f"mostly {low} to {high}"
