"""Counts of every photo: how they are stored, and how they are read.

`photos-*` in the evaluation artifact are TFRecords, one record a photo, in no particular order. A report that wants a
histogram of IoU by photo, or the photos that changed most, reads them and predicts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio

FILE_PREFIX = "photos"
_KEY, _FEATURE, _VALUE = "key", "slice/feature", "slice/value"
_MODELS = ("candidate", "baseline")


@dataclass(frozen=True)
class PhotoCounts:
    """What was counted of one photo.

    Attributes:
        key: The photo's key, see `schema.features.IMAGE_KEY`.
        slices: The slices it is in besides that of all photos: (feature, value in words).
        candidate: int64 [classes, classes], pixels by truth (row) and prediction (column) of the new model.
        baseline: The same of the model in service; None without one.
    """

    key: bytes
    slices: Sequence[tuple[str, str]]
    candidate: np.ndarray
    baseline: np.ndarray | None = None


def to_record(photo: PhotoCounts) -> bytes:
    """Serialises; a matrix is stored as its numbers that are not 0 and their places, a few bytes each."""
    values: dict[str, Sequence[bytes] | np.ndarray] = {
        _KEY: [photo.key],
        _FEATURE: [feature.encode() for feature, _ in photo.slices],
        _VALUE: [value.encode() for _, value in photo.slices],
    }
    for model, matrix in zip(_MODELS, (photo.candidate, photo.baseline), strict=True):
        if matrix is not None:
            places = np.flatnonzero(matrix)
            values |= {f"{model}/place": places, f"{model}/pixels": matrix.ravel()[places]}
    return tf.train.Example(
        features=tf.train.Features(feature={name: _feature(one) for name, one in values.items()})
    ).SerializeToString()


def from_record(record: bytes, class_count: int) -> PhotoCounts:
    """Restores what `to_record` serialised."""
    held = tf.train.Example.FromString(record).features.feature
    pairs = zip(held[_FEATURE].bytes_list.value, held[_VALUE].bytes_list.value, strict=True)
    matrices: list[np.ndarray | None] = []
    for model in _MODELS:
        matrix = None
        if f"{model}/place" in held:
            matrix = np.zeros((class_count, class_count), np.int64)
            matrix.ravel()[held[f"{model}/place"].int64_list.value] = held[f"{model}/pixels"].int64_list.value
        matrices.append(matrix)
    candidate, baseline = matrices
    assert candidate is not None
    slices = [(feature.decode(), value.decode()) for feature, value in pairs]
    return PhotoCounts(held[_KEY].bytes_list.value[0], slices, candidate, baseline)


def read_photo_counts(uri: str, class_count: int) -> Iterator[PhotoCounts]:
    """Reads the counts of all photos of an evaluation artifact, one after the other."""
    names = sorted(name for name in fileio.listdir(uri) if name.startswith(f"{FILE_PREFIX}-"))
    for record in tf.data.TFRecordDataset([os.path.join(uri, name) for name in names]).as_numpy_iterator():
        yield from_record(record, class_count)


def _feature(values: Sequence[bytes] | np.ndarray) -> tf.train.Feature:
    if isinstance(values, np.ndarray):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values.tolist()))
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
