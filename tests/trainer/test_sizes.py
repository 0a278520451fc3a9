import re

import pytest

from components.trainer.pspnet.backbones import BACKBONES
from components.trainer.pspnet.sizes import (
    SizeError,
    check_image_size,
    feature_map_size,
    nearest_valid,
    pyramid_bins,
    stride_of,
)
from components.trainer.settings import NetworkSettings

PAPER_BINS = (1, 2, 3, 6)


@pytest.mark.parametrize(
    ("backbone", "bins", "size", "stride"),
    [
        ("efficientnet_lite0", PAPER_BINS, (224, 320), 0),
        ("efficientnet_lite0", PAPER_BINS, (192, 192), 0),
        ("efficientnet_lite0", PAPER_BINS, (48, 56), 8),
        ("efficientnet_lite0", (1, 2), (64, 96), 0),
        ("efficientnet_lite0", (1,), (32, 32), 0),
        ("efficientnet_lite0", (), (32, 32), 0),
        ("efficientnet_lite0", (), (16, 1600), 16),
        ("resnet18", (), (8, 8), 0),
        ("resnet50", PAPER_BINS, (48, 56), 0),
        ("resnet101", (6, 3, 2), (96, 112), 16),
        ("resnet50", PAPER_BINS, (480, 472), 0),
    ],
)
def test_accepts_multiples_of_the_stride_that_hold_the_finest_grid(backbone, bins, size, stride):
    check_image_size(backbone, bins, size, stride)
    assert min(feature_map_size(backbone, size, stride)) >= max(pyramid_bins(bins, backbone, size, stride))


@pytest.mark.parametrize(
    ("backbone", "bins", "size", "stride", "nearest"),
    [
        ("efficientnet_lite0", PAPER_BINS, (224, 321), 0, (224, 320)),
        ("efficientnet_lite0", PAPER_BINS, (223, 320), 0, (224, 320)),
        ("efficientnet_lite0", PAPER_BINS, (160, 320), 0, (192, 320)),
        ("efficientnet_lite0", PAPER_BINS, (160, 330), 16, (160, 336)),
        ("efficientnet_lite0", (), (20, 700), 0, (32, 704)),
        ("efficientnet_lite0", (6, 1), (32, 32), 0, (192, 192)),
        ("efficientnet_lite0", (1, 2), (70, 1000), 0, (64, 992)),
        ("resnet50", PAPER_BINS, (473, 473), 0, (472, 472)),
        ("resnet101", PAPER_BINS, (473, 473), 16, (480, 480)),
        ("resnet50", PAPER_BINS, (40, 48), 0, (48, 48)),
        ("resnet18", (1,), (1, 3), 0, (8, 8)),
        ("resnet50", (), (0, -8), 0, (8, 8)),
    ],
)
def test_refused_sizes_name_one_that_is_accepted(backbone, bins, size, stride, nearest):
    with pytest.raises(SizeError) as caught:
        check_image_size(backbone, bins, size, stride)
    message = str(caught.value)
    assert f"{size[0]}x{size[1]} does not work with {backbone}" in message
    named = tuple(int(side) for side in re.search(r"nearest size that works is (\d+)x(\d+)", message).groups())
    assert named == nearest
    check_image_size(backbone, bins, named, stride)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("stride", [0, 8, 16, 32])
def test_the_nearest_length_is_valid_and_none_is_nearer(backbone, stride):
    valid = [length for length in range(1, 1300) if nearest_valid(backbone, (3,), length, stride) == length]
    assert valid[0] == 3 * (stride or (32 if backbone == "efficientnet_lite0" else 8))
    for length in range(1, 1200, 7):
        found = nearest_valid(backbone, (3,), length, stride)
        assert found in valid
        assert abs(found - length) == min(abs(one - length) for one in valid)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("stride", [0, 8, 16, 32])
def test_the_default_size_works_with_every_backbone_and_has_the_papers_pyramid(backbone, stride):
    settings = NetworkSettings()
    check_image_size(backbone, settings.bins, settings.image_size, stride)
    assert pyramid_bins(settings.bins, backbone, settings.image_size, stride) == PAPER_BINS


@pytest.mark.parametrize(
    ("size", "stride", "bins"),
    [
        ((32, 32), 32, (1,)),
        ((64, 96), 32, (1, 2)),
        ((160, 1600), 32, (1, 2, 3)),
        ((64, 96), 8, PAPER_BINS),
        ((472, 472), 8, PAPER_BINS),
        ((712, 712), 8, PAPER_BINS),
        ((720, 1280), 16, PAPER_BINS),
        ((728, 1280), 8, (*PAPER_BINS, 12)),
        ((1024, 2048), 32, (*PAPER_BINS, 12)),
        ((1024, 2048), 8, (*PAPER_BINS, 12)),
        ((3024, 4032), 16, (*PAPER_BINS, 12, 24, 48)),
    ],
)
def test_the_pyramid_grows_with_the_picture_and_shrinks_with_the_map(size, stride, bins):
    assert pyramid_bins((), "resnet50", size, stride) == bins


def test_grids_that_were_asked_for_stay_as_they_are():
    assert pyramid_bins((6, 3, 2), "resnet50", (1024, 2048)) == (6, 3, 2)


def test_strides_of_the_backbones():
    assert {name: stride_of(name) for name in BACKBONES} == {
        "efficientnet_lite0": 32,
        "resnet18": 8,
        "resnet50": 8,
        "resnet101": 8,
    }
    assert {stride_of(name, 16) for name in BACKBONES} == {16}
