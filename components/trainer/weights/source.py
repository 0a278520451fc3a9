"""Where weights lie: a file, or a pushed model. TensorFlow is imported for remote addresses only."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

from components.settings import SettingError

SAVED_MODEL = "saved_model.pb"
VARIABLES = "variables/variables"
_CHUNK = 1 << 20


class WeightsError(SettingError):
    """Weights that cannot be used; the message names them and says why."""


@dataclass(frozen=True)
class WeightsSource:
    """A file of weights or a pushed model.

    Attributes:
        path: The file, or the folder of one version of a model.
        is_pushed: Whether it is a pushed model.
    """

    path: str
    is_pushed: bool


def find_source(path: str) -> WeightsSource:
    """Looks at what a path or address is; of a serving folder the newest version counts.

    Raises:
        WeightsError: Nothing is there, or it is no model.
    """
    files = file_system(path)
    path = path.rstrip("/") if "://" in path else os.path.abspath(os.path.expanduser(path))
    if not files.exists(path):
        raise WeightsError(f"weights: there is no {path}")
    if not files.isdir(path):
        return WeightsSource(path, is_pushed=False)
    if files.exists(f"{path}/{SAVED_MODEL}"):
        return WeightsSource(path, is_pushed=True)
    names = (name.rstrip("/") for name in files.listdir(path))
    versions = [name for name in names if name.isascii() and name.isdigit()]
    complete = [name for name in versions if files.exists(f"{path}/{name}/{SAVED_MODEL}")]
    if not complete:
        raise WeightsError(f"weights: {path} is neither a pushed model nor a serving folder: it holds no {SAVED_MODEL}")
    return WeightsSource(f"{path}/{max(complete, key=int)}", is_pushed=True)


def content_fingerprint(source: WeightsSource) -> str:
    """Fingerprint of the weights' bytes: another file at the same path is another source."""
    files = file_system(source.path)
    paths = [source.path]
    if source.is_pushed:
        folder = f"{source.path}/variables"
        paths = [f"{folder}/{name}" for name in sorted(files.listdir(folder))]
    digest = hashlib.sha256()
    for path in paths:
        with files.open(path, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()[:16]


def file_system(path: str) -> Any:
    """What can look into a path: `exists`, `isdir`, `listdir` and `open`."""
    return _RemoteFiles if "://" in path else _LocalFiles


class _LocalFiles:
    exists = staticmethod(os.path.exists)
    isdir = staticmethod(os.path.isdir)
    listdir = staticmethod(os.listdir)
    open = staticmethod(open)


class _RemoteFiles:
    """The same over TensorFlow's file systems, such as `gs://`."""

    @staticmethod
    def exists(path: str) -> bool:
        import tensorflow as tf

        return tf.io.gfile.exists(path)

    @staticmethod
    def isdir(path: str) -> bool:
        import tensorflow as tf

        return tf.io.gfile.isdir(path)

    @staticmethod
    def listdir(path: str) -> list[str]:
        import tensorflow as tf

        return tf.io.gfile.listdir(path)

    @staticmethod
    def open(path: str, mode: str) -> Any:
        import tensorflow as tf

        return tf.io.gfile.GFile(path, mode)
