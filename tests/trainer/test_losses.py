import numpy as np
import pytest
import tensorflow as tf

from components.trainer.losses import WEIGHT_RANGE, SegmentationLoss, class_weights
from schema.features import IGNORE_LABEL

WEIGHTS = np.array([0.5, 1.0, 2.0], np.float32)


def random_batch(*, ignored=0.2, classes=3, seed=0):
    """Labels uint8 [2, 5, 7], some of them ignored, and logits [2, 5, 7, classes]."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, (2, 5, 7)).astype(np.uint8)
    labels[random.uniform(size=labels.shape) < ignored] = IGNORE_LABEL
    return labels, random.normal(0, 3, (*labels.shape, classes)).astype(np.float32)


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def expected_cross_entropy(labels, logits, weights):
    """Pixel by pixel: the weighted mean of -log of the true class's probability."""
    losses, total = 0.0, 0.0
    for label, chances in zip(labels.ravel(), softmax(logits).reshape(-1, logits.shape[-1]), strict=True):
        if label != IGNORE_LABEL:
            losses -= weights[label] * np.log(chances[label])
            total += weights[label]
    return losses / total


def expected_dice_loss(labels, logits):
    """Class by class: 1 - 2 * overlap / (truth + guess), over the classes that the truth holds."""
    counts = labels != IGNORE_LABEL
    chances = softmax(logits)
    losses = []
    for number in range(logits.shape[-1]):
        truth, guess = (labels == number)[counts], chances[..., number][counts]
        if truth.any():
            losses.append(1 - 2 * guess[truth].sum() / (truth.sum() + guess.sum()))
    return np.mean(losses)


def loss_of(labels, logits, *, weights=WEIGHTS, dice_weight=0.0):
    return float(SegmentationLoss(weights, dice_weight=dice_weight)(labels, logits))


@pytest.mark.parametrize("ignored", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("weights", [np.ones(3, np.float32), WEIGHTS])
def test_cross_entropy_is_the_weighted_mean_of_pixels_that_count(weights, ignored):
    labels, logits = random_batch(ignored=ignored)
    assert loss_of(labels, logits, weights=weights) == pytest.approx(
        expected_cross_entropy(labels, logits, weights), rel=1e-4
    )


@pytest.mark.parametrize("ignored", [0.0, 0.3])
@pytest.mark.parametrize("dice_weight", [0.5, 2.0])
def test_dice_is_added_with_its_weight(dice_weight, ignored):
    labels, logits = random_batch(ignored=ignored)
    expected = expected_cross_entropy(labels, logits, WEIGHTS) + dice_weight * expected_dice_loss(labels, logits)
    assert loss_of(labels, logits, dice_weight=dice_weight) == pytest.approx(expected, rel=1e-4)


def test_dice_leaves_out_classes_that_the_batch_does_not_hold():
    labels, logits = random_batch()
    labels[labels == 2] = 1
    expected = expected_cross_entropy(labels, logits, WEIGHTS) + expected_dice_loss(labels, logits)
    assert loss_of(labels, logits, dice_weight=1.0) == pytest.approx(expected, rel=1e-4)


def test_a_sure_and_right_answer_costs_nothing():
    labels, _ = random_batch()
    logits = np.eye(3, dtype=np.float32)[np.where(labels == IGNORE_LABEL, 0, labels)] * 50
    assert loss_of(labels, logits, dice_weight=1.0) == pytest.approx(0, abs=1e-5)


def test_ignored_pixels_change_nothing():
    labels, logits = random_batch(ignored=0.4)
    other = logits.copy()
    other[labels == IGNORE_LABEL] = -20
    assert loss_of(labels, logits, dice_weight=1.0) == loss_of(labels, other, dice_weight=1.0)


@pytest.mark.parametrize("ignored", [0.5, 1.0])
def test_gradients_are_finite_and_spare_ignored_pixels(ignored):
    labels, logits = random_batch(ignored=ignored)
    variable = tf.Variable(logits * 100)
    with tf.GradientTape() as tape:
        loss = SegmentationLoss(WEIGHTS, dice_weight=1.0)(labels, variable)
    gradient = tape.gradient(loss, variable).numpy()
    assert np.isfinite(gradient).all()
    assert not gradient[labels == IGNORE_LABEL].any()
    assert gradient.any() == (ignored < 1)


@pytest.mark.parametrize("dice_weight", [0.0, 1.0])
def test_a_batch_without_any_pixel_that_counts_is_free(dice_weight):
    labels, logits = random_batch(ignored=1.0)
    assert loss_of(labels, logits, dice_weight=dice_weight) == 0.0


def test_a_rare_class_weighs_more():
    frequent, rare = 10.0 * np.array([81, 9, 1]), class_weights(np.array([81, 9, 1]), 0.5)
    np.testing.assert_allclose(class_weights(frequent, 0.5), rare)
    # (9 / 81) ** 0.5 is a third, raised to the least weight; (9 / 1) ** 0.5 is three, cut to the largest.
    np.testing.assert_allclose(rare, [WEIGHT_RANGE[0], 1.0, WEIGHT_RANGE[1]])


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
    weights = class_weights(np.array(pixels, np.float32), power)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
