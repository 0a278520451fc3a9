"""TFMA's results become scores by slice, and the difference of both models."""

import math

import pytest
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import ArrayValue, MetricsForSlice

from components.evaluator.noise import SliceIntervals
from components.evaluator.scoring import changes, scores_by_model
from components.evaluator.summary import ALL_PHOTOS, SliceScores
from components.metrics.bootstrap import Intervals

NAMES = ["sky", "plane"]


def add_scores(
    result, *, model="", sky=0.9, plane=0.6, mean=None, photos=4, is_diff=False, boundary=(3, 2, 4, 4, 5, 4)
):
    """Adds the metrics of one model to a slice, as TFMA writes them."""
    ious = [iou for iou in (sky, plane) if not math.isnan(iou)]
    values = {
        "mean_iou": sum(ious) / len(ious) if mean is None else mean,
        "pixel_accuracy": 0.8,
        "frequency_weighted_iou": 0.7,
        "mean_dice": 0.81,
        "mean_precision": 0.82,
        "mean_recall": 0.83,
        "mean_boundary_iou": math.nan if boundary is None else 0.5,
        "photos": photos,
        "iou/sky": sky,
        "iou/plane": plane,
    }
    for name, value in values.items():
        pair = result.metric_keys_and_values.add()
        pair.key.name, pair.key.model_name, pair.key.is_diff = name, model, is_diff
        pair.value.double_value.value = value
    arrays = {"confusion": ([2, 2], [5, 1, 2, 7]), "boundary": ([3, 2], boundary or [0] * 6)}
    for name, (shape, numbers) in arrays.items():
        pair = result.metric_keys_and_values.add()
        pair.key.name, pair.key.model_name, pair.key.is_diff = name, model, is_diff
        pair.value.array_value.CopyFrom(ArrayValue(data_type=ArrayValue.INT64, shape=shape, int64_values=numbers))
    return result


def whole_split(**scores):
    return add_scores(MetricsForSlice(), **scores)


def slice_of(value, *, column="object/size", **scores):
    result = MetricsForSlice()
    key = result.slice_key.single_slice_keys.add()
    key.column, key.bytes_value = column, value.encode()
    return add_scores(result, **scores)


def intervals_of(low, high):
    return Intervals((low, high), [(low, high), None])


def candidate_of(*results, noise=None):
    return scores_by_model(results, NAMES, noise or {})[0]


def test_scores_of_the_whole_split():
    (row,) = candidate_of(whole_split())
    assert row == SliceScores(
        name=ALL_PHOTOS,
        photos=4,
        mean_iou=0.75,
        pixel_accuracy=0.8,
        iou={"sky": 0.9, "plane": 0.6},
        confusion=[[5, 1], [2, 7]],
        frequency_weighted_iou=0.7,
        mean_dice=0.81,
        mean_precision=0.82,
        mean_recall=0.83,
        mean_boundary_iou=0.5,
        dice={"sky": 10 / 13, "plane": 14 / 17},
        precision={"sky": 5 / 7, "plane": 7 / 8},
        recall={"sky": 5 / 6, "plane": 7 / 9},
        boundary_iou={"sky": 3 / 6, "plane": 2 / 6},
        iou_interval={"sky": None, "plane": None},
    )


def test_slices_follow_the_whole_split_feature_by_feature():
    results = [slice_of("large"), slice_of("small", plane=0.1), whole_split(), slice_of("x", column="a")]
    rows = candidate_of(*results)
    assert [row.name for row in rows] == [ALL_PHOTOS, "a = x", "object/size = small", "object/size = large"]
    assert [(row.feature, row.value) for row in rows[:2]] == [("", ""), ("a", "x")]
    assert rows[2].iou["plane"] == 0.1


def test_intervals_come_to_their_slices():
    noise = {
        ALL_PHOTOS: SliceIntervals(intervals_of(0.7, 0.8)),
        "object/size = small": SliceIntervals(intervals_of(0.2, 0.9)),
    }
    whole, small, large = candidate_of(whole_split(), slice_of("small"), slice_of("large"), noise=noise)
    assert whole.mean_iou_interval == (0.7, 0.8)
    assert whole.iou_interval == {"sky": (0.7, 0.8), "plane": None}
    assert small.mean_iou_interval == (0.2, 0.9)
    assert large.mean_iou_interval is None


def test_without_a_model_in_service_nothing_is_compared():
    candidate, baseline = scores_by_model([whole_split()], NAMES, {})
    assert baseline == []
    assert changes(candidate, baseline, {}) == []


def test_both_models_and_their_difference():
    result = whole_split(model="candidate", mean=0.7)
    add_scores(result, model="baseline", plane=0.5, mean=0.75)
    add_scores(result, model="candidate", mean=-0.05, is_diff=True)
    only_now = slice_of("small", model="candidate")
    noise = {ALL_PHOTOS: SliceIntervals(intervals_of(0.6, 0.8), intervals_of(0.5, 0.9), intervals_of(-0.1, 0.02))}
    candidate, baseline = scores_by_model([result, only_now], NAMES, noise)
    assert (candidate[0].mean_iou, baseline[0].mean_iou) == (0.7, 0.75)
    assert baseline[0].mean_iou_interval == (0.5, 0.9)
    (change,) = changes(candidate, baseline, noise)
    assert (change.name, change.photos) == (ALL_PHOTOS, 4)
    assert change.mean_iou == pytest.approx(-0.05)
    assert change.iou == {"sky": 0, "plane": pytest.approx(0.1)}
    assert change.mean_iou_interval == (-0.1, 0.02)
    assert change.iou_interval == {"sky": (-0.1, 0.02), "plane": None}


def test_an_absent_class_has_no_value_and_no_change():
    result = whole_split(model="candidate", plane=math.nan)
    add_scores(result, model="baseline")
    candidate, baseline = scores_by_model([result], NAMES, {})
    assert candidate[0].iou == {"sky": 0.9, "plane": None}
    assert candidate[0].mean_iou == 0.9
    assert changes(candidate, baseline, {})[0].iou["plane"] is None


def test_a_model_in_service_without_boundary_counts_is_compared_in_all_else():
    result = whole_split(model="candidate")
    add_scores(result, model="baseline", boundary=None)
    candidate, baseline = scores_by_model([result], NAMES, {})
    assert candidate[0].mean_boundary_iou == 0.5
    assert baseline[0].mean_boundary_iou is None
    assert baseline[0].boundary_iou == {"sky": None, "plane": None}
    assert changes(candidate, baseline, {})[0].mean_iou == 0
