"""TFX Transform's preprocessing_fn: training records at training size, and the class counts of the split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.transform import picture
from schema import features

JPEG_QUALITY = 95

PHOTOS_AT_ONCE = 1
"""Decoded photos of a batch in memory at a time; one of 50 megapixels takes about 750 MB while it is resized."""


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Resizes photo and mask with kept aspect and encodes them again.

    Args:
        inputs: ExampleGen's features, dense [N] but for `mask/class_fraction`.
        custom_config: `image_height`, `image_width` (pixels) and `class_count`.

    Returns:
        `image` (JPEG) and `mask` (PNG), strings [N], at most the training size; `key` [N]; `class_pixels`
        float32 [N, classes], the pixels of each class over the whole training split.
    """
    size = (custom_config["image_height"], custom_config["image_width"])

    def encode_photo(encoded: tf.Tensor) -> tf.Tensor:
        photo = picture.fit_photo(picture.decode_photo(encoded), size)
        pixels = tf.saturate_cast(tf.round(photo), tf.uint8)
        return tf.io.encode_jpeg(pixels, quality=JPEG_QUALITY, chroma_downsampling=False)

    def encode_mask(encoded: tf.Tensor) -> tf.Tensor:
        return tf.io.encode_png(picture.fit_mask(picture.decode_mask(encoded), size), compression=1)

    return {
        features.TRAIN_IMAGE: _each(encode_photo, inputs[features.IMAGE_ENCODED]),
        features.TRAIN_MASK: _each(encode_mask, inputs[features.MASK_ENCODED]),
        features.TRAIN_KEY: tf.identity(inputs[features.IMAGE_KEY]),
        features.TRAIN_CLASS_PIXELS: _class_pixels(inputs, custom_config["class_count"]),
    }


def _each(encode: Callable[[tf.Tensor], tf.Tensor], pictures: tf.Tensor) -> tf.Tensor:
    return tf.map_fn(encode, pictures, parallel_iterations=PHOTOS_AT_ONCE)


def _class_pixels(inputs: dict[str, Any], class_count: int) -> tf.Tensor:
    shares = tf.sparse.to_dense(inputs[features.MASK_CLASS_FRACTION])
    # TFT traces with shapes it does not know yet; the schema cannot know the number of classes.
    shares = tf.reshape(shares, [-1, class_count])
    area = tf.cast(inputs[features.IMAGE_HEIGHT] * inputs[features.IMAGE_WIDTH], tf.float32)
    totals = tft.sum(shares * area[:, tf.newaxis], reduce_instance_dims=False)
    return tf.tile(tf.reshape(totals, [1, class_count]), [tf.shape(area)[0], 1])
