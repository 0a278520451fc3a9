"""Keeps the record of a run while it runs, and brings the page over all runs up to date when it ends."""

from __future__ import annotations

import contextlib
import datetime
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import Config, as_text
from pipeline.inputs import DataFacts
from pipeline.runs.index import write_index
from pipeline.runs.record import FAILED, INTERRUPTED, RunRecord, write_record


@contextlib.contextmanager
def recording(config: Config, data: DataFacts, run: str, log: Path) -> Iterator[RunRecord]:
    """Writes the record before and after what happens inside; that puts its outcome into the record.

    Args:
        config: The run's settings.
        data: Its data.
        run: Its id.
        log: Its log, inside the workspace.

    Yields:
        The record.
    """
    workspace = config.workspace
    record = RunRecord(
        run=run,
        started=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        data=data.folder,
        data_fingerprint=data.fingerprint,
        photos=data.file_count,
        settings={name.replace("_", "-"): as_text(name, value) for name, value in config.flat().items()},
        log=log.relative_to(workspace).as_posix(),
    )
    began = time.monotonic()
    write_record(workspace, record)
    try:
        yield record
    except KeyboardInterrupt:
        record.verdict = INTERRUPTED
        raise
    except BaseException as error:
        record.verdict, record.reason = FAILED, str(error)
        raise
    finally:
        record.seconds = round(time.monotonic() - began, 1)
        write_record(workspace, record)
        refresh_index(workspace)


def refresh_index(workspace: Path) -> None:
    """Writes the page over all runs; what goes wrong there is told in the log and ends no run."""
    try:
        write_index(workspace)
    except Exception:
        logging.exception("the page over all runs cannot be written")
