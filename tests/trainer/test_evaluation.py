import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_training import NETWORK, write_records

from components.trainer.evaluation import make_scorer
from components.trainer.frame import InferenceSettings
from components.trainer.input_pipeline import evaluation_batches

SIZE = NETWORK.image_size


def threshold_network():
    """Class 1 where a photo is bright."""
    image = keras.Input((*SIZE, 3))
    classify = keras.layers.Conv2D(2, 1)
    network = keras.Model(image, classify(image))
    kernel = np.array([-1.0, 1.0], np.float32) * np.ones((1, 1, 3, 1), np.float32)
    classify.set_weights([kernel, np.array([300.0, -300.0], np.float32)])
    return network


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """Five photos in two files, one of another size."""
    folder = tmp_path_factory.mktemp("split")
    write_records(folder / "data-0", 3)
    write_records(folder / "data-1", 1, first=3)
    return write_records(folder / "data-2", 1, first=4, size=(20, 48))


def expected(patterns, network):
    photos, labels = (
        np.concatenate(one) for one in zip(*evaluation_batches(patterns, SIZE, batch_size=5), strict=True)
    )
    guess, counts = network(photos).numpy().argmax(-1), labels != 255
    pairs = [((labels == number) & counts, (guess == number) & counts) for number in (0, 1)]
    return [(truth & found).sum() / (truth | found).sum() for truth, found in pairs]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 8])
def test_scores_are_those_of_the_whole_split(split, batch_size):
    network = threshold_network()
    evaluate = make_scorer(network, InferenceSettings(), tf.distribute.get_strategy(), split, batch_size=batch_size)
    scores = evaluate()
    np.testing.assert_allclose(scores.iou, expected(split, network))
    assert 0 < scores.mean_iou < 1
    # A second look starts from nothing.
    np.testing.assert_array_equal(evaluate().iou, scores.iou)


def test_weights_of_the_moment_are_scored(split):
    network = threshold_network()
    evaluate = make_scorer(network, InferenceSettings(), tf.distribute.get_strategy(), split, batch_size=2)
    before = evaluate()
    network.set_weights([-weight for weight in network.get_weights()])
    np.testing.assert_allclose(evaluate().iou, expected(split, network))
    assert before.mean_iou != evaluate().mean_iou
