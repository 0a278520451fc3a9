"""Training records to batches: one endless shuffled stream that all workers share and any step can be entered at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.trainer.augmentation import Augmentation, augmented_pair
from components.transform import picture
from schema import features

SHUFFLE_BUFFER = 2048
"""Records are encoded (some 30 kB), so a buffer of this many costs about 60 MB."""

CACHE_BYTES = 2**30
"""Records of a split that take no more stay in memory from one epoch to the next, still encoded."""


def training_batches(
    patterns: Sequence[str],
    size: tuple[int, int],
    *,
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
    frame: tuple[int, int] | None = None,
    shard: tuple[int, int] = (0, 1),
    skip_steps: int = 0,
) -> tf.data.Dataset:
    """Endless shuffled, augmented batches.

    Epochs follow one another in one stream, each in its own order. Shard i of n takes every n-th place of the stream
    from i on, and the random numbers of a pair follow from its place: n shards with batches of b together see the very
    pairs that one worker with batches of n * b sees, so no record comes twice before all came once. Batches go on over
    the end of an epoch, so that a batch may be larger than the split.

    Args:
        patterns: File patterns of Transform's training records.
        size: Height and width of the network's input, pixels.
        batch_size: Pairs a batch, of this shard.
        seed: Equal seeds give equal batches on equal data.
        augmentation: What may change.
        frame: Height and width that photos were fitted into, pixels; `size` if it is not given.
        shard: This shard's number, from 0, and how many there are.
        skip_steps: Batches to leave out, as those that an interrupted training had before; none of them is decoded.

    Returns:
        (photos float32 [N, H, W, 3] 0 to 255, labels uint8 [N, H, W] with the ignore label, rows int64 [N]); a row is
        the record's place in the files, as `record_keys` takes it.

    Raises:
        ValueError: No file matches, or no record is in them.
    """

    def prepare(place: tf.Tensor, numbered: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        row, record = numbered
        place_seed = tf.stack([tf.cast(seed, tf.int64), place])
        return *augmented_pair(parse(record), size, place_seed, augmentation, frame=frame), row

    index, count = shard
    stream = _stream(patterns, seed, skip_steps * batch_size * count).shard(count, index)
    pairs = stream.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return pairs.batch(batch_size, drop_remainder=True).prefetch(2).with_options(_unsharded())


def evaluation_batches(
    patterns: Sequence[str],
    size: tuple[int, int],
    *,
    batch_size: int,
    frame: tuple[int, int] | None = None,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """One pass over a split without any change: photos float32 [N, *frame, 3], labels uint8 [N, *frame].

    Arguments and errors are those of `training_batches`; photos are padded to the frame.
    """
    padded = frame or size

    def prepare(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = parse(record)
        photo = picture.pad_photo(picture.decode_photo(parsed[features.TRAIN_IMAGE]), padded)
        return photo, picture.pad_mask(picture.decode_mask(parsed[features.TRAIN_MASK]), padded)[:, :, 0]

    index, count = shard
    records = _some_records(patterns).shard(count, index)
    pairs = records.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return pairs.batch(batch_size).prefetch(1).with_options(_unsharded())


def _stream(patterns: Sequence[str], seed: int, start: int) -> tf.data.Dataset:
    """Places from `start` on, each with a record and its row: (place, (row, record)), without end."""
    records = _some_records(patterns).enumerate()
    if sum(tf.io.gfile.stat(name).length for name in _files(patterns)) <= CACHE_BYTES:
        records = records.cache()
    length = int(records.reduce(np.int64(0), lambda total, _: total + 1)) if start else 1
    epoch, rest = divmod(start, length)

    def in_new_order(number: tf.Tensor) -> tf.data.Dataset:
        key = tf.random.stateless_uniform([], tf.stack([tf.cast(seed, tf.int64), number]), 0, 2**62, tf.int64)
        return records.shuffle(SHUFFLE_BUFFER, seed=key, reshuffle_each_iteration=False)

    stream = tf.data.Dataset.range(epoch, np.iinfo(np.int64).max).flat_map(in_new_order)
    return stream.enumerate(start - rest).skip(rest)


def _unsharded() -> tf.data.Options:
    """Shards are made here, by place; a distribution strategy must not make others by file."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options


def read_records(patterns: Sequence[str]) -> tf.data.Dataset:
    """Serialized records of all files that match, in the order of the files' names.

    Raises:
        ValueError: No file matches.
    """
    files = _files(patterns)
    return tf.data.TFRecordDataset(files, compression_type="GZIP" if files[0].endswith(".gz") else "")


def _files(patterns: Sequence[str]) -> list[str]:
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise ValueError(f"no records match {', '.join(patterns)}")
    return files


def _some_records(patterns: Sequence[str]) -> tf.data.Dataset:
    records = read_records(patterns)
    if not any(True for _ in records.take(1)):
        raise ValueError(f"no records in {', '.join(patterns)}: the split is empty")
    return records


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """Splits a serialized training record into `image` and `mask`, both encoded."""
    wanted = {name: tf.io.FixedLenFeature([], tf.string) for name in (features.TRAIN_IMAGE, features.TRAIN_MASK)}
    return tf.io.parse_single_example(record, wanted)


def count_records(patterns: Sequence[str]) -> int:
    """Number of records of all files that match, which are read for it."""
    return int(_some_records(patterns).reduce(np.int64(0), lambda total, _: total + 1))


def record_keys(patterns: Sequence[str], rows: Sequence[int]) -> list[str]:
    """The keys (relative paths without extension) of the records in these rows, which are read for it.

    Args:
        patterns: File patterns of the records.
        rows: Rows as batches carry them, in any order.

    Raises:
        ValueError: There is no such row.
    """
    wanted = {int(row) for row in rows}
    keys: dict[int, str] = {}
    # Reading alone is some hundred times as fast as training, and happens once, before a run fails.
    for row, record in enumerate(read_records(patterns)):
        if row in wanted:
            key = tf.io.parse_single_example(record, {features.TRAIN_KEY: tf.io.FixedLenFeature([], tf.string)})
            keys[row] = key[features.TRAIN_KEY].numpy().decode()
        if len(keys) == len(wanted):
            break
    absent = sorted(wanted - keys.keys())
    if absent:
        raise ValueError(f"no row {absent[0]} in {', '.join(patterns)}")
    return [keys[int(row)] for row in rows]


def class_pixels(patterns: Sequence[str], class_count: int) -> np.ndarray:
    """Pixels of each class over the whole training split, float32 [classes], as Transform counted them.

    Raises:
        ValueError: No file matches, or no record is in them.
    """
    feature = {features.TRAIN_CLASS_PIXELS: tf.io.FixedLenFeature([class_count], tf.float32)}
    record = next(iter(_some_records(patterns)))
    return tf.io.parse_single_example(record, feature)[features.TRAIN_CLASS_PIXELS].numpy()
