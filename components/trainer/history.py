"""What a training tells of itself: a row of figures for every evaluation, and what follows from the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from components.metrics.iou import Scores

Row = dict[str, float]

MEAN_IOU = "eval_mean_iou"


def make_row(step: int, *, loss: float, rate: float, scores: Scores, class_names: Sequence[str]) -> Row:
    """The figures of one evaluation; what is not a number (the IoU of an absent class) is left out."""
    figures = {"loss": loss, "learning_rate": rate, MEAN_IOU: scores.mean_iou}
    figures |= {f"eval_iou/{name}": float(iou) for name, iou in zip(class_names, scores.iou, strict=True)}
    return {"step": step, **{name: value for name, value in figures.items() if math.isfinite(value)}}


def ranked_steps(history: Sequence[Row]) -> list[int]:
    """Steps by eval mean IoU, the highest first and the earlier first of equals; those without a score come last."""
    return [int(row["step"]) for row in sorted(history, key=lambda row: -row.get(MEAN_IOU, -math.inf))]


def best_step(history: Sequence[Row]) -> int:
    """The step with the highest eval mean IoU; 0 before the first evaluation."""
    return next(iter(ranked_steps(history)), 0)


def last_step(history: Sequence[Row]) -> int:
    """The step of the last evaluation; 0 before the first."""
    return int(history[-1]["step"]) if history else 0


def is_patient(history: Sequence[Row], patience: int) -> bool:
    """Whether fewer than `patience` evaluations came after the best one; a patience of 0 never ends."""
    best = best_step(history)
    return not patience or sum(row["step"] > best for row in history) < patience


class ScalarLog:
    """TensorBoard scalars of history rows."""

    def __init__(self, directory: str):
        """Writes event files to `directory`."""
        self._writer = tf.summary.create_file_writer(directory)

    def write(self, *rows: Row) -> None:
        """Writes rows and flushes them."""
        with self._writer.as_default():
            for row in rows:
                for name, value in row.items():
                    if name != "step":
                        tf.summary.scalar(name, value, step=int(row["step"]))
        self._writer.flush()
