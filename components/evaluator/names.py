"""Names of the metrics, in one place for the metric, the gate and the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.metrics.iou import iou_of, known_mean, score

CANDIDATE, BASELINE = "candidate", "baseline"  # names of the models in TFMA

# As metrics and as outputs of the model's evaluation signature, see trainer.export.
CONFUSION = "confusion"
BOUNDARY = "boundary"

MEAN_IOU = "mean_iou"
MEAN_DICE = "mean_dice"
MEAN_PRECISION = "mean_precision"
MEAN_RECALL = "mean_recall"
MEAN_BOUNDARY_IOU = "mean_boundary_iou"
FREQUENCY_WEIGHTED_IOU = "frequency_weighted_iou"
PIXEL_ACCURACY = "pixel_accuracy"
PHOTOS = "photos"

_WHOLE = (
    *(MEAN_IOU, MEAN_DICE, MEAN_PRECISION, MEAN_RECALL, MEAN_BOUNDARY_IOU),
    *(FREQUENCY_WEIGHTED_IOU, PIXEL_ACCURACY, PHOTOS, CONFUSION, BOUNDARY),
)


def class_iou(class_name: str) -> str:
    """Name of the metric that holds the IoU of a class."""
    return f"iou/{class_name}"


def all_metrics(class_names: Sequence[str]) -> list[str]:
    """Every metric's name."""
    return [*_WHOLE, *map(class_iou, class_names)]


def metric_values(
    class_names: Sequence[str], confusion: np.ndarray, boundary: np.ndarray, photos: int
) -> dict[str, Any]:
    """Values by the names of `all_metrics`.

    Args:
        class_names: By class number.
        confusion: int64 [classes, classes] of summed counts.
        boundary: int64 [3, classes] of summed boundary counts, see `metrics.counts`; zeros where the model has none.
        photos: Number of photos.
    """
    scores = score(confusion)
    return {
        MEAN_IOU: scores.mean_iou,
        MEAN_DICE: known_mean(scores.dice),
        MEAN_PRECISION: known_mean(scores.precision),
        MEAN_RECALL: known_mean(scores.recall),
        MEAN_BOUNDARY_IOU: known_mean(iou_of(boundary)),
        FREQUENCY_WEIGHTED_IOU: scores.frequency_weighted_iou,
        PIXEL_ACCURACY: scores.pixel_accuracy,
        PHOTOS: float(photos),
        CONFUSION: confusion,
        BOUNDARY: boundary,
        **{class_iou(name): float(iou) for name, iou in zip(class_names, scores.iou, strict=True)},
    }
