"""How IoU is spread over the photos, as inline SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from components.report.curve import ticks
from components.report.markup import count, details, finite, head_row, note, scrolling, section

BINS = 20
WIDTH, HEIGHT = 520, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 32


def iou_histogram(now: Sequence[float | None], before: Sequence[float | None]) -> str:
    """How many photos have which IoU, of the new model and of the one in service.

    Args:
        now: Mean IoU of the foreground classes by photo; None where a photo holds none.
        before: The same of the model in service; empty without one.
    """
    known = np.array([one for one in map(finite, now) if one is not None])
    if not known.size:
        return section("histogram", "IoU by photo", note("No photo has an IoU: there is no foreground class in them."))
    counts = photos_by_bin(known)
    old = np.array([one for one in map(finite, before) if one is not None])
    counts_before = photos_by_bin(old) if old.size else None
    words = (
        f"Median {np.median(known):.3f}; {count(int((known < 0.5).sum()), 'photo')} of {len(known):,} below 0.5,"
        f" {int((known >= 0.9).sum()):,} at 0.9 or above."
    )
    without = len(now) - len(known)
    remark = "Mean IoU of the foreground classes in each photo. " + words
    if without:
        remark += f" {count(without, 'photo')} without an object left out."
    if counts_before is not None:
        remark += (
            f' Median of the model in service {np.median(old):.3f}: <span class="keymark"><i class="step"></i></span>.'
        )
    return section(
        "histogram", "IoU by photo", note(remark), _chart(counts, counts_before, words), _numbers(counts, counts_before)
    )


def photos_by_bin(values: np.ndarray) -> np.ndarray:
    """Photos in each of `BINS` equal ranges from 0 to 1: int64 [BINS]; 1 belongs to the last."""
    return np.histogram(values, BINS, (0.0, 1.0))[0]


def _chart(counts: np.ndarray, before: np.ndarray | None, words: str) -> str:
    highest = max(int(counts.max()), int(before.max()) if before is not None else 0)
    levels = [level for level in ticks(0, highest) if float(level).is_integer()]
    step = (WIDTH - LEFT - RIGHT) / BINS

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - value / levels[-1] * (HEIGHT - TOP - BOTTOM)

    bars = "".join(
        f'<rect class="column" x="{LEFT + index * step + 1:.1f}" y="{up(number):.1f}" width="{step - 2:.1f}"'
        f' height="{up(0) - up(number):.1f}"><title>{_range(index)}: {count(int(number), "photo")}</title></rect>'
        for index, number in enumerate(counts)
        if number
    )
    outline = ""
    if before is not None:
        path = "".join(f"V{up(number):.1f}H{LEFT + (index + 1) * step:.1f}" for index, number in enumerate(before))
        outline = f'<path class="step" d="M{LEFT} {up(0):.1f}{path}V{up(0):.1f}"/>'
    return (
        f'<svg class="histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="Histogram of IoU by photo. {words}">{_grid(levels, up)}{bars}{outline}</svg>'
    )


def _grid(levels: Sequence[float], up: Callable[[float], float]) -> str:
    parts = [
        f'<path class="grid" d="M{LEFT} {up(level):.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{up(level) + 4:.1f}" text-anchor="end">{level:,.0f}</text>'
        for level in levels
    ]
    for tenth in range(0, 11, 2):
        x = LEFT + tenth / 10 * (WIDTH - LEFT - RIGHT)
        words, anchor = (f"{tenth / 10:g}", "middle") if tenth < 10 else ("IoU 1", "end")
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="{anchor}">{words}</text>')
    return "".join(parts)


def _numbers(counts: np.ndarray, before: np.ndarray | None) -> str:
    columns = [counts] if before is None else [counts, before]
    rows = [(_range(index), [f'<td class="num">{one[index]:,}</td>' for one in columns]) for index in range(BINS)]
    body = "".join(f'<tr><th scope="row">{words}</th>{"".join(cells)}</tr>' for words, cells in rows)
    heads = ["IoU", "Photos", "Photos, model in service"][: 1 + len(columns)]
    return details("Numbers", scrolling("Photos by IoU", f"<table>{head_row(heads)}<tbody>{body}</tbody></table>"))


def _range(index: int) -> str:
    return f"{index / BINS:.2f} to {(index + 1) / BINS:.2f}"
