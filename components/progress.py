"""Progress of long work, told by whoever does it to whoever listens in the same process.

Nobody listens on a Beam worker or in a Kubeflow pod: there the calls cost next to nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

Listener = Callable[[int, int, str], None]
Reader = Callable[[str], None]

_lock = threading.Lock()
_listener: Listener | None = None
_reader: Reader | None = None
_done = 0


def listen(listener: Listener | None, reader: Reader | None = None) -> None:
    """Sends progress to `listener(done, total, text)` from now on; `total` is 0 where it is not known.

    Lines that a person should read, and that stay, go to `reader(text)`.
    """
    global _listener, _reader, _done
    with _lock:
        _listener, _reader, _done = listener, reader, 0


def note(text: str) -> None:
    """Says something that a person should read: on the console if somebody listens, and in the log."""
    logging.getLogger(__name__).warning(text)
    if _reader is not None:
        _reader(text)


def report(done: int, total: int = 0, text: str = "") -> None:
    """Says that `done` of `total` units are finished; `text` holds figures worth showing."""
    if _listener is not None:
        _listener(done, total, text)


def advance(text: str = "") -> None:
    """Says that one more unit is finished, of a number that nobody knows yet."""
    global _done
    with _lock:
        _done += 1
        done = _done
    report(done, 0, text)
