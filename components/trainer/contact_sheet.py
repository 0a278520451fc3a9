"""A picture of augmented pairs, so that people see what the network is trained on before they wait for it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from components.trainer.augmentation import Augmentation
from components.trainer.input_pipeline import training_batches
from schema.colors import class_palette
from schema.labelmap import LabelMap

COLUMNS, ROWS = 6, 4
TILE_SIDE = 288
"""Longest side of a pair, pixels; larger ones are scaled down."""

_GAP = 6
_TINT, _OUTLINE = 0.35, 1.0
"""Opacity of a class's colour inside its area and along its border."""


def write_contact_sheet(
    path: str,
    patterns: Sequence[str],
    size: tuple[int, int],
    *,
    label_map: LabelMap,
    seed: int,
    augmentation: Augmentation,
    frame: tuple[int, int] | None = None,
) -> None:
    """Writes the first pairs of a training as one JPEG, with their masks laid over in the colours of the page.

    Args:
        path: Where to write; anything that TensorFlow's file system takes.
        patterns: File patterns of Transform's training records.
        size: Height and width of the network's input, pixels.
        label_map: Classes.
        seed: As for `training_batches`.
        augmentation: As for `training_batches`.
        frame: As for `training_batches`.
    """
    # One batch of all would be as quick, but its photos would be in memory together.
    pairs = training_batches(patterns, size, batch_size=1, seed=seed, augmentation=augmentation, frame=frame)
    palette = class_palette(label_map.background_index)
    tiles = [
        _tile(photos[0], labels[0], palette) for photos, labels, _ in pairs.take(COLUMNS * ROWS).as_numpy_iterator()
    ]
    width, height = tiles[0].width + _GAP, tiles[0].height + _GAP
    sheet = Image.new("RGB", (COLUMNS * width + _GAP, ROWS * height + _GAP), "white")
    for number, tile in enumerate(tiles):
        row, column = divmod(number, COLUMNS)
        sheet.paste(tile, (column * width + _GAP, row * height + _GAP))
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=85)
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(stream.getvalue())


def _tile(photo: np.ndarray, labels: np.ndarray, palette: np.ndarray) -> Image.Image:
    """A pair in one picture: float32 [h, w, 3] 0 to 255, uint8 [h, w] and colours uint8 [256, 4]."""
    colors = palette[labels].astype(np.float32)
    opacity = np.where(_borders(labels), _OUTLINE, _TINT)[..., np.newaxis] * colors[..., 3:] / 255
    picture = Image.fromarray(np.rint(photo * (1 - opacity) + colors[..., :3] * opacity).astype(np.uint8))
    picture.thumbnail((TILE_SIDE, TILE_SIDE), Image.Resampling.BILINEAR)
    return picture


def _borders(labels: np.ndarray) -> np.ndarray:
    """Pixels (bool [h, w]) with a neighbour of another class within two pixels right, left, up or down."""
    borders = np.zeros(labels.shape, bool)
    for distance in (1, 2):
        across, down = labels[:, distance:] != labels[:, :-distance], labels[distance:] != labels[:-distance]
        borders[:, distance:] |= across
        borders[:, :-distance] |= across
        borders[distance:] |= down
        borders[:-distance] |= down
    return borders
