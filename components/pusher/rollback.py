"""Back to an earlier version, without training and without TFX.

Servers answer with the highest version, and they notice new folders only. So a rollback neither removes nor renames
what is in service: it pushes the earlier model once more, under the next number. Files are shared between both
where the file system can, so that it costs no space; everything that a push promises holds for it.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from components.pusher.atomic import alone, publish
from components.pusher.serving import Pushed, history, pushed_versions, read_pushed


class RollbackError(ValueError):
    """There is no such version; the message names those that exist."""


def roll_back(serving: Path, version: int | None = None) -> tuple[Pushed, bool]:
    """Puts an earlier version into service.

    Args:
        serving: The folder that servers watch.
        version: The version; None for the one before the one in service. Versions that an earlier rollback undid
            are not "before": they can be named.

    Returns:
        The version now in service, and whether it is a new one; False where its model was in service already.

    Raises:
        RollbackError: The version does not exist.
        OSError: Something could not be written; the folder is as before.
    """
    if not pushed_versions(str(serving)):
        raise RollbackError(f"nothing was pushed to {serving}")
    with alone(serving):
        line = list(history(str(serving)))
        current, wanted = line[0], _wanted(serving, line, version)
        if wanted.origin == current.origin:
            return current, False
        record = {
            **wanted.record,
            "pushed": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "rolled_back": {"from": current.version, "to": wanted.origin},
        }
        number = publish(serving / str(wanted.version), serving, record, link=True)
    return Pushed(number, record), True


def _wanted(serving: Path, line: list[Pushed], version: int | None) -> Pushed:
    known = pushed_versions(str(serving))
    there = ", ".join(map(str, known))
    if version is not None:
        if version not in known:
            raise RollbackError(f"there is no version {version} in {serving}; there are {there}")
        return read_pushed(str(serving), version)
    if len(line) < 2:
        raise RollbackError(f"there is no version before {line[0].version} in {serving}; there are {there}")
    return line[1]
