"""Names of every feature, the ignore label and the size buckets, in the one place that all components share."""

from pathlib import Path

IGNORE_LABEL = 255
"""Class number of pixels that count neither in the loss nor in the score (the convention of Pascal VOC)."""

MAX_CLASSES = 254
"""Class numbers are stored in 8 bits beside the ignore label."""

SCHEMA_FILE = Path(__file__).with_name("schema.pbtxt")

# Written by ImageMaskExampleGen.
IMAGE_KEY = "image/key"  # relative path without extension
IMAGE_ENCODED = "image/encoded"  # upright 8-bit RGB, JPEG or PNG
IMAGE_HEIGHT = "image/height"  # pixels
IMAGE_WIDTH = "image/width"  # pixels
IMAGE_BRIGHTNESS = "image/brightness"  # mean luma, 0 to 1
IMAGE_SATURATION = "image/saturation"  # mean gap between the strongest and the weakest channel, 0 to 1; 0: grey
MASK_ENCODED = "mask/encoded"  # 8-bit grey PNG of class numbers, IGNORE_LABEL where nothing counts
MASK_CLASS_FRACTION = "mask/class_fraction"  # one share a class, of all pixels
MASK_UNCERTAIN_FRACTION = "mask/uncertain_fraction"  # share of pixels between two palette colours
MASK_OFF_PALETTE_FRACTION = "mask/off_palette_fraction"  # share of pixels far from every palette colour
OBJECT_FRACTION = "object/fraction"  # share of pixels of any class but the background
OBJECT_SIZE = "object/size"  # none, small, medium or large

# Made by StatisticsGen and Evaluator from the above; no record holds them.
IMAGE_ASPECT = "image/aspect"  # width by height
IMAGE_FOLDER = "image/folder"  # the folder part of the key
CLASS_PREFIX = "class/"  # before a class's name: its share of the photo's pixels

SLICE_FEATURES = (
    *(OBJECT_SIZE, OBJECT_FRACTION),
    *(IMAGE_FOLDER, IMAGE_BRIGHTNESS, IMAGE_SATURATION, IMAGE_HEIGHT, IMAGE_WIDTH, IMAGE_ASPECT),
    *(MASK_UNCERTAIN_FRACTION, MASK_OFF_PALETTE_FRACTION),
)
"""What evaluation can slice by: features with one value a photo. Another one in the records needs a line here."""

# Written by Transform, at training size.
TRAIN_IMAGE = "image"  # JPEG
TRAIN_MASK = "mask"  # PNG
TRAIN_KEY = "key"
TRAIN_CLASS_PIXELS = "class_pixels"  # pixels a class over the whole training split; equal in every record

SIZE_BUCKETS = (("small", 0.05), ("medium", 0.20), ("large", 1.01))
"""Name and upper bound (exclusive) of the object's share of the photo."""


def object_size(fraction: float) -> str:
    """Names the bucket of an object's share of the photo.

    Args:
        fraction: Share of pixels of any class but the background, 0 to 1.

    Returns:
        `none` for an empty photo, else `small`, `medium` or `large`.
    """
    if fraction <= 0:
        return "none"
    return next(name for name, bound in SIZE_BUCKETS if fraction < bound)
