"""The one way that pictures are decoded and resized: Transform, training, evaluation and serving use it.

A photo is scaled so that it fits the network's input with its aspect kept; what remains is padding at the
bottom and on the right, in a grey that both backbones see as about zero.
"""

from __future__ import annotations

import tensorflow as tf

from schema.features import IGNORE_LABEL

PADDING = 127.0

DCT_METHOD = "INTEGER_ACCURATE"
"""TensorFlow's default JPEG transform differs from libjpeg's accurate one by up to 8 levels; with the accurate one,
photos look the same to Pillow and to the network."""


def decode_photo(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG, PNG or GIF photo exactly as Pillow does.

    Args:
        encoded: string scalar.

    Returns:
        uint8 [height, width, 3].
    """
    photo = tf.io.decode_jpeg(encoded, channels=3, dct_method=DCT_METHOD)
    return tf.ensure_shape(photo, [None, None, 3])


def decode_mask(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a PNG of class numbers: string scalar to uint8 [height, width, 1]."""
    return tf.ensure_shape(tf.io.decode_png(encoded, channels=1), [None, None, 1])


def fitted_size(height: tf.Tensor, width: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """The largest size with the picture's aspect inside `size` (height, width): int32 [2], at least 1x1."""
    source = tf.cast(tf.stack([height, width]), tf.float32)
    scale = tf.reduce_min(tf.constant(size, tf.float32) / source)
    fitted = tf.cast(tf.round(source * scale), tf.int32)
    return tf.clip_by_value(fitted, 1, tf.constant(size, tf.int32))


def fit_photo(photo: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Scales a photo to fit `size` (height, width), aspect kept.

    Returns:
        float32 [fitted height, fitted width, 3], 0 to 255. Anti-aliased, so that a photo of 12 megapixels does
        not turn into noise.
    """
    shape = tf.shape(photo)
    return tf.image.resize(photo, fitted_size(shape[0], shape[1], size), antialias=True)


def fit_mask(mask: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Scales class numbers like `fit_photo`, by nearest neighbour: uint8 [fitted height, fitted width, 1]."""
    shape = tf.shape(mask)
    return tf.image.resize(mask, fitted_size(shape[0], shape[1], size), method="nearest")


def pad_photo(photo: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Pads a fitted photo to float32 [*size, 3]."""
    return _pad(tf.cast(photo, tf.float32), size, PADDING)


def pad_mask(mask: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Pads a fitted mask to uint8 [*size, 1] with the ignore label."""
    return _pad(mask, size, IGNORE_LABEL)


def _pad(picture: tf.Tensor, size: tuple[int, int], value: float) -> tf.Tensor:
    shape = tf.shape(picture)
    paddings = [[0, size[0] - shape[0]], [0, size[1] - shape[1]], [0, 0]]
    padded = tf.pad(picture, paddings, constant_values=tf.cast(value, picture.dtype))
    return tf.ensure_shape(padded, [*size, picture.shape[-1]])
