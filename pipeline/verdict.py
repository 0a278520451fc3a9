"""Tells the end of a run: the scores, the verdict with its reasons, and where everything is."""

from __future__ import annotations

from components.evaluator.summary import EvaluationSummary, Interval
from pipeline.console import Console
from pipeline.local_run import Outcome

_SLICES_SHOWN = 12


def tell(outcome: Outcome, console: Console) -> bool:
    """Prints the outcome and returns whether the gate let the model pass; True where it was not asked."""
    summary = outcome.summary
    console.say()
    if summary is None:
        last = list(outcome.outputs)[-1]
        console.say(f"Stopped after {last}, as asked.")
        for key, artifacts in outcome.outputs[last].items():
            console.say(f"  {key}: {artifacts[0].uri}")
        return True
    if summary.candidate:
        console.table(_class_rows(summary))
        console.say()
        console.table(_slice_rows(summary))
        console.say()
    console.say("Verdict: may be served" if summary.blessed else "Verdict: refused, not served")
    for check in summary.checks:
        console.say(f"  {check}")
    for missing in summary.missing:
        console.say(f"  nothing to judge in {missing}")
    console.say()
    for label, path in (("Page", outcome.page), ("Model", outcome.pushed_to)):
        if path:
            console.say(f"{label:<11}{path}")
    return summary.blessed


def _class_rows(summary: EvaluationSummary) -> list[list[str]]:
    """Scores over all photos by class, in percent."""
    now = summary.candidate[0]
    before = summary.baseline[0] if summary.baseline else None
    change = summary.changes[0] if summary.changes else None
    rows = [["%", "IoU", "95 % interval", "Dice", "precision", "recall", "boundary IoU"]]
    for name, iou in now.iou.items():
        scores = (now.dice[name], now.precision[name], now.recall[name], now.boundary_iou[name])
        shown = (_percent(score, "-") for score in scores)
        rows.append([name, _percent(iou), _interval(now.iou_interval[name]), *shown])
    means = (now.mean_dice, now.mean_precision, now.mean_recall, now.mean_boundary_iou)
    rows.append(
        ["mean", _percent(now.mean_iou), _interval(now.mean_iou_interval), *(_percent(one, "-") for one in means)]
    )
    if before and change:
        rows[0] += ["in service", "change", "95 % interval"]
        for row, name in zip(rows[1:], now.iou, strict=False):
            row += [_percent(before.iou[name]), _signed(change.iou[name]), _interval(change.iou_interval[name])]
        rows[-1] += [_percent(before.mean_iou), _signed(change.mean_iou), _interval(change.mean_iou_interval)]
    for label, value in (("weighted", now.frequency_weighted_iou), ("pixels", now.pixel_accuracy)):
        rows.append([label, _percent(value), *[""] * (len(rows[0]) - 2)])
    return rows


def _slice_rows(summary: EvaluationSummary) -> list[list[str]]:
    """Mean IoU by slice, in percent; of many slices those with the lowest."""
    first, *others = summary.candidate
    changes = {one.name: one for one in summary.changes}
    head = ["mean IoU, %", "photos", "IoU", "95 % interval", *(["change", "95 % interval"] if changes else [])]
    if len(others) > _SLICES_SHOWN:
        lowest = sorted(others, key=lambda one: (one.mean_iou is None, one.mean_iou))[:_SLICES_SHOWN]
        head[0] = f"mean IoU, % ({_SLICES_SHOWN} lowest of {len(others)} slices)"
        others = [one for one in others if one in lowest]
    rows = [head]
    for one in (first, *others):
        row = [one.name, str(one.photos), _percent(one.mean_iou), _interval(one.mean_iou_interval)]
        if changes:
            change = changes.get(one.name)
            row += [_signed(change.mean_iou), _interval(change.mean_iou_interval)] if change else ["", ""]
        rows.append(row)
    return rows


def _percent(value: float | None, nothing: str = "absent") -> str:
    return nothing if value is None else f"{100 * value:.1f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.1f}"


def _interval(bounds: Interval | None) -> str:
    return "" if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"
