"""From a mask saved as JPEG to an exact class map."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.image_mask_example_gen.photo import open_picture, to_rgb
from components.image_mask_example_gen.rejection import Rejected
from components.image_mask_example_gen.settings import IGNORE, KEEP
from schema.features import IGNORE_LABEL
from schema.labelmap import LabelMap

UNCERTAIN_RATIO = 0.5
"""A pixel is uncertain when its nearest colour is more than half as far away as its second nearest."""

OFF_PALETTE_DISTANCE = 64.0
"""RGB distance from the line between its two nearest colours that neither blur nor JPEG explains."""

ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True)
class CleanMask:
    """An exact class map and how sure it is.

    Attributes:
        class_map: uint8 [height, width]; class numbers, `IGNORE_LABEL` where nothing counts.
        uncertain_fraction: Share of pixels about midway between two colours of the palette, 0 to 1.
        off_palette_fraction: Share of pixels that no mixture of two palette colours explains, 0 to 1.
    """

    class_map: np.ndarray
    uncertain_fraction: float
    off_palette_fraction: float

    def encoded(self) -> bytes:
        """The class map as an 8-bit grey PNG."""
        buffer = io.BytesIO()
        Image.fromarray(self.class_map).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()


@dataclass(frozen=True)
class Palette:
    """The colours of the masks.

    Attributes:
        colors: float32 [colours, 3]; red, green, blue, 0 to 255.
        labels: uint8 [colours]; the class number of each colour, `IGNORE_LABEL` for ignored ones.
    """

    colors: np.ndarray
    labels: np.ndarray

    @staticmethod
    def of(label_map: LabelMap) -> Palette:
        """The palette of a label map."""
        entries = [*label_map.classes, *label_map.ignored]
        labels = [*range(len(label_map.classes)), *[IGNORE_LABEL] * len(label_map.ignored)]
        return Palette(np.array([entry.color for entry in entries], np.float32), np.array(labels, np.uint8))


def read_mask(content: bytes, palette: Palette, size: tuple[int, int], *, uncertain: str = KEEP) -> CleanMask:
    """Turns a mask file into an exact class map of its photo's size.

    Args:
        content: The file's bytes, any picture format.
        palette: The colours to expect.
        size: Height and width of the photo, pixels.
        uncertain: `keep` the best guess of uncertain pixels, or `ignore` them.

    Raises:
        Rejected: The file cannot be read, or its shape is not the photo's.
    """
    picture = open_picture(content)
    if picture.mode in ("RGBA", "P", "LA", "PA"):
        # Colours say the class, transparency says nothing: annotation tools export the background as clear.
        picture.info.pop("transparency", None)
        picture = picture.convert("RGBA" if "A" in picture.mode else "RGB").convert("RGB")
    picture = to_rgb(picture)
    _check_shape(picture, size)
    cleaned = clean_mask(np.asarray(picture), palette, uncertain=uncertain)
    if cleaned.class_map.shape == size:
        return cleaned
    # Class numbers are not quantities: nearest neighbour is the only resize that invents none.
    scaled = Image.fromarray(cleaned.class_map).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return CleanMask(np.asarray(scaled), cleaned.uncertain_fraction, cleaned.off_palette_fraction)


def clean_mask(mask: np.ndarray, palette: Palette, *, uncertain: str = KEEP) -> CleanMask:
    """Gives every pixel the class of its nearest colour.

    Args:
        mask: uint8 [height, width, 3], RGB.
        palette: The colours to expect.
        uncertain: `keep` or `ignore`, see `read_mask`.
    """
    packed = (mask.astype(np.uint32) * np.array([65536, 256, 1], np.uint32)).sum(axis=2, dtype=np.uint32)
    # A mask has few colours, so each is judged once.
    values, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colors = np.stack([values >> 16, (values >> 8) & 255, values & 255], axis=1).astype(np.float32)
    labels, unsure, off = _judge_colors(colors, palette)
    if uncertain == IGNORE:
        labels = np.where(unsure, np.uint8(IGNORE_LABEL), labels)
    total = packed.size
    class_map = labels[places].reshape(packed.shape)
    return CleanMask(class_map, float(counts[unsure].sum() / total), float(counts[off].sum() / total))


def _judge_colors(colors: np.ndarray, palette: Palette) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, uncertainty and strangeness of each colour [n, 3]."""
    distances = np.linalg.norm(colors[:, None] - palette.colors[None], axis=2)
    order = np.argsort(distances, axis=1, kind="stable")
    rows = np.arange(len(colors))
    nearest, second = order[:, 0], order[:, 1]
    unsure = distances[rows, nearest] > UNCERTAIN_RATIO * distances[rows, second]
    start, end = palette.colors[nearest], palette.colors[second]
    along = end - start
    share = ((colors - start) * along).sum(axis=1) / (along * along).sum(axis=1)
    foot = start + share.clip(0, 1)[:, None] * along
    off = np.linalg.norm(colors - foot, axis=1) > OFF_PALETTE_DISTANCE
    return palette.labels[nearest], unsure, off


def _check_shape(picture: Image.Image, size: tuple[int, int]) -> None:
    height, width = size
    if abs(picture.width * height - picture.height * width) > ASPECT_TOLERANCE * picture.height * width + max(
        height, width
    ):
        raise Rejected("mask_shape", f"the mask is {picture.width}x{picture.height}, the photo {width}x{height}")
