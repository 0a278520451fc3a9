"""IoU by photo, from what the Evaluator counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from components.evaluator.photo_counts import read_photo_counts
from components.metrics.iou import score
from schema.labelmap import LabelMap


class PhotoScore(NamedTuple):
    """What the counts say of one photo.

    Attributes:
        key: The photo's key, as it is stored.
        iou: Mean IoU of the foreground classes in this photo; None where neither truth nor prediction holds one.
        before: The same of the model in service; None also without one.
        wrong: Share of the pixels that are wrong; None where no pixel counts.
    """

    key: bytes
    iou: float | None
    before: float | None = None
    wrong: float | None = None

    @property
    def change(self) -> float | None:
        """The new model's IoU less that of the model in service."""
        return None if self.iou is None or self.before is None else self.iou - self.before


def read_photo_scores(evaluation: str, label_map: LabelMap) -> Iterator[PhotoScore]:
    """Scores every photo of an evaluation, one after the other.

    Args:
        evaluation: URI of the Evaluator's artifact.
        label_map: The classes.
    """
    background = label_map.background_index
    for photo in read_photo_counts(evaluation, len(label_map.classes)):
        yield PhotoScore(
            photo.key,
            iou=foreground_iou(photo.candidate, background),
            before=None if photo.baseline is None else foreground_iou(photo.baseline, background),
            wrong=_wrong(photo.candidate),
        )


def foreground_iou(confusion: np.ndarray, background: int) -> float | None:
    """Mean IoU of the classes but the background in one photo; None where it holds none of them.

    Args:
        confusion: int64 [classes, classes], pixels by truth (row) and prediction (column).
        background: Class number of the background.
    """
    ious = np.delete(score(confusion).iou, background)
    known = ious[~np.isnan(ious)]
    return float(known.mean()) if known.size else None


def _wrong(confusion: np.ndarray) -> float | None:
    total = int(confusion.sum())
    return 1 - int(np.trace(confusion)) / total if total else None
