"""What is counted of a photo, in TensorFlow: pixels by truth and prediction, and pixels near contours.

Boundary counts are those of Boundary IoU (Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation
Evaluation", CVPR 2021, section 4): of each class only the pixels within a small distance of its contour count, in
truth and in prediction alike. IoU hardly sees the edge of a large object; Boundary IoU sees nothing else. Unlike
trimap IoU it is symmetric: errors on either side of either contour count.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from schema.features import IGNORE_LABEL

_Slice = Callable[[tf.Tensor, tf.Tensor | int, tf.Tensor | int | None], tf.Tensor]

BOUNDARY_SHARE = 0.02
"""The distance that counts as near a contour, by the photo's diagonal (the paper's choice for photos of objects)."""


def count_confusion(truth: tf.Tensor, prediction: tf.Tensor, class_count: int) -> tf.Tensor:
    """Pixels by truth and prediction, ignored pixels left out.

    Args:
        truth: uint8, any shape; `IGNORE_LABEL` where nothing counts.
        prediction: Class numbers, integers of any kind, same shape.
        class_count: Number of classes.

    Returns:
        int64 [classes * classes], row after row.
    """
    return _count(_pair(truth, prediction, class_count), truth < class_count, class_count**2)


def count_photo(truth: tf.Tensor, prediction: tf.Tensor, class_count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Pixels by truth and prediction, over the whole photo and near contours, in one pass.

    Args:
        truth: uint8 [height, width]; `IGNORE_LABEL` where nothing counts.
        prediction: Class numbers [height, width], integers of any kind.
        class_count: Number of classes.

    Returns:
        The confusion int64 [classes * classes] as `count_confusion` gives it, and the boundary counts int64
        [3 * classes]: by class, the pixels near its contour in both truth and prediction, in truth, in prediction.
    """
    counts = truth < class_count
    distance = boundary_distance(tf.shape(truth))
    near_truth = near_contour(truth, distance)
    # Where nothing is known of the truth, the prediction may do as it likes: it has no contour there.
    near_prediction = near_contour(tf.where(counts, tf.cast(prediction, tf.uint8), IGNORE_LABEL), distance)
    pair = _pair(truth, prediction, class_count)
    nearness = 2 * tf.cast(near_truth, tf.int32) + tf.cast(near_prediction, tf.int32)
    joint = tf.reshape(
        _count(pair * 4 + nearness, counts, 4 * class_count**2), [class_count, class_count, 2, 2]
    )  # truth, prediction, near truth's contour, near prediction's contour
    boundary = tf.stack(
        [
            tf.linalg.diag_part(joint[:, :, 1, 1]),
            tf.reduce_sum(joint[:, :, 1, :], [1, 2]),
            tf.reduce_sum(joint[:, :, :, 1], [0, 2]),
        ]
    )
    return tf.reshape(tf.reduce_sum(joint, [2, 3]), [-1]), tf.reshape(boundary, [-1])


def boundary_distance(shape: tf.Tensor) -> tf.Tensor:
    """The distance in pixels that counts as near a contour, int32, at least 1; `shape` is (height, width)."""
    diagonal = tf.norm(tf.cast(shape, tf.float32))
    return tf.maximum(1, tf.cast(tf.round(BOUNDARY_SHARE * diagonal), tf.int32))


def near_contour(labels: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
    """Marks the pixels that have a pixel of another class within a distance.

    Args:
        labels: uint8 [height, width] of class numbers; `IGNORE_LABEL` belongs to no class and makes no contour,
            and neither does the frame of the photo.
        distance: int32, in pixels along rows and columns: the square that the paper's erosion looks at.

    Returns:
        bool [height, width]; what it says of ignored pixels means nothing.
    """
    # Two classes meet in a window where its largest label differs from its smallest. With labels from 1, and mirrored,
    # both are maxima, which never notice the 0 of ignored pixels; of one label the sum is 256, which is 0 in 8 bits.
    known = labels != IGNORE_LABEL
    highest = _largest_around(tf.where(known, labels + 1, 0), distance)
    lowest = _largest_around(tf.where(known, IGNORE_LABEL - labels, 0), distance)
    return tf.not_equal(highest + lowest, 0)


def _largest_around(values: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
    """The largest value of the square of 2 * distance + 1 pixels around each pixel: uint8 to uint8, one shape."""
    columns = _largest_of_window(values, distance, lambda one, begin, end: one[begin:end], axis=0)
    return _largest_of_window(columns, distance, lambda one, begin, end: one[:, begin:end], axis=1)


def _largest_of_window(values: tf.Tensor, distance: tf.Tensor, part: _Slice, axis: int) -> tf.Tensor:
    """Doubles the window until it is long enough: the effort grows with the logarithm of the distance."""
    length, size = 2 * distance + 1, tf.shape(values)[axis]
    margins = [[0, 0], [0, 0]]
    margins[axis] = [distance, distance]
    window, tops = tf.while_loop(
        lambda window, _: 2 * window <= length,
        lambda window, tops: (2 * window, tf.maximum(part(tops, 0, -window), part(tops, window, None))),
        (1, tf.pad(values, margins)),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None])),
    )
    rest = length - window
    return tf.maximum(part(tops, 0, size), part(tops, rest, rest + size))


def _pair(truth: tf.Tensor, prediction: tf.Tensor, class_count: int) -> tf.Tensor:
    return tf.cast(truth, tf.int32) * class_count + tf.cast(prediction, tf.int32)


def _count(numbers: tf.Tensor, counts: tf.Tensor, bins: int) -> tf.Tensor:
    # A bin for what does not count costs less than taking it out.
    all_bins = tf.math.bincount(tf.where(counts, numbers, bins), minlength=bins + 1, maxlength=bins + 1, dtype=tf.int64)
    return all_bins[:bins]
