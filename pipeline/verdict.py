"""Tells the end of a run: the IoU table, the verdict with its reasons, and where everything is."""

from __future__ import annotations

from components.evaluator.summary import EvaluationSummary, SliceScores
from pipeline.console import Console
from pipeline.local_run import Outcome


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
    console.table(_iou_rows(summary))
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


def _iou_rows(summary: EvaluationSummary) -> list[list[str]]:
    """IoU by class (rows) and slice (columns), in percent."""
    slices = summary.candidate
    before = summary.baseline[:1]
    rows = [["IoU, %", *(_heading(one) for one in slices), *("model in service" for _ in before)]]
    everything = [*slices, *before]
    rows += [[name, *(_percent(one.iou[name]) for one in everything)] for name in (slices[0].iou if slices else [])]
    rows.append(["mean", *(_percent(one.mean_iou) for one in everything)])
    rows.append(["pixel accuracy", *(_percent(one.pixel_accuracy) for one in everything)])
    rows.append(["photos", *(str(one.photos) for one in everything)])
    return rows


def _heading(one: SliceScores) -> str:
    return one.name.removeprefix("object/size = ")


def _percent(value: float | None) -> str:
    return "absent" if value is None else f"{100 * value:.1f}"
