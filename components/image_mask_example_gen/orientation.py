"""EXIF orientation of photos, and which one a mask was drawn for."""

from __future__ import annotations

import io
import math
import struct
import warnings

import numpy as np
from PIL import Image

UPRIGHT = 1
_EXIF_ORIENTATION = 0x0112
_UNDOING = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""
_SAME_ASPECT = 0.1
"""Aspects are the same if their logarithms differ by no more: a small mask's sides are rounded to pixels."""


def orientation_of(picture: Image.Image) -> int:
    """EXIF orientation that is to be undone, 2 to 8, or 1 where there is none or it makes no sense."""
    # Pillow turns TIFFs while it decodes them, and no other format.
    return UPRIGHT if picture.format == "TIFF" else recorded_orientation(picture)


def recorded_orientation(picture: Image.Image) -> int:
    """EXIF orientation that the file has, 1 to 8; asked before a TIFF is decoded."""
    # Pillow decodes a whole PNG to look for one behind the pixels, where nobody writes it.
    if picture.format == "PNG" and not {"exif", "Raw profile type exif"} & picture.info.keys():
        return UPRIGHT
    try:
        orientation = picture.getexif().get(_EXIF_ORIENTATION, UPRIGHT)
    except (ValueError, TypeError, KeyError, SyntaxError, OSError, struct.error):
        return UPRIGHT
    return orientation if isinstance(orientation, int) and orientation in _UNDOING else UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Whether undoing an orientation swaps height and width."""
    return orientation >= 5


def undo(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture upright."""
    return picture if orientation == UPRIGHT else picture.transpose(_UNDOING[orientation])


def undo_map(class_map: np.ndarray, orientation: int) -> np.ndarray:
    """A class map, uint8 [height, width], upright."""
    return np.asarray(undo(Image.fromarray(class_map), orientation))


def orientation_of_mask(content: bytes, size: tuple[int, int], orientation: int) -> int:
    """Which orientation must be undone so that a mask lies on its upright photo.

    A mask is taken as a viewer shows it, with its own EXIF orientation undone. Where its sides then are the photo's
    swapped, they decide: its own orientation was copied from the photo and is wrong, or it was drawn over the photo
    as the camera stored it, and the photo's orientation applies to it as well. Half turns, mirrored and square photos
    have equal sides either way: there, the mask is taken as it is seen.

    Args:
        content: The mask's file content; only its header is looked at.
        size: Height and width of the upright photo, pixels.
        orientation: EXIF orientation of the photo, 1 to 8.

    Returns:
        The orientation, 1 to 8; 1 for a file that is no picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content))
            own = orientation_of(picture)
        aspect = math.log(picture.width / picture.height)
    except Exception:  # Plugins raise anything over bad bytes; who reads the mask says what is wrong with it.
        return UPRIGHT
    expected = math.log(size[1] / size[0])
    for one in (own, UPRIGHT, orientation):
        if abs((-aspect if swaps_sides(one) else aspect) - expected) <= _SAME_ASPECT:
            return one
    return own
