"""Names of the metrics, in one place for the metric, the gate and the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.metrics.iou import Scores

CANDIDATE, BASELINE = "candidate", "baseline"  # names of the models in TFMA

CONFUSION = "confusion"  # as metric and as output of the model's evaluation signature, see trainer.export
MEAN_IOU = "mean_iou"
PIXEL_ACCURACY = "pixel_accuracy"
PHOTOS = "photos"


def class_iou(class_name: str) -> str:
    """Name of the metric that holds the IoU of a class."""
    return f"iou/{class_name}"


def all_metrics(class_names: Sequence[str]) -> list[str]:
    """Every metric's name."""
    return [MEAN_IOU, PIXEL_ACCURACY, PHOTOS, CONFUSION, *map(class_iou, class_names)]


def metric_values(class_names: Sequence[str], scores: Scores, confusion: np.ndarray, photos: int) -> dict[str, Any]:
    """Values by the names of `all_metrics`."""
    ious = {class_iou(name): float(iou) for name, iou in zip(class_names, scores.iou, strict=True)}
    return {
        MEAN_IOU: scores.mean_iou,
        PIXEL_ACCURACY: scores.pixel_accuracy,
        PHOTOS: float(photos),
        CONFUSION: confusion,
        **ious,
    }
