"""Which files are below a folder: every one of them, or the reason why it cannot be used.

Only the standard library is imported, so that the fingerprint of a data folder looks at the very files that are read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.image_mask_example_gen.pairing import is_system_file
from components.image_mask_example_gen.rejection import Rejected

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

_Ancestors = frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Listed:
    """A file below a folder.

    Attributes:
        path: Relative to the folder, parts joined by `/`; printable, whatever bytes the name has.
        source: The path to open; may hold surrogates where the name is not UTF-8.
        refusal: Why the file cannot be used; None where it can.
    """

    path: str
    source: str
    refusal: Rejected | None = None


def is_remote(path: str) -> bool:
    """Whether a path belongs to an object store (`gs://`, `s3://` and the like)."""
    return _SCHEME.match(path) is not None


def walk(top: str, *, without: str = "") -> Iterator[Listed]:
    """Lists all files below a folder but those of operating systems and editors, see `is_system_file`.

    Links are followed; one that leads back to a folder around it is refused (`link_loop`), and so are links to
    nothing (`broken_link`), pipes and devices (`not_a_file`), folders that cannot be listed (`folder_unreadable`) and
    names that are not UTF-8 (`name_not_utf8`), which no record could hold.

    Args:
        top: The folder, local or remote.
        without: A folder below it that is left out, relative to `top`.
    """
    return _walk_remote(top, without) if is_remote(top) else _walk_local(top, without)


def printable(path: str) -> str:
    r"""A local path as text that any file can hold: bytes that are not UTF-8 become `\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk_local(top: str, without: str) -> Iterator[Listed]:
    start = Path(top).resolve()
    around = frozenset(_identity(os.stat(one)) for one in (start, *start.parents))
    waiting: list[tuple[str, _Ancestors]] = [("", around)]
    while waiting:
        relative, ancestors = waiting.pop()
        try:
            entries = _entries(os.path.join(top, relative))
        except OSError as error:
            yield Listed(printable(relative), os.path.join(top, relative), Rejected("folder_unreadable", _told(error)))
            continue
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if path == without:
                continue
            found = _look(entry, path, ancestors)
            if isinstance(found, Listed):
                yield found
            else:
                waiting.append((path, found))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds, in an order that stays."""
    with os.scandir(folder) as entries:
        return sorted((one for one in entries if not is_system_file(one.name)), key=lambda one: one.name)


def _look(entry: os.DirEntry[str], path: str, ancestors: _Ancestors) -> Listed | _Ancestors:
    """A file as it is listed; for a folder, the ancestors of what it holds."""
    try:
        if entry.is_dir():
            identity = _identity(entry.stat())
            if identity in ancestors:
                raise Rejected("link_loop", f"leads back to {printable(os.path.realpath(entry.path))}")
            return ancestors | {identity}
        _check_file(entry, path)
    except OSError as error:
        return Listed(printable(path), entry.path, Rejected("broken_link", _told(error)))
    except Rejected as refusal:
        return Listed(printable(path), entry.path, refusal)
    return Listed(path, entry.path)


def _check_file(entry: os.DirEntry[str], path: str) -> None:
    if not entry.is_file():
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise Rejected("broken_link", f"there is no {printable(os.readlink(entry.path))}")
        raise Rejected("not_a_file", "a pipe, a socket or a device")
    if printable(path) != path:
        raise Rejected("name_not_utf8", "the name is in an old encoding; rename the file, and its partner alike")


def _walk_remote(top: str, without: str) -> Iterator[Listed]:
    from tfx.dsl.io import fileio  # seconds to import, and of no use to local folders

    for where, _, names in fileio.walk(top):
        relative = where[len(top) :].strip("/")
        if without and (relative + "/").startswith(without + "/"):
            continue
        for name in names:
            path = f"{relative}/{name}" if relative else name
            if not is_system_file(path):
                yield Listed(path, f"{top.rstrip('/')}/{path}")


def _identity(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_dev, facts.st_ino


def _told(error: OSError) -> str:
    return error.strerror or type(error).__name__
