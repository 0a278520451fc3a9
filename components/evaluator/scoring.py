"""From TFMA's results and the resamples to scores of every slice, and to the difference of both models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import MetricsForSlice, MetricValue, SliceKey

from components.evaluator import names
from components.evaluator.noise import SliceIntervals, slice_name
from components.evaluator.slices import slice_order
from components.evaluator.summary import ALL_PHOTOS, ByClass, IntervalByClass, SliceChange, SliceScores
from components.metrics.bootstrap import Intervals
from components.metrics.iou import iou_of, score


def scores_by_model(
    results: Iterable[MetricsForSlice], class_names: Sequence[str], noise: Mapping[str, SliceIntervals]
) -> tuple[list[SliceScores], list[SliceScores]]:
    """Scores of the new model and of the model in service by slice, all photos first; the latter may be empty.

    Args:
        results: What `tfma.load_metrics` reads.
        class_names: By class number.
        noise: Intervals by the slice's name.
    """
    by_model: dict[str, list[SliceScores]] = {names.CANDIDATE: [], names.BASELINE: []}
    for result in results:
        for model, values in _values_by_model(result).items():
            slice_noise = noise.get(_name(result.slice_key))
            found = getattr(slice_noise, model) if slice_noise else None
            by_model[model].append(_one_slice(result.slice_key, values, class_names, found))
    candidate, baseline = (sorted(rows, key=_place) for rows in by_model.values())
    return candidate, baseline


def changes(
    candidate: Sequence[SliceScores], baseline: Sequence[SliceScores], noise: Mapping[str, SliceIntervals]
) -> list[SliceChange]:
    """The difference of both models on every slice; empty without a model in service."""
    before = {row.name: row for row in baseline}
    found = []
    for now in candidate:
        if now.name in before:
            old, slice_noise = before[now.name], noise.get(now.name)
            change = slice_noise.change if slice_noise else None
            found.append(
                SliceChange(
                    name=now.name,
                    photos=now.photos,
                    mean_iou=_difference(now.mean_iou, old.mean_iou),
                    iou={one: _difference(iou, old.iou[one]) for one, iou in now.iou.items()},
                    mean_iou_interval=change.mean_iou if change else None,
                    iou_interval=_intervals_by_class(list(now.iou), change),
                )
            )
    return found


def _place(row: SliceScores) -> tuple[bool, str, float, str]:
    return row.name != ALL_PHOTOS, *slice_order(row.feature, row.value)


def _values_by_model(result: MetricsForSlice) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for pair in result.metric_keys_and_values:
        if not pair.key.is_diff:
            # With a single model TFMA drops its name.
            found.setdefault(pair.key.model_name or names.CANDIDATE, {})[pair.key.name] = _value(pair.value)
    return found


def _value(value: MetricValue) -> Any:
    if value.WhichOneof("type") == "array_value":
        return np.array(value.array_value.int64_values).reshape(value.array_value.shape)
    return value.double_value.value


def _name(key: SliceKey) -> str:
    pairs = [slice_name(one.column, one.bytes_value.decode("utf-8", "replace")) for one in key.single_slice_keys]
    return ", ".join(pairs) or ALL_PHOTOS


def _one_slice(
    key: SliceKey, values: Mapping[str, Any], class_names: Sequence[str], noise: Intervals | None
) -> SliceScores:
    scores, boundary = score(values[names.CONFUSION]), iou_of(values[names.BOUNDARY])
    parts = key.single_slice_keys

    def by_class(column: np.ndarray) -> ByClass:
        return {one: _known(value) for one, value in zip(class_names, column, strict=True)}

    return SliceScores(
        name=_name(key),
        photos=int(values[names.PHOTOS]),
        mean_iou=_known(values[names.MEAN_IOU]),
        pixel_accuracy=_known(values[names.PIXEL_ACCURACY]),
        iou={one: _known(values[names.class_iou(one)]) for one in class_names},
        confusion=values[names.CONFUSION].tolist(),
        feature=parts[0].column if parts else "",
        value=parts[0].bytes_value.decode("utf-8", "replace") if parts else "",
        frequency_weighted_iou=_known(values[names.FREQUENCY_WEIGHTED_IOU]),
        mean_dice=_known(values[names.MEAN_DICE]),
        mean_precision=_known(values[names.MEAN_PRECISION]),
        mean_recall=_known(values[names.MEAN_RECALL]),
        mean_boundary_iou=_known(values[names.MEAN_BOUNDARY_IOU]),
        dice=by_class(scores.dice),
        precision=by_class(scores.precision),
        recall=by_class(scores.recall),
        boundary_iou=by_class(boundary),
        mean_iou_interval=noise.mean_iou if noise else None,
        iou_interval=_intervals_by_class(class_names, noise),
    )


def _intervals_by_class(class_names: Sequence[str], noise: Intervals | None) -> IntervalByClass:
    return dict(zip(class_names, noise.iou if noise else [None] * len(class_names), strict=True))


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before
