"""What a person reads at the end of a run."""

import io
from types import SimpleNamespace

import pytest

from components.evaluator.summary import ALL_PHOTOS, Check, EvaluationSummary, SliceChange, SliceScores
from pipeline.console import Console
from pipeline.verdict import tell


def scores(name=ALL_PHOTOS, *, iou=0.8, car=None, photos=40):
    """Of two classes, one of which may be absent."""
    feature, _, value = name.partition(" = ")
    return SliceScores(
        name=name,
        photos=photos,
        mean_iou=iou,
        pixel_accuracy=0.97,
        iou={"sky": iou, "car": car},
        confusion=[[9, 1], [1, 9]],
        feature=feature if value else "",
        value=value,
        frequency_weighted_iou=0.955,
        mean_dice=0.88,
        mean_precision=0.87,
        mean_recall=0.86,
        mean_boundary_iou=0.45,
        dice={"sky": 0.881, "car": car},
        precision={"sky": 0.871, "car": None},
        recall={"sky": 0.861, "car": car},
        boundary_iou={"sky": 0.451, "car": car},
        mean_iou_interval=(iou - 0.1, iou + 0.1),
        iou_interval={"sky": (0.7, 0.9), "car": None},
    )


def told(summary):
    shown = io.StringIO()
    passed = tell(SimpleNamespace(summary=summary, page="page.html", pushed_to=""), Console(shown))
    return passed, shown.getvalue()


def cells(text, start):
    """The cells of the first line that begins with a text; columns are at least two spaces apart."""
    line = next(line.strip() for line in text.splitlines() if line.strip().startswith(start))
    return [cell for cell in line.replace("  ", "\t").split("\t") if cell.strip()]


PASSED = Check("mean IoU", 0.5, 0.8, True)


def test_scores_of_classes_and_slices_without_a_model_in_service():
    summary = EvaluationSummary(True, [PASSED], [scores(), scores("object/size = small", iou=0.6, photos=9)])
    passed, text = told(summary)
    assert passed
    assert [one.strip() for one in cells(text, "sky")] == [
        "sky",
        "80.0",
        "70.0 to 90.0",
        "88.1",
        "87.1",
        "86.1",
        "45.1",
    ]
    assert [one.strip() for one in cells(text, "car")] == ["car", "absent", "-", "-", "-", "-"]
    assert [one.strip() for one in cells(text, "object/size")] == ["object/size = small", "9", "60.0", "50.0 to 70.0"]
    assert "in service" not in text
    assert "Verdict: may be served" in text
    assert f"  {PASSED}" in text


def test_changes_are_shown_beside_the_scores():
    change = SliceChange(
        ALL_PHOTOS, 40, -0.05, {"sky": -0.05, "car": None}, (-0.08, -0.02), {"sky": (-0.08, -0.02), "car": None}
    )
    failed = Check("change of mean IoU", -0.01, -0.05, False)
    summary = EvaluationSummary(False, [failed], [scores(iou=0.75)], [scores()], ["slices by weather"], [change])
    passed, text = told(summary)
    assert not passed
    assert [one.strip() for one in cells(text, "mean ")][-3:] == ["80.0", "-5.0", "-8.0 to -2.0"]
    assert [one.strip() for one in cells(text, ALL_PHOTOS)][-2:] == ["-5.0", "-8.0 to -2.0"]
    assert "Verdict: refused, not served" in text
    assert "failed by 0.0400" in text
    assert "nothing to judge in slices by weather" in text


def test_of_many_slices_those_with_the_lowest_scores_are_shown():
    slices = [scores(f"image/folder = {number:02}", iou=0.2 + number / 100) for number in range(30)]
    _, text = told(EvaluationSummary(True, [PASSED], [scores(), *slices]))
    assert "12 lowest of 30 slices" in text
    assert "image/folder = 11" in text
    assert "image/folder = 12" not in text


@pytest.mark.parametrize("checks", [[], [Check("photos in the eval split", 10, 0, False, digits=0)]])
def test_an_empty_eval_split_has_a_verdict_and_no_tables(checks):
    passed, text = told(EvaluationSummary(False, checks, []))
    assert not passed
    assert "refused" in text
    assert "IoU, %" not in text
