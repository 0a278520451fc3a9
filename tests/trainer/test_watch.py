import math

import pytest
import tensorflow as tf

from components.trainer import watch
from components.trainer.step import Outcome
from components.trainer.watch import KEYS_SHOWN, LabelError, StepWatch, TrainingDivergedError


def keys(rows):
    return [f"photo {row}" for row in rows]


def outcome(loss=0.5, norm=1.0, rows=(4, 5), strange=(False, False)):
    return Outcome(tf.constant(loss), tf.constant(norm), tf.constant(rows, tf.int64), tf.constant(strange, tf.bool))


@pytest.fixture
def seldom(monkeypatch):
    """Only the number of steps makes it look."""
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_LOOKS", math.inf)
    monkeypatch.setattr(watch, "STEPS_BETWEEN_LOOKS", 3)


def test_looks_now_and_then(seldom):
    watching = StepWatch(keys, class_count=2)
    assert [watching.add(step, outcome(loss=step)) for step in range(1, 8)] == [
        *(False, False, True),
        *(False, False, True),
        False,
    ]
    assert watching.mean_loss == pytest.approx(3.5)
    watching.look()
    assert watching.mean_loss == pytest.approx(4)
    watching.forget()
    assert math.isnan(watching.mean_loss)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_bad_loss_names_the_batch_in_which_it_came(seldom, value):
    watching = StepWatch(keys, class_count=2)
    watching.add(1, outcome(rows=(1, 2)))
    watching.add(2, outcome(loss=value, rows=(8, 6)))
    with pytest.raises(TrainingDivergedError, match=rf"loss became {value} at step 2.*: photo 8, photo 6$"):
        watching.add(3, outcome(loss=math.nan, rows=(9, 7)))


def test_a_bad_gradient_is_seen_before_it_spoils_the_next_batch(seldom):
    watching = StepWatch(keys, class_count=2)
    watching.add(1, outcome(norm=math.inf, rows=(3, 3)))
    watching.add(2, outcome(loss=math.nan))
    with pytest.raises(TrainingDivergedError, match=r"gradient became inf at step 1.*: photo 3$"):
        watching.look()


def test_a_loss_scale_may_overflow_but_the_loss_may_not():
    watching = StepWatch(keys, class_count=2, gradients_may_overflow=True)
    watching.add(1, outcome(norm=math.inf))
    watching.look()
    watching.add(2, outcome(loss=math.nan))
    with pytest.raises(TrainingDivergedError, match="step 2"):
        watching.look()


def test_labels_out_of_range_name_their_photos_alone(seldom):
    watching = StepWatch(keys, class_count=2)
    watching.add(12, outcome(loss=math.nan, rows=(4, 5), strange=(False, True)))
    with pytest.raises(LabelError, match=r"labels of photo 5 are neither one of the 2 classes.*step 12"):
        watching.look()


def test_a_huge_batch_is_not_listed_whole():
    watching = StepWatch(keys, class_count=2)
    watching.add(1, outcome(loss=math.nan, rows=range(KEYS_SHOWN + 3), strange=[False] * (KEYS_SHOWN + 3)))
    with pytest.raises(TrainingDivergedError, match=f"photo {KEYS_SHOWN - 1} and 3 more"):
        watching.look()
