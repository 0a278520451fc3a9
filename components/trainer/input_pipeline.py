"""Training records to batches: decode, crop, flip, recolour, all with random numbers that follow from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.transform import picture
from schema import features

SHUFFLE_BUFFER = 2048
"""Records are encoded (some 30 kB), so a buffer of this many costs about 60 MB."""

BRIGHTNESS, CONTRAST, SATURATION, CHANNEL_SHIFT = 25.0, 0.25, 0.35, 10.0
"""Largest changes of colour: levels of 255, factors, factors, levels of 255."""


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training pairs.

    Attributes:
        crop_min: Smallest side of a crop as a share of the picture's, 0 to 1; 1 takes the whole picture.
        aspect: Largest change of the aspect of a crop, as a share.
        flip: Mirror left and right, half of the time.
        color: Change brightness, contrast, saturation and the balance of channels.
    """

    crop_min: float = 0.55
    aspect: float = 0.15
    flip: bool = True
    color: bool = True


def training_batches(
    patterns: Sequence[str], size: tuple[int, int], *, batch_size: int, seed: int, augmentation: Augmentation
) -> tf.data.Dataset:
    """Endless shuffled, augmented batches.

    Args:
        patterns: File patterns of Transform's training records.
        size: Height and width of the network's input, pixels.
        batch_size: Pairs a batch.
        seed: Equal seeds give equal batches on equal data.
        augmentation: What may change.

    Returns:
        (photos float32 [N, H, W, 3] 0 to 255, labels uint8 [N, H, W] with the ignore label).
    """

    def prepare(index: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photo, mask = padded_pair(parse(record), size)
        return augment(photo, mask, tf.stack([tf.cast(seed, tf.int64), index]), augmentation)

    records = read_records(patterns).cache().shuffle(SHUFFLE_BUFFER, seed=seed).repeat()
    pairs = records.enumerate().map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return pairs.batch(batch_size, drop_remainder=True).prefetch(2)


def evaluation_batches(patterns: Sequence[str], size: tuple[int, int], *, batch_size: int) -> tf.data.Dataset:
    """One pass over a split, as `training_batches` without any change."""

    def prepare(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photo, mask = padded_pair(parse(record), size)
        return photo, mask[:, :, 0]

    pairs = read_records(patterns).map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return pairs.batch(batch_size).prefetch(1)


def read_records(patterns: Sequence[str]) -> tf.data.Dataset:
    """Serialized records of all files that match, in the order of the files' names."""
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise ValueError(f"no records match {', '.join(patterns)}")
    compression = "GZIP" if files[0].endswith(".gz") else ""
    return tf.data.TFRecordDataset(files, compression_type=compression)


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """Splits a serialized training record into `image` and `mask`, both encoded."""
    wanted = {name: tf.io.FixedLenFeature([], tf.string) for name in (features.TRAIN_IMAGE, features.TRAIN_MASK)}
    return tf.io.parse_single_example(record, wanted)


def class_pixels(patterns: Sequence[str], class_count: int) -> np.ndarray:
    """Pixels of each class over the whole training split, float32 [classes], as Transform counted them."""
    feature = tf.io.FixedLenFeature([class_count], tf.float32)
    for record in read_records(patterns).take(1):
        parsed = tf.io.parse_single_example(record, {features.TRAIN_CLASS_PIXELS: feature})
        return parsed[features.TRAIN_CLASS_PIXELS].numpy()
    raise ValueError(f"no records in {', '.join(patterns)}")


def padded_pair(parsed: dict[str, tf.Tensor], size: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes and pads: float32 [H, W, 3] and uint8 [H, W, 1]."""
    photo = picture.decode_photo(parsed[features.TRAIN_IMAGE])
    mask = picture.decode_mask(parsed[features.TRAIN_MASK])
    return picture.pad_photo(photo, size), picture.pad_mask(mask, size)


def augment(
    photo: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor, augmentation: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes photo and mask together.

    Args:
        photo: float32 [H, W, 3], 0 to 255.
        mask: uint8 [H, W, 1].
        seed: int64 [2]; equal seeds give equal changes.
        augmentation: What may change.

    Returns:
        float32 [H, W, 3] and uint8 [H, W].
    """
    seeds = tf.random.split(seed, 3)
    if augmentation.crop_min < 1:
        photo, mask = _crop(photo, mask, seeds[0], augmentation)
    if augmentation.flip:
        mirrored = tf.random.stateless_uniform([], seeds[1]) < 0.5
        photo = tf.where(mirrored, photo[:, ::-1], photo)
        mask = tf.where(mirrored, mask[:, ::-1], mask)
    if augmentation.color:
        photo = _recolor(photo, seeds[2])
    return photo, mask[:, :, 0]


def _crop(photo: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor, settings: Augmentation) -> tuple[tf.Tensor, tf.Tensor]:
    height, width = photo.shape[0], photo.shape[1]
    drawn = tf.random.stateless_uniform([4], seed)
    scale = settings.crop_min + drawn[0] * (1 - settings.crop_min)
    stretch = 1 + (drawn[1] * 2 - 1) * settings.aspect
    sides = tf.minimum(tf.stack([scale * stretch, scale / stretch]), 1.0) * tf.constant([height, width], tf.float32)
    box = tf.cast(tf.round(sides), tf.int32)
    room = tf.constant([height, width]) - box
    corner = tf.cast(drawn[2:] * tf.cast(room + 1, tf.float32), tf.int32)

    def cut(whole: tf.Tensor, method: str) -> tf.Tensor:
        part = tf.slice(whole, [corner[0], corner[1], 0], [box[0], box[1], whole.shape[-1]])
        return tf.image.resize(part, (height, width), method=method)

    return cut(photo, "bilinear"), cut(mask, "nearest")


def _recolor(photo: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    drawn = tf.random.stateless_uniform([6], seed, -1.0, 1.0)
    grey = tf.reduce_mean(photo, axis=-1, keepdims=True)
    photo = grey + (photo - grey) * (1 + drawn[0] * SATURATION)
    mean = tf.reduce_mean(photo)
    photo = mean + (photo - mean) * (1 + drawn[1] * CONTRAST)
    return tf.clip_by_value(photo + drawn[2] * BRIGHTNESS + drawn[3:] * CHANNEL_SHIFT, 0.0, 255.0)
