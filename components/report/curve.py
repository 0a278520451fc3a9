"""The training curves, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.report.markup import NO_VALUE, details, finite, head_row, note, scrolling, section

Point = tuple[float, float]

WIDTH, HEIGHT = 440, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 32
POINTS_SHOWN = 400
DOTS_SHOWN = 60
ROWS_SHOWN = 40


def training_curves(history: list[dict[str, float]], kept_step: int | None = None) -> str:
    """Loss and mean IoU on the eval split over the steps, as charts and as a table.

    Args:
        history: Rows of the training log.
        kept_step: Step of the weights that were evaluated; None where it is not known.
    """
    loss, iou = series(history, "loss"), series(history, "eval_mean_iou")
    if not loss and not iou:
        return section("training", "Training", note("There is no training log."))
    charts = "".join([_loss_chart(loss), _iou_chart(iou, kept_step)])
    return section("training", "Training", f'<div class="charts">{charts}</div>', _numbers(history))


def series(history: list[dict[str, float]], key: str) -> list[Point]:
    """Pairs of step and value, sorted by step; rows without a finite value are left out."""
    pairs = ((finite(row.get("step")), finite(row.get(key))) for row in history)
    return sorted((step, value) for step, value in pairs if step is not None and value is not None)


def thinned(points: Sequence[Point], limit: int) -> list[Point]:
    """At most about `limit` points: lowest and highest of each stretch, so that spikes stay visible."""
    if len(points) <= limit:
        return list(points)
    chosen = {points[0], points[-1]}
    for stretch in np.array_split(np.arange(len(points)), limit // 2):
        part = [points[index] for index in stretch]
        chosen |= {min(part, key=lambda one: one[1]), max(part, key=lambda one: one[1])}
    return sorted(chosen)


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers that span a range, the last one at or above `high`."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * wanted >= span * 0.999)
    first = math.floor(low / step + 1e-9)
    last = max(first + 1, math.ceil((low + span) / step - 1e-9))
    return [index * step for index in range(first, last + 1)]


def _loss_chart(points: list[Point]) -> str:
    if not points:
        return _figure("Loss", "No loss was logged.", "")
    words = f"{points[0][1]:.4g} at step {points[0][0]:,.0f}, {points[-1][1]:.4g} at step {points[-1][0]:,.0f}"
    low = min(0.0, *(value for _, value in points))
    return _figure("Loss", words, _chart("Loss", words, points, ticks(low, max(value for _, value in points))))


def _iou_chart(points: list[Point], kept_step: int | None) -> str:
    label = "Mean IoU on the eval split"
    if not points:
        return _figure(label, "No evaluation was logged.", "")
    best = max(points, key=lambda one: one[1])
    kept = next((one for one in points if one[0] == kept_step), None)
    words = f"{points[-1][1]:.3f} at step {points[-1][0]:,.0f}; best {best[1]:.3f} at step {best[0]:,.0f}"
    words += f"; kept: step {kept[0]:,.0f} (circle)" if kept else ""
    return _figure(label, words, _chart(label, words, points, [0, 0.25, 0.5, 0.75, 1], kept or best))


def _figure(label: str, words: str, chart: str) -> str:
    return f'<figure class="chart"><figcaption><strong>{label}</strong> {words}</figcaption>{chart}</figure>'


def _chart(label: str, words: str, points: list[Point], levels: list[float], marked: Point | None = None) -> str:
    steps = ticks(0, points[-1][0])
    placed = [_place(one, steps, levels) for one in thinned(points, POINTS_SHOWN)]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
    marks = "".join(_dot(*one, "dot") for one in placed) if len(placed) <= DOTS_SHOWN else _dot(*placed[-1], "dot")
    marks += _dot(*_place(marked, steps, levels), "marked", radius=6) if marked else ""
    spoken = f"{label} over the training steps: {words}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{spoken}">'
        f'{_grid(steps, levels)}<path class="line" d="{line}"/>{marks}</svg>'
    )


def _place(point: Point, steps: list[float], levels: list[float]) -> Point:
    across = (point[0] - steps[0]) / (steps[-1] - steps[0])
    up = (point[1] - levels[0]) / (levels[-1] - levels[0])
    return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def _dot(x: float, y: float, kind: str, radius: float = 2.5) -> str:
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def _grid(steps: list[float], levels: list[float]) -> str:
    parts = []
    for level in levels:
        y = _place((steps[0], level), steps, levels)[1]
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_tick(level)}</text>')
    for index, step in enumerate(steps):
        x = _place((step, levels[0]), steps, levels)[0]
        anchor = "end" if index == len(steps) - 1 else "middle"
        # The unit stands at the last number, so that the axis needs no line of its own for a title.
        words = f"step {_tick(step)}" if index == len(steps) - 1 else _tick(step)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="{anchor}">{words}</text>')
    return "".join(parts)


def _tick(value: float) -> str:
    shown = f"{value:,.0f}" if 10_000 <= abs(value) < 10_000_000 else f"{value:.6g}"
    return shown.replace("-", "−")


def _numbers(history: list[dict[str, float]]) -> str:
    rows = [row for row in history if finite(row.get("eval_mean_iou")) is not None] or history
    chosen = [rows[index] for index in np.unique(np.linspace(0, len(rows) - 1, ROWS_SHOWN).round().astype(int))]
    keys = {"step": "{:,.0f}", "loss": "{:.4g}", "learning_rate": "{:.3g}", "eval_mean_iou": "{:.3f}"}
    body = "".join(f"<tr>{''.join(_number(row.get(key), shape) for key, shape in keys.items())}</tr>" for row in chosen)
    head = head_row(["Step", "Loss", "Learning rate", "Mean IoU on eval"], numeric_from=0)
    table = f"<table>{head}<tbody>{body}</tbody></table>"
    remark = note(f"{len(chosen)} of {len(rows):,} rows.") if len(chosen) < len(rows) else ""
    return details("Numbers", remark + scrolling("Training log", table, tall=True))


def _number(value: float | None, shape: str) -> str:
    known = finite(value)
    return f'<td class="num">{NO_VALUE if known is None else shape.format(known)}</td>'
