"""Breaks a push at each of its file operations in turn, and tells what servers then see.

    python breaking.py MODEL SERVING (kill | fail)

For every operation a copy of SERVING gets a push of MODEL in a process of its own, which dies (SIGKILL) or gets an
error (ENOSPC) there; then comes a push without trouble. Prints a JSON list with a row for each operation, the last
one for a push that was left alone.
"""

import errno
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from components.pusher.atomic import push

CHANGES = {"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.scandir", "os.listdir"}
KEEP = 2


def contents(folder: Path) -> dict[str, str]:
    """Text by path of all files."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def seen(serving: Path) -> dict[str, dict[str, str]]:
    """What a server finds: contents by number."""
    return {one.name: contents(one) for one in serving.iterdir() if one.name.isdigit()}


def push_and_break(model: Path, serving: Path, at: int, how: str) -> bool:
    """Pushes in a child process; returns whether the push reached operation `at`."""
    child = os.fork()
    if not child:
        count = 0

        def hook(event, arguments):
            nonlocal count
            if event in CHANGES and any(str(one).startswith(str(serving)) for one in arguments):
                count += 1
                if count == at and how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if count == at:
                    raise OSError(errno.ENOSPC, "no space left", str(arguments[0]))

        sys.addaudithook(hook)
        try:
            push(model, serving, {"digest": "new"}, keep=KEEP)
        except OSError:
            os._exit(1)
        os._exit(0 if count < at else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def main(model: Path, pattern: Path, how: str) -> None:
    """Prints the rows."""
    rows, broken, at = [], True, 0
    while broken:
        at += 1
        serving = pattern.with_name(f"serving-{at}")
        shutil.copytree(pattern, serving)
        broken = push_and_break(model, serving, at, how)
        row = {"broken": broken, "seen": seen(serving), "left": sorted(os.listdir(serving))}
        push(model, serving, {"digest": "new"}, keep=KEEP)
        rows.append({**row, "after": seen(serving), "left_after": sorted(os.listdir(serving))})
    print(json.dumps(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
