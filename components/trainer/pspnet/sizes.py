"""Which input sizes a network can take, and which pyramid suits them. Pure arithmetic, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Sequence

from components.settings import SettingError
from components.trainer.pspnet.backbones import BACKBONES

PAPER_BINS = (1, 2, 3, 6)
COARSEST_CELL = 120
"""Longest side, in pixels of the photo, that a cell of the finest grid may have on the photo's shorter side."""


class SizeError(SettingError):
    """A size that cannot work; the message names the next one that does."""


def stride_of(backbone: str, output_stride: int = 0) -> int:
    """The output stride of an encoder; 0 asks for the backbone's own."""
    return output_stride or BACKBONES[backbone].own_stride


def feature_map_size(backbone: str, image_size: tuple[int, int], output_stride: int = 0) -> tuple[int, int]:
    """Height and width of the encoder's last feature map for an image size in pixels."""
    stride = stride_of(backbone, output_stride)
    return image_size[0] // stride, image_size[1] // stride


def pyramid_bins(
    bins: Sequence[int], backbone: str, image_size: tuple[int, int], output_stride: int = 0
) -> tuple[int, ...]:
    """The grid sizes of the pyramid: those asked for, or those that suit the picture.

    The paper's grids of 1, 2, 3 and 6 cells were chosen on crops of 473 and 713 pixels, where a cell of the finest
    one is 79 and 119 pixels wide. A larger picture shows more things, not larger ones: with 6 cells each would
    average over several of them. So grids of twice the cells are added until the finest one's are no wider than 120
    pixels: 1, 2, 3, 6, 12 for 1024x2048. The rule counts pixels of the picture, not of the feature map, so that
    the output stride changes the cost and not what is averaged. Grids finer than the feature map are dropped:
    their cells would repeat features.

    Args:
        bins: Grid sizes asked for; empty for the rule.
        backbone: Name of the backbone.
        image_size: Height and width, pixels.
        output_stride: 0 for the backbone's own.
    """
    if bins:
        return tuple(bins)
    room = max(1, min(feature_map_size(backbone, image_size, output_stride)))
    grids = list(PAPER_BINS)
    while min(image_size) > COARSEST_CELL * grids[-1]:
        grids.append(2 * grids[-1])
    return tuple(grid for grid in grids if grid <= room)


def nearest_valid(backbone: str, bins: Sequence[int], length: int, output_stride: int = 0) -> int:
    """The valid length (pixels) nearest to `length`, for either side of the image."""
    stride = stride_of(backbone, output_stride)
    return max(round(length / stride), max(bins, default=1)) * stride


def check_image_size(backbone: str, bins: Sequence[int], image_size: tuple[int, int], output_stride: int = 0) -> None:
    """Refuses sizes that the encoder or the pyramid cannot take.

    The decoders join features of several strides, so each side must be a multiple of the output stride;
    the pyramid's finest grid must not be finer than the feature map, or its cells would repeat pixels.

    Args:
        backbone: Name of the backbone.
        bins: Grid sizes of the pyramid that were asked for; empty where they follow the picture.
        image_size: Height and width, pixels.
        output_stride: 0 for the backbone's own.

    Raises:
        SizeError: Names the nearest size that works.
    """
    nearest = tuple(nearest_valid(backbone, bins, length, output_stride) for length in image_size)
    if nearest == tuple(image_size):
        return
    stride, finest = stride_of(backbone, output_stride), max(bins, default=1)
    least = f"{finest * stride} (pyramid bin {finest} x stride {stride})" if bins else f"{stride}"
    raise SizeError(
        f"image-size {image_size[0]}x{image_size[1]} does not work with {backbone}: both sides must be multiples of "
        f"{stride} and at least {least}; the nearest size that works is {nearest[0]}x{nearest[1]}"
    )
