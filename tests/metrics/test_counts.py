"""What the model counts of a photo, against counts pixel by pixel and against erosion by SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from sklearn import metrics

from components.metrics.counts import boundary_distance, count_confusion, count_photo, near_contour
from schema.features import IGNORE_LABEL

CLASSES = 3


def labels_of(random, shape, *, classes=CLASSES, ignored=0.0):
    """Blobs rather than noise, so that contours are lines."""
    coarse = random.integers(0, classes, (shape[0] // 6 + 1, shape[1] // 6 + 1))
    labels = np.kron(coarse, np.ones((6, 6), int))[: shape[0], : shape[1]].astype(np.uint8)
    labels[random.uniform(size=shape) < ignored] = IGNORE_LABEL
    return labels


def near_by_hand(labels, distance):
    height, width = labels.shape
    found = np.zeros(labels.shape, bool)
    for y in range(height):
        for x in range(width):
            window = labels[max(0, y - distance) : y + distance + 1, max(0, x - distance) : x + distance + 1]
            found[y, x] = len(np.unique(window[window != IGNORE_LABEL])) > 1
    return found


def counted(truth, prediction, classes=CLASSES):
    confusion, boundary = count_photo(tf.constant(truth), tf.constant(prediction.astype(np.int32)), classes)
    assert (confusion.dtype, boundary.dtype) == (tf.int64, tf.int64)
    return confusion.numpy().reshape(classes, classes), boundary.numpy().reshape(3, classes)


@pytest.mark.parametrize("distance", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("shape", [(20, 31), (1, 9), (8, 1)])
@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_pixels_near_contours_are_those_with_another_class_in_the_square_around(shape, distance, ignored):
    labels = labels_of(np.random.default_rng(distance), shape, ignored=ignored)
    near = near_contour(tf.constant(labels), distance).numpy()
    known = labels != IGNORE_LABEL
    np.testing.assert_array_equal(near[known], near_by_hand(labels, distance)[known])


def test_of_two_classes_the_band_is_what_erosion_takes_away():
    # The paper's own definition: a mask without its erosion, here without the frame of the photo as a contour.
    mask = labels_of(np.random.default_rng(3), (40, 50), classes=2).astype(bool)
    eroded = ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=4, border_value=1)
    near = near_contour(tf.constant(mask.astype(np.uint8)), 4).numpy()
    np.testing.assert_array_equal(near & mask, mask & ~eroded)


def test_highest_and_lowest_class_numbers_make_contours_and_the_ignore_label_makes_none():
    labels = np.array([[0, 0, 0, 253, 253, 253], [0, 255, 255, 255, 255, 253]], np.uint8)
    near = near_contour(tf.constant(labels), 1).numpy()
    assert near[0].tolist() == [False, False, True, True, False, False]
    assert not near_contour(tf.constant([[7, 255, 255]], tf.uint8), 1).numpy()[0, 0]


def test_a_ring_of_ignored_pixels_hides_no_contour_that_is_near():
    # Pascal VOC draws a ring of "void" around every object.
    labels = np.array([[0, 0, 255, 1, 1, 1, 1]], np.uint8)
    assert near_contour(tf.constant(labels), 2).numpy()[0].tolist()[:5] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("shape", "distance"), [((3, 4), 1), ((30, 40), 1), ((300, 400), 10), ((480, 640), 16), ((3000, 4000), 100)]
)
def test_the_distance_is_2_percent_of_the_diagonal(shape, distance):
    assert int(boundary_distance(tf.constant(shape))) == distance


@pytest.mark.parametrize("ignored", [0.0, 0.2, 1.0])
def test_counts_agree_with_a_count_by_hand_and_with_scikit_learn(ignored):
    random = np.random.default_rng(4)
    truth = labels_of(random, (60, 90), ignored=ignored)
    prediction = labels_of(random, (60, 90))
    prediction = np.where(random.uniform(size=truth.shape) < 0.7, np.minimum(truth, CLASSES - 1), prediction)
    confusion, boundary = counted(truth, prediction)
    counts = truth != IGNORE_LABEL
    expected = np.zeros((CLASSES, CLASSES), int)
    if counts.any():
        expected = metrics.confusion_matrix(truth[counts], prediction[counts], labels=range(CLASSES))
    np.testing.assert_array_equal(confusion, expected)
    near_truth = near_by_hand(truth, 2) & counts  # 2 % of the diagonal of 108 pixels
    near_prediction = near_by_hand(np.where(counts, prediction, IGNORE_LABEL), 2) & counts
    for one in range(CLASSES):
        of_truth, of_prediction = near_truth & (truth == one), near_prediction & (prediction == one)
        found = (of_truth & of_prediction).sum(), of_truth.sum(), of_prediction.sum()
        assert boundary[:, one].tolist() == list(found)


def test_hand_computed_boundary_counts():
    # One row of 4 + 4 pixels; the predicted contour lies one pixel too far to the right; the distance is 1.
    truth = np.array([[0, 0, 0, 0, 1, 1, 1, 1]], np.uint8)
    prediction = np.array([[0, 0, 0, 0, 0, 1, 1, 1]], np.uint8)
    confusion, boundary = counted(truth, prediction, classes=2)
    assert confusion.tolist() == [[4, 0], [1, 3]]
    # Near truth's contour: 3 and 4; near the predicted one: 4 and 5. They share pixel 4, of different classes.
    assert boundary.tolist() == [[0, 0], [1, 1], [1, 1]]


@pytest.mark.parametrize("ignored", [0.0, 0.5, 1.0])
def test_count_confusion_is_the_first_part_of_it(ignored):
    random = np.random.default_rng(1)
    truth, prediction = labels_of(random, (9, 11), ignored=ignored), labels_of(random, (9, 11))
    alone = count_confusion(tf.constant(truth), tf.constant(prediction.astype(np.int32)), CLASSES)
    np.testing.assert_array_equal(alone.numpy().reshape(CLASSES, CLASSES), counted(truth, prediction)[0])


def test_every_class_number_is_held():
    truth = np.arange(254, dtype=np.uint8)[None]
    confusion, boundary = counted(truth, truth, classes=254)
    np.testing.assert_array_equal(confusion, np.eye(254))
    np.testing.assert_array_equal(boundary, np.ones((3, 254)))
