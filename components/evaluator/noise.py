"""Resamples of the photos, summed by Beam: what the 95 % intervals come from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np

from components.evaluator.photo_counts import PhotoCounts
from components.evaluator.summary import ALL_PHOTOS
from components.metrics.bootstrap import Intervals, Replicates, intervals, replicate_ious
from components.metrics.iou import class_counts

_CHUNK = 64
"""Photos that are added at a time: matrices multiply faster than vectors."""


def slice_name(feature: str, value: str) -> str:
    """What a slice is called wherever people see it."""
    return f"{feature} = {value}"


@dataclass(frozen=True)
class SliceIntervals:
    """Intervals of one slice.

    Attributes:
        candidate: Of the new model.
        baseline: Of the model in service; None without one.
        change: Of the new model's IoU less that of the model in service, paired by photo; None without one.
    """

    candidate: Intervals
    baseline: Intervals | None = None
    change: Intervals | None = None


@dataclass
class _Gathered:
    summed: Replicates
    waiting: list[PhotoCounts] = field(default_factory=list)

    def flush(self) -> None:
        if self.waiting:
            self.summed.add(
                [photo.key for photo in self.waiting],
                [[ALL_PHOTOS, *(slice_name(*one) for one in photo.slices)] for photo in self.waiting],
                np.stack([_counts(photo) for photo in self.waiting]),
            )
            self.waiting = []


class Resample(beam.CombineFn):
    """`PhotoCounts` to JSON that `read_intervals` understands."""

    def __init__(self, resamples: int):
        """Takes the number of resamples."""
        self._resamples = resamples

    def create_accumulator(self) -> _Gathered:
        """Nothing yet."""
        return _Gathered(Replicates(self._resamples))

    def add_input(self, accumulator: _Gathered, element: PhotoCounts) -> _Gathered:
        """Adds one photo."""
        accumulator.waiting.append(element)
        if len(accumulator.waiting) >= _CHUNK:
            accumulator.flush()
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Gathered]) -> _Gathered:
        """Adds sums."""
        merged = self.create_accumulator()
        for one in accumulators:
            one.flush()
            merged.summed.merge(one.summed)
        return merged

    def compact(self, accumulator: _Gathered) -> _Gathered:
        """Called before an accumulator travels: sums are smaller than photos."""
        accumulator.flush()
        return accumulator

    def extract_output(self, accumulator: _Gathered) -> str:
        """Intervals of every slice, as JSON."""
        accumulator.flush()
        summed = accumulator.summed
        return json.dumps({name: _intervals(sums, summed.photos[name]) for name, sums in summed.sums.items()})


def read_intervals(text: str) -> dict[str, SliceIntervals]:
    """Intervals by the name of the slice, from what `Resample` gave."""
    return {
        name: SliceIntervals(**{part: _restored(one) for part, one in parts.items()})
        for name, parts in json.loads(text).items()
    }


def _counts(photo: PhotoCounts) -> np.ndarray:
    matrices = [photo.candidate] if photo.baseline is None else [photo.candidate, photo.baseline]
    return np.stack([class_counts(one) for one in matrices])


def _intervals(sums: np.ndarray, photos: int) -> dict[str, Any]:
    ious = [replicate_ious(sums[:, model]) for model in range(sums.shape[1])]
    found = {"candidate": ious[0]}
    if len(ious) > 1:
        found |= {"baseline": ious[1], "change": ious[0] - ious[1]}
    return {part: vars(intervals(values, photos)) for part, values in found.items()}


def _restored(values: Mapping[str, Any]) -> Intervals:
    pairs = [tuple(one) if one else None for one in (values["mean_iou"], *values["iou"])]
    return Intervals(pairs[0], pairs[1:])
