"""Scores by slice."""

from __future__ import annotations

from components.evaluator.summary import ALL_PHOTOS, EvaluationSummary, SliceChange, SliceScores
from components.report.markup import (
    change_with_interval,
    data_bar,
    finite,
    head_row,
    name,
    note,
    scrolling,
    section,
)
from schema.labelmap import LabelMap

MANY_SLICES = 30
SLICE_CELLS = 4000
SLICES_SHOWN = 200


def slice_scores(summary: EvaluationSummary, label_map: LabelMap) -> str:
    """A row for each slice: photos, mean IoU with its interval and its change, IoU of each foreground class."""
    rows = summary.candidate
    if not rows:
        return section("slices", "Slices", note("There are no scores."))
    limit = min(SLICES_SHOWN, max(20, SLICE_CELLS // max(1, len(label_map.foreground))))
    shown, remark = _shortened(rows, limit)
    before = {row.name: row.mean_iou for row in summary.baseline}
    changes = {row.name: row for row in summary.changes}
    heads = ["Slice", "Photos", "Mean IoU", *(["Change"] if before else []), *map(name, label_map.foreground)]
    body = "".join(_row(row, label_map, before, changes) for row in shown)
    head = head_row(heads, sortable=len(shown) > 1)
    table = f'<table class="slices">{head}<tbody>{body}</tbody></table>'
    intervals = note("Below a score, its 95 % interval over photos.") if summary.resamples else ""
    return section(
        "slices", "Slices", remark, scrolling("Scores by slice", table, tall=len(shown) > MANY_SLICES), intervals
    )


def _shortened(rows: list[SliceScores], limit: int) -> tuple[list[SliceScores], str]:
    if len(rows) <= limit:
        return rows, ""
    by_score = sorted(rows, key=lambda row: (row.name != ALL_PHOTOS, finite(row.mean_iou) is None, row.mean_iou or 0))
    return by_score[:limit], note(f"{limit} of {len(rows):,} slices: all photos and those with the lowest mean IoU.")


def _row(
    row: SliceScores, label_map: LabelMap, before: dict[str, float | None], changes: dict[str, SliceChange]
) -> str:
    compare = ""
    if before:
        known = changes.get(row.name)
        difference = (known.mean_iou, known.mean_iou_interval) if known else (None, None)
        compare = f'<td class="num">{change_with_interval(before.get(row.name), row.mean_iou, *difference)}</td>'
    cells = "".join(data_bar(row.iou.get(one)) for one in label_map.foreground)
    kind = ' class="whole"' if row.name == ALL_PHOTOS else ""
    return (
        f'<tr{kind}><th scope="row">{name(row.name, 120)}</th><td class="num">{row.photos:,}</td>'
        f"{data_bar(row.mean_iou, row.mean_iou_interval)}{compare}{cells}</tr>"
    )
