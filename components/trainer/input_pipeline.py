"""Training records to batches: decode, crop, flip, recolour, all with random numbers that follow from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.transform import picture
from schema import features
from schema.features import IGNORE_LABEL

SHUFFLE_BUFFER = 2048
"""Records are encoded (some 30 kB), so a buffer of this many costs about 60 MB."""

BRIGHTNESS, CONTRAST, SATURATION, CHANNEL_SHIFT = 25.0, 0.25, 0.35, 10.0
"""Largest changes of colour: levels of 255, factors, factors, levels of 255."""


_DRAWS = 11  # random numbers a pair: four for the crop, one for the flip, six for the colours


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
        return augmented_pair(parse(record), size, tf.stack([tf.cast(seed, tf.int64), index]), augmentation)

    records = read_records(patterns).cache().shuffle(SHUFFLE_BUFFER, seed=seed).repeat()
    pairs = records.enumerate().map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return pairs.batch(batch_size, drop_remainder=True).prefetch(2)


def evaluation_batches(patterns: Sequence[str], size: tuple[int, int], *, batch_size: int) -> tf.data.Dataset:
    """One pass over a split, as `training_batches` without any change."""

    def prepare(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = parse(record)
        photo = picture.pad_photo(picture.decode_photo(parsed[features.TRAIN_IMAGE]), size)
        return photo, picture.pad_mask(picture.decode_mask(parsed[features.TRAIN_MASK]), size)[:, :, 0]

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


def augmented_pair(
    parsed: dict[str, tf.Tensor], size: tuple[int, int], seed: tf.Tensor, augmentation: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes a random part of the padded pair, mirrors it, changes its colours and scales it to `size`.

    The order keeps it cheap: all happens to the part before it grows, padding and mirroring on its bytes.

    Args:
        parsed: Encoded `image` (JPEG) and `mask` (PNG), at most of `size`.
        size: Height and width of the network's input, pixels.
        seed: int64 [2]; equal seeds give equal changes.
        augmentation: What may change.

    Returns:
        Photo float32 [*size, 3] and labels uint8 [*size].
    """
    drawn = tf.random.stateless_uniform([_DRAWS], seed)
    photo = picture.decode_photo(parsed[features.TRAIN_IMAGE])
    mask = picture.decode_mask(parsed[features.TRAIN_MASK])
    shape = tf.shape(photo)[:2]
    corner, box = _draw_box(drawn[:4], shape, size, augmentation)
    inside = tf.minimum(corner + box, shape) - corner
    photo, mask = (tf.slice(whole, [*tf.unstack(corner), 0], [*tf.unstack(inside), -1]) for whole in (photo, mask))
    padding = tf.pad((box - inside)[:, tf.newaxis], [[0, 1], [1, 0]])
    photo = tf.pad(photo, padding, constant_values=int(picture.PADDING))
    mask = tf.pad(mask, padding, constant_values=IGNORE_LABEL)
    if augmentation.flip:
        mirrored = drawn[4] < 0.5
        photo, mask = tf.cond(mirrored, lambda: (photo[:, ::-1], mask[:, ::-1]), lambda: (photo, mask))
    if augmentation.color:
        photo = _recolor(photo, drawn[5:] * 2 - 1)
    photo = tf.ensure_shape(tf.image.resize(photo, size), [*size, 3])
    return photo, _nearest(mask[:, :, 0], size)


def _draw_box(
    drawn: tf.Tensor, shape: tf.Tensor, size: tuple[int, int], settings: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Corner and size (both int32 [2]: row, column) of a part of the padded picture that holds some of it."""
    scale = settings.crop_min + drawn[0] * (1 - settings.crop_min)
    stretch = 1 + (drawn[1] * 2 - 1) * settings.aspect
    sides = tf.minimum(tf.stack([scale * stretch, scale / stretch]), 1.0) * tf.constant(size, tf.float32)
    box = tf.constant(size) if settings.crop_min >= 1 else tf.cast(tf.round(sides), tf.int32)
    room = tf.minimum(tf.constant(size) - box, shape - 1)
    return tf.cast(drawn[2:] * tf.cast(room + 1, tf.float32), tf.int32), box


def _nearest(labels: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Nearest neighbour of uint8 [h, w]; picking rows, then columns is several times as fast as an image resize."""
    for axis, length in enumerate(size):
        step = tf.cast(tf.shape(labels)[axis], tf.float32) / length
        places = tf.cast((tf.range(length, dtype=tf.float32) + 0.5) * step, tf.int32)
        labels = tf.gather(labels, places, axis=axis)
    return tf.ensure_shape(labels, size)


def _recolor(photo: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """Saturation, contrast, brightness and channel shifts as one 3x3 matrix and one offset a photo."""
    saturation, contrast = 1 + drawn[0] * SATURATION, 1 + drawn[1] * CONTRAST
    matrix = contrast * (saturation * tf.eye(3) + (1 - saturation) / 3)
    offset = (1 - contrast) * picture.PADDING + drawn[2] * BRIGHTNESS + drawn[3:] * CHANNEL_SHIFT
    mixed = tf.nn.conv2d(tf.cast(photo, tf.float32)[tf.newaxis], matrix[tf.newaxis, tf.newaxis], 1, "SAME")[0]
    return tf.clip_by_value(mixed + offset, 0.0, 255.0)
