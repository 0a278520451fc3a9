"""The page over all runs of a workspace: what is in service, every run in a table, two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.pusher.serving import Pushed, in_service
from components.report.document import document, embedded, resource, time_tag
from components.report.markup import count, finite, name, note, score, section, text
from pipeline.runs.record import RunRecord, Scores, read_records, write_whole
from pipeline.runs.table import address, differing_settings, link, run_table

INDEX_FILE = "index.html"
SERVING_FOLDER = "serving"

RUNS_SHOWN = 300
CLASSES_COMPARED = 100
SLICES_COMPARED = 60
_NAME_LIMIT = 80
# Together with style and script less than 5 MB, whatever the number of runs, photos and classes.
_ROWS_BUDGET, _DATA_BUDGET, _PHOTOS_BUDGET = 1_400_000, 1_200_000, 2_000_000


def write_index(workspace: Path) -> Path:
    """Writes the page from the records in a workspace and returns its path."""
    path = workspace / INDEX_FILE
    records, damaged = read_records(workspace)
    serving = in_service(str(workspace / SERVING_FOLDER))
    write_whole(path, render_index(records, serving, workspace, damaged=damaged))
    return path


def render_index(records: Sequence[RunRecord], serving: Pushed | None, workspace: Path, *, damaged: int = 0) -> str:
    """Renders the page; like the evaluation page it needs nothing else and treats every string as text.

    Args:
        records: Newest first.
        serving: The version in service, if there is one.
        workspace: The folder around everything that the page links to.
        damaged: Records that could not be read.

    Returns:
        A whole HTML document, to be written as UTF-8, below 5 MB.
    """
    shown = list(records[:RUNS_SHOWN])
    differing = differing_settings(shown)
    table, rows = run_table(shown, serving, workspace, differing, budget=_ROWS_BUDGET)
    shown = shown[:rows]
    remarks = []
    if len(shown) < len(records):
        remarks.append(f"The newest {len(shown)} of {count(len(records), 'run')}.")
    if damaged:
        remarks.append(f"{count(damaged, 'damaged record')} left out; the logs name them.")
    newest = f"newest of {time_tag(records[0].started)}" if records else "none so far"
    return document(
        f"Runs in {workspace.name}",
        f"{count(len(records), 'run')}, {newest}",
        "\n".join(
            [
                _service(serving, records, workspace),
                section("runs", "Runs", *map(note, remarks), table if shown else note("No run was recorded.")),
                _comparison(),
            ]
        ),
        style=resource("page.css") + resource("index.css", __package__),
        script=resource("sort.js") + resource("index.js", __package__),
        data={"comparison": _compared(shown, differing, workspace)},
    )


def _service(serving: Pushed | None, records: Sequence[RunRecord], workspace: Path) -> str:
    if serving is None:
        return section("service", "In service", note("No model was pushed yet."))
    record = serving.record
    known = record.get("evaluation")
    evaluation = known if isinstance(known, dict) else {}
    run = next((one for one in records if one.run == record.get("run")), None)
    made = f"{link(workspace, run.page, time_tag(run.started))}" if run else name(record.get("run", "unknown"))
    tiles = [
        ("Mean IoU", score(finite(evaluation.get("mean_iou")), missing="unknown")),
        ("Version", str(serving.version)),
        ("Pushed", time_tag(str(record.get("pushed", "unknown")))),
        ("Made by the run of", made),
    ]
    back = record.get("rolled_back") if serving.rolled_back_to else None
    remark = f"Rolled back: this is version {text(back['to'])} again, after {text(back.get('from'))}." if back else ""
    shown = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in tiles)
    return section("service", "In service", f'<dl class="tiles">{shown}</dl>', note(remark) if remark else "")


def _comparison() -> str:
    asked = note("Choose two runs in the table, by the boxes at its left edge.")
    return (
        '<section aria-labelledby="compare">\n<h2 id="compare">Two runs side by side</h2>\n'
        f'<p class="unseen" role="status" id="compare-status"></p>\n<div id="compared">{asked}</div>\n'
        f"<noscript>{note('The comparison needs JavaScript.')}</noscript></section>"
    )


def _compared(shown: Sequence[RunRecord], differing: Sequence[str], workspace: Path) -> dict[str, Any]:
    """What the script needs: runs by their place in the table, photos by their place in a list of names."""
    runs: list[dict[str, Any]] = []
    size = 0
    for record in shown:
        run = {**_one(record, differing), "page": address(workspace, record.page)}
        size += len(embedded(run).encode())
        if size > _DATA_BUDGET:
            break
        runs.append(run)
    names: dict[str, int] = {}
    photos: list[list[int | None]] = []
    size = 0
    for record in shown[: len(runs)]:
        new = [one for one in record.photo_iou if one not in names]
        size += sum(len(embedded(one[-_NAME_LIMIT:]).encode()) + 1 for one in new) + 13 * len(record.photo_iou)
        if size > _PHOTOS_BUDGET:
            break
        names |= {one: len(names) + place for place, one in enumerate(new)}
        photos.append([part for one, iou in record.photo_iou.items() for part in (names[one], _thousandths(iou))])
    return {"runs": runs, "names": [one[-_NAME_LIMIT:] for one in names], "photos": photos}


def _one(record: RunRecord, differing: Sequence[str]) -> dict[str, Any]:
    return {
        "run": record.run,
        "started": record.started[:16].replace("T", " "),
        "verdict": record.verdict,
        "data": _short(record.data),
        "fingerprint": record.data_fingerprint,
        "settings": {_short(one): _short(record.settings[one]) for one in differing if one in record.settings},
        "metrics": _first(record.metrics, CLASSES_COMPARED),
        "classes": _first(record.classes, CLASSES_COMPARED),
        "slices": _first(record.slices, SLICES_COMPARED),
    }


def _first(scores: Scores, limit: int) -> Scores:
    known = list(scores.items())[:limit]
    return {_short(key): None if value is None else round(value, 6) for key, value in known}


def _short(told: str) -> str:
    return told if len(told) <= _NAME_LIMIT else f"…{told[1 - _NAME_LIMIT :]}"


def _thousandths(value: float | None) -> int | None:
    return None if value is None else round(1000 * value)
