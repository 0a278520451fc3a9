"""One pair of files to one record: every feature, and reasons that say which file."""

import io

import numpy as np
import pytest
from PIL import Image

from components.image_mask_example_gen.record import make_record
from components.image_mask_example_gen.rejection import Rejected
from schema import features
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap(
    (LabelClass("plane", (255, 0, 0)), LabelClass("sky", (0, 0, 0))), (LabelClass("void", (0, 0, 255)),), "sky"
)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def photo(height=10, width=20):
    return png(np.full((height, width, 3), 51))


def mask(*, plane=0, void=0):
    """A mask of 10 x 20 pixels with so many columns of plane and of void."""
    pixels = np.zeros((10, 20, 3))
    pixels[:, :plane] = (255, 0, 0)
    pixels[:, plane : plane + void] = (0, 0, 255)
    return png(pixels)


def values(record):
    read = {}
    for name, feature in record.features.feature.items():
        read[name] = list(getattr(feature, feature.WhichOneof("kind")).value)
    return read


def test_a_record_tells_everything_about_its_pair():
    read = values(make_record("день/1", photo(), mask(plane=3, void=5), LABEL_MAP))
    assert read[features.IMAGE_KEY] == ["день/1".encode()]
    assert read[features.IMAGE_HEIGHT] == [10]
    assert read[features.IMAGE_WIDTH] == [20]
    assert read[features.IMAGE_BRIGHTNESS] == pytest.approx([0.2])
    # Of all pixels, in the order of the label map; ignored ones belong to no class.
    assert read[features.MASK_CLASS_FRACTION] == pytest.approx([0.15, 0.6])
    assert read[features.OBJECT_FRACTION] == pytest.approx([0.15])
    assert read[features.OBJECT_SIZE] == [b"medium"]
    assert read[features.MASK_UNCERTAIN_FRACTION] == [0]
    assert read[features.MASK_OFF_PALETTE_FRACTION] == [0]
    stored = np.asarray(Image.open(io.BytesIO(read[features.MASK_ENCODED][0])))
    assert [(stored == label).sum() for label in (0, 1, 255)] == [30, 120, 50]


@pytest.mark.parametrize(("plane", "size"), [(0, b"none"), (3, b"medium"), (20, b"large")])
def test_records_are_sliced_by_the_size_of_their_object(plane, size):
    assert values(make_record("k", photo(), mask(plane=plane), LABEL_MAP))[features.OBJECT_SIZE] == [size]


@pytest.mark.parametrize(
    ("image", "answer", "reason"),
    [
        (b"", mask(), "image_empty_file"),
        (photo(), b"", "mask_empty_file"),
        (b"<html>", mask(), "image_not_a_picture"),
    ],
)
def test_the_reason_says_which_file_is_wrong(image, answer, reason):
    with pytest.raises(Rejected) as caught:
        make_record("k", image, answer, LABEL_MAP)
    assert caught.value.reason == reason


def test_a_mask_of_another_shape_is_the_masks_fault():
    with pytest.raises(Rejected) as caught:
        make_record("k", photo(20, 10), mask(), LABEL_MAP)
    # The executor decides by the beginning of the reason which path it names.
    assert caught.value.reason == "mask_shape"
    assert "20x10" in caught.value.detail
    assert "10x20" in caught.value.detail


@pytest.mark.parametrize("size", [(1, 1), (20, 4000), (4000, 20)])
def test_photos_of_any_shape_have_a_record(size):
    height, width = size
    answer = png(np.full((height, width, 3), (255, 0, 0)))
    read = values(make_record("k", png(np.full((height, width, 3), 51)), answer, LABEL_MAP))
    assert (read[features.IMAGE_HEIGHT], read[features.IMAGE_WIDTH]) == ([height], [width])
    assert read[features.IMAGE_BRIGHTNESS] == pytest.approx([0.2], abs=0.01)
    assert np.asarray(Image.open(io.BytesIO(read[features.MASK_ENCODED][0]))).shape == size


@pytest.mark.parametrize(("plane", "size", "share"), [(0, b"none", 0), (20, b"large", 1)])
def test_a_mask_of_one_class_is_a_record(plane, size, share):
    read = values(make_record("k", photo(), mask(plane=plane), LABEL_MAP))
    assert read[features.OBJECT_SIZE] == [size]
    assert read[features.MASK_CLASS_FRACTION] == [share, 1 - share]
