import json
import math

import pytest
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import ArrayValue, MetricsForSlice
from tensorflow_model_analysis.proto.validation_result_pb2 import ValidationResult

from components.evaluator.settings import GateSettings
from components.evaluator.summary import (
    ALL_PHOTOS,
    Check,
    EvaluationSummary,
    SliceScores,
    read_summary,
    summarise,
    write_summary,
)
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("sky", (0, 0, 0)), LabelClass("plane", (1, 1, 1))), (), "sky")
GATE = GateSettings(min_mean_iou=0.5, min_class_iou=0.4, max_drop=0.05)


def add_scores(result, *, model="", sky=0.9, plane=0.6, mean=None, photos=4, is_diff=False):
    """Adds the metrics of one model to a slice, as TFMA writes them."""
    ious = [iou for iou in (sky, plane) if not math.isnan(iou)]
    values = {
        "mean_iou": sum(ious) / len(ious) if mean is None else mean,
        "pixel_accuracy": 0.8,
        "photos": photos,
        "iou/sky": sky,
        "iou/plane": plane,
    }
    for name, value in values.items():
        pair = result.metric_keys_and_values.add()
        pair.key.name, pair.key.model_name, pair.key.is_diff = name, model, is_diff
        pair.value.double_value.value = value
    pair = result.metric_keys_and_values.add()
    pair.key.name, pair.key.model_name, pair.key.is_diff = "confusion", model, is_diff
    pair.value.array_value.CopyFrom(ArrayValue(data_type=ArrayValue.INT64, shape=[2, 2], int64_values=[5, 1, 2, 7]))
    return result


def whole_split(**scores):
    return add_scores(MetricsForSlice(), **scores)


def slice_of(value, *, column="object/size", **scores):
    result = MetricsForSlice()
    key = result.slice_key.single_slice_keys.add()
    key.column, key.bytes_value = column, value.encode()
    return add_scores(result, **scores)


def summary_of(*results, ok=True, gate=GATE):
    return summarise(results, ValidationResult(validation_ok=ok), LABEL_MAP, gate)


def checks_by_what(summary):
    return {check.what: check for check in summary.checks}


def test_scores_of_the_whole_split():
    (row,) = summary_of(whole_split()).candidate
    assert row == SliceScores(
        name=ALL_PHOTOS,
        photos=4,
        mean_iou=0.75,
        pixel_accuracy=0.8,
        iou={"sky": 0.9, "plane": 0.6},
        confusion=[[5, 1], [2, 7]],
    )


def test_slices_follow_the_whole_split_in_the_order_of_their_names():
    results = [slice_of("small", plane=0.1), slice_of("large"), whole_split(), slice_of("x", column="a")]
    rows = summary_of(*results).candidate
    assert [row.name for row in rows] == [
        ALL_PHOTOS,
        "a = x",
        "object/size = large",
        "object/size = small",
    ]
    assert rows[3].iou["plane"] == 0.1


def test_without_a_baseline_only_floors_are_checked():
    summary = summary_of(whole_split())
    assert summary.baseline == []
    assert checks_by_what(summary) == {
        "mean IoU": Check("mean IoU", 0.5, 0.75, passed=True),
        "IoU of plane": Check("IoU of plane", 0.4, 0.6, passed=True),
    }


@pytest.mark.parametrize(
    ("plane", "mean", "passed"),
    [(0.6, 0.75, [True, True]), (0.4, 0.5, [True, True]), (0.39, 0.6, [True, False]), (0.6, 0.49, [False, True])],
)
def test_a_value_on_the_floor_passes_and_one_below_fails(plane, mean, passed):
    summary = summary_of(whole_split(plane=plane, mean=mean))
    assert [check.passed for check in summary.checks] == passed


def test_only_the_whole_split_has_to_pass():
    summary = summary_of(whole_split(), slice_of("small", plane=0.0, mean=0.1))
    assert all(check.passed for check in summary.checks)


CHANGE = "change of mean IoU against the model in service"


@pytest.mark.parametrize(
    ("before", "now", "passed"), [(0.7, 0.75, True), (0.7, 0.7, True), (0.7, 0.66, True), (0.7, 0.6, False)]
)
def test_the_change_against_the_baseline(before, now, passed):
    result = whole_split(model="candidate", mean=now)
    add_scores(result, model="baseline", mean=before)
    add_scores(result, model="candidate", mean=now - before, is_diff=True)
    summary = summary_of(result)
    assert summary.candidate[0].mean_iou == now
    assert summary.baseline[0].mean_iou == before
    change = checks_by_what(summary)[CHANGE]
    assert change.value == pytest.approx(now - before)
    assert change.required == -0.05
    assert change.passed == passed


@pytest.mark.parametrize("ok", [True, False])
def test_the_verdict_is_tfmas(ok):
    assert summary_of(whole_split(), ok=ok).blessed is ok


def test_an_absent_class_has_no_value_and_does_not_pass():
    summary = summary_of(whole_split(plane=math.nan))
    assert summary.candidate[0].iou == {"sky": 0.9, "plane": None}
    assert summary.candidate[0].mean_iou == 0.9
    check = checks_by_what(summary)["IoU of plane"]
    assert check.value is None
    assert not check.passed
    # JSON that browsers read has no NaN.
    json.loads(summary.to_json(), parse_constant=pytest.fail)


def test_without_the_whole_split_nothing_passes():
    summary = summary_of(slice_of("small"), ok=False)
    assert [check.value for check in summary.checks] == [None, None]
    assert not any(check.passed for check in summary.checks)


def test_slices_that_tfma_missed_are_told():
    validation = ValidationResult(validation_ok=False)
    missing = validation.missing_slices.add()
    missing.feature_keys.append("object/size")
    (told,) = summarise([whole_split()], validation, LABEL_MAP, GATE).missing
    assert "object/size" in told


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (Check("mean IoU", 0.5, 0.75, True), "mean IoU 0.7500, at least 0.5 is required: passed by 0.2500"),
        (
            Check("IoU of plane", 0.4, 0.31234, False),
            "IoU of plane 0.3123, at least 0.4 is required: failed by 0.0877",
        ),
        (
            Check(CHANGE, -0.01, -0.03, False),
            f"{CHANGE} -0.0300, at least -0.01 is required: failed by 0.0200",
        ),
        (Check("IoU of plane", 0.4, None, False), "IoU of plane: no value, at least 0.4 is required"),
    ],
)
def test_checks_read_as_sentences(check, sentence):
    assert str(check) == sentence


def test_round_trip_through_json_and_a_folder(tmp_path):
    result = whole_split(model="candidate", plane=math.nan)
    add_scores(result, model="baseline")
    summary = summary_of(result, slice_of("small", model="candidate"), ok=False)
    assert EvaluationSummary.from_json(summary.to_json()) == summary
    write_summary(str(tmp_path), summary)
    assert read_summary(str(tmp_path)) == summary
