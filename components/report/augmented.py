"""The picture of what the network was trained on."""

from __future__ import annotations

import io

from PIL import Image

from components.report.markup import note, section
from components.report.overlay import data_uri

BYTES = 400_000
SIDE = 1600
"""Longest side, pixels."""

_ATTEMPTS = ((1.0, 80), (0.75, 70), (0.5, 60), (0.3, 50))


def augmented_pairs(picture: bytes) -> str:
    """The section with the picture; nothing without one, or where it cannot be read."""
    small = shrunk(picture)
    if not small:
        return ""
    words = "Photos of the train split with their masks, changed at random as the network sees them."
    image = f'<img class="sheet" alt="{words}" src="{data_uri("image/jpeg", small)}">'
    return section("augmented", "What it was trained on", note(words), image)


def shrunk(picture: bytes) -> bytes:
    """The picture as JPEG of at most `BYTES`, smaller and coarser until it fits; empty where it cannot be read."""
    try:
        whole = Image.open(io.BytesIO(picture)).convert("RGB")
    except OSError:
        return b""
    for scale, quality in _ATTEMPTS:
        small = whole.copy()
        small.thumbnail((SIDE * scale, SIDE * scale), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= BYTES:
            return stream.getvalue()
    return b""
