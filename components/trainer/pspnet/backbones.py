"""What the command line must know of each backbone. The standard library only, so that it answers at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backbone:
    """Facts of an encoder.

    Attributes:
        own_stride: Pixels of the photo to one of its last features, unless another output stride is asked for.
        blocks: Blocks of each of its stages.
        has_stem: Whether its first layers come as `deep` and as `plain`.
        packaged_weights: Whether ImageNet weights come with the installation.
        keras_weights: Whether Keras-applications publishes a weight file for it.
    """

    own_stride: int
    blocks: tuple[int, ...]
    has_stem: bool = True
    packaged_weights: bool = False
    keras_weights: bool = False


BACKBONES = {
    "efficientnet_lite0": Backbone(32, (1, 2, 2, 3, 3, 4, 1), has_stem=False, packaged_weights=True),
    "resnet18": Backbone(8, (2, 2, 2, 2)),
    "resnet50": Backbone(8, (3, 4, 6, 3), keras_weights=True),
    "resnet101": Backbone(8, (3, 4, 23, 3), keras_weights=True),
}
OUTPUT_STRIDES = (8, 16, 32)
"""Every backbone can have each of them: what is not strided is dilated."""
MOST_BLOCKS = 26
"""Blocks of a stage are told apart by letters in the names of `efficientnet_lite0`'s layers."""


def is_trimmed(backbone: str, width: float, blocks: tuple[int, ...]) -> bool:
    """Whether an encoder differs from the published one, whose weights then cannot fit."""
    return width != 1.0 or blocks not in ((), BACKBONES[backbone].blocks)
