"""ResNets with dilated last stages, the encoders of PSPNet (section 5.1 and the authors' prototxts)."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from components.trainer.pspnet.blocks import conv_bn_relu, scaled

_CHANNELS = (64, 128, 256, 512)
_EXPANSION = 4
_DEEP_STEMS = {"resnet18": (32, 32, 64)}
"""Channels of deep stems. The paper's would cost as much as all the rest of a ResNet18: its own is that of He et al.,
"Bag of Tricks for Image Classification", arXiv:1812.01187, section 4.2."""
_PAPER_STEM = (64, 64, 128)
_PLAIN_STEM = 64


def resnet(
    image: keras.KerasTensor,
    *,
    backbone: str,
    width: float,
    blocks: Sequence[int],
    output_stride: int,
    stem: str,
    batch_norm: str,
) -> dict[int, keras.KerasTensor]:
    """Builds the encoder: stem, max-pool/2, four stages of residual blocks.

    A stage that would pass the output stride keeps the resolution and is dilated instead of strided: at an output
    stride of 8 stage 3 by 2 and stage 4 by 4. Since the stride stands where Keras-applications has it (in the first
    convolution of a block), the features of the strided network are among those of the dilated one.

    Args:
        image: Keras tensor [N, H, W, 3].
        backbone: `resnet18` (basic blocks), `resnet50` or `resnet101` (bottlenecks).
        width: Factor on every number of channels; 1.0 is the paper's.
        blocks: Blocks of each of the four stages; (3, 4, 6, 3) is ResNet50's.
        output_stride: 8, 16 or 32.
        stem: `deep` (three 3x3 convolutions, the paper's) or `plain` (one 7x7, as in Keras-applications).
        batch_norm: Kind of batch normalisation.

    Returns:
        Features by stride: 2 (stem), 4 (stage 1) and every further one up to the output stride, each of the last
        stage that has it; the coarsest with 2048 * width channels (ResNet18: 512 * width).
    """
    features = _stem(image, _DEEP_STEMS.get(backbone, _PAPER_STEM), width, stem, batch_norm)
    by_stride = {2: features}
    features = _pool(features, stem)
    block = _basic if backbone == "resnet18" else _bottleneck
    stride, dilation = 4, 1
    for number, (channels, count) in enumerate(zip(_CHANNELS, blocks, strict=True), start=1):
        requested = 1 if number == 1 else 2
        step = requested if stride * requested <= output_stride else 1
        for repeat in range(count):
            features = block(
                features,
                scaled(channels, width),
                stride=step if repeat == 0 else 1,
                # Where a basic block's first convolution loses its stride, it still sees undilated input.
                dilations=(dilation if repeat == 0 else dilation * requested // step, dilation * requested // step),
                batch_norm=batch_norm,
                name=f"resnet_stage{number}_block{repeat + 1}",
            )
        stride, dilation = stride * step, dilation * requested // step
        by_stride[stride] = features
    return by_stride


def _stem(image: keras.KerasTensor, deep: Sequence[int], width: float, stem: str, batch_norm: str) -> keras.KerasTensor:
    if stem == "plain":
        channels = scaled(_PLAIN_STEM, width)
        return conv_bn_relu(image, channels, 7, stride=2, centred=True, batch_norm=batch_norm, name="resnet_stem")
    features = image
    for number, channels in enumerate(deep, start=1):
        features = conv_bn_relu(
            features,
            scaled(channels, width),
            3,
            stride=2 if number == 1 else 1,
            batch_norm=batch_norm,
            name=f"resnet_stem{number}",
        )
    return features


def _pool(features: keras.KerasTensor, stem: str) -> keras.KerasTensor:
    if stem == "plain":
        # Features are not negative after a ReLU: zeros around them change no maximum.
        features = keras.layers.ZeroPadding2D(1, name="resnet_pool_pad")(features)
    return keras.layers.MaxPooling2D(3, 2, padding="valid" if stem == "plain" else "same", name="resnet_pool")(features)


def _bottleneck(
    features: keras.KerasTensor, channels: int, *, stride: int, dilations: tuple[int, int], batch_norm: str, name: str
) -> keras.KerasTensor:
    """1x1 (with the stride, as in the first version of ResNet), 3x3 dilated, 1x1 times 4, and the shortcut."""
    shortcut = _shortcut(features, channels * _EXPANSION, stride, batch_norm, name)
    inner = conv_bn_relu(features, channels, 1, stride=stride, batch_norm=batch_norm, name=f"{name}_reduce")
    inner = conv_bn_relu(inner, channels, 3, dilation=dilations[1], batch_norm=batch_norm, name=f"{name}_spatial")
    inner = conv_bn_relu(inner, channels * _EXPANSION, 1, relu=False, batch_norm=batch_norm, name=f"{name}_expand")
    return _sum(shortcut, inner, name)


def _basic(
    features: keras.KerasTensor, channels: int, *, stride: int, dilations: tuple[int, int], batch_norm: str, name: str
) -> keras.KerasTensor:
    """Two 3x3, the first with the stride, and the shortcut."""
    shortcut = _shortcut(features, channels, stride, batch_norm, name)
    inner = conv_bn_relu(
        features,
        channels,
        3,
        stride=stride,
        dilation=dilations[0],
        centred=True,
        batch_norm=batch_norm,
        name=f"{name}_spatial1",
    )
    inner = conv_bn_relu(
        inner, channels, 3, dilation=dilations[1], relu=False, batch_norm=batch_norm, name=f"{name}_spatial2"
    )
    return _sum(shortcut, inner, name)


def _shortcut(features: keras.KerasTensor, channels: int, stride: int, batch_norm: str, name: str) -> keras.KerasTensor:
    """The input itself, or a projection of it where a stage begins and its shape changes."""
    if not name.endswith("_block1") or (stride == 1 and features.shape[-1] == channels):
        return features
    return conv_bn_relu(
        features, channels, 1, stride=stride, relu=False, batch_norm=batch_norm, name=f"{name}_shortcut"
    )


def _sum(shortcut: keras.KerasTensor, inner: keras.KerasTensor, name: str) -> keras.KerasTensor:
    summed = keras.layers.Add(name=f"{name}_add")([shortcut, inner])
    return keras.layers.ReLU(name=f"{name}_relu")(summed)
