"""Small files, local or remote; local ones without TFX, whose import takes seconds."""

from __future__ import annotations

import os
from typing import Any

from components.image_mask_example_gen.listing import is_remote


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    return _fileio().exists(path) if is_remote(path) else os.path.exists(path)


def is_folder(path: str) -> bool:
    """Whether there is a folder."""
    return _fileio().isdir(path) if is_remote(path) else os.path.isdir(path)


def open_binary(path: str) -> Any:
    """A file to read bytes from."""
    return _fileio().open(path, "rb") if is_remote(path) else open(path, "rb")


def names(folder: str) -> list[str]:
    """Names of what a folder holds; empty where there is no folder."""
    if not is_folder(folder):
        return []
    # Object stores mark folders with a slash.
    return [name.rstrip("/") for name in _fileio().listdir(folder)] if is_remote(folder) else os.listdir(folder)


def read_text(path: str) -> str:
    """The text of a UTF-8 file."""
    with _fileio().open(path, "r") if is_remote(path) else open(path, encoding="utf-8") as stream:
        return stream.read()


def write_text(path: str, text: str) -> None:
    """Writes a UTF-8 file and the folders around it."""
    folder = os.path.dirname(path)
    if is_remote(path):
        _fileio().makedirs(folder)
    else:
        os.makedirs(folder, exist_ok=True)
    with _fileio().open(path, "w") if is_remote(path) else open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def _fileio() -> Any:
    from tfx.dsl.io import fileio

    from components import object_store  # noqa: F401 - makes s3:// known

    return fileio
