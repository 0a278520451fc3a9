"""Where weights lie: a file, or a pushed model. The standard library is enough for those of this machine."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from components.files import exists, is_folder, names, open_binary
from components.image_mask_example_gen.listing import is_remote
from components.pusher.serving import SAVED_MODEL, all_numbers
from components.settings import SettingError

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
    path = path.rstrip("/") if is_remote(path) else os.path.abspath(os.path.expanduser(path))
    if not exists(path):
        raise WeightsError(f"weights: there is no {path}")
    if not is_folder(path):
        return WeightsSource(path, is_pushed=False)
    if exists(f"{path}/{SAVED_MODEL}"):
        return WeightsSource(path, is_pushed=True)
    complete = [number for number in all_numbers(path) if exists(f"{path}/{number}/{SAVED_MODEL}")]
    if not complete:
        raise WeightsError(f"weights: {path} is neither a pushed model nor a serving folder: it holds no {SAVED_MODEL}")
    return WeightsSource(f"{path}/{complete[-1]}", is_pushed=True)


def content_fingerprint(source: WeightsSource) -> str:
    """Fingerprint of the weights' bytes: another file at the same path is another source."""
    paths = [source.path]
    if source.is_pushed:
        folder = f"{source.path}/variables"
        paths = [f"{folder}/{name}" for name in sorted(names(folder))]
    digest = hashlib.sha256()
    for path in paths:
        with open_binary(path) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()[:16]
