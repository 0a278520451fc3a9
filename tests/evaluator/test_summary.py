import dataclasses
import json
import math

import pytest

from components.evaluator.summary import (
    ALL_PHOTOS,
    Check,
    EvaluationSummary,
    SliceChange,
    SliceScores,
    read_summary,
    write_summary,
)

CHANGE = "change of mean IoU against the model in service"
WHOLE = SliceScores(
    name=ALL_PHOTOS,
    photos=4,
    mean_iou=0.9,
    pixel_accuracy=0.8,
    iou={"sky": 0.9, "plane": None},
    confusion=[[5, 1], [2, 7]],
    dice={"sky": 0.95, "plane": None},
    mean_iou_interval=(0.8, 0.95),
    iou_interval={"sky": (0.8, 0.95), "plane": None},
)
SUMMARY = EvaluationSummary(
    blessed=False,
    checks=[Check("mean IoU", 0.5, 0.9, True), Check("IoU of plane", 0.1, None, False, note="a note")],
    candidate=[WHOLE],
    baseline=[WHOLE],
    missing=["slices by weather"],
    changes=[SliceChange(ALL_PHOTOS, 4, 0.0, {"sky": 0.0, "plane": None}, (-0.1, 0.1), {"sky": (0, 0)})],
    resamples=1000,
)


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
        (
            Check("photos", 10, 4, False, digits=0, note="too few"),
            "photos 4, at least 10 is required: failed by 6 (too few)",
        ),
        (
            Check("seconds", 120, 30.25, True, at_most=True, digits=1),
            "seconds 30.2, at most 120 is required: passed by 89.8",
        ),
        (
            Check("MB", 100, 130, False, at_most=True, digits=0),
            "MB 130, at most 100 is required: failed by 30",
        ),
        (
            Check(CHANGE, -0.01, -0.03, True, note="95 % interval -0.1000 to 0.0100 holds 0: may be chance"),
            f"{CHANGE} -0.0300, at least -0.01 is required: passed"
            " (95 % interval -0.1000 to 0.0100 holds 0: may be chance)",
        ),
    ],
)
def test_checks_read_as_sentences(check, sentence):
    assert str(check) == sentence


@pytest.mark.parametrize(
    ("check", "margin"),
    [
        (Check("a", 0.5, 0.75, True), 0.25),
        (Check("a", 10, 12, False, at_most=True), -2),
        (Check("a", 0.5, None, False), None),
    ],
)
def test_the_margin_is_positive_on_the_side_that_passes(check, margin):
    assert check.margin == margin


def test_round_trip_through_json_and_a_folder(tmp_path):
    assert EvaluationSummary.from_json(SUMMARY.to_json()) == SUMMARY
    write_summary(str(tmp_path), SUMMARY)
    assert read_summary(str(tmp_path)) == SUMMARY


def test_json_that_browsers_read_has_no_nan():
    json.loads(SUMMARY.to_json(), parse_constant=pytest.fail)
    with pytest.raises(ValueError, match="not JSON compliant"):
        dataclasses.replace(SUMMARY, checks=[Check("a", 0.5, math.nan, False)]).to_json()
