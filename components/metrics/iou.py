"""IoU from a confusion matrix of the whole data set. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schema.features import IGNORE_LABEL


@dataclass(frozen=True)
class Scores:
    """Scores of a data set, or of a slice of it.

    Attributes:
        iou: float64 [classes]; NaN for a class that neither the truth nor the prediction holds.
        mean_iou: Mean over the classes that are present; NaN if none is.
        pixel_accuracy: Share of pixels that are right; NaN without any pixel.
    """

    iou: np.ndarray
    mean_iou: float
    pixel_accuracy: float


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, class_count: int) -> np.ndarray:
    """Counts pixels by true and predicted class.

    Args:
        truth: uint8, any shape; `IGNORE_LABEL` where nothing counts.
        prediction: uint8, same shape.
        class_count: Number of classes.

    Returns:
        int64 [classes, classes]: rows are the truth, columns the prediction.

    Raises:
        ValueError: The shapes differ, or a label or a prediction is no class.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    # Joining both numbers in 16 bits and counting once is the fastest way that numpy has.
    joined = (truth.ravel().astype(np.uint16) << 8) | prediction.ravel()
    counts = np.bincount(joined, minlength=256 * 256).reshape(256, 256)
    outside = [value for value in np.flatnonzero(counts.sum(axis=1)) if class_count <= value != IGNORE_LABEL]
    if outside:
        raise ValueError(f"labels {outside} are neither one of {class_count} classes nor {IGNORE_LABEL}")
    unknown = np.flatnonzero(counts[:class_count, class_count:].sum(axis=0)) + class_count
    if unknown.size:
        raise ValueError(f"predictions {unknown.tolist()} are none of {class_count} classes")
    return counts[:class_count, :class_count].astype(np.int64)


def score(confusion: np.ndarray) -> Scores:
    """Scores of a confusion matrix [classes, classes] of summed counts."""
    correct = np.diag(confusion).astype(np.float64)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - correct
    iou = np.full(len(confusion), np.nan)
    np.divide(correct, union, out=iou, where=union > 0)
    total = confusion.sum()
    present = iou[~np.isnan(iou)]
    return Scores(
        iou=iou,
        mean_iou=float(present.mean()) if present.size else float("nan"),
        pixel_accuracy=float(correct.sum() / total) if total else float("nan"),
    )
