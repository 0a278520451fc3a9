import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.optimizer import make_optimizer
from components.trainer.step import make_step

SIZE = (4, 6)


def network():
    """Logits of a 1x1 convolution with weights of its own."""
    image = keras.Input((*SIZE, 3))
    classify = keras.layers.Conv2D(2, 1, name="classify", kernel_initializer="ones")
    return keras.Model(image, classify(image))


def squares(labels, logits):
    """A loss whose gradient is easy to count."""
    return tf.reduce_mean(tf.cast(labels, tf.float32)[..., tf.newaxis] + logits)


def step_of(model, *, loss=squares, clip_norm=0.0, rate=0.5, scaled=False):
    optimizer = make_optimizer("sgd", rate=rate, encoder_rate=1.0, steps=10**6, warm_up_steps=0, weight_decay=0.0)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return make_step(model, optimizer, loss, tf.distribute.get_strategy(), class_count=2, clip_norm=clip_norm)


def batch(labels=1, level=10.0):
    photos = np.full((2, *SIZE, 3), level, np.float32)
    return tf.constant(photos), tf.cast(tf.fill([2, *SIZE], labels), tf.uint8), tf.constant([7, 3], tf.int64)


# Both logits of a pixel are 3 * 10 at first; the mean's gradient is 10 / 2 for each of 6 weights, 1 / 2 for 2 biases.
NORM = np.sqrt(6 * 5.0**2 + 2 * 0.5**2)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(("clip_norm", "factor"), [(0.0, 1.0), (100.0, 1.0), (2.0, 2.0 / NORM)])
def test_one_step_by_hand(clip_norm, factor, scaled):
    model = network()
    told = step_of(model, clip_norm=clip_norm, scaled=scaled)(batch())
    assert float(told.loss) == pytest.approx(31.0)
    assert float(told.gradient_norm) == pytest.approx(NORM, rel=1e-5)
    np.testing.assert_array_equal(told.rows, [7, 3])
    np.testing.assert_array_equal(told.strange, [False, False])
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel, 1 - 0.5 * 5.0 * factor, rtol=1e-5)
    np.testing.assert_allclose(bias, -0.5 * 0.5 * factor, rtol=1e-5)


def test_labels_out_of_range_are_told_and_not_learned():
    photos, labels, rows = batch()
    labels = labels.numpy()
    labels[1, 2, 3] = 2
    labels[0, 0, 0] = 255
    seen = []

    def loss(given, logits):
        tf.py_function(lambda values: seen.append(values.numpy()), [given], [])
        return squares(given, logits)

    told = step_of(network(), loss=loss)((photos, tf.constant(labels), rows))
    np.testing.assert_array_equal(told.strange, [False, True])
    assert sorted(np.unique(seen[0])) == [1, 255]


def test_a_gradient_that_is_no_number_is_told():
    told = step_of(network(), loss=lambda _, logits: tf.reduce_sum(tf.sqrt(logits * 0.0)))(batch())
    assert np.isfinite(float(told.loss))
    assert not np.isfinite(float(told.gradient_norm))


def test_an_overflow_under_a_loss_scale_leaves_the_weights():
    model = network()
    before = model.get_weights()
    step_of(model, loss=lambda _, logits: tf.reduce_sum(logits) * 1e36, clip_norm=5.0, scaled=True)(batch())
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
