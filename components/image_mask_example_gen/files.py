"""Contents of files, local or remote, with limits."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf

from components.image_mask_example_gen.listing import is_remote
from components.image_mask_example_gen.rejection import Rejected

MAX_BYTES = 2**30
"""Larger files are refused unread; a photo of `photo.MAX_PIXELS` has fewer bytes even without any compression."""


def size_of(path: str) -> int:
    """Bytes of a file.

    Raises:
        Rejected: The file cannot be looked at (`unreadable`).
    """
    try:
        return int(_remote_files().stat(path).length) if is_remote(path) else os.stat(path).st_size
    except (OSError, tf.errors.OpError) as error:
        raise Rejected("unreadable", _told(error)) from None


def read_file(path: str) -> bytes:
    """All bytes of a file.

    Raises:
        Rejected: The file cannot be read (`unreadable`), or has more than `MAX_BYTES` (`too_large`).
    """
    size = size_of(path)
    if size > MAX_BYTES:
        raise Rejected("too_large", f"{size:,} bytes; at most {MAX_BYTES:,} are read")
    try:
        with _remote_files().open(path, "rb") if is_remote(path) else open(path, "rb") as stream:
            return stream.read()
    except (OSError, tf.errors.OpError) as error:
        raise Rejected("unreadable", _told(error)) from None


def _remote_files() -> Any:
    from tfx.dsl.io import fileio  # seconds to import, and of no use to local files

    return fileio


def _told(error: Exception) -> str:
    # TFX's error for a missing file says nothing.
    return str(error) or "the file is gone"
