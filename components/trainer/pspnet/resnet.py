"""ResNet with a deep stem and dilated last stages, the encoder of PSPNet (section 5.1 and the authors' prototxts)."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from components.trainer.pspnet.blocks import conv_bn_relu

_EXPANSION = 4


def resnet50(image: keras.KerasTensor, *, width: float, blocks: Sequence[int]) -> dict[int, keras.KerasTensor]:
    """Builds the encoder: 3x3/2 64, 3x3 64, 3x3 128, max-pool/2, four stages of bottlenecks, output stride 8.

    Stages 3 and 4 keep the resolution of stage 2 and are dilated by 2 and 4 instead of strided.

    Args:
        image: Keras tensor [N, H, W, 3].
        width: Factor on every number of channels; 1.0 is the paper's.
        blocks: Bottlenecks of each of the four stages; (3, 4, 6, 3) is the paper's.

    Returns:
        Features by stride: 2 (stem), 4 (stage 1) and 8 (stage 4, 2048 * width channels).
    """
    stem = _deep_stem(image, width)
    features = keras.layers.MaxPooling2D(3, 2, padding="same", name="resnet_pool")(stem)
    features = _stage(features, 1, _scaled(64, width), blocks[0])
    quarter = features
    features = _stage(features, 2, _scaled(128, width), blocks[1], stride=2)
    features = _stage(features, 3, _scaled(256, width), blocks[2], dilation=2)
    features = _stage(features, 4, _scaled(512, width), blocks[3], dilation=4)
    return {2: stem, 4: quarter, 8: features}


def _deep_stem(image: keras.KerasTensor, width: float) -> keras.KerasTensor:
    features = conv_bn_relu(image, _scaled(64, width), 3, stride=2, name="resnet_stem1")
    features = conv_bn_relu(features, _scaled(64, width), 3, name="resnet_stem2")
    return conv_bn_relu(features, _scaled(128, width), 3, name="resnet_stem3")


def _stage(
    features: keras.KerasTensor, number: int, channels: int, count: int, *, stride: int = 1, dilation: int = 1
) -> keras.KerasTensor:
    for block in range(count):
        name = f"resnet_stage{number}_block{block + 1}"
        features = _bottleneck(
            features,
            channels,
            stride=stride if block == 0 else 1,
            dilation=dilation,
            project=block == 0,
            name=name,
        )
    return features


def _bottleneck(
    features: keras.KerasTensor, channels: int, *, stride: int, dilation: int, project: bool, name: str
) -> keras.KerasTensor:
    """1x1 (with the stride, as in the first version of ResNet), 3x3 dilated, 1x1 times 4, and the shortcut."""
    shortcut = features
    if project:
        shortcut = conv_bn_relu(features, channels * _EXPANSION, 1, stride=stride, relu=False, name=f"{name}_shortcut")
    inner = conv_bn_relu(features, channels, 1, stride=stride, name=f"{name}_reduce")
    inner = conv_bn_relu(inner, channels, 3, dilation=dilation, name=f"{name}_spatial")
    inner = conv_bn_relu(inner, channels * _EXPANSION, 1, relu=False, name=f"{name}_expand")
    summed = keras.layers.Add(name=f"{name}_add")([shortcut, inner])
    return keras.layers.ReLU(name=f"{name}_relu")(summed)


def _scaled(channels: int, width: float) -> int:
    """Channels times width, rounded to a multiple of 8 that vector units like."""
    return max(8, round(channels * width / 8) * 8)
