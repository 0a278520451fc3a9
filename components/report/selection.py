"""Chooses the photos that show an evaluation best, and predicts these and no others."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from components.report.content import GalleryPhoto
from components.report.overlay import fitted_size
from components.report.photo_scores import PhotoScore
from schema import features

EACH = 4
"""Photos of a group."""

WORST, MIDDLE, BEST, ALL = "Worst", "Median", "Best", "All, worst first"
LOST = "Lost most against the model in service, of those not shown above"
_LEAST_LOSS = 0.005

Groups = dict[str, list[PhotoScore]]


def choose(scored: Sequence[PhotoScore], each: int = EACH) -> Groups:
    """Groups of telling photos: the worst, the median and the best; of few photos all.

    Photos without an object are shown only where too few hold one: they have no IoU to be good or bad at.

    Args:
        scored: Every photo.
        each: Photos of a group.

    Returns:
        Photos by the group's heading, worst first; no photo twice.
    """
    ranked = sorted(scored, key=lambda one: (one.iou is None, one.iou, one.key))
    with_object = [one for one in ranked if one.iou is not None]
    if len(with_object) <= 3 * each:
        groups = {ALL: ranked[: 3 * each]}
    else:
        middle = min(max((len(with_object) - each) // 2, each), len(with_object) - 2 * each)
        groups = {
            WORST: with_object[:each],
            MIDDLE: with_object[middle : middle + each],
            BEST: with_object[-each:],
        }
    shown = {one.key for group in groups.values() for one in group}
    groups[LOST] = _lost(with_object, shown)[:each]
    return {heading: group for heading, group in groups.items() if group}


def _lost(scored: Sequence[PhotoScore], shown: set[bytes]) -> list[PhotoScore]:
    lost = [(one.change, one) for one in scored if one.change is not None and one.key not in shown]
    return [one for change, one in sorted(lost) if change < -_LEAST_LOSS]


def predict_chosen(groups: Groups, files: Sequence[str], serve: Any) -> list[GalleryPhoto]:
    """The pictures of the chosen photos, group by group.

    Args:
        groups: What `choose` gave.
        files: TFRecord files of ExampleGen's examples.
        serve: The model's `serving_default` signature.
    """
    places = [(heading, one) for heading, group in groups.items() for one in group]
    keys = tf.constant([one.key for _, one in places], tf.string)
    wanted = {
        name: tf.io.FixedLenFeature([], tf.string)
        for name in (features.IMAGE_KEY, features.IMAGE_ENCODED, features.MASK_ENCODED)
    }
    photos = (
        tf.data.TFRecordDataset(list(files))
        .map(lambda record: tf.io.parse_single_example(record, wanted))
        .filter(lambda photo: tf.reduce_any(photo[features.IMAGE_KEY] == keys))
        .take(len(places))
    )
    # One by one and shrunk at once: a dozen large photos with their maps would take gigabytes.
    found: dict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    for one in photos.as_numpy_iterator():
        encoded, mask = one[features.IMAGE_ENCODED], one[features.MASK_ENCODED]
        answer = serve(image_bytes=tf.constant([encoded]))["class_map_bytes"].numpy()[0]
        found[one[features.IMAGE_KEY]] = _small(encoded), _small(mask), _small(answer)
    return [_gallery_photo(heading, one, *found[one.key]) for heading, one in places if one.key in found]


def _gallery_photo(
    heading: str, scored: PhotoScore, photo: np.ndarray, truth: np.ndarray, prediction: np.ndarray
) -> GalleryPhoto:
    key = scored.key.decode("utf-8", "replace")
    return GalleryPhoto(key, photo, truth, prediction, scored.iou, scored.before, scored.wrong, heading)


def _small(encoded: bytes) -> np.ndarray:
    """A photo or a map of class numbers in the largest size that the page shows."""
    picture = Image.open(io.BytesIO(encoded))
    size = fitted_size(*picture.size)
    if picture.mode == "L":
        return np.asarray(picture.resize(size, Image.Resampling.NEAREST))
    return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))
