"""The confusion matrix."""

from __future__ import annotations

import numpy as np

from components.evaluator.summary import EvaluationSummary
from components.report.markup import ABSENT, name, name_in_attribute, note, scrolling, section
from components.report.verdict import whole
from schema.labelmap import LabelMap

CLASSES_SHOWN = 20
UPRIGHT_HEADS = 6


def confusion_matrix(summary: EvaluationSummary, label_map: LabelMap) -> str:
    """Where the pixels of each true class went, in percent of that class, with pixel counts as tooltips."""
    scores = whole(summary.candidate)
    matrix = np.array(scores.confusion if scores else [], np.int64)
    if not matrix.size:
        return section("confusion", "Confusion matrix", note("There are no pixel counts."))
    shown = most_confused(matrix, CLASSES_SHOWN)
    remark = "Of the pixels of each true class (row), the percentage that was predicted as each class (column)."
    if len(shown) < len(matrix):
        remark += (
            f" The {len(shown)} of {len(matrix)} classes with the most wrong pixels are shown;"
            " “others” sums up the rest."
        )
    table = _table(matrix, shown, label_map.names)
    return section("confusion", "Confusion matrix", note(remark), scrolling("Confusion matrix", table))


def most_confused(matrix: np.ndarray, limit: int) -> list[int]:
    """The classes with the most wrong pixels, as truth or as prediction.

    Args:
        matrix: int64 [classes, classes], pixels by true class (row) and predicted class (column).
        limit: How many classes to choose.

    Returns:
        Class numbers in ascending order; all of them where there are no more than `limit`.
    """
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diagonal(matrix)
    return sorted(np.argsort(-wrong, kind="stable")[:limit].tolist())


def _table(matrix: np.ndarray, shown: list[int], names: list[str]) -> str:
    others = len(shown) < len(matrix)
    kind = "confusion" if len(shown) <= UPRIGHT_HEADS else "confusion many"
    heads = "".join(f'<th scope="col"><span>{name(names[one])}</span></th>' for one in shown)
    heads += '<th scope="col"><span>others</span></th>' if others else ""
    corner = '<th scope="col" class="corner">truth ↓ predicted →</th>'
    rows = "".join(_row(matrix, one, shown, names) for one in shown)
    return f'<table class="{kind}"><thead><tr>{corner}{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _row(matrix: np.ndarray, true: int, shown: list[int], names: list[str]) -> str:
    head = f'<tr><th scope="row">{name(names[true])}</th>'
    total = int(matrix[true].sum())
    others = len(shown) < len(matrix)
    if not total:
        return f'{head}<td class="none" colspan="{len(shown) + others}">{ABSENT} in truth</td></tr>'
    cells = [_cell(int(matrix[true, one]), total, names[true], names[one], same=one == true) for one in shown]
    if others:
        rest = total - int(matrix[true, shown].sum())
        cells.append(_cell(rest, total, names[true], "others", same=False))
    return f"{head}{''.join(cells)}</tr>"


def _cell(pixels: int, total: int, true: str, predicted: str, *, same: bool) -> str:
    part = pixels / total
    kinds = [kind for kind, holds in (("same", same), ("strong", part >= 0.5), ("zero", not pixels)) if holds]
    pair = f"{name_in_attribute(true)} predicted as {name_in_attribute(predicted)}"
    return (
        f'<td class="{" ".join(kinds)}" style="--heat:{_heat(part):.3f}"'
        f' title="{pair}: {pixels:,} of {total:,} pixels">{_percent(part)}</td>'
    )


def _heat(part: float) -> float:
    # Between a half and 0.72 neither dark nor light figures would stand out enough: the scale skips it.
    return part if part < 0.5 else 0.72 + 0.56 * (part - 0.5)


def _percent(part: float) -> str:
    if not part:
        return "0"
    percent = 100 * part
    if percent < 0.05:
        return "&lt;0.1"
    # What is not everything must not be rounded up to 100.
    return "&gt;99.9" if 99.95 <= percent < 100 else f"{percent:.1f}"
