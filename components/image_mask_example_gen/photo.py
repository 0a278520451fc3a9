"""Reads photos as they come and brings them into one form: upright, 8-bit RGB, JPEG or PNG."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from components.image_mask_example_gen.rejection import Rejected

MAX_PIXELS = 200_000_000
"""Photos above it are refused from their header alone: no camera makes them, and decoding takes gigabytes."""

Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS decides, with a reason that names the file.

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = 1
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
_GREY_SIDE = 64
_JPEG = {"quality": 95, "subsampling": 0}


@dataclass(frozen=True)
class Photo:
    """A photo in its one form.

    Attributes:
        encoded: The file's own bytes where they already are an upright 8-bit RGB JPEG; a new PNG for a PNG; else a
            new JPEG.
        height: Pixels.
        width: Pixels.
        brightness: Mean luma, 0 to 1.
        orientation: EXIF orientation, 1 to 8, that the file had and that has been undone.
    """

    encoded: bytes
    height: int
    width: int
    brightness: float
    orientation: int


def open_picture(content: bytes) -> Image.Image:
    """Decodes a picture of any format that Pillow knows, whatever the file's name says.

    Raises:
        Rejected: The content is no picture, is cut short, or is larger than `MAX_PIXELS`.
    """
    if not content:
        raise Rejected("empty_file", "the file has no content")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content))
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise Rejected("too_large", f"{width}x{height} pixels; at most {MAX_PIXELS:,} are read")
            picture.load()
    except UnidentifiedImageError:
        raise Rejected("not_a_picture", f"the content begins with {content[:12]!r}") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise Rejected("damaged_picture", str(error) or type(error).__name__) from None
    return picture


def read_photo(content: bytes) -> Photo:
    """Brings a photo into its one form.

    Args:
        content: The file's bytes.

    Raises:
        Rejected: See `open_picture`.
    """
    picture = open_picture(content)
    orientation = _orientation(picture)
    # A PNG is always written anew: Pillow forgives cut and altered ones that TensorFlow refuses.
    if not (picture.mode == "RGB" and picture.format == "JPEG" and orientation == _UPRIGHT):
        as_png = picture.format == "PNG"
        if orientation != _UPRIGHT:
            picture = picture.transpose(_UNDOING[orientation])
        picture = to_rgb(picture)
        content = _encode(picture, "PNG", compress_level=1) if as_png else _encode(picture, "JPEG", **_JPEG)
    # A small picture has the same mean, at a fraction of the cost.
    grey = (
        picture.convert("L")
        if picture.width < _GREY_SIDE
        else picture.reduce(max(1, picture.width // _GREY_SIDE)).convert("L")
    )
    return Photo(content, picture.height, picture.width, float(np.asarray(grey).mean() / 255), orientation)


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation, 2 to 8, or 1 where there is none or it makes no sense."""
    try:
        orientation = picture.getexif().get(_EXIF_ORIENTATION, _UPRIGHT)
    except (ValueError, TypeError, KeyError, SyntaxError, OSError, struct.error):
        return _UPRIGHT
    return orientation if isinstance(orientation, int) and orientation in _UNDOING else _UPRIGHT


def to_rgb(picture: Image.Image) -> Image.Image:
    """Converts any mode to 8-bit RGB: transparency over white, 16-bit grey scaled to 8."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        values = np.asarray(picture, dtype=np.float32)
        scale = 255.0 / 65535.0 if values.max(initial=0) > 255 else 1.0
        return Image.fromarray((values * scale).clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return picture.convert("RGB")


def _encode(picture: Image.Image, file_format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()
