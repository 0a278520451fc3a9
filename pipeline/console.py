"""What a person sees while a pipeline runs: components, times, progress, figures. Everything else is in the log."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

_LINE_WIDTH = 100
_SECONDS_BETWEEN_LINES = 20.0
_SECONDS_BETWEEN_UPDATES = 0.2


class Console:
    """Prints to one stream; redraws progress in place on a terminal, prints it now and then elsewhere."""

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._label = ""
        self._started = 0.0
        self._last = 0.0
        self._expected = 0
        self._first: tuple[float, int] | None = None

    def say(self, text: str = "") -> None:
        """Prints a line."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def begin(self, label: str, expected: int = 0) -> None:
        """Starts a piece of work; `expected` is the number of its units where that is known beforehand."""
        self._label, self._expected = label, expected
        self._started = self._last = time.monotonic()
        self._first = None
        if self._live:
            self._draw(f"{label} ...")

    def progress(self, done: int, total: int, text: str) -> None:
        """Shows how far the piece of work is; a listener of `components.progress`."""
        now = time.monotonic()
        # What comes before the first unit (tracing a graph, reading files) says nothing about the others.
        self._first = self._first or (now, done)
        if now - self._last < (_SECONDS_BETWEEN_UPDATES if self._live else _SECONDS_BETWEEN_LINES):
            return
        self._last = now
        total = total or self._expected
        shown = f"{self._label} {done}" + (f"/{total}" if total >= done else "") + f" {text}"
        began, already = self._first
        if total >= done > already:
            left = (now - began) * (total - done) / (done - already)
            shown += f", about {duration(left)} left"
        if self._live:
            self._draw(shown)
        else:
            print(f"  {shown}", file=self._stream, flush=True)

    def end(self, note: str = "") -> None:
        """Ends the piece of work and prints its time."""
        seconds = duration(time.monotonic() - self._started)
        self.say(f"{self._label:<26}{seconds:>11}  {note}".rstrip())

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Prints rows in columns: the first to the left, the others to the right; the first row is the head."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for number, row in enumerate(rows):
            cells = [
                row[0].ljust(widths[0]),
                *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
            ]
            self.say("  " + "  ".join(cells).rstrip())
            if number == 0:
                self.say("  " + "  ".join("-" * width for width in widths))

    def _draw(self, text: str) -> None:
        self._clear()
        self._stream.write(text[:_LINE_WIDTH])
        self._stream.flush()

    def _clear(self) -> None:
        if self._live:
            self._stream.write("\r\033[K")


def duration(seconds: float) -> str:
    """Seconds in words: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@contextlib.contextmanager
def output_to_log(log: Path) -> Iterator[TextIO]:
    """Sends everything that this process and its libraries print into a log file.

    File descriptors are redirected, since TensorFlow writes to them from C++.

    Yields:
        The stream that still reaches the person.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    to_person = os.fdopen(os.dup(kept[0]), "w", encoding=sys.stdout.encoding or "utf-8", errors="replace")
    with log.open("ab", buffering=0) as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    try:
        yield to_person
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        to_person.flush()
        for number, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        to_person.close()


def quiet_libraries() -> None:
    """Keeps the log to what helps; must run before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    warnings.simplefilter("ignore")
    from absl import logging

    logging.set_verbosity(logging.WARNING)
