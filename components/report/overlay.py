"""Pictures of the gallery: the photo as JPEG, and class maps and errors as paletted PNGs to lay over it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.report import hatching
from components.report.content import GalleryPhoto
from schema.colors import class_palette
from schema.labelmap import Color, LabelMap

IGNORED = 255
MISSED, FALSE_ALARM, WRONG_CLASS = 1, 2, 3
ERROR_KINDS = {
    MISSED: ("missed", "an object that was predicted as background"),
    FALSE_ALARM: ("false alarm", "background that was predicted as an object"),
    WRONG_CLASS: ("wrong class", "an object that was predicted as another class"),
}

ERROR_HATCHINGS = {MISSED: 1, FALSE_ALARM: 2, WRONG_CLASS: 5}

MAX_SIZE = (640, 640)
"""Width and height that a picture never exceeds."""

_ERROR_COLORS: tuple[Color, ...] = ((255, 221, 51), (214, 39, 160), (0, 190, 235))
_INK_COLOR = (20, 20, 24, 255)
# What is tried in turn until the pictures of one photo fit their budget: the longest side, JPEG quality.
_ATTEMPTS = ((1.0, 82), (1.0, 65), (0.75, 65), (0.5, 60), (0.33, 55), (0.2, 50))


@dataclass(frozen=True)
class Layers:
    """The encoded pictures of one photo, all of the same size.

    Attributes:
        width: In pixels.
        height: In pixels.
        photo: JPEG.
        truth: PNG; background transparent.
        prediction: PNG; background transparent.
        error: PNG; right and ignored pixels transparent.
    """

    width: int
    height: int
    photo: bytes
    truth: bytes
    prediction: bytes
    error: bytes

    @property
    def encoded_size(self) -> int:
        """Characters that the pictures take as data URIs."""
        return sum(len(data_uri("image/jpeg", one)) for one in (self.photo, self.truth, self.prediction, self.error))


def css_color(color: Color) -> str:
    """A colour in CSS notation."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def error_color(kind: int) -> Color:
    """Colour of a kind of error."""
    return _ERROR_COLORS[kind - 1]


def error_palette() -> np.ndarray:
    """Colours of an error map.

    Returns:
        uint8 [256, 4], red, green, blue, opacity; what is right is transparent.
    """
    palette = np.zeros((256, 4), np.uint8)
    palette[1 : 1 + len(_ERROR_COLORS)] = [(*color, 255) for color in _ERROR_COLORS]
    palette[hatching.INK] = _INK_COLOR
    return palette


def map_palette(background: int) -> np.ndarray:
    """Colours of a class map with hatchings: uint8 [256, 4], red, green, blue, opacity; the background is clear."""
    palette = class_palette(background)
    palette[hatching.INK] = _INK_COLOR
    return palette


def class_hatchings(classes: int, background: int) -> dict[int, int]:
    """Hatching by class number; the background has none."""
    return {one: hatching.kind_of(one - (one > background)) for one in range(classes) if one != background}


def error_map(truth: np.ndarray, prediction: np.ndarray, background: int) -> np.ndarray:
    """Tells right pixels from wrong ones.

    Args:
        truth: uint8 [height, width], class numbers, 255 where a pixel does not count.
        prediction: uint8 [height, width], class numbers.
        background: Class number of the background.

    Returns:
        uint8 [height, width]: 0 right or ignored, else `MISSED`, `FALSE_ALARM` or `WRONG_CLASS`.

    Raises:
        ValueError: The shapes differ.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} have different shapes")
    kinds = np.full(truth.shape, WRONG_CLASS, np.uint8)
    kinds[prediction == background] = MISSED
    kinds[truth == background] = FALSE_ALARM
    kinds[(truth == prediction) | (truth == IGNORED)] = 0
    return kinds


def encode_overlay(
    values: np.ndarray,
    palette: np.ndarray,
    size: tuple[int, int],
    hatchings: Mapping[int, int] | None = None,
    *,
    outlined: bool = True,
) -> bytes:
    """Encodes a map of small numbers as a paletted PNG.

    Args:
        values: uint8 [height, width], indices into the palette.
        palette: uint8 [entries, 4], red, green, blue, opacity.
        size: Width and height of the picture; nearest pixels are taken, so no colour is made up.
        hatchings: Hatching by number, for the areas that get one.
        outlined: Whether these areas get an outline too.
    """
    small = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.NEAREST))
    small = hatching.hatched(small, hatchings or {}, outlined=outlined)
    # Only the entries in use are kept: a map of few classes then takes one, two or four bits per pixel.
    used, indices = np.unique(small, return_inverse=True)
    picture = Image.fromarray(indices.reshape(small.shape).astype(np.uint8))
    picture.putpalette(palette[used, :3].tobytes())
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True, transparency=palette[used, 3].tobytes())
    return stream.getvalue()


def encode_photo(photo: np.ndarray, size: tuple[int, int], quality: int) -> bytes:
    """Encodes a photo as JPEG.

    Args:
        photo: uint8 [height, width, 3].
        size: Width and height of the picture.
        quality: JPEG quality.
    """
    picture = Image.fromarray(photo)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def encode_layers(photo: GalleryPhoto, label_map: LabelMap, budget: int) -> Layers:
    """Encodes the pictures of one photo, smaller and coarser until they fit.

    Args:
        photo: What to show.
        label_map: Classes.
        budget: Characters that the data URIs may take; the coarsest attempt is taken even if it takes more.

    Raises:
        ValueError: The shapes of photo, truth and prediction differ.
    """
    if photo.photo.shape[:2] != photo.truth.shape:
        raise ValueError(f"photo {photo.photo.shape} and truth {photo.truth.shape} have different shapes")
    background = label_map.background_index
    errors = error_map(photo.truth, photo.prediction, background)
    classes, lines = map_palette(background), class_hatchings(len(label_map.classes), background)
    for scale, quality in _ATTEMPTS:
        size = fitted_size(photo.truth.shape[1], photo.truth.shape[0], scale)
        layers = Layers(
            *size,
            photo=encode_photo(photo.photo, size, quality),
            truth=encode_overlay(photo.truth, classes, size, lines),
            prediction=encode_overlay(photo.prediction, classes, size, lines),
            error=encode_overlay(errors, error_palette(), size, ERROR_HATCHINGS, outlined=False),
        )
        if layers.encoded_size <= budget:
            break
    return layers


def fitted_size(width: int, height: int, scale: float = 1.0) -> tuple[int, int]:
    """The size at most `scale` times `MAX_SIZE` that keeps the aspect ratio; pictures are never enlarged."""
    factor = min(1.0, scale * MAX_SIZE[0] / width, scale * MAX_SIZE[1] / height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def data_uri(media_type: str, content: bytes) -> str:
    """A picture as an address that needs no network."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
