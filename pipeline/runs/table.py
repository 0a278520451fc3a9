"""The table of runs."""

from __future__ import annotations

import os
import urllib.parse
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from components.pusher.serving import Pushed
from components.report.document import time_tag
from components.report.markup import finite, name, name_in_attribute, score, scrolling, text
from pipeline.config import GROUPS
from pipeline.runs.record import FAILED, INTERRUPTED, PUSHED, REFUSED, STOPPED, UNFINISHED, RunRecord

CLASSES_SHOWN = 6
SETTINGS_SHOWN = 12
_VALUE_LIMIT = 60

_WORDS = {
    PUSHED: ("good", "✓", "Pushed"),
    REFUSED: ("bad", "✕", "Refused"),
    FAILED: ("bad", "!", "Failed"),
    INTERRUPTED: ("", "–", "Interrupted"),
    STOPPED: ("", "–", "Stopped"),
    UNFINISHED: ("", "…", "Running or killed"),
}


def differing_settings(records: Sequence[RunRecord]) -> list[str]:
    """Names of the settings that make a model and that not all runs have alike; the data has a column of its own."""
    aside = {one.name.replace("_", "-") for group in ("run", "push") for one in fields(GROUPS[group])} | {"data"}
    known = dict.fromkeys(name for record in records for name in record.settings if name not in aside)
    return [one for one in known if len({record.settings.get(one) for record in records}) > 1]


def run_table(
    records: Sequence[RunRecord], serving: Pushed | None, workspace: Path, differing: Sequence[str], *, budget: int
) -> tuple[str, int]:
    """The table, and how many runs it holds: as many as fit into a number of bytes."""
    present = Counter(one for record in records for one in record.classes)
    classes = [one for one, _ in present.most_common(CLASSES_SHOWN)]
    rows: list[str] = []
    for place, record in enumerate(records):
        row = _row(place, record, serving, workspace, classes, differing)
        budget -= len(row.encode())
        if budget < 0:
            break
        rows.append(row)
    up, down, not_at_all = " data-sortable", ' data-sortable="down"', ""
    numeric = [(f"IoU {name(one, 40)}", up) for one in classes]
    heads = [("Run", down), ("Mean IoU", up), ("Verdict", up), *numeric, ("Data", up)]
    heads += [("Settings that differ", not_at_all), ("Minutes", up), ("Log", not_at_all)]
    cells = "".join(f'<th scope="col"{sorts}{_numeric(label)}>{label}</th>' for label, sorts in heads)
    corner = '<th scope="col" class="choose"><span class="unseen">Compare</span></th>'
    table = (
        f'<table class="runs" id="run-table"><thead><tr>{corner}{cells}</tr></thead>'
        f"<tbody>\n{''.join(rows)}</tbody></table>"
    )
    return scrolling("Runs", table), len(rows)


def address(workspace: Path, path: str) -> str:
    """A relative address of a file of the workspace; empty where there is no such file."""
    inside = os.path.normpath(path) if path else ""
    outside = not inside or os.path.isabs(inside) or inside.startswith("..")
    if outside or "\0" in inside or not (workspace / inside).is_file():
        return ""
    # Quoted, a colon makes no scheme and a quotation mark ends no attribute.
    return urllib.parse.quote(inside, errors="replace")


def link(workspace: Path, path: str, inner: str) -> str:
    """A link to a file of the workspace, where there is one; `inner` is HTML."""
    found = address(workspace, path)
    return f'<a href="{found}">{inner}</a>' if found else inner


def _numeric(label: str) -> str:
    return ' class="num"' if label.startswith(("Mean IoU", "IoU ", "Minutes")) else ""


def _row(
    place: int,
    record: RunRecord,
    serving: Pushed | None,
    workspace: Path,
    classes: Sequence[str],
    differing: Sequence[str],
) -> str:
    serves = serving is not None and record.version in (serving.version, serving.origin)
    cells = [
        _choice(place, record),
        f'<th scope="row" data-value="{text(record.started)}">'
        f"{link(workspace, record.page, time_tag(record.started))}</th>",
        _score(record.metrics.get("mean IoU")),
        _verdict(record, serves=serves),
        *map(_score, map(record.classes.get, classes)),
        _data(record),
        f"<td>{_settings(record, differing)}</td>",
        f'<td class="num" data-value="{record.seconds:.1f}">{record.seconds / 60:.1f}</td>',
        f"<td>{link(workspace, record.log, 'Log')}</td>",
    ]
    return f"<tr{' class=serves' if serves else ''}>{''.join(cells)}</tr>\n"


def _choice(place: int, record: RunRecord) -> str:
    if not record.metrics:
        return '<td class="choose"></td>'
    label = name_in_attribute(f"Compare the run of {record.started[:16].replace('T', ' ')}")
    return f'<td class="choose"><input type="checkbox" value="{place}" aria-label="{label}"></td>'


def _verdict(record: RunRecord, *, serves: bool) -> str:
    kind, symbol, words = _WORDS[record.verdict]
    mark = '<span class="serving">in service</span>' if serves else ""
    reason = f'<span class="why">{name(record.reason, 160)}</span>' if record.reason else ""
    return (
        f'<td data-value="{words}"><span class="ruled {kind}"><span aria-hidden="true">{symbol}</span> {words}</span>'
        f"{mark}{reason}</td>"
    )


def _score(value: float | None) -> str:
    known = finite(value)
    return f'<td class="num" data-value="{"" if known is None else known}">{score(known, missing="–")}</td>'


def _data(record: RunRecord) -> str:
    folder = Path(record.data).name or record.data
    order = f"{text(folder)} {text(record.data_fingerprint)}"
    return (
        f'<td data-value="{order}" title="{name_in_attribute(record.data, 200)}">{name(folder)}'
        f'<span class="why">{record.photos:,} photos, {name(record.data_fingerprint[:8])}</span></td>'
    )


def _settings(record: RunRecord, differing: Sequence[str]) -> str:
    own = [one for one in differing if one in record.settings]
    shown = [f"{name(one)} <b>{name(record.settings[one] or 'none', _VALUE_LIMIT)}</b>" for one in own[:SETTINGS_SHOWN]]
    more = f", and {len(own) - SETTINGS_SHOWN} more" if len(own) > SETTINGS_SHOWN else ""
    return f'<span class="set">{", ".join(shown)}{more}</span>' if shown else '<span class="none">none</span>'
