"""Reads photos as they come and brings them into one form: upright, 8-bit RGB, JPEG or PNG."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from components.image_mask_example_gen.integrity import check_integrity
from components.image_mask_example_gen.orientation import UPRIGHT, orientation_of, recorded_orientation, undo
from components.image_mask_example_gen.rejection import Rejected

MAX_PIXELS = 50_000_000
"""Photos above it are refused from their header alone: reading and scaling takes up to 20 bytes a pixel, and a process
is to stay below 2 GB, of which the libraries take one."""

MAX_SIDE = 65_500
"""JPEG has no longer sides."""

Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS decides, with a reason that names the file.

_SMALL_SIDE = 64
_COLOURED = 0.01
_PROGRAMS = ("EPS", "WMF", "EMF")
"""Formats that are drawn by running what the file says."""
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
        saturation: Mean gap between the strongest and the weakest channel, 0 to 1; 0 for a grey photo.
        orientation: EXIF orientation, 1 to 8, that the file has and that has been undone.
    """

    encoded: bytes
    height: int
    width: int
    brightness: float
    saturation: float
    orientation: int


def open_picture(content: bytes) -> Image.Image:
    """Decodes a picture of any format that Pillow knows, whatever the file's name says.

    Raises:
        Rejected: The content is empty (`empty_file`), no picture (`not_a_picture`), larger than `MAX_PIXELS` or
            `MAX_SIDE` by its header (`too_large`), or damaged (`damaged_picture`).
    """
    if not content:
        raise Rejected("empty_file", "the file has no content")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content))
            _check_header(picture)
            picture.load()
    except UnidentifiedImageError:
        raise Rejected("not_a_picture", f"the content begins with {content[:12]!r}") from None
    except Rejected:
        raise
    except Exception as error:  # Pillow's plugins raise anything over damaged bytes.
        raise Rejected("damaged_picture", str(error) or type(error).__name__) from None
    check_integrity(picture.format, content)
    return picture


def _check_header(picture: Image.Image) -> None:
    width, height = picture.size
    if picture.format in _PROGRAMS:
        raise Rejected("not_a_picture", f"{picture.format} is a drawing program, not pixels")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Rejected(
            "too_large",
            f"{width}x{height} pixels; at most {MAX_PIXELS:,} in all and {MAX_SIDE:,} a side are read; scale it down",
        )
    if not width * height:
        raise Rejected("damaged_picture", f"{width}x{height} pixels")


def read_photo(content: bytes) -> Photo:
    """Brings a photo into its one form.

    Args:
        content: The file's bytes.

    Raises:
        Rejected: See `open_picture`.
    """
    picture = open_picture(content)
    orientation = orientation_of(picture)
    recorded = recorded_orientation(Image.open(io.BytesIO(content))) if picture.format == "TIFF" else orientation
    # A PNG is always written anew: Pillow forgives cut and altered ones that TensorFlow refuses.
    if not (picture.mode == "RGB" and picture.format == "JPEG" and orientation == UPRIGHT):
        as_png = picture.format == "PNG"
        picture = to_rgb(_eight_bits(undo(picture, orientation)))
        content = _encode(picture, "PNG", compress_level=1) if as_png else _encode(picture, "JPEG", **_JPEG)
    # A small picture has the same mean, at a fraction of the cost.
    small = picture.reduce(max(1, picture.width // _SMALL_SIDE))
    brightness = float(np.asarray(small.convert("L")).mean() / 255)
    return Photo(content, picture.height, picture.width, brightness, _saturation(small), recorded)


def _saturation(picture: Image.Image) -> float:
    """Mean gap between the strongest and the weakest channel; 0 where no eye would see a colour."""
    gap = float(np.ptp(np.asarray(picture), axis=2).mean() / 255)
    return gap if gap >= _COLOURED else 0.0


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Scales 16-bit grey by its depth: a dark photo whose values all are small stays dark."""
    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray(((np.asarray(picture).astype(np.uint32) + 128) // 257).astype(np.uint8))


def to_rgb(picture: Image.Image) -> Image.Image:
    """Converts any mode to 8-bit RGB: transparency over white, deep grey from the range that its values show."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float32))
        top = values.max(initial=0)
        scale = 255.0 / 65535.0 if top > 255 else 255.0 if picture.mode == "F" and top <= 1 else 1.0
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
