"""What lies in a serving folder: one folder a version, each with the record of its push. Reads only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.files import exists, names, read_text
from components.trainer.card import CARD_FILE

SAVED_MODEL = "saved_model.pb"
PUSH_FILE = "assets.extra/push.json"
"""Beside the model's card; the card belongs to the training, this file to one push of the model."""

_HIGHEST = 2**63 - 1  # TensorFlow Serving reads versions as int64


@dataclass(frozen=True)
class Pushed:
    """One version in a serving folder.

    Attributes:
        version: Its number, the folder's name.
        record: What the push wrote down, see `component.push_record`; empty for a version that no push of this
            kind made.
    """

    version: int
    record: dict[str, Any]

    @property
    def rolled_back_to(self) -> int | None:
        """The version that this one repeats; None where a push brought a new model."""
        rolled_back = self.record.get("rolled_back")
        origin = rolled_back.get("to") if isinstance(rolled_back, dict) else None
        return origin if isinstance(origin, int) else None

    @property
    def origin(self) -> int:
        """The version under which this one's model was first pushed."""
        return self.rolled_back_to or self.version


def all_numbers(serving_dir: str) -> list[int]:
    """Every number that names something in the folder, in ascending order: a server tries to load the highest."""
    # "²" is a digit to Python, but no number.
    found = [int(name) for name in names(serving_dir) if name.isascii() and name.isdigit()]
    return sorted(number for number in found if number <= _HIGHEST)


def pushed_versions(serving_dir: str) -> list[int]:
    """Complete versions that pushes made, oldest first; other people's models have no card."""
    return [
        number
        for number in all_numbers(serving_dir)
        if all(exists(os.path.join(serving_dir, str(number), one)) for one in (SAVED_MODEL, CARD_FILE))
    ]


def read_pushed(serving_dir: str, version: int) -> Pushed:
    """A version with its record; a damaged record counts as none."""
    path = os.path.join(serving_dir, str(version), PUSH_FILE)
    try:
        record = json.loads(read_text(path)) if exists(path) else {}
    except (OSError, ValueError):
        record = {}
    return Pushed(version, record if isinstance(record, dict) else {})


def history(serving_dir: str) -> Iterator[Pushed]:
    """The versions that led to the one in service, newest first.

    A rollback undoes what was pushed since: from versions 1, 2 and 3, of which 3 repeats 1, only 3 remains.
    """
    before: int | None = None
    for version in reversed(pushed_versions(serving_dir)):
        if before is None or version < before:
            pushed = read_pushed(serving_dir, version)
            before = pushed.rolled_back_to
            yield pushed


def in_service(serving_dir: str) -> Pushed | None:
    """The version that servers answer with: the highest; None where there is none."""
    return next(history(serving_dir), None)
