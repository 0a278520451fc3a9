import re

import keras
import numpy as np
import pytest

from components.trainer.pspnet.efficientnet_lite0 import (
    LAYER_PREFIX,
    STAGE_COUNT,
    efficientnet_lite0,
    read_pretrained_weights,
)

CHANNELS = {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}
REPEATS = (1, 2, 2, 3, 3, 4, 1)
BLOCK_NAMES = [f"block{group}{'abcd'[i]}" for group, count in enumerate(REPEATS, start=1) for i in range(count)]


def build(*, height=None, width=None, trim=1.0, **options):
    image = keras.Input((height, width, 3))
    return keras.Model(image, efficientnet_lite0(image, width=trim, **options))


def predict(model, image):
    """Returns the features by stride; Keras sorts a dict's outputs, so they are looked up by key."""
    return {stride: np.asarray(features) for stride, features in model(image, training=False).items()}


@pytest.fixture(scope="module")
def pretrained():
    return build()


@pytest.fixture(scope="module")
def image():
    """Smooth random pictures, [2, 64, 96, 3], as pixel noise is unlike what the weights were trained on."""
    coarse = np.random.default_rng(0).uniform(-1, 1, (2, 8, 12, 3)).astype(np.float32)
    return np.asarray(keras.ops.image.resize(coarse, (64, 96), interpolation="bicubic"))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (33, 47), (50, 40), (1, 1)])
def test_shapes_are_rounded_up_at_any_input_size(pretrained, height, width):
    features = predict(pretrained, np.zeros((2, height, width, 3), np.float32))
    assert {stride: array.shape for stride, array in features.items()} == {
        stride: (2, -(-height // stride), -(-width // stride), channels) for stride, channels in CHANNELS.items()
    }


@pytest.mark.parametrize(("output_stride", "strides"), [(8, [2, 4, 8]), (16, [2, 4, 8, 16])])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (41, 50)])
def test_static_shapes_with_dilation(output_stride, strides, height, width):
    image = keras.Input((height, width, 3))
    features = efficientnet_lite0(image, output_stride=output_stride, pretrained=False)
    assert list(features) == strides
    for stride in strides:
        channels = 320 if stride == output_stride else CHANNELS[stride]
        assert features[stride].shape == (None, -(-height // stride), -(-width // stride), channels)


@pytest.mark.parametrize(("output_stride", "first"), [(16, 1), (8, 3)])
def test_strided_features_are_a_subset_of_the_dilated_ones(pretrained, image, output_stride, first):
    dilated = predict(build(output_stride=output_stride), image)
    strided = predict(pretrained, image)
    # With 'same' padding and even sizes, a stride of 2 keeps every second position from the second one on.
    step = 32 // output_stride
    np.testing.assert_allclose(dilated[output_stride][:, first::step, first::step], strided[32], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(dilated[4], strided[4], rtol=1e-3, atol=1e-4)


def load_unfolded(model, state):
    """Gives a model with batch normalisation the pretrained weights as they are in the state dict."""

    def load(layer_name, conv, norm, axes=(2, 3, 1, 0)):
        model.get_layer(layer_name).set_weights([state[f"{conv}.weight"].transpose(axes)])
        parts = ("weight", "bias", "running_mean", "running_var")
        model.get_layer(f"{layer_name}_bn").set_weights([state[f"{norm}.{part}"] for part in parts])

    load("lite0_stem_conv", "_conv_stem", "_bn0")
    for number, name in enumerate(BLOCK_NAMES):
        source = f"_blocks.{number}"
        if number > 0:
            load(f"lite0_{name}_expand", f"{source}._expand_conv", f"{source}._bn0")
        load(f"lite0_{name}_depthwise", f"{source}._depthwise_conv", f"{source}._bn1", axes=(2, 3, 0, 1))
        load(f"lite0_{name}_project", f"{source}._project_conv", f"{source}._bn2")


def test_folding_keeps_the_features(pretrained, image):
    unfolded = build(pretrained=False)
    load_unfolded(unfolded, read_pretrained_weights())
    expected = predict(unfolded, image)
    for stride, features in predict(pretrained, image).items():
        assert features.std() > 0.1
        np.testing.assert_allclose(features, expected[stride], rtol=1e-3, atol=1e-3)


def layers_with_weights(model):
    return [layer for layer in model.layers if layer.weights]


def stage_of(layer):
    """The stem is stage 1, block group 1 is stage 2, and so on."""
    part = layer.name.removeprefix(LAYER_PREFIX)
    return 1 if part.startswith("stem") else 1 + int(part.removeprefix("block")[0])


@pytest.mark.parametrize("pretrained_weights", [True, False])
@pytest.mark.parametrize("frozen_stages", [1, 4, STAGE_COUNT])
def test_leading_stages_are_frozen(frozen_stages, pretrained_weights):
    model = build(frozen_stages=frozen_stages, pretrained=pretrained_weights)
    for layer in layers_with_weights(model):
        assert layer.trainable == (stage_of(layer) > frozen_stages), layer.name
    assert bool(model.trainable_weights) == (frozen_stages < STAGE_COUNT)


@pytest.mark.parametrize(("pretrained_weights", "frozen_stages"), [(True, 2), (False, 0)])
def test_only_pretrained_stages_are_frozen_by_default(pretrained_weights, frozen_stages):
    model = build(pretrained=pretrained_weights)
    frozen = {stage_of(layer) for layer in layers_with_weights(model) if not layer.trainable}
    assert frozen == set(range(1, frozen_stages + 1))


def test_layers_are_named_by_block_and_role(pretrained):
    names = {layer.name for layer in layers_with_weights(pretrained)}
    roles = {f"lite0_{name}_{role}" for name in BLOCK_NAMES for role in ("expand", "depthwise", "project")}
    assert names == roles - {"lite0_block1a_expand"} | {"lite0_stem_conv"}
    inputs = {layer.name for layer in pretrained.layers if isinstance(layer, keras.layers.InputLayer)}
    assert all(layer.name.startswith(LAYER_PREFIX) for layer in pretrained.layers if layer.name not in inputs)


def test_batch_normalisation_only_without_pretrained_weights(pretrained):
    norms = [
        sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
        for model in (pretrained, build(pretrained=False))
    ]
    assert norms == [0, 48]


@pytest.mark.parametrize("options", [{"output_stride": 4}, {"output_stride": 24}, {"frozen_stages": 9}])
def test_refuses_options_out_of_range(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must"):
        build(pretrained=False, **options)


@pytest.mark.parametrize(("width", "channels"), [(0.5, [8, 16, 16, 56, 160]), (1.0, [16, 24, 40, 112, 320])])
def test_width_scales_channels_in_steps_of_8(width, channels):
    model = build(height=64, width=64, pretrained=False, trim=width)
    assert [model.output[stride].shape[-1] for stride in CHANNELS] == channels
    assert all(layer.filters % 8 == 0 for layer in model.layers if type(layer) is keras.layers.Conv2D)


def test_blocks_trim_the_depth():
    blocks = (1, 1, 2, 1, 1, 2, 5)
    names = {layer.name for layer in layers_with_weights(build(pretrained=False, blocks=blocks))}
    for group, count in enumerate(blocks, start=1):
        assert len([name for name in names if re.fullmatch(f"lite0_block{group}[a-z]_project", name)]) == count
