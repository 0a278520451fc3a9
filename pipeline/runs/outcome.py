"""Puts what a run brought into its record."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterable
from pathlib import Path

from components.evaluator.summary import ALL_PHOTOS, EvaluationSummary
from components.report.photo_scores import read_photo_scores
from pipeline.local_run import Outcome
from pipeline.runs.record import PUSHED, REFUSED, STOPPED, RunRecord, Scores
from schema.labelmap import LabelMap

PHOTOS_KEPT = 2000
"""More scores of single photos are not kept, so that a record stays small whatever the data set."""

_NAME_LIMIT = 300


def describe(outcome: Outcome, workspace: Path, record: RunRecord, label_map: LabelMap) -> None:
    """Fills in verdict, scores and where things are."""
    summary = outcome.summary
    if summary is None:
        record.verdict, record.reason = STOPPED, f"after {list(outcome.outputs)[-1]}, as asked"
        return
    record.verdict = PUSHED if summary.blessed else REFUSED
    record.reason = _reason(summary)
    record.version = int(os.path.basename(outcome.pushed_to) or 0)
    record.page = Path(os.path.relpath(outcome.page, workspace)).as_posix() if outcome.page else ""
    for row in summary.candidate:
        if row.name == ALL_PHOTOS:
            record.metrics = {"mean IoU": row.mean_iou, "pixel accuracy": row.pixel_accuracy}
            record.classes = dict(row.iou)
        else:
            record.slices[row.name] = row.mean_iou
    photos = read_photo_scores(outcome.uri("Evaluator", "evaluation"), label_map)
    record.photo_iou = sampled((one.key.decode("utf-8", "replace"), one.iou) for one in photos)


def sampled(photos: Iterable[tuple[str, float | None]], limit: int = PHOTOS_KEPT) -> Scores:
    """Scores of at most `limit` photos: those whose names have the lowest hashes, so that runs keep the same ones."""
    ranked = ((hashlib.sha256(name.encode("utf-8", "replace")).hexdigest(), name, iou) for name, iou in photos)
    kept = heapq.nsmallest(limit, ranked, key=lambda one: one[0])
    return {name[-_NAME_LIMIT:]: None if iou is None else round(iou, 4) for _, name, iou in kept}


def _reason(summary: EvaluationSummary) -> str:
    failed = [str(check) for check in summary.checks if not check.passed]
    return "; ".join([*failed, *(f"nothing to judge in {one}" for one in summary.missing)])
