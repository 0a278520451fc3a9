import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import jaccard_score, log_loss

from components.trainer.losses import class_weights, make_loss
from components.trainer.settings import TrainingSettings
from schema.features import IGNORE_LABEL

PROJECT = Path(__file__).resolve().parents[2]
WEIGHTS = np.array([0.5, 1.0, 2.0], np.float32)
BOUNDS = (0.4, 2.5)
EXPRESSIONS = ["cross_entropy", "focal", "dice", "lovasz", "cross_entropy+0.5*dice+2*lovasz"]


def random_batch(*, ignored=0.2, classes=3, seed=0, shape=(2, 5, 7), spread=3):
    """Labels uint8 [N, H, W], some of them ignored, and logits [N, H, W, classes]."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, shape).astype(np.uint8)
    labels[random.uniform(size=shape) < ignored] = IGNORE_LABEL
    return labels, random.normal(0, spread, (*shape, classes)).astype(np.float32)


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def true_pixels(labels, logits):
    """(label, probabilities of the classes) of every pixel that counts."""
    pairs = zip(labels.ravel(), softmax(logits).reshape(-1, logits.shape[-1]), strict=True)
    return [(label, chances) for label, chances in pairs if label != IGNORE_LABEL]


def expected_pixel_losses(labels, logits, *, smoothing=0.0, gamma=0.0):
    """Pixel by pixel, from the definitions: (loss, weight) of what counts."""
    rows = []
    for label, chances in true_pixels(labels, logits):
        targets = np.full(len(chances), smoothing / len(chances))
        targets[label] += 1 - smoothing
        rows.append(((1 - chances[label]) ** gamma * -(targets * np.log(chances)).sum(), WEIGHTS[label]))
    return np.array(rows).T


def expected_dice(labels, logits):
    """Class by class: 1 - 2 * overlap / (truth + guess), over the classes that the truth holds."""
    counts = labels != IGNORE_LABEL
    chances = softmax(logits)
    losses = []
    for number in range(logits.shape[-1]):
        truth, guess = (labels == number)[counts], chances[..., number][counts]
        if truth.any():
            losses.append(1 - 2 * guess[truth].sum() / (truth.sum() + guess.sum()))
    return np.mean(losses)


def jaccard_loss_of_errors(truth, wrong):
    """1 - IoU of the class whose pixels are `truth` when the pixels of `wrong` are predicted wrongly."""
    union = (truth | wrong).sum()
    return wrong.sum() / union if union else 0.0


def expected_lovasz(labels, logits):
    """The extension by its definition as an integral: the mean loss of the error sets above a uniform threshold."""
    label, chances = zip(*true_pixels(labels, logits), strict=True)
    label, chances = np.array(label), np.array(chances)
    losses = []
    for number in range(logits.shape[-1]):
        truth = label == number
        if truth.any():
            errors = np.abs(truth - chances[:, number])
            levels = np.concatenate([[0.0], np.sort(errors)])
            losses.append(
                sum((high - low) * jaccard_loss_of_errors(truth, errors > low) for low, high in pairwise(levels))
            )
    return np.mean(losses)


def loss_of(labels, logits, expression="cross_entropy", *, weights=WEIGHTS, **settings):
    return float(make_loss(TrainingSettings(loss=expression, **settings), weights)(labels, logits))


def gradient_of(labels, logits, expression, **settings):
    loss = make_loss(TrainingSettings(loss=expression, **settings), WEIGHTS)
    given = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(given)
        value = loss(labels, given)
    return tape.gradient(value, given).numpy()


@pytest.mark.parametrize("ignored", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_the_weighted_mean_of_pixels_that_count(smoothing, ignored):
    labels, logits = random_batch(ignored=ignored)
    losses, weights = expected_pixel_losses(labels, logits, smoothing=smoothing)
    expected = (losses * weights).sum() / weights.sum()
    assert loss_of(labels, logits, label_smoothing=smoothing) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_is_that_of_scikit_learn():
    labels, logits = random_batch()
    label, chances = zip(*true_pixels(labels, logits), strict=True)
    expected = log_loss(label, chances, sample_weight=WEIGHTS[list(label)])
    assert loss_of(labels, logits) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_is_the_weighted_mean_of_its_definition(gamma):
    labels, logits = random_batch()
    losses, weights = expected_pixel_losses(labels, logits, gamma=gamma)
    expected = (losses * weights).sum() / weights.sum()
    assert loss_of(labels, logits, "focal", focal_gamma=gamma) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_only_the_hardest_of_the_counted_pixels_enter(name, share):
    labels, logits = random_batch(ignored=0.4)
    losses, weights = expected_pixel_losses(labels, logits, gamma=2.0 if name == "focal" else 0.0)
    kept = np.argsort(-losses)[: int(np.ceil(share * len(losses)))]
    expected = (losses * weights)[kept].sum() / weights[kept].sum()
    assert loss_of(labels, logits, name, hard_pixels=share) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_dice_is_that_of_its_definition(ignored):
    labels, logits = random_batch(ignored=ignored)
    assert loss_of(labels, logits, "dice") == pytest.approx(expected_dice(labels, logits), rel=1e-5)


@pytest.mark.parametrize("ignored", [0.0, 0.4])
@pytest.mark.parametrize("seed", [0, 1])
def test_lovasz_is_the_extension_of_the_jaccard_loss(ignored, seed):
    labels, logits = random_batch(ignored=ignored, seed=seed, shape=(2, 3, 4), spread=1)
    assert loss_of(labels, logits, "lovasz") == pytest.approx(expected_lovasz(labels, logits), rel=1e-4)


def test_lovasz_of_sure_answers_is_one_minus_their_iou():
    labels, logits = random_batch(ignored=0.3)
    counts = labels != IGNORE_LABEL
    iou = jaccard_score(labels[counts], logits.argmax(-1)[counts], average="macro")
    assert loss_of(labels, logits * 1e6, "lovasz") == pytest.approx(1 - iou, rel=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("dice", expected_dice), ("lovasz", expected_lovasz)])
def test_regions_leave_out_classes_that_the_batch_does_not_hold(name, expected):
    labels, logits = random_batch()
    labels[labels == 2] = 1
    assert loss_of(labels, logits, name) == pytest.approx(expected(labels, logits), rel=1e-4)


def test_a_sum_adds_its_terms_with_their_factors():
    labels, logits = random_batch()
    parts = [loss_of(labels, logits, name) for name in ("cross_entropy", "dice", "lovasz")]
    assert loss_of(labels, logits, EXPRESSIONS[-1]) == pytest.approx(parts[0] + parts[1] / 2 + 2 * parts[2], rel=1e-5)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.2, "hard_pixels": 0.5, "focal_gamma": 0.5}])
def test_gradients_are_those_of_finite_differences(expression, settings):
    labels, logits = random_batch(shape=(1, 2, 3), ignored=0.2, spread=1, seed=3)
    gradient = gradient_of(labels, logits, expression, **settings)
    step = 1e-2
    for place in np.ndindex(logits.shape):
        changed = np.zeros_like(logits)
        changed[place] = step
        ends = [loss_of(labels, logits + side * changed, expression, **settings) for side in (1, -1)]
        assert gradient[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=2e-4)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_sure_and_right_answer_costs_nothing(expression):
    labels, _ = random_batch()
    logits = np.eye(3, dtype=np.float32)[np.where(labels == IGNORE_LABEL, 0, labels)] * 50
    assert loss_of(labels, logits, expression) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("ignored", [0.5, 1.0])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_ignored_pixels_have_no_part(expression, ignored, share):
    labels, logits = random_batch(ignored=ignored)
    other = logits.copy()
    other[labels == IGNORE_LABEL] = -20
    assert loss_of(labels, logits, expression, hard_pixels=share) == loss_of(
        labels, other, expression, hard_pixels=share
    )
    gradient = gradient_of(labels, logits * 100, expression, hard_pixels=share)
    assert np.isfinite(gradient).all()
    assert not gradient[labels == IGNORE_LABEL].any()
    assert gradient.any() == (ignored < 1)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_batch_without_any_pixel_that_counts_is_free(expression):
    labels, logits = random_batch(ignored=1.0)
    assert loss_of(labels, logits, expression, hard_pixels=0.5) == 0.0


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_label_that_is_no_class_makes_the_loss_no_number(expression):
    labels, logits = random_batch()
    labels[0, 0, 0] = 3
    assert np.isnan(loss_of(labels, logits, expression))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_diverged_network_is_told(expression):
    labels, logits = random_batch(ignored=0.0)
    logits[0, :3] = np.nan
    assert np.isnan(loss_of(labels, logits, expression, hard_pixels=0.5))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_half_precision_is_widened_before_anything_is_summed(expression):
    labels, logits = random_batch(shape=(2, 64, 64))
    half = tf.cast(logits, tf.float16)
    loss = make_loss(TrainingSettings(loss=expression), WEIGHTS)(labels, half)
    assert loss.dtype == tf.float32
    assert float(loss) == loss_of(labels, tf.cast(half, tf.float32).numpy(), expression)


def test_the_default_works_in_a_traced_function():
    labels, logits = random_batch()
    loss = make_loss(TrainingSettings(), WEIGHTS)
    traced = tf.function(loss, input_signature=[tf.TensorSpec([None] * 3, tf.uint8), tf.TensorSpec([None] * 3 + [3])])
    assert float(traced(labels, logits)) == pytest.approx(float(loss(labels, logits)), rel=1e-6)


REPLICAS = """
import sys
import numpy as np, tensorflow as tf
from components.trainer.losses import make_loss
from components.trainer.settings import TrainingSettings

device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
given = np.load(sys.argv[1])
loss = make_loss(TrainingSettings(loss=sys.argv[2]), given["weights"])

@tf.function
def step(labels, logits):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits)
    return value, tape.gradient(value, logits)

def half_of(whole):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(whole[2 * context.replica_id_in_sync_group:][:2])
    )

parts = strategy.run(step, args=(half_of(given["labels"]), half_of(given["logits"])))
losses, gradients = (strategy.experimental_local_results(one) for one in parts)
np.savez(sys.argv[1], losses=losses, gradients=np.concatenate(gradients))
"""


def test_two_replicas_have_the_gradient_of_the_whole_batch(tmp_path):
    labels, logits = random_batch(shape=(4, 5, 7), seed=7)
    # The replicas count different numbers of pixels, and the first lacks a class.
    labels[:2][labels[:2] == 2] = IGNORE_LABEL
    expression = "cross_entropy+focal+dice"
    path = tmp_path / "batch.npz"
    np.savez(path, labels=labels, logits=logits, weights=WEIGHTS)
    # In a process of its own: a device can be split only before TensorFlow is first used.
    subprocess.run([sys.executable, "-c", REPLICAS, path, expression], check=True, cwd=PROJECT, timeout=120)
    with np.load(path) as told:
        assert told["losses"].mean() == pytest.approx(loss_of(labels, logits, expression), rel=1e-5)
        expected = gradient_of(labels, logits, expression)
        np.testing.assert_allclose(told["gradients"] / 2, expected, rtol=1e-3, atol=1e-7)


def test_a_rare_class_weighs_more():
    frequent, rare = 10.0 * np.array([81, 9, 1]), class_weights(np.array([81, 9, 1]), 0.5, BOUNDS)
    np.testing.assert_allclose(class_weights(frequent, 0.5, BOUNDS), rare)
    # (9 / 81) ** 0.5 is a third, raised to the least weight; (9 / 1) ** 0.5 is three, cut to the largest.
    np.testing.assert_allclose(rare, [0.4, 1.0, 2.5])


@pytest.mark.parametrize(
    ("pixels", "power", "expected"),
    [
        ([400, 100, 200], 1.0, [0.5, 2.0, 1.0]),
        ([400, 100, 225], 0.5, [0.75, 1.5, 1.0]),
        ([400, 100, 1], 0.0, [1.0, 1.0, 1.0]),
        ([400, 0, 100], 0.5, [0.790569, 1.0, 1.581139]),
        ([0, 0], 0.5, [1.0, 1.0]),
    ],
)
def test_class_weights(pixels, power, expected):
    weights = class_weights(np.array(pixels, np.float32), power, BOUNDS)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
