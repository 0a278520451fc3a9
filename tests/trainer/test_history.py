import numpy as np
import pytest
import tensorflow as tf

from components.metrics.iou import score
from components.trainer.history import ScalarLog, best_step, is_patient, last_step, make_row, ranked_steps


def rows(*scores):
    """Evaluations every 10 steps; `None` where nothing could be scored."""
    return [
        {"step": 10 * number, **({} if score is None else {"eval_mean_iou": score})}
        for number, score in enumerate(scores, start=1)
    ]


def test_a_row_names_classes_and_leaves_out_what_is_no_number():
    scores = score(np.diag([9, 0]))
    assert make_row(7, loss=0.25, rate=0.1, scores=scores, class_names=["sky", "plane"]) == {
        "step": 7,
        "loss": 0.25,
        "learning_rate": 0.1,
        "eval_mean_iou": 1.0,
        "eval_iou/sky": 1.0,
    }


def test_the_best_step_is_the_first_of_equals():
    assert best_step(rows(0.1, 0.4, 0.3, 0.4)) == 20
    assert ranked_steps(rows(0.1, None, 0.3)) == [30, 10, 20]
    assert best_step([]) == last_step([]) == 0
    assert last_step(rows(0.1, 0.4)) == 20


@pytest.mark.parametrize(
    ("scores", "patience", "patient"),
    [
        ((), 1, True),
        ((0.1, 0.2), 1, True),
        ((0.2, 0.1), 1, False),
        ((0.2, 0.2), 1, False),
        ((0.2, 0.1), 2, True),
        ((0.2, 0.1, 0.15), 2, False),
        ((0.2, 0.1, 0.3), 2, True),
        ((0.2, 0.1, 0.1, 0.1), 0, True),
    ],
)
def test_patience_counts_evaluations_since_the_best(scores, patience, patient):
    assert is_patient(rows(*scores), patience) is patient


def test_scalars_reach_tensorboard(tmp_path):
    ScalarLog(str(tmp_path)).write(*rows(0.1, 0.25))
    (path,) = tmp_path.glob("events.out.tfevents.*")
    read = [
        (event.step, value.tag, float(tf.make_ndarray(value.tensor)))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert read == [(10, "eval_mean_iou", pytest.approx(0.1)), (20, "eval_mean_iou", pytest.approx(0.25))]
