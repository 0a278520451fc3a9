"""The few figures of TFDV's statistics that rules and messages speak about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2


@dataclass(frozen=True)
class Figures:
    """What one numeric feature looks like over a split.

    Attributes:
        count: Photos.
        zeros: Photos whose value is 0.
        mean: Mean over the photos.
        highest: Largest value.
        deciles: The nine values that part the photos into ten equal groups.
    """

    count: int
    zeros: int
    mean: float
    highest: float
    deciles: tuple[float, ...]

    @property
    def zero_share(self) -> float:
        """Share of the photos whose value is 0."""
        return self.zeros / self.count if self.count else 0.0


def figures_of(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> dict[str, Figures]:
    """The figures of every numeric feature that at least one record has, by the feature's name."""
    found = {}
    for feature in statistics.datasets[0].features:
        values = feature.num_stats
        count = int(values.common_stats.num_non_missing)
        if feature.WhichOneof("stats") == "num_stats" and count:
            name = feature.path.step[0] if feature.path.step else feature.name
            found[name] = Figures(count, int(values.num_zeros), values.mean, values.max, _deciles(values))
    return found


def _deciles(values: statistics_pb2.NumericStatistics) -> tuple[float, ...]:
    quantiles = [one for one in values.histograms if one.type == statistics_pb2.Histogram.QUANTILES]
    if not quantiles:
        return (values.median,) * 9
    buckets = quantiles[0].buckets
    bounds = [buckets[0].low_value, *(one.high_value for one in buckets)]
    below = np.cumsum([0.0, *(one.sample_count for one in buckets)])
    return tuple(float(one) for one in np.interp(np.arange(1, 10) / 10 * below[-1], below, bounds))


def percent(share: float) -> str:
    """A share in words: `31 %`, `0.4 %`; what is not nothing or everything is never rounded to it."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    digits = 0 if 0.1 <= share <= 0.95 or share in (0, 1) else 1
    return f"{100 * share:.{digits}f}".removesuffix(".0") + " %"
