"""Short names for "the same data" and "the same code", so that caches notice when either changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from components.image_mask_example_gen.listing import is_remote, walk

_LENGTH = 16
PROJECT = Path(__file__).resolve().parent.parent


def of_values(*values: Any) -> str:
    """Fingerprint of values whose `repr` says everything about them."""
    return hashlib.sha256(repr(values).encode("utf-8", "surrogateescape")).hexdigest()[:_LENGTH]


def of_code(*places: str) -> str:
    """Fingerprint of the source files below places of the project (folders or files)."""
    digest = hashlib.sha256()
    for place in sorted(places):
        top = PROJECT / place
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(PROJECT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:_LENGTH]


def of_project() -> str:
    """Fingerprint of all code that makes models: what a machine that compiles and an image that runs must share."""
    return of_code("components", "pipeline", "schema")


def of_files(folders: Iterable[Path | str]) -> tuple[str, int]:
    """Fingerprint of names, sizes and modification times, and the number of files, links followed.

    It looks at what ExampleGen lists: another file of the operating system makes no other data set.
    Contents are not read: a listing is as far as one can go at a hundred million pictures. Whoever changes a
    file and keeps its size and its time to the nanosecond must start with `--no-cache`.
    """
    digest, count = hashlib.sha256(), 0
    for folder in folders:
        for file in walk(str(folder)):
            digest.update(f"{file.path}|{_facts(file.source)}\n".encode())
            count += 1
        digest.update(b"--\n")
    return digest.hexdigest()[:_LENGTH], count


def _facts(source: str) -> str:
    try:
        if is_remote(source):
            from tfx.dsl.io import fileio  # seconds to import, and of no use to local folders

            remote = fileio.stat(source)
            return f"{remote.length}|{remote.mtime_nsec}"
        local = os.stat(source)
        return f"{local.st_size}|{local.st_mtime_ns}"
    except OSError:
        return "unreadable"
