"""Damage that decoders overlook: what Pillow forgives, TensorFlow may refuse, and either may show shifted."""

from __future__ import annotations

import re
import zlib

from components.image_mask_example_gen.rejection import Rejected

_PNG_HEAD = 8
_JPEG_HEAD = 2
_END, _START_OF_SCAN = b"\xff\xd9", b"\xff\xda"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Any marker in the data of a scan but the escaped byte, padding and restarts, which belong there."""


def check_integrity(file_format: str | None, content: bytes) -> None:
    """Checks what can be checked without decoding; a few milliseconds for a photo of 5 MB.

    JPEG has no checksum: damage that leaves its structure intact goes unnoticed.

    Args:
        file_format: As Pillow names it.
        content: The file's bytes.

    Raises:
        Rejected: `damaged_picture`.
    """
    if file_format == "PNG":
        _check_png(content)
    elif file_format in ("JPEG", "MPO"):
        _check_jpeg(content)


def _check_png(content: bytes) -> None:
    """Compares the checksums of the pixels' chunks, which Pillow skips."""
    view, at = memoryview(content), _PNG_HEAD
    while at + 12 <= len(content):
        kind, end = content[at + 4 : at + 8], at + 8 + int.from_bytes(content[at : at + 4], "big")
        if kind == b"IEND":
            return
        if kind == b"IDAT" and zlib.crc32(view[at + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise Rejected("damaged_picture", f"the checksum of the pixels at byte {at} does not match")
        at = end + 4


def _check_jpeg(content: bytes) -> None:
    """Follows the segments to the end marker: after damage, a scan holds markers that lead nowhere."""
    at, scans = _JPEG_HEAD, 0
    while True:
        # Before the first scan, decoders step over stray bytes; behind it, stray bytes are a sign of damage.
        marker = _MARKER.match(content, _skip_padding(content, at)) if scans else _MARKER.search(content, at)
        if marker is None:
            raise Rejected("damaged_picture", f"there is no marker at byte {at}")
        if marker.group() == _END and scans:
            return
        at = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
        if marker.group() == _START_OF_SCAN:
            scans += 1
            found = _MARKER.search(content, at)
            if found is None:
                raise Rejected("damaged_picture", "there is no end marker")
            at = found.start()


def _skip_padding(content: bytes, at: int) -> int:
    while content[at : at + 2] == b"\xff\xff":
        at += 1
    return at
