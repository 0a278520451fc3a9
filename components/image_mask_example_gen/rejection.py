"""Why a file was set aside."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


class Rejected(Exception):  # noqa: N818 - not an error of the program: the file is set aside and named
    """A file that cannot be used.

    Attributes:
        reason: A short code, equal for equal causes, to count by.
        detail: What is wrong with this file, for a person.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Rejection:
    """One file that was set aside: its path inside the data folder, the reason's code and the detail."""

    path: str
    reason: str
    detail: str

    def to_json(self) -> str:
        """One line of the rejections artifact; what UTF-8 cannot hold is escaped."""
        line = json.dumps(asdict(self), ensure_ascii=False)
        # Half of a surrogate pair, as decoders' messages may quote it: inside JSON, its own escape means the same.
        return line.encode("utf-8", "backslashreplace").decode("utf-8")

    @staticmethod
    def from_json(line: str) -> Rejection:
        """Restores what `to_json` wrote."""
        return Rejection(**json.loads(line))
