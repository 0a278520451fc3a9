"""Random changes of photo and mask together: scale, aspect, crop, mirroring, rotation, blur and colour.

All numbers of a pair follow from one seed. The order keeps it cheap: only the part that is needed is decoded, and
padding, mirroring and colours happen to it before it grows to the network's size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import tensorflow as tf

from components.trainer.settings import TrainingSettings
from components.transform import picture
from schema import features
from schema.features import IGNORE_LABEL

BRIGHTNESS, CONTRAST, SATURATION, CHANNEL_SHIFT = 25.0, 0.25, 0.35, 10.0
"""Largest changes of colour: levels of 255, factors, factors, levels of 255."""

# Random numbers a pair: four for the box, one for mirroring, six for colours, one for rotation, two for blur.
_BOX, _MIRROR, _COLORS, _ANGLE, _BLUR = slice(0, 4), 4, slice(5, 11), 11, slice(12, 14)
_DRAWS = 14


@dataclass(frozen=True)
class Augmentation:
    """What may change; the fields are those of `TrainingSettings`.

    Attributes:
        scale: Smallest and largest zoom. Below 1 the photo shrinks into padding.
        aspect: Largest change of the aspect, as a share.
        flip: Mirror left and right, half of the time.
        rotation: Largest angle, degrees, either way.
        color: Change brightness, contrast, saturation and the balance of channels.
        blur: Largest sigma of a Gaussian, pixels of the network's input; half of the photos are blurred.
    """

    scale: tuple[float, ...] = (1.0, 1.8)
    aspect: float = 0.15
    flip: bool = True
    rotation: float = 0.0
    color: bool = True
    blur: float = 0.0

    @staticmethod
    def of(settings: TrainingSettings) -> Augmentation:
        """The changes that the settings ask for."""
        return Augmentation(**{one.name: getattr(settings, one.name) for one in fields(Augmentation)})


def augmented_pair(
    parsed: dict[str, tf.Tensor],
    size: tuple[int, int],
    seed: tf.Tensor,
    augmentation: Augmentation,
    *,
    frame: tuple[int, int] | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """A random part of a pair, changed at random and scaled to the network's input.

    The part is a box of `size` divided by the zoom, anywhere in the padded frame where it holds some of the photo.

    Args:
        parsed: Encoded `image` (JPEG) and `mask` (PNG), of equal size, at most `frame`.
        size: Height and width of the network's input, pixels.
        seed: int64 [2]; equal seeds give equal changes.
        augmentation: What may change.
        frame: Height and width that photos were fitted into, pixels; `size` if it is not given.

    Returns:
        Photo float32 [*size, 3], 0 to 255, and labels uint8 [*size] with the ignore label.
    """
    drawn = tf.random.stateless_uniform([_DRAWS], seed)
    encoded, mask = parsed[features.TRAIN_IMAGE], picture.decode_mask(parsed[features.TRAIN_MASK])
    corner, box = draw_box(drawn[_BOX], tf.shape(mask)[:2], size, frame or size, augmentation)
    mirrored = tf.logical_and(augmentation.flip, drawn[_MIRROR] < 0.5)
    if augmentation.rotation:
        angle = (drawn[_ANGLE] * 2 - 1) * math.radians(augmentation.rotation)
        moved = _affine(corner, box, size, mirrored, angle)
        photo = _resample(picture.decode_photo(encoded), moved, size, "BILINEAR", picture.PADDING)
        labels = _resample(mask, moved, size, "NEAREST", IGNORE_LABEL)[:, :, 0]
    else:
        photo = _mirror(_part_of_photo(encoded, tf.shape(mask)[:2], corner, box), mirrored)
        labels = _part_of_mask(mask[:, :, 0], corner, box, size, mirrored)
    if augmentation.color:
        photo = _recolor(photo, drawn[_COLORS] * 2 - 1)
    if not augmentation.rotation:
        photo = tf.ensure_shape(tf.image.resize(photo, size), [*size, 3])
    if augmentation.blur:
        photo = _blur(tf.cast(photo, tf.float32), drawn[_BLUR], augmentation.blur)
    return tf.cast(photo, tf.float32), labels


def draw_box(
    drawn: tf.Tensor, shape: tf.Tensor, size: tuple[int, int], frame: tuple[int, int], settings: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Corner and size of a random box, both int32 [2] (row, column).

    A box reaches beyond the frame only where it is larger than that, and always holds some of the photo.

    Args:
        drawn: float32 [4], 0 to 1.
        shape: int32 [2], the photo's height and width; the photo lies in the frame's upper left corner.
        size: Height and width of the network's input, pixels.
        frame: Height and width that photos were fitted into, pixels.
        settings: `scale` and `aspect`. The box's side is uniform between the sides that both zooms give.
    """
    smallest, largest = 1 / settings.scale[1], 1 / settings.scale[0]
    share = smallest + drawn[0] * (largest - smallest)
    stretch = 1 + (drawn[1] * 2 - 1) * settings.aspect
    window = tf.constant(size, tf.float32)
    limit = tf.maximum(tf.constant(frame, tf.float32), window * largest)
    sides = tf.minimum(tf.stack([share * stretch, share / stretch]) * window, limit)
    box = tf.maximum(tf.cast(tf.round(sides), tf.int32), 1)
    room = tf.constant(frame) - box
    first, last = tf.minimum(room, 0), tf.clip_by_value(room, 0, shape - 1)
    return first + tf.cast(drawn[2:] * tf.cast(last - first + 1, tf.float32), tf.int32), box


def _part_of_photo(encoded: tf.Tensor, shape: tf.Tensor, corner: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """Decodes the box alone, uint8 [*box, 3]; grey where there is no photo."""
    begin, end = tf.maximum(corner, 0), tf.minimum(corner + box, shape)
    window = tf.concat([begin, end - begin], 0)
    photo = tf.image.decode_and_crop_jpeg(encoded, window, channels=3, dct_method=picture.DCT_METHOD)
    padding = tf.pad(tf.stack([begin - corner, corner + box - end], axis=1), [[0, 1], [0, 0]])
    return tf.pad(photo, padding, constant_values=int(picture.PADDING))


def _mirror(photo: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    # Several times as fast as a slice with a step of -1.
    return tf.cond(mirrored, lambda: tf.reverse(photo, [1]), lambda: photo)


def _part_of_mask(
    labels: tf.Tensor, corner: tf.Tensor, box: tf.Tensor, size: tuple[int, int], mirrored: tf.Tensor
) -> tf.Tensor:
    """The box of uint8 [h, w], padded, mirrored and scaled to the nearest neighbours by picking rows and columns."""
    shape = tf.shape(labels)
    # What lies outside is picked from one more row and one more column.
    labels = tf.pad(labels, [[0, 1], [0, 1]], constant_values=IGNORE_LABEL)
    for axis, length in enumerate(size):
        steps = (tf.range(length, dtype=tf.float32) + 0.5) * (tf.cast(box[axis], tf.float32) / length)
        places = corner[axis] + tf.cast(steps, tf.int32)
        places = tf.where((places >= 0) & (places < shape[axis]), places, shape[axis])
        if axis == 1:
            places = tf.cond(mirrored, lambda places=places: places[::-1], lambda places=places: places)
        # Rows are picked as blocks of memory: to turn the mask twice is faster than to pick its columns.
        labels = tf.transpose(tf.gather(labels, places))
    return tf.ensure_shape(labels, size)


def _affine(
    corner: tf.Tensor, box: tf.Tensor, size: tuple[int, int], mirrored: tf.Tensor, angle: tf.Tensor
) -> tf.Tensor:
    """The map from the input's pixels (x, y) to the photo's, for a box turned around its middle: float32 [1, 8]."""
    sides = tf.cast(box, tf.float32)
    middle = tf.cast(corner, tf.float32) + sides / 2
    height, width = size
    down, right = sides[0] / height, sides[1] / width * tf.where(mirrored, -1.0, 1.0)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    # Pixel n covers n to n + 1, so that its middle is at n + 0.5.
    over_x, over_y = 0.5 - width / 2, 0.5 - height / 2
    row_x, row_y = (cosine * right, -sine * down), (sine * right, cosine * down)
    offset_x = middle[1] - 0.5 + row_x[0] * over_x + row_x[1] * over_y
    offset_y = middle[0] - 0.5 + row_y[0] * over_x + row_y[1] * over_y
    return tf.stack([*row_x, offset_x, *row_y, offset_y, 0.0, 0.0])[tf.newaxis]


def _resample(
    image: tf.Tensor, moved: tf.Tensor, size: tuple[int, int], interpolation: str, outside: float
) -> tf.Tensor:
    """One resample of a decoded picture [h, w, channels]: [*size, channels] of the same type."""
    resampled = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[tf.newaxis],
        transforms=moved,
        output_shape=size,
        fill_value=float(outside),
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(resampled[0], [*size, image.shape[-1]])


def _recolor(photo: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """Saturation, contrast, brightness and channel shifts as one 3x3 matrix and one offset a photo."""
    saturation, contrast = 1 + drawn[0] * SATURATION, 1 + drawn[1] * CONTRAST
    matrix = contrast * (saturation * tf.eye(3) + (1 - saturation) / 3)
    offset = (1 - contrast) * picture.PADDING + drawn[2] * BRIGHTNESS + drawn[3:] * CHANNEL_SHIFT
    pixels = tf.reshape(tf.cast(photo, tf.float32), [-1, 3])
    mixed = tf.nn.bias_add(tf.matmul(pixels, matrix), offset)
    return tf.reshape(tf.clip_by_value(mixed, 0.0, 255.0), tf.shape(photo))


def _blur(photo: tf.Tensor, drawn: tf.Tensor, largest: float) -> tf.Tensor:
    """Half of the photos as they are, half with a Gaussian of a sigma up to `largest`, as two passes of one line."""
    reach = math.ceil(3 * largest)
    sigma = tf.maximum(drawn[1] * largest, 1e-3)
    line = tf.exp(-0.5 * tf.square(tf.range(-reach, reach + 1, dtype=tf.float32) / sigma))
    line = tf.tile((line / tf.reduce_sum(line))[:, tf.newaxis], [1, 3])

    def blurred() -> tf.Tensor:
        image = tf.pad(photo, [[reach, reach], [reach, reach], [0, 0]], mode="SYMMETRIC")[tf.newaxis]
        for kernel in (line[:, tf.newaxis, :, tf.newaxis], line[tf.newaxis, :, :, tf.newaxis]):
            image = tf.nn.depthwise_conv2d(image, kernel, [1, 1, 1, 1], "VALID")
        return image[0]

    return tf.ensure_shape(tf.cond(drawn[0] < 0.5, blurred, lambda: photo), photo.shape)
