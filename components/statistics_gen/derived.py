"""Columns that statistics need and records do not hold: the photo's aspect and the share of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schema import features


def class_feature(name: str) -> str:
    """Name of the column with a class's share of the photo."""
    return features.CLASS_PREFIX + name


def add_derived(batch: pa.RecordBatch, *, class_names: Sequence[str]) -> pa.RecordBatch:
    """Adds the derived columns; a batch without the columns that they are made from stays as it is.

    TFDV counts the values of a list feature together, so a class needs a column of its own.

    Args:
        batch: Records as TFDV reads them: a list column for each feature.
        class_names: Names by class number.
    """
    found = set(batch.schema.names)
    added = {}
    if {features.IMAGE_WIDTH, features.IMAGE_HEIGHT} <= found:
        width, height = (_values(batch, name) for name in (features.IMAGE_WIDTH, features.IMAGE_HEIGHT))
        if len(width) == len(height) == batch.num_rows:
            added[features.IMAGE_ASPECT] = width / np.maximum(height, 1)
    if features.MASK_CLASS_FRACTION in found:
        shares = _values(batch, features.MASK_CLASS_FRACTION)
        if len(shares) == batch.num_rows * len(class_names):
            by_class = shares.reshape(batch.num_rows, len(class_names))
            added |= {class_feature(name): by_class[:, number] for number, name in enumerate(class_names)}
    columns = [*batch.columns, *(_column(values) for values in added.values())]
    return pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names, *added])


def _values(batch: pa.RecordBatch, name: str) -> np.ndarray:
    return np.asarray(batch.column(batch.schema.get_field_index(name)).flatten(), np.float32)


def _column(values: np.ndarray) -> pa.Array:
    single = pa.array(values.astype(np.float32), pa.float32())
    return pa.LargeListArray.from_arrays(np.arange(len(values) + 1), single)
