"""Which photos are predicted, and what their answers are called. The standard library is enough."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.image_mask_example_gen.listing import Listed, is_remote, printable, walk
from components.image_mask_example_gen.pairing import key_of
from components.image_mask_example_gen.rejection import Rejected
from components.settings import nearest

MAP_SUFFIX, OVERLAY_SUFFIX = ".png", "_overlay.jpg"


class TaskError(ValueError):
    """Photos or an output folder that cannot be; the message names the place and what would be right."""


@dataclass(frozen=True)
class Task:
    """One photo.

    Attributes:
        photo: Its name in lists: its path inside the folder that was named, parts joined by `/`.
        source: The path to open.
        stem: Where its answers go, inside the output folder, without suffix.
        refusal: Why it cannot even be opened; None where it can be tried.
    """

    photo: str
    source: str
    stem: str
    refusal: Rejected | None = None


def list_tasks(places: Sequence[str], out: Path) -> list[Task]:
    """All photos of files and folders, in the order of places, then of paths.

    Photos of a folder keep their paths inside it; where several places are named, below the folder's own name. Every
    file is tried, whatever its name says. `out` is left out where it lies inside a folder of photos.

    Raises:
        TaskError: A place is missing or holds nothing, or `out` is itself a folder of photos.
    """
    listed: dict[str, Listed] = {}
    for place in places:
        found = list(_list_place(place, out, several=len(places) > 1))
        if not found:
            raise TaskError(f"photos: there are no files in {place}")
        for one in found:
            # A photo that is named and also lies in a folder that is named is predicted once.
            listed.setdefault(os.path.abspath(one.source), one)
    files = list(listed.values())
    return [
        Task(one.path, one.source, stem, one.refusal)
        for one, stem in zip(files, distinct_stems([one.path for one in files]), strict=True)
    ]


def distinct_stems(photos: Sequence[str]) -> list[str]:
    """Names of answers: the photo's path without extension, with it where several photos share that.

    Letters' case tells no names apart, since some file systems do not. What is still equal is numbered.
    """
    keys = [key_of(photo) for photo in photos]
    shared = Counter(key.casefold() for key in keys)
    wished = [photo if shared[key.casefold()] > 1 else key for photo, key in zip(photos, keys, strict=True)]
    used: set[str] = set()
    stems = []
    for wish in wished:
        stem, number = wish, 2
        while stem.casefold() in used:
            stem, number = f"{wish}-{number}", number + 1
        used.add(stem.casefold())
        stems.append(stem)
    return stems


def check_outputs(tasks: Iterable[Task], out: Path, *, overlay: bool, overwrite: bool) -> None:
    """Refuses to write over photos, ever, and over other files unless told to.

    Raises:
        TaskError: Names the first file.
    """
    tasks = list(tasks)
    inputs = {os.path.realpath(task.source): task for task in tasks}
    suffixes = (MAP_SUFFIX, OVERLAY_SUFFIX) if overlay else (MAP_SUFFIX,)
    planned = [str(out / (task.stem + suffix)) for task in tasks for suffix in suffixes]
    for path in planned:
        if os.path.realpath(path) in inputs:
            raise TaskError(f"out: {path} is one of the photos; choose a folder without photos")
    there = [path for path in planned if os.path.lexists(path)] if not overwrite else []
    if there:
        raise TaskError(
            f"out: {there[0]} exists already{f', and {len(there) - 1} more' if len(there) > 1 else ''}; "
            "choose another folder or add --overwrite"
        )


def _list_place(place: str, out: Path, *, several: bool) -> Iterable[Listed]:
    if is_remote(place):
        raise TaskError(f"photos: {place} is remote; copy the photos into a local folder first")
    path = Path(place)
    if path.is_dir():
        if path.resolve() == out.resolve():
            raise TaskError(f"out: {out} is the folder of the photos; a folder inside or beside it works")
        inside = out.resolve().relative_to(path.resolve()) if out.resolve().is_relative_to(path.resolve()) else None
        prefix = f"{printable(path.resolve().name)}/" if several else ""
        return [
            Listed(prefix + one.path, one.source, one.refusal)
            for one in walk(place, without=inside.as_posix() if inside else "")
        ]
    if path.exists():
        return [Listed(printable(path.name), place)]
    parent = path.absolute().parent
    close = nearest(path.name, os.listdir(parent)) if parent.is_dir() else ""
    told = f"did you mean {path.parent / close}?" if close else f"{parent} {_holds(parent)}"
    raise TaskError(f"photos: there is no {printable(place)}; {told}")


def _holds(folder: Path) -> str:
    return "holds nothing of a similar name" if folder.is_dir() else "does not exist either"
