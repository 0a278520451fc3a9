"""From a mask file to an exact class map, or to the reason why there is none."""

from __future__ import annotations

import numpy as np
from PIL import Image

from components.image_mask_example_gen.mask_cleaning import CleanMask, clean_mask, clean_planes
from components.image_mask_example_gen.mask_planes import planes_of_jpeg
from components.image_mask_example_gen.palette import Palette, judge
from components.image_mask_example_gen.photo import open_picture, to_rgb
from components.image_mask_example_gen.rejection import Rejected
from components.image_mask_example_gen.settings import EXACT, KEEP
from schema.features import IGNORE_LABEL

__all__ = ["CleanMask", "Palette", "clean_mask", "read_mask"]

ASPECT_TOLERANCE = 0.02

MAX_OFF_PALETTE = 0.5
"""A mask with a greater share of strange pixels uses another palette; with less, it has mistakes in it."""

_JPEG_NOISE = 3
"""How far JPEG moves the values of a flat area at most."""


def read_mask(
    content: bytes, palette: Palette, size: tuple[int, int], *, cleaning: str = EXACT, uncertain: str = KEEP
) -> CleanMask:
    """Turns a mask file into an exact class map of its photo's size.

    Transparency is left out: annotation tools export "nothing here" as transparent black. A picture without loss that
    holds class numbers (0 to classes - 1, and 255 for ignored pixels) instead of colours is read as such.

    Args:
        content: The file's bytes, any picture format.
        palette: The colours to expect.
        size: Height and width of the photo, pixels.
        cleaning: `exact` or `nearest`, see `clean_mask`.
        uncertain: `keep` the best guess of uncertain pixels, or `ignore` them.

    Raises:
        Rejected: The file cannot be read (see `open_picture`); its shape is not the photo's (`mask_shape`); the
            classes are in its transparency (`alpha_only`), are numbers in a JPEG, which does not keep them exactly
            (`class_numbers_in_jpeg`), or are in colours of another palette (`off_palette`).
    """
    picture = open_picture(content)
    _check_shape(picture, size)
    cleaned = _read_classes(picture, content, palette, cleaning=cleaning, uncertain=uncertain)
    if cleaned.class_map.shape == size:
        return cleaned
    # Class numbers are not quantities: nearest neighbour is the only resize that invents none.
    scaled = Image.fromarray(cleaned.class_map).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return CleanMask(np.asarray(scaled), cleaned.uncertain_fraction, cleaned.off_palette_fraction)


def _read_classes(
    picture: Image.Image, content: bytes, palette: Palette, *, cleaning: str, uncertain: str
) -> CleanMask:
    if picture.format == "JPEG":
        cleaned = _clean_jpeg(picture, content, palette, cleaning=cleaning, uncertain=uncertain)
    else:
        numbers = _class_numbers(picture, palette)
        if numbers is not None:
            return CleanMask(numbers, 0.0, 0.0)
        colors = np.asarray(_opaque(picture))
        _check_alpha(picture, colors)
        cleaned = clean_mask(colors, palette, cleaning=cleaning, uncertain=uncertain)
    if cleaned.off_palette_fraction > MAX_OFF_PALETTE:
        raise Rejected("off_palette", _describe(np.asarray(_opaque(picture)), palette, cleaned.off_palette_fraction))
    return cleaned


def _clean_jpeg(picture: Image.Image, content: bytes, palette: Palette, *, cleaning: str, uncertain: str) -> CleanMask:
    planes = planes_of_jpeg(content) if cleaning == EXACT else None
    if planes is None or planes.luma.max(initial=0) <= palette.classes + _JPEG_NOISE:
        _check_no_numbers(np.asarray(to_rgb(picture)), palette)
    if planes is None:
        return clean_mask(np.asarray(to_rgb(picture)), palette, cleaning=cleaning, uncertain=uncertain)
    return clean_planes(planes, palette, uncertain=uncertain)


def _opaque(picture: Image.Image) -> Image.Image:
    """The colours alone."""
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa", "P"):
        return picture.convert("RGBA").convert("RGB")
    return to_rgb(picture)


def _class_numbers(picture: Image.Image, palette: Palette) -> np.ndarray | None:
    """The class map that a picture holds directly, or None where its colours are the palette's or no class numbers."""
    if picture.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
        return None
    values = np.asarray(picture)
    numbers = np.unique(values)
    known = (numbers < palette.classes) | (numbers == IGNORE_LABEL)
    # 0 and 255 alone are black and white, which say nothing about class numbers.
    if not known.all() or not ((numbers > 0) & (numbers < palette.classes)).any():
        return None
    colors = np.unique(np.asarray(_opaque(picture)).reshape(-1, 3), axis=0)
    if (colors[:, None] == palette.colors[None]).all(axis=2).any(axis=1).all():
        return None
    return values.astype(np.uint8)


def _check_no_numbers(colors: np.ndarray, palette: Palette) -> None:
    top = int(colors.max(initial=0))
    dark = palette.colors.max(axis=1)
    expected = dark[dark > 0].min(initial=256)
    if 0 < top < min(palette.classes + _JPEG_NOISE, expected / 2):
        raise Rejected(
            "class_numbers_in_jpeg",
            f"no value is above {top}: class numbers, it seems, which JPEG does not keep exactly; save the mask as PNG",
        )


def _check_alpha(picture: Image.Image, colors: np.ndarray) -> None:
    if not picture.has_transparency_data or (colors != colors[:1, :1]).any():
        return
    alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
    if alpha.min() != alpha.max():
        color = tuple(int(value) for value in colors[0, 0])
        raise Rejected(
            "alpha_only",
            f"all pixels have the colour {color} and differ in transparency only; save the mask with opaque colours",
        )


def _describe(pixels: np.ndarray, palette: Palette, share: float) -> str:
    """Which colour a mask of another palette has most, and what the label map has nearest to it."""
    colors = pixels.reshape(-1, 3)
    strange = judge(colors[:: max(1, len(colors) // 4096)].astype(np.float32), palette).strange
    sample = colors[:: max(1, len(colors) // 4096)][strange]
    found, counts = np.unique(sample if len(sample) else colors[:1], axis=0, return_counts=True)
    found = found[counts.argmax()]
    near = palette.colors[np.linalg.norm(palette.colors - found, axis=1).argmin()]
    return (
        f"{share:.0%} of the pixels have no colour of the label map; the most frequent is "
        f"{tuple(int(value) for value in found)}, the nearest in the label map {tuple(int(value) for value in near)}"
    )


def _check_shape(picture: Image.Image, size: tuple[int, int]) -> None:
    height, width = size
    if abs(picture.width * height - picture.height * width) > ASPECT_TOLERANCE * picture.height * width + max(
        height, width
    ):
        raise Rejected("mask_shape", f"the mask is {picture.width}x{picture.height}, the photo {width}x{height}")
