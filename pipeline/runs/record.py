"""One record for every run of a workspace: `runs/<run>.json`, written when the run begins and again when it ends.

A record is written wholly or not at all, no run touches another's, and a damaged one costs nothing but itself.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

RUNS_FOLDER = "runs"

UNFINISHED, PUSHED, REFUSED, STOPPED = "unfinished", "pushed", "refused", "stopped"
FAILED, INTERRUPTED = "failed", "interrupted"
VERDICTS = (UNFINISHED, PUSHED, REFUSED, STOPPED, FAILED, INTERRUPTED)

Scores = dict[str, float | None]


class DamagedRecordError(ValueError):
    """A record that cannot be read; the message names the field."""


@dataclass
class RunRecord:
    """What is kept of a run; scores are None where there is no value.

    Attributes:
        run: Names the run in its records, its log and TFX's metadata.
        started: ISO time with its zone.
        seconds: From the beginning to the end.
        verdict: One of `VERDICTS`; `unfinished` as long as the run has not ended, or if it was killed.
        reason: Why, in words.
        data: The data folder, absolute.
        data_fingerprint: Changes when a photo, a mask or the label map changes.
        photos: Files in the folder of photos.
        settings: All settings by name, as one would write them on the command line.
        metrics: Scores over the whole eval split by name.
        classes: IoU by class.
        slices: Mean IoU by slice.
        photo_iou: Mean IoU of the foreground classes by photo; a sample where there are many.
        version: The pushed version, 0 where there is none.
        page: The evaluation page, relative to the workspace; empty where there is none.
        log: The log, relative to the workspace.
    """

    run: str
    started: str
    data: str
    seconds: float = 0.0
    verdict: str = UNFINISHED
    reason: str = ""
    data_fingerprint: str = ""
    photos: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    metrics: Scores = field(default_factory=dict)
    classes: Scores = field(default_factory=dict)
    slices: Scores = field(default_factory=dict)
    photo_iou: Scores = field(default_factory=dict)
    version: int = 0
    page: str = ""
    log: str = ""

    def to_json(self) -> str:
        """Serialises for `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @staticmethod
    def from_json(told: str) -> RunRecord:
        """Restores what `to_json` wrote; fields that it does not know are left out.

        Raises:
            DamagedRecordError: A value is missing or of the wrong kind.
        """
        try:
            values = json.loads(told)
        except ValueError as error:
            raise DamagedRecordError(f"not JSON: {error}") from None
        if not isinstance(values, dict):
            raise DamagedRecordError("not a record")
        kept = {one.name: values[one.name] for one in fields(RunRecord) if one.name in values}
        for name, value in kept.items():
            if not _fits(name, value):
                raise DamagedRecordError(f"{name}: {str(value)[:80]!r}")
        try:
            return RunRecord(**kept)
        except TypeError as error:
            raise DamagedRecordError(str(error)) from None


def write_record(workspace: Path, record: RunRecord) -> None:
    """Keeps a record; a workspace that cannot take it is told in the log, and the run goes on."""
    path = workspace / RUNS_FOLDER / f"{record.run}.json"
    try:
        write_whole(path, record.to_json())
    except OSError as error:
        logging.warning("the record of the run cannot be written to %s: %s", path, error)


def read_records(workspace: Path) -> tuple[list[RunRecord], int]:
    """All records, newest first, and the number of those that are damaged."""
    records, damaged = [], 0
    for path in (workspace / RUNS_FOLDER).glob("*.json"):
        try:
            records.append(RunRecord.from_json(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            logging.warning("%s is left out: %s", path, error)
            damaged += 1
    return sorted(records, key=lambda one: (one.started, one.run), reverse=True), damaged


def write_whole(path: Path, content: str) -> None:
    """Writes a file so that readers find the old one or the new one, whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with new.open("w", encoding="utf-8", errors="replace") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def _fits(name: str, value: Any) -> bool:
    if name == "verdict":
        return value in VERDICTS
    if name == "settings":
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    if name in ("metrics", "classes", "slices", "photo_iou"):
        return isinstance(value, Mapping) and all(one is None or _is_number(one) for one in value.values())
    if name in ("photos", "version"):
        return isinstance(value, int)
    return _is_number(value) if name == "seconds" else isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
