"""Scores by class and by slice."""

from __future__ import annotations

from components.evaluator.summary import ALL_PHOTOS, EvaluationSummary, SliceScores
from components.report import overlay
from components.report.markup import change, finite, head_row, name, note, score, scrolling, section, share
from components.report.verdict import whole
from schema.colors import class_color
from schema.labelmap import LabelMap

MANY_CLASSES = 30
SLICE_CELLS = 8000
SLICES_SHOWN = 200


def class_scores(summary: EvaluationSummary, label_map: LabelMap) -> str:
    """IoU by class with bars, mean IoU, pixel accuracy; with a baseline also its values and the change."""
    now, before = whole(summary.candidate), whole(summary.baseline)
    if now is None:
        return section("classes", "IoU by class", note("There are no scores over all photos."))
    required = {check.what: check.required for check in summary.checks}
    totals = [sum(row) for row in now.confusion]
    rows = [
        _row(
            f"{swatch(index, label_map)}{name(one)}",
            now.iou.get(one),
            before.iou.get(one) if before else None,
            compared=before is not None,
            required=required.get(f"IoU of {one}"),
            pixels=share(totals[index] if index < len(totals) else 0, sum(totals)),
        )
        for index, one in enumerate(label_map.names)
    ]
    sums = _sums(now, before, required.get("mean IoU"))
    heads = ["Class", "IoU", '<span class="unseen">Value</span>']
    heads += ["Baseline", "Change"] if before else []
    head = head_row([*heads, "Share of pixels"], numeric_from=2)
    table = f'<table class="scores">{head}<tbody>{"".join(rows)}</tbody><tfoot>{sums}</tfoot></table>'
    return section(
        "classes",
        "IoU by class",
        scrolling("IoU by class", table, tall=len(rows) > MANY_CLASSES),
        _key(bool(before), any(check.required > 0 for check in summary.checks)),
    )


def swatch(index: int, label_map: LabelMap) -> str:
    """The colour of a class in the gallery; the background has none."""
    if index == label_map.background_index:
        return '<span class="swatch empty" aria-hidden="true"></span>'
    color = overlay.css_color(class_color(index, label_map.background_index))
    return f'<span class="swatch" style="background:{color}" aria-hidden="true"></span>'


def _sums(now: SliceScores, before: SliceScores | None, required: float | None) -> str:
    mean = _row(
        "Mean IoU",
        now.mean_iou,
        before.mean_iou if before else None,
        compared=before is not None,
        required=required,
        pixels="",
    )
    accuracy = _row(
        "Pixel accuracy",
        now.pixel_accuracy,
        before.pixel_accuracy if before else None,
        compared=before is not None,
        required=None,
        pixels="",
    )
    return mean + accuracy


def _row(
    head: str, now: float | None, before: float | None, *, compared: bool, required: float | None, pixels: str
) -> str:
    compare = f'<td class="num">{score(before)}</td><td class="num">{change(before, now)}</td>' if compared else ""
    return (
        f'<tr><th scope="row">{head}</th><td class="barcell">{_bar(now, before, required)}</td>'
        f'<td class="num value">{score(now)}</td>{compare}<td class="num">{pixels}</td></tr>'
    )


def _bar(now: float | None, before: float | None, required: float | None) -> str:
    marks = ""
    if required is not None and 0 < required <= 1:
        marks += f'<i class="required" style="left:{100 * required:.2f}%" title="required: {required:g}"></i>'
    old = finite(before)
    if old is not None:
        marks += f'<i class="before" style="left:{100 * old:.2f}%" title="baseline: {old:.3f}"></i>'
    known = finite(now)
    fill = "" if known is None else f'<i class="fill" style="width:{100 * known:.2f}%"></i>'
    return f'<span class="bar" aria-hidden="true">{fill}{marks}</span>'


def _key(compared: bool, gated: bool) -> str:
    parts = ["Bars run from 0 to 1."]
    if gated:
        parts.append('<span class="keymark"><i class="required"></i></span> required by the gate.')
    if compared:
        parts.append('<span class="keymark"><i class="before"></i></span> baseline, the model in service.')
    parts.append("“absent”: neither in truth nor in prediction, so the class does not count in the mean.")
    return note(" ".join(parts))


def slice_scores(summary: EvaluationSummary, label_map: LabelMap) -> str:
    """A row for each slice: photos, mean IoU (and its change), IoU of each foreground class."""
    rows = summary.candidate
    if not rows:
        return section("slices", "Slices", note("There are no scores."))
    limit = min(SLICES_SHOWN, max(20, SLICE_CELLS // max(1, len(label_map.foreground))))
    shown, remark = _shortened(rows, limit)
    before = {row.name: row.mean_iou for row in summary.baseline}
    heads = ["Slice", "Photos", "Mean IoU", *(["Change"] if before else []), *map(name, label_map.foreground)]
    body = "".join(_slice_row(row, label_map, before) for row in shown)
    table = f'<table class="slices">{head_row(heads)}<tbody>{body}</tbody></table>'
    return section("slices", "Slices", remark, scrolling("Scores by slice", table, tall=len(shown) > MANY_CLASSES))


def _shortened(rows: list[SliceScores], limit: int) -> tuple[list[SliceScores], str]:
    if len(rows) <= limit:
        return rows, ""
    by_score = sorted(rows, key=lambda row: (row.name != ALL_PHOTOS, finite(row.mean_iou) is None, row.mean_iou or 0))
    return by_score[:limit], note(f"{limit} of {len(rows):,} slices: all photos and those with the lowest mean IoU.")


def _slice_row(row: SliceScores, label_map: LabelMap, before: dict[str, float | None]) -> str:
    compare = f'<td class="num">{change(before.get(row.name), row.mean_iou)}</td>' if before else ""
    cells = "".join(_data_bar(row.iou.get(one)) for one in label_map.foreground)
    kind = ' class="whole"' if row.name == ALL_PHOTOS else ""
    return (
        f'<tr{kind}><th scope="row">{name(row.name, 120)}</th><td class="num">{row.photos:,}</td>'
        f"{_data_bar(row.mean_iou)}{compare}{cells}</tr>"
    )


def _data_bar(value: float | None) -> str:
    known = finite(value)
    style = "" if known is None else f' style="--share:{100 * known:.1f}%"'
    return f'<td class="num data"{style}>{score(value)}</td>'
