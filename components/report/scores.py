"""Scores by class."""

from __future__ import annotations

from components.evaluator.summary import EvaluationSummary, Interval, SliceChange, SliceScores
from components.report import overlay
from components.report.markup import (
    change_with_interval,
    data_bar,
    finite,
    head_row,
    interval,
    name,
    note,
    score,
    scrolling,
    section,
    share,
)
from components.report.verdict import whole
from schema.colors import class_color
from schema.labelmap import LabelMap

MANY_CLASSES = 30

_OTHERS = {"dice": "Dice", "precision": "Precision", "recall": "Recall", "boundary_iou": "Boundary IoU"}


def class_scores(summary: EvaluationSummary, label_map: LabelMap) -> str:
    """All scores by class and their means; with a baseline also its IoU and the change."""
    now, before, changes = whole(summary.candidate), whole(summary.baseline), whole(summary.changes)
    if now is None:
        return section("classes", "Scores by class", note("There are no scores over all photos."))
    required = {check.what: check.required for check in summary.checks}
    totals = [sum(row) for row in now.confusion]
    rows = [
        _row(
            f"{swatch(index, label_map)}{name(one)}",
            _class_cells(one, now, before, changes, required.get(f"IoU of {one}")),
            share(totals[index] if index < len(totals) else 0, sum(totals)),
        )
        for index, one in enumerate(label_map.names)
    ]
    heads = ["Class", "IoU"]
    heads += ["Baseline", "Change"] if before else []
    head = head_row([*heads, *_OTHERS.values(), "Share of pixels"], numeric_from=2, sortable=len(rows) > 1)
    sums = _sums(now, before, changes, required.get("mean IoU"))
    table = f'<table class="scores">{head}<tbody>{"".join(rows)}</tbody><tfoot>{sums}</tfoot></table>'
    return section(
        "classes",
        "Scores by class",
        scrolling("Scores by class", table, tall=len(rows) > MANY_CLASSES),
        _key(summary, compared=before is not None),
    )


def swatch(index: int, label_map: LabelMap) -> str:
    """The colour and hatching of a class in the gallery; the background has none."""
    background = label_map.background_index
    if index == background:
        return '<span class="swatch empty" aria-hidden="true"></span>'
    color = overlay.css_color(class_color(index, background))
    kind = overlay.class_hatchings(len(label_map.classes), background)[index]
    return f'<span class="swatch hatch-{kind}" style="background-color:{color}" aria-hidden="true"></span>'


def _class_cells(
    one: str, now: SliceScores, before: SliceScores | None, changes: SliceChange | None, required: float | None
) -> str:
    old = before.iou.get(one) if before else None
    difference = (changes.iou.get(one), changes.iou_interval.get(one)) if changes else (None, None)
    cells = _iou_cell(now.iou.get(one), now.iou_interval.get(one), old, required)
    cells += _against(old, now.iou.get(one), *difference) if before else ""
    return cells + "".join(data_bar(getattr(now, column).get(one)) for column in _OTHERS)


def _sums(now: SliceScores, before: SliceScores | None, changes: SliceChange | None, required: float | None) -> str:
    old = before.mean_iou if before else None
    difference = (changes.mean_iou, changes.mean_iou_interval) if changes else (None, None)
    cells = _iou_cell(now.mean_iou, now.mean_iou_interval, old, required)
    cells += _against(old, now.mean_iou, *difference) if before else ""
    return _row("Mean", cells + "".join(data_bar(getattr(now, f"mean_{column}")) for column in _OTHERS), "")


def _row(head: str, cells: str, pixels: str) -> str:
    return f'<tr><th scope="row">{head}</th>{cells}<td class="num">{pixels}</td></tr>'


def _iou_cell(now: float | None, noise: Interval | None, before: float | None, required: float | None) -> str:
    known = finite(now)
    order = "" if known is None else f"{known:.6f}"
    return (
        f'<td class="barcell" data-value="{order}"><div>{_bar(now, noise, before, required)}'
        f'<span class="value">{score(now)}{interval(noise)}</span></div></td>'
    )


def _against(before: float | None, now: float | None, change: float | None, noise: Interval | None) -> str:
    return (
        f'<td class="num">{score(before)}</td><td class="num">{change_with_interval(before, now, change, noise)}</td>'
    )


def _bar(now: float | None, noise: Interval | None, before: float | None, required: float | None) -> str:
    marks = ""
    if required is not None and 0 < required <= 1:
        marks += f'<i class="required" style="left:{100 * required:.2f}%" title="required: {required:g}"></i>'
    if noise is not None:
        low, high = noise
        marks += f'<i class="noise" style="left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"></i>'
    old = finite(before)
    if old is not None:
        marks += f'<i class="before" style="left:{100 * old:.2f}%" title="baseline: {old:.3f}"></i>'
    known = finite(now)
    fill = "" if known is None else f'<i class="fill" style="width:{100 * known:.2f}%"></i>'
    return f'<span class="bar" aria-hidden="true">{fill}{marks}</span>'


def _key(summary: EvaluationSummary, *, compared: bool) -> str:
    parts = ["Bars run from 0 to 1."]
    if any(0 < check.required <= 1 for check in summary.checks):
        parts.append('<span class="keymark"><i class="required"></i></span> required by the gate.')
    if summary.resamples:
        parts.append('<span class="keymark"><i class="noise"></i></span> 95 % interval over photos.')
    if compared:
        parts.append('<span class="keymark"><i class="before"></i></span> baseline, the model in service.')
    parts.append("“absent”: neither in truth nor in prediction, so the class does not count in the mean.")
    return note(" ".join(parts))
