"""Strips give what the whole would, bit by bit."""

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.own_size import in_strips

CLASSES = 5


def digest(scores):
    probabilities = tf.nn.softmax(scores)
    return tf.argmax(scores, -1), tf.reduce_max(probabilities, -1), tf.reduce_mean(probabilities, 1)


SIGNATURE = (
    tf.TensorSpec([None, None], tf.int64),
    tf.TensorSpec([None, None], tf.float32),
    tf.TensorSpec([None, CLASSES], tf.float32),
)


@pytest.mark.parametrize("shape", [(120, 90), (64, 48), (33, 200), (200, 17), (1, 1), (7, 1), (1, 9), (641, 3)])
@pytest.mark.parametrize("fitted", [(32, 24), (1, 48), (31, 1), (1, 1)])
@pytest.mark.parametrize("strip_values", [1, 2000, 2**20])
def test_strips_equal_the_whole_to_the_last_bit(shape, fitted, strip_values):
    scores = tf.constant(np.random.default_rng(3).normal(0, 4, (*fitted, CLASSES)).astype(np.float32))
    run = tf.function(lambda: in_strips(scores, tf.constant(shape), digest, SIGNATURE, strip_values=strip_values))
    whole = digest(tf.image.resize(scores, shape))
    for part, expected in zip(run(), whole, strict=True):
        np.testing.assert_array_equal(part.numpy(), expected.numpy())


def test_one_tensor_in_no_tuple():
    scores = tf.random.stateless_normal([8, 8, CLASSES], [1, 2])
    spec = tf.TensorSpec([None, None], tf.float32)
    shape = tf.constant([50, 40])
    found = in_strips(scores, shape, lambda rows: tf.reduce_max(rows, -1), spec, strip_values=700)
    np.testing.assert_array_equal(found, tf.reduce_max(tf.image.resize(scores, shape), -1))
