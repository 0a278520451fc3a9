import keras
import numpy as np
import pytest
import tensorflow as tf

from components import progress
from components.trainer.callbacks import EvaluateIoU, ShowProgress, TrainingDivergedError
from components.trainer.frame import InferenceSettings
from components.trainer.optimizer import make_optimizer

SIZE = (4, 6)


def level_network():
    """Logits whose largest is class 1 where the only channel is positive, else class 0."""
    image = keras.Input((*SIZE, 1))
    classify = keras.layers.Conv2D(2, 1, name="classify")
    network = keras.Model(image, classify(image))
    classify.set_weights([np.array([-1, 1], np.float32).reshape(1, 1, 1, 2), np.zeros(2, np.float32)])
    return network


def split(predictions, labels, batch_size):
    """Batches for which `level_network` predicts what it is told to."""
    photos = np.where(predictions, 1.0, -1.0).astype(np.float32)[..., np.newaxis]
    return tf.data.Dataset.from_tensor_slices((photos, labels)).batch(batch_size)


def random_split(count=5):
    random = np.random.default_rng(0)
    predictions, labels = random.integers(0, 2, (2, count, *SIZE)).astype(np.uint8)
    labels[random.uniform(size=labels.shape) < 0.2] = 255
    return predictions, labels


def expected_iou(predictions, labels):
    counts = labels != 255
    pairs = [((labels == number) & counts, (predictions == number) & counts) for number in (0, 1)]
    return [(truth & guess).sum() / (truth | guess).sum() for truth, guess in pairs]


def fit(callbacks, batches, *, steps, rate=0.0):
    network = level_network()
    optimizer = make_optimizer("sgd", rate=rate, encoder_rate=1.0, steps=steps, warm_up_steps=0, weight_decay=0.0)
    network.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    network.fit(batches.repeat(), steps_per_epoch=steps, callbacks=callbacks, verbose=0)
    return network


@pytest.fixture
def told():
    """What the listener to progress hears."""
    heard = []
    progress.listen(lambda *row: heard.append(row))
    yield heard
    progress.listen(None)


def trained_on(predictions):
    """Training batches without ignored pixels, which Keras' own loss does not know."""
    return split(predictions, predictions, 2)


def evaluator(tmp_path, batches, *, every, steps):
    return EvaluateIoU(
        batches,
        inference=InferenceSettings(),
        class_names=["sky", "plane"],
        log_dir=str(tmp_path / "logs"),
        every=every,
        total_steps=steps,
    )


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_scores_are_those_of_the_whole_split(tmp_path, batch_size):
    predictions, labels = random_split()
    evaluate = evaluator(tmp_path, split(predictions, labels, batch_size), every=10, steps=10)
    evaluate.set_model(level_network())
    scores = evaluate.evaluate()
    np.testing.assert_allclose(scores.iou, expected_iou(predictions, labels))
    # A second look starts from nothing.
    np.testing.assert_array_equal(evaluate.evaluate().iou, scores.iou)


def test_evaluates_now_and_then_and_at_the_last_step(tmp_path):
    predictions, labels = random_split()
    evaluate = evaluator(tmp_path, split(predictions, labels, 2), every=2, steps=5)
    fit([evaluate], trained_on(predictions), steps=5, rate=1e-6)
    assert [row["step"] for row in evaluate.history] == [2, 4, 5]
    sky, plane = expected_iou(predictions, labels)
    for row in evaluate.history:
        assert row["eval_iou/sky"] == pytest.approx(sky)
        assert row["eval_iou/plane"] == pytest.approx(plane)
        assert row["eval_mean_iou"] == pytest.approx((sky + plane) / 2)
        # log(1 + exp(-2)): a margin of 2 on the right side everywhere.
        assert row["loss"] == pytest.approx(0.12693, rel=1e-3)
    rates = [row["learning_rate"] for row in evaluate.history]
    assert rates == sorted(rates, reverse=True)
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))


def test_weights_of_the_moment_are_scored(tmp_path):
    predictions, labels = random_split()
    evaluate = evaluator(tmp_path, split(predictions, labels, 2), every=1, steps=1)
    network = level_network()
    evaluate.set_model(network)
    before = evaluate.evaluate()
    network.set_weights([-weight for weight in network.get_weights()])
    np.testing.assert_allclose(evaluate.evaluate().iou, expected_iou(1 - predictions, labels))
    assert before.mean_iou != evaluate.evaluate().mean_iou


def test_absent_classes_are_left_out_of_the_history(tmp_path):
    nothing = np.zeros((2, *SIZE), np.uint8)
    evaluate = evaluator(tmp_path, split(nothing, nothing, 2), every=1, steps=1)
    fit([evaluate], trained_on(nothing), steps=1)
    assert evaluate.history[0]["eval_mean_iou"] == 1.0
    assert "eval_iou/plane" not in evaluate.history[0]


def test_progress_tells_step_loss_and_last_score(tmp_path, told):
    predictions, labels = random_split()
    evaluate = evaluator(tmp_path, split(predictions, labels, 2), every=2, steps=3)
    fit([evaluate, ShowProgress(3, evaluate)], trained_on(predictions), steps=3)
    assert [(done, total) for done, total, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert told[0][2] == "steps, loss 0.127"
    assert told[1][2] == f"steps, loss 0.127, eval mean IoU {np.mean(expected_iou(predictions, labels)):.3f}"


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_training_that_diverged_stops_with_advice(tmp_path, told, loss):
    nothing = np.zeros((2, *SIZE), np.uint8)
    shown = ShowProgress(10, evaluator(tmp_path, split(nothing, nothing, 2), every=5, steps=10))
    with pytest.raises(TrainingDivergedError, match=f"{loss} at step 4; a lower learning-rate"):
        shown.on_train_batch_end(3, {"loss": loss})
    assert told == []
