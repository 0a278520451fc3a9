"""Scores from the counts of a whole data set. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schema.features import IGNORE_LABEL


@dataclass(frozen=True)
class Scores:
    """Scores of a data set, or of a slice of it; NaN stands for "no such value".

    By class float64 [classes], with n the pixels of the class in truth, p those predicted as it, and c those that are
    both:

    Attributes:
        iou: c / (n + p - c); NaN for a class that neither truth nor prediction holds.
        dice: 2 c / (n + p), the F1 score of pixels; NaN likewise.
        precision: c / p; NaN for a class that is never predicted.
        recall: c / n; NaN for a class that the truth does not hold.
        frequency_weighted_iou: Mean of `iou`, each class weighted by its pixels in truth; NaN without any pixel.
        pixel_accuracy: Share of pixels that are right; NaN without any pixel.
    """

    iou: np.ndarray
    dice: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    frequency_weighted_iou: float
    pixel_accuracy: float

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that are present; NaN if none is."""
        return known_mean(self.iou)


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


def class_counts(confusion: np.ndarray) -> np.ndarray:
    """What IoU needs of a confusion matrix: int64 [3, classes] of pixels in both, in truth, in prediction."""
    return np.stack([np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)])


def iou_of(counts: np.ndarray) -> np.ndarray:
    """IoU by class, NaN for absent ones, of counts [..., 3, classes]: pixels in both, in truth, in prediction."""
    both, truth, prediction = (counts[..., part, :].astype(np.float64) for part in range(3))
    return _ratio(both, truth + prediction - both)


def known_mean(values: np.ndarray) -> float:
    """Mean of the values that are no NaN; NaN if there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def score(confusion: np.ndarray) -> Scores:
    """Scores of a confusion matrix [classes, classes] of summed counts."""
    counts = class_counts(confusion)
    both, truth, prediction = counts.astype(np.float64)
    iou, total = iou_of(counts), truth.sum()
    return Scores(
        iou=iou,
        dice=_ratio(2 * both, truth + prediction),
        precision=_ratio(both, prediction),
        recall=_ratio(both, truth),
        frequency_weighted_iou=float(np.nansum(iou * truth) / total) if total else float("nan"),
        pixel_accuracy=float(both.sum() / total) if total else float("nan"),
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
