"""Which SavedModel a path means. The standard library is enough, so that a wrong path is told at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from components.settings import nearest

SAVED_MODEL = "saved_model.pb"
_DEPTH = 3
_FOLDERS = 2000
"""How far and how long a model is looked for that could have been meant."""


class ModelError(ValueError):
    """A path that leads to no model; the message names what was found nearest."""


def find_model(path: Path) -> Path:
    """A SavedModel's own folder.

    Args:
        path: That folder, or one that holds versions (folders named by numbers), of which the highest is taken.

    Raises:
        ModelError: There is no model, or half of one.
    """
    if _is_model(path):
        return path
    # Half a push has no saved_model.pb yet: it is no version.
    versions = [one for one in _folders(path) if one.name.isascii() and one.name.isdigit() and _is_model(one)]
    if versions:
        return max(versions, key=lambda one: int(one.name))
    raise ModelError(f"model: {_complaint(path)}{_meant(path)}")


def _is_model(path: Path) -> bool:
    return (path / SAVED_MODEL).is_file()


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(one for one in path.iterdir() if one.is_dir())
    except OSError:
        return []


def _complaint(path: Path) -> str:
    if not path.exists():
        return f"there is no {path}"
    if not path.is_dir():
        return f"{path} is a file; a model is a folder with {SAVED_MODEL}"
    return f"{path} holds neither {SAVED_MODEL} nor versions of a model"


def _meant(path: Path) -> str:
    around = next((one for one in path.absolute().parents if one.is_dir()), Path(os.sep))
    above = next((one for one in path.absolute().parents if _is_model(one)), None)
    close = nearest(path.name, [one.name for one in _folders(around)]) if not path.exists() else ""
    tops = [path] if path.is_dir() else [around / close] if close else [around]
    found = above or next((one for top in tops for one in _below(top)), None)
    if found:
        return f"; the nearest model is {found}"
    if close:
        return f"; did you mean {around / close}?"
    names = ", ".join(one.name for one in _folders(tops[0])[:8])
    return f"; no model is near it ({tops[0]} holds {f'the folders {names}' if names else 'no folders'})"


def _below(top: Path) -> Iterator[Path]:
    """Models some levels below a folder, nearer ones first, of versions the highest."""
    level, looked = [top], 0
    for _ in range(_DEPTH + 1):
        yield from sorted((one for one in level if _is_model(one)), key=_version, reverse=True)
        level = [one for parent in level for one in _folders(parent)][: _FOLDERS - looked]
        looked += len(level)


def _version(path: Path) -> int:
    return int(path.name) if path.name.isascii() and path.name.isdigit() else -1
