"""Chooses the photos that show an evaluation best: the worst, the middle and the best."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from components.metrics.iou import confusion_matrix, score
from components.report.page import GalleryPhoto
from schema import features
from schema.labelmap import LabelMap

PHOTOS_LOOKED_AT = 500
"""Predictions for the gallery cost time that grows with the split; this many give a fair picture."""

PHOTOS_SHOWN = 12
_BATCH = 8


@dataclass(frozen=True)
class Scored:
    """A photo's place in the split and its IoU; None where it holds no object."""

    place: int
    iou: float | None
    key: str = ""


def score_photos(files: Sequence[str], serve: Any, label_map: LabelMap) -> list[Scored]:
    """Predicts the first photos of a split, up to `PHOTOS_LOOKED_AT`.

    Args:
        files: TFRecord files of ExampleGen's examples.
        serve: The model's `serving_default` signature.
        label_map: Classes.
    """
    records = tf.data.TFRecordDataset(list(files)).take(PHOTOS_LOOKED_AT)
    photos = enumerate(_predict(records, serve, label_map))
    return [Scored(place, photo.iou, photo.key) for place, photo in photos]


def select_photos(
    files: Sequence[str], serve: Any, label_map: LabelMap, scored: Sequence[Scored]
) -> list[GalleryPhoto]:
    """Keeps the telling photos.

    Args:
        files: As for `score_photos`.
        serve: As for `score_photos`.
        label_map: As for `score_photos`.
        scored: What `score_photos` found.

    Returns:
        Up to `PHOTOS_SHOWN` photos, worst first; photos without any object in truth or prediction come last.
    """
    records = tf.data.TFRecordDataset(list(files))
    places = tf.constant([one.place for one in spread(scored, PHOTOS_SHOWN)], tf.int64)
    # Scoring keeps no pictures in memory: the few chosen ones, and no others, are predicted once more.
    chosen = records.enumerate().filter(lambda place, _: tf.reduce_any(place == places)).map(lambda _, record: record)
    photos = list(_predict(chosen, serve, label_map))
    return sorted(photos, key=lambda photo: (photo.iou is None, photo.iou, photo.key))


def spread(scored: Sequence[Scored], count: int) -> list[Scored]:
    """A third each of the worst, the middle and the best, without repeats; all where there are few.

    Photos without an object are shown only where too few hold one: they have no IoU to be good or bad at.
    """
    ranked = sorted(scored, key=lambda one: (one.iou is None, one.iou, one.place))
    if len(ranked) <= count:
        return ranked
    with_object = [one for one in ranked if one.iou is not None]
    if len(with_object) <= count:
        return ranked[:count]
    ranked = with_object
    third = count // 3
    middle = min(max((len(ranked) - third) // 2, third), len(ranked) - 2 * third)
    return [*ranked[:third], *ranked[middle : middle + third], *ranked[-third:]]


def foreground_iou(truth: np.ndarray, prediction: np.ndarray, label_map: LabelMap) -> float | None:
    """Mean IoU of the classes but the background in one photo; None where it holds none of them."""
    ious = score(confusion_matrix(truth, prediction, len(label_map.classes))).iou
    ious[label_map.background_index] = np.nan
    return None if np.isnan(ious).all() else float(np.nanmean(ious))


def _predict(records: tf.data.Dataset, serve: Any, label_map: LabelMap) -> Iterator[GalleryPhoto]:
    wanted = {
        name: tf.io.FixedLenFeature([], tf.string)
        for name in (features.IMAGE_KEY, features.IMAGE_ENCODED, features.MASK_ENCODED)
    }
    for batch in records.batch(_BATCH):
        parsed = tf.io.parse_example(batch, wanted)
        answers = serve(image_bytes=parsed[features.IMAGE_ENCODED])["class_map_bytes"].numpy()
        for key, photo, mask, answer in zip(*(parsed[name].numpy() for name in wanted), answers, strict=True):
            truth, prediction = _pixels(mask), _pixels(answer)
            yield GalleryPhoto(
                key=key.decode("utf-8", "replace"),
                photo=np.asarray(Image.open(io.BytesIO(photo)).convert("RGB")),
                truth=truth,
                prediction=prediction,
                iou=foreground_iou(truth, prediction, label_map),
            )


def _pixels(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)))
