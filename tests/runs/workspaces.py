"""Workspaces full of records, as runs leave them."""

import json
from pathlib import Path
from typing import Any

from pipeline.config import Config, as_text
from pipeline.runs.record import PUSHED, REFUSED, RunRecord, write_record

HOSTILE = "</script><script>alert(\"1\")</script><!--' onload='x()' & \u202e\x00\udcff 🛩️ מטוס Самолёт"


def record(number: int, **changes: Any) -> RunRecord:
    """A run of the day `number` of a month; later ones are better."""
    run = f"202611{number:02d}-193015-25404"
    settings = {name.replace("_", "-"): as_text(name, value) for name, value in Config().flat().items()}
    values: dict[str, Any] = {
        "run": run,
        "started": f"2026-11-{number:02d}T19:30:15+00:00",
        "data": "/data/horses",
        "data_fingerprint": "abcdef0123456789",
        "photos": 246,
        "seconds": 60.0 * number,
        "settings": {**settings, "steps": str(100 * number)},
        "verdict": PUSHED,
        "version": number,
        "metrics": {"mean IoU": 0.5 + number / 100, "pixel accuracy": 0.9},
        "classes": {"background": 0.98, "horse": 0.4 + number / 50, "rider": None},
        "slices": {"object/size = small": 0.3},
        "photo_iou": {f"images/{photo}.jpg": (number * (photo + 1) % 10) / 10 for photo in range(12)},
        "log": f"logs/{run}.log",
    }
    return RunRecord(**{**values, **changes})


def workspace(folder: Path, *records: RunRecord) -> Path:
    """Writes records, and the pages and logs that they name."""
    for one in records:
        for path in filter(None, (one.page, one.log)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("<!DOCTYPE html><title>page</title>")
        write_record(folder, one)
    return folder


def serve(folder: Path, version: int, **pushed: Any) -> None:
    """Puts a version into service."""
    extra = folder / "serving" / str(version) / "assets.extra"
    extra.mkdir(parents=True)
    (extra / "push.json").write_text(json.dumps(pushed))
    (extra / "model_card.json").write_text(json.dumps({"fingerprint": "x", "classes": []}))
    (extra.parent / "saved_model.pb").write_text(f"model {version}")


def three_runs(folder: Path) -> Path:
    """Three runs, the second one refused; the first is in service."""
    pages = [f"artifacts/EvaluationReport/page/{number}/index.html" for number in (1, 2, 3)]
    made = workspace(
        folder,
        record(1, page=pages[0]),
        record(2, page=pages[1], verdict=REFUSED, version=0, reason="mean IoU 0.52, at least 0.6 is required"),
        record(3, page=pages[2]),
    )
    serve(made, 1, run=record(1).run, pushed="2026-11-01T19:40:00+00:00", evaluation={"mean_iou": 0.51})
    return made
