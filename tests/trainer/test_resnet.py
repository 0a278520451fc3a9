import keras
import pytest

from components.trainer.pspnet.model import build_pspnet
from components.trainer.pspnet.resnet import resnet50
from components.trainer.settings import NetworkSettings

PAPER_BLOCKS = (3, 4, 6, 3)


def build(height=64, width=96, factor=0.125, blocks=(1, 1, 1, 1)):
    image = keras.Input((height, width, 3))
    return keras.Model(image, resnet50(image, width=factor, blocks=blocks))


@pytest.fixture(scope="module")
def paper():
    """The paper's encoder; Keras builds it in about a second."""
    return build(factor=1.0, blocks=PAPER_BLOCKS)


def layer_names(model, ending):
    return [layer.name for layer in model.layers if layer.name.endswith(ending)]


@pytest.mark.parametrize(("height", "width"), [(64, 96), (80, 72), (8, 8)])
def test_features_by_stride(height, width):
    model = build(height, width)
    assert {stride: tensor.shape for stride, tensor in model.output.items()} == {
        2: (None, height // 2, width // 2, 16),
        4: (None, height // 4, width // 4, 32),
        8: (None, height // 8, width // 8, 256),
    }


def test_paper_width(paper):
    assert {stride: tensor.shape[-1] for stride, tensor in paper.output.items()} == {2: 128, 4: 256, 8: 2048}


def test_deep_stem_of_three_small_convolutions(paper):
    stem = [paper.get_layer(f"resnet_stem{number}_conv") for number in (1, 2, 3)]
    assert [(conv.filters, conv.kernel_size, conv.strides) for conv in stem] == [
        (64, (3, 3), (2, 2)),
        (64, (3, 3), (1, 1)),
        (128, (3, 3), (1, 1)),
    ]


def test_last_stages_are_dilated_in_every_block(paper):
    found = {
        (stage, block): paper.get_layer(f"resnet_stage{stage}_block{block}_spatial_conv").dilation_rate
        for stage, count in enumerate(PAPER_BLOCKS, start=1)
        for block in range(1, count + 1)
    }
    wanted = {1: (1, 1), 2: (1, 1), 3: (2, 2), 4: (4, 4)}
    assert found == {(stage, block): wanted[stage] for stage, block in found}


def test_only_the_first_block_of_stage_2_is_strided(paper):
    strided = [
        layer.name
        for layer in paper.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.strides != (1, 1) and "stage" in layer.name
    ]
    assert sorted(strided) == ["resnet_stage2_block1_reduce_conv", "resnet_stage2_block1_shortcut_conv"]


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


def test_size_of_the_papers_encoder(paper):
    # ResNet-50 without its classifier has 23.508 million trained weights. The deep stem replaces the 7x7
    # convolution (9,408 and 128 of its normalisation) by three 3x3 ones (1,728 + 36,864 + 73,728 and 512),
    # and the first bottleneck reads 128 channels in place of 64 (64 * 64 + 64 * 256 more).
    trained = sum(variable.shape.num_elements() for variable in paper.trainable_variables)
    assert trained == 23_508_032 - 9_408 - 128 + 1_728 + 36_864 + 73_728 + 512 + 64 * 64 + 64 * 256


def test_size_of_the_papers_network():
    settings = NetworkSettings(
        backbone="resnet50", decoder="bilinear", image_size=(64, 64), head_channels=512, pretrained=False
    )
    model = build_pspnet(settings, 150)
    # 23.6 million of the encoder, 4.2 of the pyramid's four 1x1 convolutions from 2048 to 512 channels, 18.9 of
    # the 3x3 convolution from 4096 to 512. The number of classes moves it by 0.07 million (21 or 150), and the moving
    # statistics of batch normalisation (0.06) are counted by some and not by others.
    assert model.count_params() / 1e6 == pytest.approx(46.8, abs=0.1)
    assert model.get_layer("classify").count_params() == 513 * 150
