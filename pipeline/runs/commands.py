"""What `local_runner.py` does besides running: showing pages, listing versions, going back to one. No TFX needed."""

from __future__ import annotations

import argparse
import functools
import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.pusher.rollback import RollbackError, roll_back
from components.pusher.serving import Pushed, history, pushed_versions, read_pushed
from components.report.markup import finite
from pipeline.console import Console
from pipeline.runs.index import INDEX_FILE, SERVING_FOLDER
from pipeline.runs.record import read_records
from pipeline.runs.recording import refresh_index

DONE, FAILED = 0, 1

Command = Callable[[Path], int]


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for each command; at most one can be given."""
    section = parser.add_argument_group("instead of a run", "Each takes seconds and needs --workspace only.")
    flags = section.add_mutually_exclusive_group()
    flags.add_argument("--review", action="store_true", help="open the newest evaluation page in a browser")
    flags.add_argument("--versions", action="store_true", help="list the pushed versions")
    flags.add_argument(
        "--rollback",
        nargs="?",
        const="",
        metavar="VERSION",
        help="put an earlier pushed version into service; without VERSION the one before the current",
    )


def command_of(parsed: argparse.Namespace) -> Command | None:
    """The command that was asked for, or None for a run."""
    if parsed.review:
        return review
    if parsed.versions:
        return list_versions
    return None if parsed.rollback is None else functools.partial(go_back, wanted=parsed.rollback)


def review(workspace: Path) -> int:
    """Opens the page of the newest run that has one, and says where it is."""
    records, _ = read_records(workspace)
    pages = [workspace / one.page for one in records if one.page and (workspace / one.page).is_file()]
    if not pages:
        return _complain(f"there is no evaluation page in {workspace}; a run makes one: python local_runner.py")
    console = Console()
    console.say(f"Page       {pages[0]}")
    console.say(f"Address    {pages[0].as_uri()}")
    if (workspace / INDEX_FILE).is_file():
        console.say(f"All runs   {workspace / INDEX_FILE}")
    if not _open(pages[0].as_uri()):
        console.say("No browser could be opened here; the page is one file and opens anywhere.")
    return DONE


def list_versions(workspace: Path) -> int:
    """Prints the pushed versions, newest first."""
    serving = workspace / SERVING_FOLDER
    versions = [read_pushed(str(serving), one) for one in reversed(pushed_versions(str(serving)))]
    if not versions:
        return _complain(f"nothing was pushed to {serving}")
    undone = {one.version for one in versions} - {one.version for one in history(str(serving))}
    head = ("version", "pushed", "mean IoU, %", "run", "")
    rows = [_told(one, _role(one, versions[0], undone)) for one in versions]
    Console().table([head, *rows])
    return DONE


def go_back(workspace: Path, wanted: str) -> int:
    """Puts an earlier version into service."""
    serving = workspace / SERVING_FOLDER
    try:
        if wanted and not wanted.isdecimal():
            raise RollbackError(f"{wanted!r} is not a version, which is a number; --versions lists them")
        pushed, new = roll_back(serving, int(wanted) if wanted else None)
    except (RollbackError, OSError) as error:
        return _complain(str(error))
    refresh_index(workspace)
    console = Console()
    if not new:
        console.say(f"In service already: version {pushed.version} in {serving}")
        return DONE
    back = pushed.record["rolled_back"]
    console.say(f"In service: version {pushed.version} in {serving}")
    console.say(f"It is version {back['to']} again; before, version {back['from']} was in service.")
    return DONE


def _told(pushed: Pushed, role: str) -> tuple[str, ...]:
    evaluation: Any = pushed.record.get("evaluation")
    mean = finite(evaluation.get("mean_iou")) if isinstance(evaluation, dict) else None
    moment = str(pushed.record.get("pushed", "unknown"))[:16].replace("T", " ")
    run = str(pushed.record.get("run", "unknown"))
    return str(pushed.version), moment, "unknown" if mean is None else f"{100 * mean:.1f}", run, role


def _role(pushed: Pushed, newest: Pushed, undone: set[int]) -> str:
    words = ["in service"] if pushed is newest else []
    if pushed.rolled_back_to:
        words.append(f"version {pushed.rolled_back_to} again")
    elif pushed.version == newest.rolled_back_to:
        words.append("its model is in service")
    elif pushed.version in undone:
        words.append("rolled back")
    return ", ".join(words)


def _open(address: str) -> bool:
    # Without a display Python would start a text browser, which takes the terminal.
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & os.environ.keys():
        return False
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


def _complain(told: str) -> int:
    print(f"local_runner: {told}", file=sys.stderr)
    return FAILED
