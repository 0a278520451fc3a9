"""Which slices of the eval split a photo is in. Pure functions of records."""

from __future__ import annotations

import contextlib
import math
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from schema import features

RANGES = 4
OTHERS = "all others"
TOP_FOLDER = "."

Value = str | float
Slice = tuple[str, str]
"""A feature and its value or range, in words."""


def slice_values(example: tf.train.Example, names: Sequence[str]) -> dict[str, Value]:
    """The values of the features that a record has, a number or text each."""
    found = {name: _value(example, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def photo_key(example: tf.train.Example) -> bytes:
    """The photo's key: its path without extension."""
    return example.features.feature[features.IMAGE_KEY].bytes_list.value[0]


@dataclass(frozen=True)
class SliceRules:
    """How values become slices.

    Attributes:
        edges: By numeric feature, the bounds between its ranges, ascending.
        named: By feature of text, the values that have a slice of their own.
    """

    edges: Mapping[str, tuple[float, ...]]
    named: Mapping[str, frozenset[str]]

    def of(self, values: Mapping[str, Value]) -> list[Slice]:
        """The slices of a photo with these values, besides that of all photos."""
        sliced = [name for name in values if name in self.edges or name in self.named]
        return [(name, self._words(name, values[name])) for name in sliced]

    def _words(self, name: str, value: Value) -> str:
        if isinstance(value, str):
            return value if value in self.named[name] else OTHERS
        edges = self.edges[name]
        place = int(np.searchsorted(edges, value, side="right"))
        low, high = (f"{edge:g}" for edge in (edges[max(place - 1, 0)], edges[min(place, len(edges) - 1)]))
        if place == 0:
            return f"below {high}"
        return f"{low} to {high}" if place < len(edges) else f"{low} or more"


def slice_order(feature: str, value: str) -> tuple[str, float, str]:
    """Sorts slices as people think of them: sizes and ranges ascending, words by the alphabet, rare ones last."""
    place = 0.0
    words = value.split()
    if feature == features.OBJECT_SIZE:
        sizes = ("none", *(name for name, _ in features.SIZE_BUCKETS))
        place = float(sizes.index(value)) if value in sizes else place
    elif value == OTHERS:
        place = math.inf
    elif words[:1] == ["below"] and len(words) == 2:
        place = -math.inf
    elif len(words) == 3 and (words[1] == "to" or words[1:] == ["or", "more"]):
        with contextlib.suppress(ValueError):
            place = float(words[0])
    return feature, place, value


def slice_rules(sample: Sequence[Mapping[str, Value]], most_values: int) -> SliceRules:
    """Makes rules from the values of a sample of photos.

    A feature with one value alone gives no slices: they would be all photos again.

    Args:
        sample: Values by feature, one mapping a photo.
        most_values: Values of a feature of text that get a slice of their own, the frequent ones first.
    """
    edges, named = {}, {}
    for name in dict.fromkeys(name for values in sample for name in values):
        known = [values[name] for values in sample if name in values]
        if isinstance(known[0], str):
            counts = Counter(map(str, known))
            if len(counts) > 1:
                ranked = sorted(counts, key=lambda value: (-counts[value], value))
                named[name] = frozenset(ranked[:most_values])
        elif bounds := _edges(np.array(known, np.float64)):
            edges[name] = bounds
    return SliceRules(edges, named)


def _edges(values: np.ndarray) -> tuple[float, ...]:
    """Bounds that cut values into ranges of about as many photos each, rounded so that words can tell them."""
    # "higher" gives values that occur: two heights of photos make two slices, with a bound that is one of them.
    quantiles = np.quantile(values, np.arange(1, RANGES) / RANGES, method="higher")
    bounds = sorted({float(f"{bound:.3g}") for bound in quantiles})
    return tuple(bound for bound in bounds if values.min() < bound <= values.max())


def _value(example: tf.train.Example, name: str) -> Value | None:
    if name == features.IMAGE_FOLDER:
        return posixpath.dirname(photo_key(example).decode("utf-8", "replace")) or TOP_FOLDER
    if name == features.IMAGE_ASPECT:
        sides = _value(example, features.IMAGE_WIDTH), _value(example, features.IMAGE_HEIGHT)
        return sides[0] / sides[1] if isinstance(sides[0], float) and isinstance(sides[1], float) else None
    held = example.features.feature
    feature = held[name] if name in held else tf.train.Feature()
    kind = feature.WhichOneof("kind")
    if kind is None or len(getattr(feature, kind).value) != 1:
        return None
    value = getattr(feature, kind).value[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else float(value)
