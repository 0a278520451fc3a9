"""One pair of files to one record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf
from PIL import Image

from components.image_mask_example_gen.mask import CleanMask, Palette, read_mask
from components.image_mask_example_gen.orientation import UPRIGHT, orientation_of_mask, swaps_sides, undo_map
from components.image_mask_example_gen.photo import Photo, read_photo
from components.image_mask_example_gen.rejection import Rejected
from components.image_mask_example_gen.settings import EXACT, KEEP
from schema import features
from schema.labelmap import LabelMap


def make_record(
    key: str, image: bytes, mask: bytes, label_map: LabelMap, *, cleaning: str = EXACT, uncertain: str = KEEP
) -> tf.train.Example:
    """Reads and checks a photo and its mask.

    Args:
        key: The pair's key.
        image: The photo's file content.
        mask: The mask's file content.
        label_map: Classes and colours.
        cleaning: How masks become classes, see `read_mask`.
        uncertain: What becomes of uncertain pixels, see `read_mask`.

    Returns:
        An example with the features of `schema.features`.

    Raises:
        Rejected: One of the files cannot be used; the reason begins with `image_` or `mask_`.
    """
    try:
        photo = read_photo(image)
    except Rejected as rejected:
        raise Rejected(f"image_{rejected.reason}", rejected.detail) from None
    try:
        cleaned = _read_mask(mask, photo, label_map, cleaning=cleaning, uncertain=uncertain)
    except Rejected as rejected:
        raise Rejected(f"mask_{rejected.reason.removeprefix('mask_')}", rejected.detail) from None
    return _to_example(key, photo, cleaned, label_map)


def _read_mask(content: bytes, photo: Photo, label_map: LabelMap, **how: str) -> CleanMask:
    size = photo.height, photo.width
    turn = orientation_of_mask(content, size, photo.orientation)
    stored = size[::-1] if swaps_sides(turn) else size
    cleaned = read_mask(content, Palette.of(label_map), stored, **how)
    return cleaned if turn == UPRIGHT else replace(cleaned, class_map=undo_map(cleaned.class_map, turn))


def _to_example(key: str, photo: Photo, mask: CleanMask, label_map: LabelMap) -> tf.train.Example:
    count = len(label_map.classes)
    pixels = np.array(Image.fromarray(mask.class_map).histogram()[:count])
    shares = pixels / mask.class_map.size
    objects = float(pixels.sum() - pixels[label_map.background_index]) / mask.class_map.size
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                features.IMAGE_KEY: _bytes(key.encode("utf-8", "surrogateescape")),
                features.IMAGE_ENCODED: _bytes(photo.encoded),
                features.IMAGE_HEIGHT: _ints(photo.height),
                features.IMAGE_WIDTH: _ints(photo.width),
                features.IMAGE_BRIGHTNESS: _floats(photo.brightness),
                features.IMAGE_SATURATION: _floats(photo.saturation),
                features.MASK_ENCODED: _bytes(mask.encoded()),
                features.MASK_CLASS_FRACTION: _floats(*shares),
                features.MASK_UNCERTAIN_FRACTION: _floats(mask.uncertain_fraction),
                features.MASK_OFF_PALETTE_FRACTION: _floats(mask.off_palette_fraction),
                features.OBJECT_FRACTION: _floats(objects),
                features.OBJECT_SIZE: _bytes(features.object_size(objects).encode()),
            }
        )
    )


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _ints(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _floats(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
