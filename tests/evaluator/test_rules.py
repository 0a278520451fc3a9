"""Every rule of the gate lets a good model pass and refuses a bad one."""

import dataclasses
import math

import pytest

from components.evaluator.infra import InfraResult
from components.evaluator.rules import CHANGE, judge
from components.evaluator.settings import GateSettings
from components.evaluator.summary import ALL_PHOTOS, SliceChange, SliceScores
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap(tuple(LabelClass(name, (n,) * 3) for n, name in enumerate(["sky", "plane", "car"])), (), "sky")
GATE = GateSettings(
    min_mean_iou=0.5, min_class_iou=0.4, max_drop=0.05, max_slice_drop=0.1, slice_min_photos=8, min_eval_photos=10
)
INFRA = InfraResult(asked=4, answered=4, seconds=20.0, memory_mb=900.0)
WHOLE = SliceScores(
    name=ALL_PHOTOS,
    photos=30,
    mean_iou=0.7,
    pixel_accuracy=0.9,
    iou={"sky": 0.9, "plane": 0.6, "car": 0.6},
    confusion=[[90, 5, 5], [3, 30, 3], [3, 3, 30]],
)


def change(value, *, name=ALL_PHOTOS, photos=30, interval=None):
    return SliceChange(name, photos, value, {}, interval)


def judged(*, whole=WHOLE, changes=(), infra=INFRA, **settings):
    rows = [whole] if whole else []
    return judge(rows, changes, infra, LABEL_MAP, dataclasses.replace(GATE, **settings))


def failed(checks):
    return [check.what for check in checks if not check.passed]


def scores(**values):
    return dataclasses.replace(WHOLE, **values)


def test_a_good_first_model_passes_every_rule():
    checks = judged()
    assert failed(checks) == []
    assert [check.what for check in checks] == [
        "photos in the eval split",
        "classes in the eval split",
        "mean IoU",
        "IoU of plane",
        "IoU of car",
        "photos answered in a new process",
        "seconds of that process",
        "MB of memory of that process",
    ]


@pytest.mark.parametrize(
    ("whole", "refused_for"),
    [
        (scores(mean_iou=0.49), ["mean IoU"]),
        (scores(mean_iou=0.5), []),
        (scores(mean_iou=math.nan), ["mean IoU"]),
        (scores(mean_iou=None), ["mean IoU"]),
        (scores(iou={"sky": 0.1, "plane": 0.4, "car": 0.39}), ["IoU of car"]),
        (scores(iou={"sky": 0.1, "plane": math.nan, "car": 0.5}), ["IoU of plane"]),
        (scores(photos=9), ["photos in the eval split"]),
        (scores(photos=10), []),
    ],
)
def test_floors(whole, refused_for):
    assert failed(judged(whole=whole)) == refused_for


def test_an_empty_eval_split_passes_nothing_that_it_could_have_shown():
    empty = judged(whole=None, infra=InfraResult(0, 0, None, None, "there is no photo to answer"))
    assert failed(empty) == [check.what for check in empty]
    # Not even where everything is allowed.
    lenient = {"min_mean_iou": 0, "min_class_iou": 0, "min_eval_photos": 1, "require_all_classes": False}
    assert "mean IoU" in failed(judged(whole=None, **lenient))


NO_CAR = scores(iou={"sky": 0.9, "plane": 0.6, "car": None}, confusion=[[90, 5, 0], [3, 30, 0], [0, 0, 0]])
CAR_SEEN_WHERE_NONE_IS = scores(
    iou={"sky": 0.9, "plane": 0.6, "car": 0.0}, confusion=[[90, 5, 2], [3, 30, 0], [0, 0, 0]]
)


@pytest.mark.parametrize("whole", [NO_CAR, CAR_SEEN_WHERE_NONE_IS])
def test_a_class_that_the_eval_split_lacks_refuses_unless_it_may_be_absent(whole):
    checks = judged(whole=whole)
    assert failed(checks) == ["classes in the eval split", "IoU of car"]
    told = str(next(check for check in checks if check.what == "classes in the eval split"))
    assert told == "classes in the eval split 1, at least 2 is required: failed by 1 (no pixel of car)"
    assert failed(judged(whole=whole, require_all_classes=False)) == []


def test_a_class_that_the_truth_holds_must_be_found_even_where_classes_may_be_absent():
    blind = scores(iou={"sky": 0.9, "plane": 0.6, "car": 0.0}, confusion=[[90, 5, 0], [3, 30, 0], [9, 9, 0]])
    assert failed(judged(whole=blind, require_all_classes=False)) == ["IoU of car"]


def test_the_background_may_be_absent():
    whole = scores(iou={"sky": None, "plane": 0.6, "car": 0.6}, confusion=[[0, 0, 0], [3, 30, 3], [3, 3, 30]])
    assert failed(judged(whole=whole)) == []


@pytest.mark.parametrize(("value", "passed"), [(0.2, True), (0, True), (-0.05, True), (-0.0501, False), (None, False)])
def test_the_drop_over_all_photos(value, passed):
    assert failed(judged(changes=[change(value)])) == ([] if passed else [CHANGE])


@pytest.mark.parametrize(
    ("value", "photos", "passed"), [(-0.09, 8, True), (-0.11, 8, False), (-0.9, 7, True), (None, 8, True)]
)
def test_the_drop_on_a_slice_counts_from_some_photos_on(value, photos, passed):
    checks = judged(changes=[change(0.01), change(value, name="object/size = small", photos=photos)])
    assert failed(checks) == ([] if passed else [f"{CHANGE} where object/size = small"])


@pytest.mark.parametrize(
    ("interval", "passed"), [((-0.2, -0.01), False), ((-0.2, 0.0), True), ((-0.2, 0.1), True), (None, False)]
)
@pytest.mark.parametrize("name", [ALL_PHOTOS, "image/folder = a"])
def test_a_drop_within_noise_may_be_let_pass(name, interval, passed):
    dropped = [change(-0.15, name=name, interval=interval)]
    (told,) = [check for check in judged(changes=dropped, drop_beyond_noise=True) if check.what.startswith(CHANGE)]
    assert told.passed == passed
    assert ("chance" in told.note) == (interval is not None)
    # Without the setting the figures alone decide.
    assert len(failed(judged(changes=dropped))) == 1


def test_a_small_drop_passes_whatever_its_interval_says():
    (told,) = [
        check
        for check in judged(changes=[change(-0.02, interval=(-0.03, -0.01))], drop_beyond_noise=True)
        if check.what == CHANGE
    ]
    assert told.passed
    assert told.note == ""


@pytest.mark.parametrize(
    ("infra", "refused_for"),
    [
        (InfraResult(4, 3, 20.0, 900.0, "InvalidArgumentError: x"), ["photos answered in a new process"]),
        (InfraResult(4, 4, 121.0, 900.0), ["seconds of that process"]),
        (InfraResult(4, 4, 20.0, 5000.0), ["MB of memory of that process"]),
        (
            InfraResult(4, 0, None, None, "it was not done in time"),
            ["photos answered in a new process", "seconds of that process", "MB of memory of that process"],
        ),
    ],
)
def test_a_model_that_does_not_serve_is_refused(infra, refused_for):
    checks = judged(infra=infra)
    assert failed(checks) == refused_for
    assert infra.problem in " ".join(map(str, checks))
