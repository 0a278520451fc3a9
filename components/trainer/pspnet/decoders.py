"""From the pyramid's features to a score for every class at every pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from components.trainer.pspnet.blocks import conv_bn_relu, resize_to


def decode_bilinear(pyramid: keras.KerasTensor, *, channels: int, dropout: float, batch_norm: str) -> keras.KerasTensor:
    """The paper's head: one 3x3 convolution over the pyramid, dropout.

    Args:
        pyramid: Keras tensor [N, H, W, C].
        channels: Width of the head (512 in the paper).
        dropout: Share of features dropped in training (0.1 in the paper).
        batch_norm: Kind of batch normalisation.

    Returns:
        Keras tensor [N, H, W, channels].
    """
    features = conv_bn_relu(pyramid, channels, 3, batch_norm=batch_norm, name="head")
    return keras.layers.SpatialDropout2D(dropout, name="head_dropout")(features)


def decode_unet(
    head: keras.KerasTensor, skips: Mapping[int, keras.KerasTensor], *, channels: Mapping[int, int], batch_norm: str
) -> keras.KerasTensor:
    """A U-Net-like decoder: the head's features meet the encoder's at every finer stride.

    Args:
        head: Keras tensor [N, H, W, C].
        skips: Encoder features by stride, of the strides to visit.
        channels: Width by stride: detail needs few channels once the context is known.
        batch_norm: Kind of batch normalisation.

    Returns:
        Keras tensor at the finest stride of `skips`.
    """
    features = head
    for stride in _from_coarse_to_fine(skips):
        width = channels[stride]
        skip = conv_bn_relu(skips[stride], width, 1, batch_norm=batch_norm, name=f"skip{stride}")
        features = resize_to(features, skip, name=f"up{stride}")
        features = keras.layers.Concatenate(name=f"join{stride}")([features, skip])
        features = conv_bn_relu(features, width, 3, batch_norm=batch_norm, name=f"decode{stride}")
    return features


def decode_fpn(
    head: keras.KerasTensor, skips: Mapping[int, keras.KerasTensor], *, channels: int, batch_norm: str
) -> keras.KerasTensor:
    """A feature pyramid network: equal channels at every stride, summed from coarse to fine, merged at the finest.

    Source: Lin et al., 2017, arXiv:1612.03144, section 3, and for the merging by a sum Kirillov et al., 2019,
    arXiv:1901.02446, section 3.1. The head over the pyramid is its coarsest level.

    Args:
        head: Keras tensor [N, H, W, C].
        skips: Encoder features by stride, of the strides to visit.
        channels: Channels of every level.
        batch_norm: Kind of batch normalisation.

    Returns:
        Keras tensor [N, h, w, channels] at the finest stride of `skips`.
    """
    level = conv_bn_relu(head, channels, 1, batch_norm=batch_norm, name="lateral_head")
    levels = {"head": level}
    for stride in _from_coarse_to_fine(skips):
        lateral = conv_bn_relu(skips[stride], channels, 1, batch_norm=batch_norm, name=f"lateral{stride}")
        level = keras.layers.Add(name=f"sum{stride}")([resize_to(level, lateral, name=f"up{stride}"), lateral])
        levels[str(stride)] = level
    smooth = [
        conv_bn_relu(one, channels, 3, batch_norm=batch_norm, name=f"smooth_{name}") for name, one in levels.items()
    ]
    if len(smooth) == 1:
        return smooth[0]
    merged = [resize_to(one, smooth[-1], name=f"merge_{name}") for one, name in zip(smooth, levels, strict=True)]
    return keras.layers.Add(name="merge")(merged)


def class_scores(
    features: keras.KerasTensor, image: keras.KerasTensor, *, class_count: int, names: tuple[str, str]
) -> keras.KerasTensor:
    """1x1 convolution to one logit a class, bilinear to the image's size.

    Args:
        features: Keras tensor [N, h, w, C].
        image: Keras tensor [N, H, W, 3].
        class_count: Number of classes.
        names: Names of the two layers.

    Returns:
        float32 Keras tensor [N, H, W, classes], whatever the precision of the features.
    """
    logits = keras.layers.Conv2D(class_count, 1, dtype="float32", name=names[0])(features)
    return resize_to(logits, image, name=names[1], dtype="float32")


def _from_coarse_to_fine(skips: Mapping[int, keras.KerasTensor]) -> Sequence[int]:
    return sorted(skips, reverse=True)
