"""Versions come and go in one step, on a file system of this machine.

A version is made in a hidden folder and gets its number by a rename, which a file system does wholly or not at
all; it loses its number in the same way. Servers look for folders with numbers only, so at no moment do they see
a part of a model. What a killed process leaves behind is hidden, and the next push removes it.

The standard library is enough, so that a rollback takes no longer than it must.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.pusher.serving import PUSH_FILE, all_numbers, in_service, pushed_versions

INCOMING, OUTGOING = ".incoming-", ".outgoing-"
_LONGEST_PUSH = 24 * 3600.0
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def push(model: Path, serving: Path, record: Mapping[str, Any], *, keep: int) -> tuple[int, bool]:
    """Puts a model into service, unless it is.

    Args:
        model: A SavedModel's folder.
        serving: The folder that servers watch.
        record: Written beside the model; its `digest` identifies the model's files.
        keep: Versions that remain; older ones are removed.

    Returns:
        The version in service, and whether this push made it.

    Raises:
        OSError: Something could not be written; the folder is as before.
    """
    serving.mkdir(parents=True, exist_ok=True)
    with alone(serving):
        current = in_service(str(serving))
        numbers = all_numbers(str(serving))
        new = current is None or numbers[-1] != current.version or current.record.get("digest") != record["digest"]
        version = publish(model, serving, record) if new or current is None else current.version
        _retire(serving, pushed_versions(str(serving))[:-keep])
    return version, new


@contextlib.contextmanager
def alone(serving: Path) -> Iterator[None]:
    """Keeps other pushes to a folder waiting, and removes what killed ones left."""
    descriptor = os.open(serving, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            left_for = 0.0
        except OSError:
            # Some network file systems know no locks: what is young may be another push at work.
            left_for = _LONGEST_PUSH
        _sweep(serving, older_than=left_for)
        yield
    finally:
        os.close(descriptor)


def publish(source: Path, serving: Path, record: Mapping[str, Any], *, link: bool = False) -> int:
    """Makes the next version from a folder.

    Args:
        source: The model; a record of an earlier push in it is left out.
        serving: The folder that servers watch.
        record: Written beside the model.
        link: Share the files with the source where the file system can, instead of copying them.

    Returns:
        The version's number: the time in seconds, or more where that would not be the highest.
    """
    staging = serving / f"{INCOMING}{uuid.uuid4().hex}"
    try:
        copy_tree(source, staging, link=link)
        path = staging / PUSH_FILE
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record, ensure_ascii=False, indent=2), encoding="utf-8")
        _to_disk(path)
        # A name that outlives a power failure must not outlive what it names.
        for folder, _, _ in os.walk(staging, topdown=False):
            _to_disk(folder)
        version = _give_number(staging, serving)
        _to_disk(serving)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return version


def copy_tree(source: Path, target: Path, *, link: bool) -> None:
    """Copies a model without the record of its push; `link` shares the files where the file system can."""
    for folder, _, files in os.walk(source):
        inside = Path(folder).relative_to(source)
        (target / inside).mkdir(exist_ok=True)
        for name in files:
            if (inside / name).as_posix() != PUSH_FILE:
                _copy(Path(folder) / name, target / inside / name, link=link)


def _copy(source: Path, target: Path, *, link: bool) -> None:
    if link:
        try:
            os.link(source, target)
            return
        except OSError:
            pass  # a file system without hard links
    shutil.copyfile(source, target)
    _to_disk(target)


def _give_number(staging: Path, serving: Path) -> int:
    version = max([int(time.time()), *(number + 1 for number in all_numbers(str(serving)))])
    while True:
        try:
            os.rename(staging, serving / str(version))
        except OSError as error:
            # Without locks another push may have been faster.
            if error.errno not in _TAKEN:
                raise
            version += 1
        else:
            return version


def _retire(serving: Path, versions: list[int]) -> None:
    for version in versions:
        hidden = serving / f"{OUTGOING}{version}-{uuid.uuid4().hex}"
        try:
            os.rename(serving / str(version), hidden)
        except OSError as error:
            # The new model is in service; an old one too many is no reason to call that a failure.
            logging.warning("version %d in %s cannot be removed: %s", version, serving, error)
        shutil.rmtree(hidden, ignore_errors=True)


def _sweep(serving: Path, *, older_than: float) -> None:
    for entry in list(os.scandir(serving)):
        if entry.name.startswith((INCOMING, OUTGOING)):
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime >= older_than:
                    shutil.rmtree(entry.path)


def _to_disk(path: str | Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
