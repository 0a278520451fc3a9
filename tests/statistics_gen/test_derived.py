"""Columns that no record holds, and the one that tells grey photos from coloured ones."""

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from components.image_mask_example_gen.photo import read_photo
from components.statistics_gen.derived import add_derived
from schema import features


def batch(**columns):
    arrays = [pa.array(values, pa.large_list(pa.float32())) for values in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=[name.replace("_", "/", 1) for name in columns])


def column(found, name):
    return [value for (value,) in found.column(found.schema.get_field_index(name)).to_pylist()]


def test_each_class_and_the_aspect_become_columns():
    given = batch(
        image_width=[[320], [100]], image_height=[[160], [200]], mask_class_fraction=[[0.9, 0.1], [0.25, 0.5]]
    )
    found = add_derived(given, class_names=["небо", "plane"])
    assert column(found, features.IMAGE_ASPECT) == [2, 0.5]
    assert column(found, "class/небо") == pytest.approx([0.9, 0.25])
    assert column(found, "class/plane") == pytest.approx([0.1, 0.5])
    assert found.num_rows == 2
    assert set(given.schema.names) < set(found.schema.names)


@pytest.mark.parametrize(
    "given",
    [
        batch(image_width=[[320]]),
        batch(image_width=[[320], []], image_height=[[160], [200]]),
        batch(mask_class_fraction=[[0.9, 0.1], [0.5]]),
        batch(mask_class_fraction=[[0.2, 0.3, 0.5]]),
    ],
)
def test_what_cannot_be_derived_is_left_to_the_schema(given):
    assert add_derived(given, class_names=["sky", "plane"]).schema.names == given.schema.names


def saturation(pixels, kind="JPEG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, kind)
    return read_photo(buffer.getvalue()).saturation


def test_saturation_is_zero_for_grey_photos_however_they_are_stored():
    grey = np.random.default_rng(3).integers(0, 256, (90, 200))
    assert saturation(grey) == 0
    assert saturation(np.repeat(grey[..., None], 3, axis=2)) == 0
    assert saturation(grey, "PNG") == 0


def test_saturation_is_the_mean_gap_between_channels():
    red = np.zeros((90, 200, 3))
    red[:, :100, 0] = 255
    assert saturation(red, "PNG") == pytest.approx(0.5, abs=0.01)
    assert saturation(np.full((90, 200, 3), (200, 190, 195)), "PNG") == pytest.approx(10 / 255)
