"""The evaluation as Kubeflow's own kinds of artifacts hold it. Pure functions of a summary."""

from __future__ import annotations

from typing import Any

from components.evaluator.summary import EvaluationSummary, SliceScores

CONFUSION_PROPERTY = "confusionMatrix"
"""Property of a `system.ClassificationMetrics` that Kubeflow's page draws as a matrix."""


def scores(summary: EvaluationSummary) -> dict[str, float]:
    """Figures by name: IoU of all photos and by slice, change against the model in service, verdict.

    A class that is absent has no IoU, and so no figure.
    """
    found: dict[str, float | None] = {"blessed": float(summary.blessed)}
    for one in summary.candidate[:1]:
        found |= {"mean IoU": one.mean_iou, "pixel accuracy": one.pixel_accuracy, "photos": float(one.photos)}
        found |= {f"IoU of {name}": value for name, value in one.iou.items()}
    for one in summary.candidate[1:]:
        found[f"mean IoU, {one.name}"] = one.mean_iou
    found["mean IoU of the model in service"] = _mean(summary.baseline)
    return {name: value for name, value in found.items() if value is not None}


def confusion_matrix(summary: EvaluationSummary, class_names: list[str]) -> dict[str, Any]:
    """Pixels of all photos by true class (row) and predicted class, as Kubeflow's page wants them."""
    rows = summary.candidate[0].confusion if summary.candidate else []
    return {
        "annotationSpecs": [{"displayName": name} for name in class_names],
        "rows": [{"row": row} for row in rows],
    }


def _mean(slices: list[SliceScores]) -> float | None:
    return slices[0].mean_iou if slices else None
