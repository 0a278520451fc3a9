"""From class scores of a fitted photo to what is wanted at the photo's own size, a strip of rows at a time.

Scores of 12 megapixels and 21 classes would take a gigabyte, and their softmax another one; what is wanted of them
is a byte or two a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

STRIP_VALUES = 2**20
"""Scores of one strip: 4 MB, which stay in the processor's cache, whatever the size of the photo."""


def in_strips(
    scores: tf.Tensor,
    shape: tf.Tensor,
    look: Callable[[tf.Tensor], Any],
    signature: Any,
    *,
    strip_values: int = STRIP_VALUES,
) -> Any:
    """Applies `look` to `tf.image.resize(scores, shape)` without ever holding all of it.

    Args:
        scores: float32 [h, w, classes].
        shape: int32 [2], height and width wanted, pixels.
        look: From scores float32 [rows, width, classes] to tensors (in any structure) that begin with `rows` and
            do not depend on other rows.
        signature: Specifications of these tensors with None in place of `rows`.
        strip_values: Scores held at a time; at least one row is.

    Returns:
        What `look` would give for all rows at once, bit by bit.
    """
    height = shape[0]
    most = tf.maximum(1, strip_values // (shape[1] * scores.shape[-1]))
    strips = -(-height // most)
    rows = -(-height // strips)
    looked = tf.map_fn(
        lambda first: look(_rows(scores, shape, first, rows)),
        tf.range(strips) * rows,
        fn_output_signature=signature,
        parallel_iterations=1,
    )
    # All strips have equally many rows, so the last one may reach beyond the photo.
    return tf.nest.map_structure(lambda one: tf.reshape(one, [strips * rows, *_rest(one)])[:height], looked)


def _rows(scores: tf.Tensor, shape: tf.Tensor, first: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Rows of `tf.image.resize(scores, shape)` from `first` on, by the same arithmetic (half-pixel centres)."""
    height = tf.shape(scores)[0]
    scale = tf.cast(height, tf.float32) / tf.cast(shape[0], tf.float32)
    places = (tf.cast(tf.range(first, first + count), tf.float32) + 0.5) * scale - 0.5
    above = tf.clip_by_value(tf.cast(tf.floor(places), tf.int32), 0, height - 1)
    below = tf.clip_by_value(tf.cast(tf.math.ceil(places), tf.int32), 0, height - 1)
    start = above[0]
    # With as many rows as before only the width changes: these are the values that TensorFlow's kernel mixes.
    wide = tf.image.resize(scores[start : below[-1] + 1], [below[-1] + 1 - start, shape[1]])
    top, bottom = tf.gather(wide, above - start), tf.gather(wide, below - start)
    return top + (bottom - top) * (places - tf.floor(places))[:, tf.newaxis, tf.newaxis]


def _rest(strips: tf.Tensor) -> list[tf.Tensor]:
    return tf.unstack(tf.shape(strips), strips.shape.rank)[2:]
