"""Which input sizes a network can take. Pure arithmetic, so that the command line answers at once."""

from __future__ import annotations

from collections.abc import Sequence

ENCODER_STRIDES = {"efficientnet_lite0": 32, "resnet50": 8}
"""Output stride of each backbone."""


class SizeError(ValueError):
    """A size that cannot work; the message names the next one that does."""


def feature_map_size(backbone: str, image_size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the encoder's last feature map for an image size in pixels."""
    stride = ENCODER_STRIDES[backbone]
    return image_size[0] // stride, image_size[1] // stride


def nearest_valid(backbone: str, bins: Sequence[int], length: int) -> int:
    """The valid length (pixels) nearest to `length`, for either side of the image."""
    stride = ENCODER_STRIDES[backbone]
    return max(round(length / stride), max(bins), 1) * stride


def check_image_size(backbone: str, bins: Sequence[int], image_size: tuple[int, int]) -> None:
    """Refuses sizes that the encoder or the pyramid cannot take.

    The decoders join features of several strides, so each side must be a multiple of the output stride;
    the pyramid's finest grid must not be finer than the feature map, or its cells would repeat pixels.

    Args:
        backbone: Name of the backbone.
        bins: Grid sizes of the pyramid.
        image_size: Height and width, pixels.

    Raises:
        SizeError: Names the nearest size that works.
    """
    nearest = tuple(nearest_valid(backbone, bins, length) for length in image_size)
    if nearest == tuple(image_size):
        return
    stride = ENCODER_STRIDES[backbone]
    raise SizeError(
        f"image-size {image_size[0]}x{image_size[1]} does not work with {backbone}: both sides must be multiples of "
        f"{stride} and at least {max(bins) * stride} (pyramid bin {max(bins)} x stride {stride}); "
        f"the nearest size that works is {nearest[0]}x{nearest[1]}"
    )
