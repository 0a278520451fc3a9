"""Whole trainings on one device, in this process, of a network that is traced in a blink."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_training import files, recipe, write_records

from components import progress
from components.metrics.iou import Scores
from components.trainer import training, watch
from components.trainer.checkpoints import CheckpointStore
from components.trainer.training import CONTACT_SHEET_FILE, train
from components.trainer.watch import LabelError, TrainingDivergedError


class KilledError(Exception):
    """Stands for the end of the process."""


def build_small(settings, class_count):
    """A stand-in for PSPNet with all that has a state: weights, statistics, a seed."""
    image = keras.Input((*settings.image_size, 3))
    features = keras.layers.Conv2D(8, 5, strides=4, padding="same", name="first")(keras.layers.Rescaling(0.01)(image))
    features = keras.layers.BatchNormalization(name="norm")(features)
    features = keras.layers.SpatialDropout2D(settings.dropout, name="dropout")(features)
    features = keras.layers.Conv2D(8, 1, name="second")(features)
    logits = keras.layers.Conv2D(class_count, 1, name="classify", dtype="float32")(features)
    return keras.Model(image, keras.layers.UpSampling2D(4, dtype="float32")(logits))


@pytest.fixture(autouse=True, scope="module")
def small_network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "build_pspnet", build_small)
        yield


@pytest.fixture
def told(monkeypatch):
    """What listeners hear, of every step."""
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_LOOKS", 0)
    heard = []
    progress.listen(lambda *row: heard.append(row), heard.append)
    yield heard
    progress.listen(None)


def trained(folder, output="out", **settings):
    return train(recipe(**settings), files(folder, output), tf.distribute.get_strategy())


def killed(folder, step, output="out", **settings):
    """A training that ends with step `step`, before it is evaluated."""

    def listen(done, *_):
        if done == step:
            raise KilledError

    progress.listen(listen)
    with pytest.raises(KilledError):
        trained(folder, output, **settings)
    progress.listen(None)


def same_weights(first, second):
    pairs = zip(first.network.get_weights(), second.network.get_weights(), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


def scripted(monkeypatch, *scores):
    """Gives these mean IoUs to the evaluations; returns the weights that each of them saw."""
    seen, left = [], list(scores)

    def make_scorer(network, *_, **__):
        def evaluate():
            seen.append(network.get_weights())
            value = left.pop(0)
            return Scores(*[np.array([value, value])] * 4, value, value)

        return evaluate

    monkeypatch.setattr(training, "make_scorer", make_scorer)
    return seen


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trainings")


@pytest.fixture(scope="module")
def whole(folder):
    """A training that nobody disturbed."""
    return trained(folder, "whole", dropout=0.3)


def test_a_training_learns_and_tells(whole, folder):
    assert [row["step"] for row in whole.history] == [2, 4, 6]
    assert whole.history[-1]["loss"] < whole.history[0]["loss"]
    assert all(0 < row["eval_mean_iou"] < 1 for row in whole.history)
    assert whole.facts["steps"] == 6
    assert whole.facts["continued_at"] == 0
    assert list((folder / "whole" / "run").glob("events.out.tfevents.*"))
    assert (folder / "whole" / "run" / CONTACT_SHEET_FILE).stat().st_size > 1000


def test_equal_seeds_give_equal_weights(whole, folder):
    again = trained(folder, "again", dropout=0.3)
    assert again.history == whole.history
    assert same_weights(again, whole)
    assert not same_weights(trained(folder, "other", dropout=0.3, seed=5), whole)


@pytest.mark.parametrize("step", [3, 5])
def test_a_killed_training_goes_on_as_if_nothing_had_been(whole, folder, told, step):
    output = f"killed{step}"
    killed(folder, step, output, dropout=0.3)
    progress.listen(lambda *row: told.append(row), told.append)
    resumed = trained(folder, output, dropout=0.3)
    after = told.index(f"continued at step {step - 1}") + 1
    assert told[after][0] == step
    assert resumed.facts["continued_at"] == step - 1
    assert resumed.history == whole.history
    assert same_weights(resumed, whole)


def test_a_training_killed_before_its_first_checkpoint_begins_anew(whole, folder, told):
    killed(folder, 1, "early", dropout=0.3)
    resumed = trained(folder, "early", dropout=0.3)
    assert resumed.facts["continued_at"] == 0
    assert same_weights(resumed, whole)


def test_a_training_killed_after_its_last_step_only_restores(whole, folder, told):
    trained(folder, "late", dropout=0.3)
    resumed = trained(folder, "late", dropout=0.3)
    assert resumed.facts["continued_at"] == 6
    assert resumed.history == whole.history
    assert same_weights(resumed, whole)


@pytest.mark.parametrize(("keep", "kept"), [("best", 1), ("last", 4)])
def test_the_best_or_the_last_weights_are_kept(tmp_path, monkeypatch, keep, kept):
    seen = scripted(monkeypatch, 0.2, 0.8, 0.5, 0.8, 0.6)
    brought = trained(tmp_path, steps=5, eval_every=1, keep=keep)
    assert brought.facts["kept_step"] == kept + 1
    for weight, expected in zip(brought.network.get_weights(), seen[kept], strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_damaged_best_checkpoint_costs_no_training(tmp_path, monkeypatch):
    scripted(monkeypatch, 0.8, 0.2, 0.5, 0.1)
    save = CheckpointStore.save

    def save_and_damage(store, step, state, **facts):
        save(store, step, state, **facts)
        for data in (tmp_path / "out" / "checkpoints" / "step-000000001").glob("variables.data*"):
            data.write_bytes(b"")

    monkeypatch.setattr(CheckpointStore, "save", save_and_damage)
    assert trained(tmp_path, steps=4, eval_every=1).facts["kept_step"] == 3


def test_patience_ends_a_training_early_also_after_a_restart(tmp_path, monkeypatch):
    scripted(monkeypatch, 0.2, 0.8, 0.5, 0.7)
    assert trained(tmp_path, steps=50, eval_every=1, patience=2).facts["steps"] == 4
    assert trained(tmp_path, steps=50, eval_every=1, patience=2).facts["continued_at"] == 4


def test_epochs_decide_the_steps(folder):
    assert trained(folder, "epochs", epochs=1.2, steps=100).facts["steps"] == 3
    assert recipe(epochs=2.0, batch_size=8).steps(191) == 48


def test_masks_with_labels_out_of_range_are_named(tmp_path):
    write_records(tmp_path / "train" / "data", 8, spoilt=(3,))
    write_records(tmp_path / "eval" / "data", 2)
    with pytest.raises(LabelError, match="labels of photo 3 are neither one of the 2 classes"):
        trained(tmp_path)


def test_a_training_that_diverges_names_its_photos(folder):
    with pytest.raises(TrainingDivergedError, match=r"became (nan|inf) at step \d+; .*: photo \d, photo \d"):
        trained(folder, "diverged", optimizer="sgd", learning_rate=10.0, clip_norm=0.0, steps=200, eval_every=200)


def test_half_precision_trains_and_exports_float32(folder):
    brought = trained(folder, "half", mixed_precision="on")
    assert brought.facts["precision"] == "mixed_bfloat16"
    assert brought.history[-1]["loss"] < brought.history[0]["loss"]
    assert {layer.compute_dtype for layer in brought.network.layers} == {"float32"}
    assert {variable.dtype for variable in brought.network.trainable_variables} == {"float32"}
