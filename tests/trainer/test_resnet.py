import keras
import numpy as np
import pytest

from components.trainer.pspnet.backbones import BACKBONES
from components.trainer.pspnet.model import build_pspnet
from components.trainer.pspnet.resnet import resnet
from components.trainer.settings import NetworkSettings

STAGES = (1, 2, 3, 4)
DILATIONS = {8: (1, 1, 2, 4), 16: (1, 1, 1, 2), 32: (1, 1, 1, 1)}
STRIDED_STAGES = {8: {2}, 16: {2, 3}, 32: {2, 3, 4}}


def build(size=(64, 96), backbone="resnet50", factor=0.125, blocks=(1, 1, 1, 1), output_stride=8, stem="deep"):
    image = keras.Input((*size, 3))
    features = resnet(
        image,
        backbone=backbone,
        width=factor,
        blocks=blocks,
        output_stride=output_stride,
        stem=stem,
        batch_norm="plain",
    )
    return keras.Model(image, features)


def whole(backbone, stem="deep", output_stride=8):
    blocks = BACKBONES[backbone].blocks
    return build(backbone=backbone, factor=1.0, blocks=blocks, stem=stem, output_stride=output_stride)


@pytest.fixture(scope="module")
def paper():
    """The paper's encoder; Keras builds it in about a second."""
    return whole("resnet50")


def spatial(backbone, stage, block):
    """Names of a block's 3x3 convolutions."""
    ends = ("spatial1", "spatial2") if backbone == "resnet18" else ("spatial",)
    return [f"resnet_stage{stage}_block{block}_{end}_conv" for end in ends]


def layer_names(model, ending):
    return [layer.name for layer in model.layers if layer.name.endswith(ending)]


def trained_weights(model):
    return sum(variable.shape.num_elements() for variable in model.trainable_variables)


@pytest.mark.parametrize("stem", ["deep", "plain"])
@pytest.mark.parametrize(("backbone", "last"), [("resnet18", 64), ("resnet50", 256)])
@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize("size", [(64, 96), (96, 32)])
def test_features_by_stride(size, output_stride, backbone, last, stem):
    model = build(size, backbone, output_stride=output_stride, stem=stem)
    found = {stride: tensor.shape for stride, tensor in model.output.items()}
    assert sorted(found) == [stride for stride in (2, 4, 8, 16, 32) if stride <= output_stride]
    for stride, shape in found.items():
        assert shape[1:3] == (size[0] // stride, size[1] // stride)
    assert found[output_stride][-1] == last


def test_paper_width(paper):
    assert {stride: tensor.shape[-1] for stride, tensor in paper.output.items()} == {2: 128, 4: 256, 8: 2048}


def test_deep_stem_of_three_small_convolutions(paper):
    stem = [paper.get_layer(f"resnet_stem{number}_conv") for number in (1, 2, 3)]
    assert [(conv.filters, conv.kernel_size, conv.strides) for conv in stem] == [
        (64, (3, 3), (2, 2)),
        (64, (3, 3), (1, 1)),
        (128, (3, 3), (1, 1)),
    ]


@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize("blocks", [(3, 4, 6, 3), (3, 4, 23, 3)])
def test_stages_that_are_not_strided_are_dilated_in_every_block(blocks, output_stride):
    model = build(blocks=blocks, output_stride=output_stride)
    for stage, count, dilation in zip(STAGES, blocks, DILATIONS[output_stride], strict=True):
        found = {model.get_layer(spatial("resnet50", stage, block + 1)[0]).dilation_rate for block in range(count)}
        assert found == {(dilation, dilation)}


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
@pytest.mark.parametrize("output_stride", [8, 16, 32])
def test_stages_are_strided_once_until_the_output_stride(backbone, output_stride):
    model = build(backbone=backbone, blocks=(2, 2, 2, 2), output_stride=output_stride)
    strided = {
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.strides != (1, 1) and "stage" in layer.name
    }
    first = "spatial1" if backbone == "resnet18" else "reduce"
    names = ("shortcut", first)
    assert strided == {
        f"resnet_stage{stage}_block1_{name}_conv" for stage in STRIDED_STAGES[output_stride] for name in names
    }


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
@pytest.mark.parametrize(("output_stride", "step"), [(16, 2), (8, 4)])
def test_strided_features_are_a_subset_of_the_dilated_ones(backbone, output_stride, step):
    keras.utils.set_random_seed(2)
    strided = build(backbone=backbone, blocks=(1, 2, 2, 2), output_stride=32)
    dilated = build(backbone=backbone, blocks=(1, 2, 2, 2), output_stride=output_stride)
    dilated.set_weights(strided.get_weights())
    photo = np.random.default_rng(0).normal(size=(1, 64, 96, 3)).astype(np.float32)
    coarse = np.asarray(strided(photo, training=False)[32])
    fine = np.asarray(dilated(photo, training=False)[output_stride])
    assert coarse.std() > 0.01
    np.testing.assert_allclose(fine[:, ::step, ::step], coarse, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("blocks", [(1, 1, 1, 1), (2, 1, 3, 1)])
def test_blocks_trim_the_depth(blocks):
    model = build(blocks=blocks)
    for stage, count in enumerate(blocks, start=1):
        assert len([name for name in layer_names(model, "_add") if f"stage{stage}_" in name]) == count
    assert len(layer_names(model, "_add")) == sum(blocks)
    # Only the first block of a stage changes the number of channels.
    assert len(layer_names(model, "_shortcut_conv")) == 4


@pytest.mark.parametrize(("factor", "channels"), [(0.125, 256), (0.25, 512), (0.1, 192)])
def test_width_scales_channels_in_steps_of_8(factor, channels):
    model = build(factor=factor)
    assert model.output[8].shape[-1] == channels
    assert all(layer.filters % 8 == 0 for layer in model.layers if isinstance(layer, keras.layers.Conv2D))


@pytest.mark.parametrize(
    ("backbone", "weights"), [("resnet18", 11_176_512), ("resnet50", 23_508_032), ("resnet101", 42_500_160)]
)
def test_plain_stems_give_the_published_sizes(backbone, weights):
    """Trained weights of the published networks without their classifiers, the same in every library."""
    assert trained_weights(whole(backbone, stem="plain", output_stride=32)) == weights


def test_size_of_the_papers_encoder(paper):
    # ResNet-50 without its classifier has 23.508 million trained weights. The deep stem replaces the 7x7
    # convolution (9,408 and 128 of its normalisation) by three 3x3 ones (1,728 + 36,864 + 73,728 and 512),
    # and the first bottleneck reads 128 channels in place of 64 (64 * 64 + 64 * 256 more).
    deep = 1_728 + 36_864 + 73_728 + 512 + 64 * 64 + 64 * 256
    assert trained_weights(paper) == 23_508_032 - 9_408 - 128 + deep


@pytest.mark.parametrize(("backbone", "millions"), [("resnet50", 46.8), ("resnet101", 65.8)])
def test_size_of_the_papers_networks(backbone, millions):
    settings = NetworkSettings(
        backbone=backbone,
        decoder="bilinear",
        image_size=(64, 64),
        bins=(1, 2, 3, 6),
        head_channels=512,
        weights="none",
    )
    model = build_pspnet(settings, 150)
    # 23.6 million of the encoder (42.6 of ResNet101: 17 more bottlenecks of 1.117 million in stage 3), 4.2 of the
    # pyramid's four 1x1 convolutions from 2048 to 512 channels, 18.9 of the 3x3 convolution from 4096 to 512. The
    # number of classes moves it by 0.07 million (21 or 150), and the moving statistics of batch normalisation (0.06,
    # and 0.11) are counted by some and not by others.
    assert model.count_params() / 1e6 == pytest.approx(millions, abs=0.15)
    assert model.get_layer("classify").count_params() == 513 * 150
