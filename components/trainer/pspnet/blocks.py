"""The two pieces that every part of the network is made of."""

from __future__ import annotations

import keras

BN_MOMENTUM = 0.9
BN_EPSILON = 1e-5


def conv_bn_relu(
    features: keras.KerasTensor,
    channels: int,
    kernel: int,
    *,
    name: str,
    stride: int = 1,
    dilation: int = 1,
    relu: bool = True,
) -> keras.KerasTensor:
    """Convolution without bias, batch normalisation, ReLU.

    Args:
        features: Keras tensor [N, H, W, C].
        channels: Output channels.
        kernel: Side of the kernel, pixels.
        name: Prefix of the layers' names.
        stride: 1 or 2; `same` padding, so a stride of 2 rounds up.
        dilation: Distance between the kernel's taps; 1 where stride is 2.
        relu: False leaves the activation to the caller (before a residual sum).
    """
    conv = keras.layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )
    normalise = keras.layers.BatchNormalization(momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=f"{name}_bn")
    features = normalise(conv(features))
    return keras.layers.ReLU(name=f"{name}_relu")(features) if relu else features


def resize_to(features: keras.KerasTensor, like: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    """Bilinear resize of [N, h, w, C] to the height and width of `like`."""
    _, height, width, _ = like.shape
    return keras.layers.Resizing(height, width, interpolation="bilinear", name=name)(features)
