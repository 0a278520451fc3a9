"""From the pyramid's features to a score for every class at every pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from components.trainer.pspnet.blocks import conv_bn_relu, resize_to

UNET_CHANNELS = {16: 96, 8: 64, 4: 48}
"""Channels of the U-Net-like decoder by stride: detail needs few once the context is known."""


def decode_bilinear(pyramid: keras.KerasTensor, *, channels: int, dropout: float) -> keras.KerasTensor:
    """The paper's head: one 3x3 convolution over the pyramid, dropout.

    Args:
        pyramid: Keras tensor [N, H, W, C].
        channels: Width of the head (512 in the paper).
        dropout: Share of features dropped in training (0.1 in the paper).

    Returns:
        Keras tensor [N, H, W, channels].
    """
    features = conv_bn_relu(pyramid, channels, 3, name="head")
    return keras.layers.SpatialDropout2D(dropout, name="head_dropout")(features)


def decode_unet(
    pyramid: keras.KerasTensor, skips: Mapping[int, keras.KerasTensor], *, channels: int, dropout: float
) -> keras.KerasTensor:
    """A U-Net-like decoder: the head's features meet the encoder's at every finer stride down to 4.

    Args:
        pyramid: Keras tensor [N, H, W, C].
        skips: Encoder features by stride.
        channels: Width of the head.
        dropout: As in `decode_bilinear`.

    Returns:
        Keras tensor at stride 4, or at the encoder's finest stride above it.
    """
    features = decode_bilinear(pyramid, channels=channels, dropout=dropout)
    for stride in _strides_to_visit(features, skips):
        width = UNET_CHANNELS[stride]
        skip = conv_bn_relu(skips[stride], width, 1, name=f"skip{stride}")
        features = resize_to(features, skip, name=f"up{stride}")
        features = keras.layers.Concatenate(name=f"join{stride}")([features, skip])
        features = conv_bn_relu(features, width, 3, name=f"decode{stride}")
    return features


def class_scores(features: keras.KerasTensor, image: keras.KerasTensor, *, class_count: int) -> keras.KerasTensor:
    """1x1 convolution to one logit a class, bilinear to the image's size.

    Args:
        features: Keras tensor [N, h, w, C].
        image: Keras tensor [N, H, W, 3].
        class_count: Number of classes.

    Returns:
        float32 Keras tensor [N, H, W, classes].
    """
    logits = keras.layers.Conv2D(class_count, 1, dtype="float32", name="classify")(features)
    return resize_to(logits, image, name="logits")


def _strides_to_visit(features: keras.KerasTensor, skips: Mapping[int, keras.KerasTensor]) -> Sequence[int]:
    height = features.shape[1]
    return [s for s in sorted(UNET_CHANNELS, reverse=True) if s in skips and skips[s].shape[1] > height]
