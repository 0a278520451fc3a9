"""The pieces that every part of the network is made of."""

from __future__ import annotations

import keras

from components.trainer.pspnet.batch_norm import batch_normalization


def conv_bn_relu(
    features: keras.KerasTensor,
    channels: int,
    kernel: int,
    *,
    name: str,
    batch_norm: str,
    stride: int = 1,
    dilation: int = 1,
    relu: bool = True,
    centred: bool = False,
) -> keras.KerasTensor:
    """Convolution without bias, batch normalisation, ReLU.

    Args:
        features: Keras tensor [N, H, W, C].
        channels: Output channels.
        kernel: Side of the kernel, pixels.
        name: Prefix of the layers' names.
        batch_norm: Kind of batch normalisation.
        stride: 1 or 2; the output's size rounds up.
        dilation: Distance between the kernel's taps; 1 where stride is 2.
        relu: False leaves the activation to the caller (before a residual sum).
        centred: Whether a strided kernel is centred on pixels 0, 2, 4, as a strided 1x1 convolution is, and not on
            1, 3, 5, as TensorFlow's padding has it for even sizes.
    """
    if centred and stride > 1:
        features = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(features)
    conv = keras.layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        dilation_rate=dilation,
        padding="valid" if centred and stride > 1 else "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )
    features = batch_normalization(batch_norm, name=f"{name}_bn")(conv(features))
    return keras.layers.ReLU(name=f"{name}_relu")(features) if relu else features


def resize_to(
    features: keras.KerasTensor, like: keras.KerasTensor, *, name: str, dtype: str | None = None
) -> keras.KerasTensor:
    """Bilinear resize of [N, h, w, C] to the height and width of `like`."""
    _, height, width, _ = like.shape
    return keras.layers.Resizing(height, width, interpolation="bilinear", name=name, dtype=dtype)(features)


def scaled(channels: int, width: float) -> int:
    """Channels times width, rounded to a multiple of 8 that vector units like."""
    return max(8, round(channels * width / 8) * 8)
