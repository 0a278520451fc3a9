import re

import pytest

from components.trainer.pspnet.sizes import SizeError, check_image_size, feature_map_size, nearest_valid
from components.trainer.settings import NetworkSettings

PAPER_BINS = (1, 2, 3, 6)


@pytest.mark.parametrize(
    ("backbone", "bins", "size"),
    [
        ("efficientnet_lite0", PAPER_BINS, (224, 320)),
        ("efficientnet_lite0", PAPER_BINS, (192, 192)),
        ("efficientnet_lite0", (1, 2), (64, 96)),
        ("efficientnet_lite0", (1,), (32, 32)),
        ("resnet50", PAPER_BINS, (48, 56)),
        ("resnet50", PAPER_BINS, (480, 472)),
    ],
)
def test_accepts_multiples_of_the_stride_that_hold_the_finest_grid(backbone, bins, size):
    check_image_size(backbone, bins, size)
    assert min(feature_map_size(backbone, size)) >= max(bins)


@pytest.mark.parametrize(
    ("backbone", "bins", "size", "nearest"),
    [
        ("efficientnet_lite0", PAPER_BINS, (224, 321), (224, 320)),
        ("efficientnet_lite0", PAPER_BINS, (223, 320), (224, 320)),
        ("efficientnet_lite0", PAPER_BINS, (160, 320), (192, 320)),
        ("efficientnet_lite0", (6, 1), (32, 32), (192, 192)),
        ("efficientnet_lite0", (1, 2), (70, 1000), (64, 992)),
        ("resnet50", PAPER_BINS, (473, 473), (472, 472)),
        ("resnet50", PAPER_BINS, (40, 48), (48, 48)),
        ("resnet50", (1,), (1, 3), (8, 8)),
        ("resnet50", (1,), (0, -8), (8, 8)),
    ],
)
def test_refused_sizes_name_one_that_is_accepted(backbone, bins, size, nearest):
    with pytest.raises(SizeError) as caught:
        check_image_size(backbone, bins, size)
    message = str(caught.value)
    assert f"{size[0]}x{size[1]} does not work with {backbone}" in message
    named = tuple(int(side) for side in re.search(r"nearest size that works is (\d+)x(\d+)", message).groups())
    assert named == nearest
    check_image_size(backbone, bins, named)


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet50"])
def test_the_nearest_length_is_valid_and_none_is_nearer(backbone):
    valid = [length for length in range(1, 1300) if nearest_valid(backbone, (3,), length) == length]
    assert valid[0] == 3 * (32 if backbone == "efficientnet_lite0" else 8)
    for length in range(1, 1200, 7):
        found = nearest_valid(backbone, (3,), length)
        assert found in valid
        assert abs(found - length) == min(abs(one - length) for one in valid)


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet50"])
def test_the_default_size_works_with_every_backbone(backbone):
    settings = NetworkSettings()
    check_image_size(backbone, settings.bins, settings.image_size)
