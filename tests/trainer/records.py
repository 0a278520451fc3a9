"""Training records as Transform writes them, whose photos tell what their masks must be."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from schema import features
from schema.features import IGNORE_LABEL

SIZE = (48, 64)
LEVEL = 80
"""Red level of class n is n * LEVEL."""
NUMBER = 12
"""Blue level of record n is n * NUMBER, so that JPEG's rounding hides no number."""


def encoded(array, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def blocks(seed, size):
    """A mask of a few large rectangles of classes 0 to 2, with a corner that does not count."""
    random = np.random.default_rng(seed)
    tiles = random.integers(0, 3, (-(-size[0] // 16), -(-size[1] // 16)))
    mask = np.repeat(np.repeat(tiles, 16, axis=0), 16, axis=1)[: size[0], : size[1]]
    mask[0, 0] = IGNORE_LABEL
    return mask.astype(np.uint8)


def photo_of(mask, number):
    """Red tells the class, blue the number of the record, green is brightest on the left."""
    photo = np.zeros((*mask.shape, 3), np.uint8)
    photo[..., 0] = np.where(mask == IGNORE_LABEL, 0, mask) * LEVEL
    photo[..., 1] = np.linspace(200, 0, mask.shape[1])
    photo[..., 2] = number * NUMBER
    return photo


def jpeg_of(mask, number):
    """The photo, as near to its values as JPEG comes."""
    return encoded(photo_of(mask, number), "JPEG", quality=100, subsampling=0)


def decoded(number, size):
    """What the photo of a record decodes to: uint8 [*size, 3]."""
    return np.asarray(Image.open(io.BytesIO(jpeg_of(blocks(number, size), number))))


def numbers_of(photos):
    """The records' numbers, told by the blue of unmoved photos."""
    return np.rint(photos[:, 0, 0, 2] / NUMBER).astype(int).tolist()


def write_records(directory, sizes, *, name="Split-train/data-0.gz", pixels=(5.0, 6.0, 7.0)):
    """Writes records of these sizes and gives the pattern that finds them."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP" if name.endswith(".gz") else "")
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for number, size in enumerate(sizes):
            mask = blocks(number, size)
            values = {
                features.TRAIN_IMAGE: jpeg_of(mask, number),
                features.TRAIN_MASK: encoded(mask, "PNG"),
                features.TRAIN_KEY: f"photo {number}".encode(),
            }
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            feature[features.TRAIN_CLASS_PIXELS] = tf.train.Feature(float_list=tf.train.FloatList(value=pixels))
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return [str(path.parent / "*")]
