"""Confidence intervals by the Poisson bootstrap over photos. Pure numpy; memory does not grow with the photos.

A resample draws photos with replacement. With many photos, how often one of them is drawn is a Poisson number of
mean 1, independent of all others (Chamandy et al., "Estimating Uncertainty for Massive Data Streams", 2012). So each
photo's numbers may be derived from its key alone: sums can be made in any order, by any number of processes, and a
photo weighs the same in two models, which pairs their difference by photo.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from components.metrics.iou import iou_of

CONFIDENCE = 0.95
FEWEST_PHOTOS = 2
"""From one photo alone every resample is the same: it says nothing about others."""

_DRAWS = 2**16


def _table() -> np.ndarray:
    """Poisson numbers of mean 1 by 16 random bits: uint8 [65536]."""
    chances = [math.exp(-1) / math.factorial(number) for number in range(9)]
    bounds = np.round(np.cumsum(chances) * _DRAWS).astype(int)
    return np.searchsorted(bounds, np.arange(_DRAWS), side="right").astype(np.uint8)


_POISSON = _table()

Interval = tuple[float, float]


def photo_weights(key: bytes, resamples: int) -> np.ndarray:
    """How often a photo is drawn into each resample: uint8 [resamples], the same for the same key everywhere."""
    bits = hashlib.shake_128(key).digest(2 * resamples)
    return _POISSON[np.frombuffer(bits, "<u2")]


@dataclass
class Replicates:
    """Sums of class counts over the photos of each slice, in every resample.

    Attributes:
        resamples: Number of resamples.
        sums: By slice, float64 [resamples, models, 3, classes], see `iou_of`.
        photos: By slice, the number of photos.
    """

    resamples: int
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    photos: dict[str, int] = field(default_factory=dict)

    def add(self, keys: Sequence[bytes], slices: Sequence[Sequence[str]], counts: np.ndarray) -> None:
        """Adds photos.

        Args:
            keys: The photos' keys.
            slices: The names of the slices that each photo is in.
            counts: [photos, models, 3, classes], see `class_counts`.
        """
        weights = np.stack([photo_weights(key, self.resamples) for key in keys]).astype(np.float64)
        flat = counts.reshape(len(keys), -1).astype(np.float64)
        for name in {name for names in slices for name in names}:
            members = [number for number, names in enumerate(slices) if name in names]
            added = (weights[members].T @ flat[members]).reshape(self.resamples, *counts.shape[1:])
            self._add_sums(name, added, len(members))

    def merge(self, other: Replicates) -> None:
        """Adds what another one summed."""
        for name, sums in other.sums.items():
            self._add_sums(name, sums, other.photos[name])

    def _add_sums(self, name: str, sums: np.ndarray, photos: int) -> None:
        if name in self.sums:
            self.sums[name] += sums
        else:
            self.sums[name] = sums.copy()
        self.photos[name] = self.photos.get(name, 0) + photos


@dataclass(frozen=True)
class Intervals:
    """95 % intervals of one slice; None where there is nothing to resample.

    Attributes:
        mean_iou: Of the mean over the classes that are present.
        iou: By class number.
    """

    mean_iou: Interval | None
    iou: list[Interval | None]


def intervals(ious: np.ndarray, photos: int) -> Intervals:
    """Percentile intervals of IoUs (or of their differences) in resamples.

    Args:
        ious: float64 [resamples, 1 + classes], the mean before the classes; NaN where a resample lacks a class.
        photos: Number of photos that were resampled.
    """
    bounds = [_interval(column) if photos >= FEWEST_PHOTOS else None for column in ious.T]
    return Intervals(bounds[0], bounds[1:])


def replicate_ious(sums: np.ndarray) -> np.ndarray:
    """IoUs of one model from sums [resamples, 3, classes]: float64 [resamples, 1 + classes], the mean first."""
    ious = iou_of(sums)
    present = ~np.isnan(ious)
    number = present.sum(axis=1)
    means = np.divide(np.where(present, ious, 0).sum(axis=1), number, out=np.full(len(ious), np.nan), where=number > 0)
    return np.concatenate([means[:, None], ious], axis=1)


def _interval(values: np.ndarray) -> Interval | None:
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
