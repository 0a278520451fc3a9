"""Windows, mirrored photos and scales, against loops written out by hand in numpy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.frame import InferenceSettings, window_starts
from components.trainer.inference import average_overlaps, frame_scores
from components.transform.picture import PADDING

WINDOW = (12, 16)
CLASSES = 3
PLAIN = InferenceSettings()


@pytest.fixture(scope="module")
def network():
    """Sees where in the window it is and what is around a pixel, so that windows and mirrored photos differ."""
    keras.utils.set_random_seed(4)
    image = keras.Input((*WINDOW, 3))
    normalised = keras.layers.Rescaling(1 / 128, offset=-1)(image)
    seen = keras.layers.Conv2D(6, 5, padding="same", activation="relu", kernel_initializer="he_normal")(normalised)
    return keras.Model(image, keras.layers.Conv2D(CLASSES, 3, padding="same", kernel_initializer="he_normal")(seen))


def frames_of(*size, count=2):
    return np.random.default_rng(5).uniform(0, 255, (count, *size, 3)).astype(np.float32)


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def predicted(network, photos):
    return softmax(np.asarray(network(photos)))


def slid(network, frame):
    """Every window on its own, added up pixel by pixel, divided by how often a pixel was seen."""
    total, seen = np.zeros((*frame.shape[:2], CLASSES)), np.zeros((*frame.shape[:2], 1))
    for top in window_starts(frame.shape[0], WINDOW[0]):
        for left in window_starts(frame.shape[1], WINDOW[1]):
            here = np.s_[top : top + WINDOW[0], left : left + WINDOW[1]]
            total[here] += predicted(network, frame[here][np.newaxis])[0]
            seen[here] += 1
    return total / seen


def chances(network, frames, settings):
    run = tf.function(lambda given: frame_scores(network, given, settings))
    return softmax(run(tf.constant(frames)).numpy())


def test_one_window_costs_one_call_and_gives_the_networks_own_logits(network):
    frames = frames_of(*WINDOW)
    np.testing.assert_array_equal(frame_scores(network, tf.constant(frames), PLAIN), network(frames))
    plain, bare = (
        tf.function(run).get_concrete_function(tf.TensorSpec([None, *WINDOW, 3])).graph.as_graph_def()
        for run in (lambda given: frame_scores(network, given, PLAIN), lambda given: network(given, training=False))
    )
    assert [node.op for node in plain.node] == [node.op for node in bare.node]


@pytest.mark.parametrize("frame", [(12, 17), (13, 16), (20, 16), (12, 40), (24, 32), (30, 47), (37, 50)])
def test_windows_are_averaged_where_they_overlap(network, frame):
    frames = frames_of(*frame)
    expected = np.stack([slid(network, one) for one in frames])
    np.testing.assert_allclose(chances(network, frames, PLAIN), expected, atol=1e-5)


@pytest.mark.parametrize("frame", [WINDOW, (20, 30)])
def test_the_mirrored_photo_is_averaged_in(network, frame):
    frames = frames_of(*frame)
    expected = np.stack([(slid(network, one) + slid(network, one[:, ::-1])[:, ::-1]) / 2 for one in frames])
    found = chances(network, frames, InferenceSettings(flip_test=True))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # A mirrored photo has the mirrored answer, which this network alone does not give.
    mirrored = chances(network, frames[:, :, ::-1].copy(), InferenceSettings(flip_test=True))
    np.testing.assert_allclose(mirrored[:, :, ::-1], found, atol=1e-5)
    assert np.abs(chances(network, frames[:, :, ::-1].copy(), PLAIN)[:, :, ::-1] - found).max() > 1e-3


@pytest.mark.parametrize("scale", [0.5, 1.5])
@pytest.mark.parametrize("frame", [WINDOW, (20, 30)])
def test_scales_are_averaged_at_the_frames_size(network, frame, scale):
    frames = frames_of(*frame)
    size = [round(side * scale) for side in frame]
    scaled = tf.image.resize(frames, size, antialias=True).numpy()
    missing = [(0, max(0, side - there)) for side, there in zip(WINDOW, size, strict=True)]
    padded = np.pad(scaled, [(0, 0), *missing, (0, 0)], constant_values=PADDING)
    inside = np.stack([slid(network, one) for one in padded])[:, : size[0], : size[1]]
    once = np.stack([slid(network, one) for one in frames])
    expected = (once + tf.image.resize(inside, frame).numpy()) / 2
    found = chances(network, frames, InferenceSettings(test_scales=(1.0, scale)))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    alone = chances(network, frames, InferenceSettings(test_scales=(scale,)))
    np.testing.assert_allclose(alone, tf.image.resize(inside, frame).numpy(), atol=1e-5)


def test_scores_interpolate_like_the_logits_they_stand_for(network):
    """Log-probabilities are logits but for what is equal for all classes of a pixel: resizing must not tell them."""
    logits = frame_scores(network, tf.constant(frames_of(*WINDOW)), PLAIN)
    logarithms = tf.math.log(tf.nn.softmax(logits))
    first, second = (tf.nn.softmax(tf.image.resize(scores, [50, 33])) for scores in (logits, logarithms))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_class_without_any_probability_keeps_its_scores_finite():
    image = keras.Input((*WINDOW, 3))
    classify = keras.layers.Conv2D(2, 1)
    network = keras.Model(image, classify(image))
    classify.set_weights([np.zeros((1, 1, 3, 2), np.float32), np.array([500, -500], np.float32)])
    scores = frame_scores(network, tf.zeros([1, *WINDOW, 3]), InferenceSettings(flip_test=True)).numpy()
    assert np.isfinite(scores).all()
    assert (scores.argmax(-1) == 0).all()


def test_parts_are_joined_along_either_axis():
    whole = np.random.default_rng(6).normal(size=(10, 23, 2)).astype(np.float32)
    starts = window_starts(23, 6)
    parts = tf.stack([whole[:, start : start + 6] for start in starts])
    np.testing.assert_allclose(average_overlaps(parts, starts, axis=1), whole, atol=1e-6)
    turned = tf.transpose(parts, [0, 2, 1, 3])
    np.testing.assert_allclose(average_overlaps(turned, starts, axis=0), whole.transpose(1, 0, 2), atol=1e-6)
