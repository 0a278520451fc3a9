"""The classes of a data set and the colours that its masks use, read from `labelmap.txt`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from schema.features import MAX_CLASSES

DEFAULT_IGNORED = ("void", "ignore", "unlabelled", "unlabeled")
"""Class names that mean "nobody said what this is": left out of loss and score."""

Color = tuple[int, int, int]


class LabelMapError(ValueError):
    """A labelmap that cannot be used; the message names the file, the line and what is expected."""


@dataclass(frozen=True)
class LabelClass:
    """One class: its name and its colour (red, green, blue; 0 to 255) in the masks."""

    name: str
    color: Color


@dataclass(frozen=True)
class LabelMap:
    """The classes in the order of the file; a class's number is its place in `classes`.

    Attributes:
        classes: What the network learns to tell apart.
        ignored: Colours whose pixels become the ignore label.
        background: Name of the class that is not an object.
    """

    classes: tuple[LabelClass, ...]
    ignored: tuple[LabelClass, ...] = ()
    background: str = ""

    @property
    def names(self) -> list[str]:
        """Class names by class number."""
        return [one.name for one in self.classes]

    @property
    def background_index(self) -> int:
        """Class number of the background."""
        return self.names.index(self.background)

    @property
    def foreground(self) -> list[str]:
        """Names of the classes that are objects."""
        return [name for name in self.names if name != self.background]

    def to_json(self) -> str:
        """Serialises into a string that `from_json` reads and that is equal for equal label maps."""
        rows = {key: [[one.name, list(one.color)] for one in getattr(self, key)] for key in ("classes", "ignored")}
        return json.dumps({**rows, "background": self.background}, ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> LabelMap:
        """Restores what `to_json` wrote."""
        values = json.loads(text)
        rows = {
            key: tuple(LabelClass(name, tuple(color)) for name, color in values[key]) for key in ("classes", "ignored")
        }
        return LabelMap(background=values["background"], **rows)


def read_labelmap(path: Path, *, ignored_names: Iterable[str] = DEFAULT_IGNORED, background: str = "") -> LabelMap:
    """Reads a label map in the export format of CVAT and Pascal VOC.

    A line is `name:r,g,b::` or `name:r,g,b`; lines that begin with `#` and empty lines are skipped.

    Args:
        path: The file, UTF-8.
        ignored_names: Names (any case) of classes whose pixels do not count.
        background: Name of the class that is not an object; empty for the first class of the file.

    Raises:
        LabelMapError: The file is missing or not as described.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise LabelMapError(
            f"{path}: there is no such file. It lists the classes, one a line, as name:red,green,blue::"
        ) from None
    except OSError as error:
        raise LabelMapError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise LabelMapError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    return parse_labelmap(text, path, ignored_names=ignored_names, background=background)


def parse_labelmap(
    text: str, path: Path | str, *, ignored_names: Iterable[str] = DEFAULT_IGNORED, background: str = ""
) -> LabelMap:
    """Reads the text of a label map as `read_labelmap` does; `path` is what messages name.

    Raises:
        LabelMapError: The text is not as described there.
    """
    numbered = [(number, _parse_line(path, number, line)) for number, line in _content_lines(text)]
    _refuse_repeats(path, numbered)
    entries = [entry for _, entry in numbered]
    skipped = {name.strip().lower() for name in ignored_names}
    classes = tuple(entry for entry in entries if entry.name.lower() not in skipped)
    ignored = tuple(entry for entry in entries if entry.name.lower() in skipped)
    _check_count(path, classes)
    names = [one.name for one in classes]
    if background and background not in names:
        raise LabelMapError(
            f"{path}: there is no class {background!r} for the background; there are {', '.join(names)}"
        )
    return LabelMap(classes, ignored, background or names[0])


def _content_lines(text: str) -> list[tuple[int, str]]:
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _parse_line(path: Path | str, number: int, line: str) -> LabelClass:
    name, _, rest = line.partition(":")
    parts = rest.split(":")[0].split(",")
    try:
        color = tuple(int(part) for part in parts)
    except ValueError:
        color = ()
    if not name.strip() or len(color) != 3 or not all(0 <= value <= 255 for value in color):
        raise LabelMapError(f"{path}, line {number}: {line!r} is not name:red,green,blue:: with colours from 0 to 255")
    return LabelClass(name.strip(), (color[0], color[1], color[2]))


def _refuse_repeats(path: Path | str, entries: list[tuple[int, LabelClass]]) -> None:
    by_name: dict[str, LabelClass] = {}
    by_color: dict[Color, LabelClass] = {}
    for number, entry in entries:
        if entry.name in by_name:
            raise LabelMapError(f"{path}, line {number}: class {entry.name!r} is listed twice")
        if entry.color in by_color:
            other = by_color[entry.color].name
            raise LabelMapError(
                f"{path}, line {number}: classes {other!r} and {entry.name!r} share the colour {entry.color}"
            )
        by_name[entry.name] = by_color[entry.color] = entry


def _check_count(path: Path | str, classes: tuple[LabelClass, ...]) -> None:
    if len(classes) < 2:
        raise LabelMapError(f"{path}: {len(classes)} class(es) to tell apart; at least 2 are needed")
    if len(classes) > MAX_CLASSES:
        raise LabelMapError(f"{path}: {len(classes)} classes; at most {MAX_CLASSES} fit the 8 bits of a class map")
