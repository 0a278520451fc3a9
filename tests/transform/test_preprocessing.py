import functools
import io

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tfx  # noqa: F401 - makes tfx_bsl available where it is not installed
from google.protobuf import text_format
from PIL import Image
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import beam as tft_beam
from tfx_bsl.public import tfxio

from components.image_mask_example_gen.record import make_record
from components.transform.preprocessing import preprocessing_fn
from schema import features
from schema.features import IGNORE_LABEL, SCHEMA_FILE
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap(
    (LabelClass("sky", (0, 0, 0)), LabelClass("plane", (250, 0, 0)), LabelClass("car", (0, 250, 0))),
    (LabelClass("void", (0, 0, 250)),),
    "sky",
)
COLORS = np.array([one.color for one in (*LABEL_MAP.classes, *LABEL_MAP.ignored)], np.uint8)
CONFIG = {"image_height": 32, "image_width": 48, "class_count": 3}
SIZES = [(64, 96), (40, 20), (32, 48), (10, 60), (31, 47)]
TRAIN, EVAL = (0, 1, 2), (3, 4)
PICTURES = (features.TRAIN_IMAGE, features.TRAIN_MASK)


def encode(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def decode(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def mask_numbers(number, size):
    """Places in `COLORS`; 3 is the ignored colour. The last record holds no car."""
    numbers = np.random.default_rng(number).integers(0, 4, size)
    return np.where(numbers == 2, 0, numbers) if number == len(SIZES) - 1 else numbers


def photo_of(number, size):
    ramp = np.linspace(0, 255, size[1]).astype(np.uint8)
    return np.stack([np.broadcast_to(ramp, size), np.full(size, 40 * number, np.uint8), np.full(size, 99, np.uint8)], 2)


def records(numbers):
    return [
        make_record(
            f"photo {number}",
            encode(photo_of(number, SIZES[number])),
            encode(COLORS[mask_numbers(number, SIZES[number])]),
            LABEL_MAP,
        ).SerializeToString()
        for number in numbers
    ]


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    """Transformed records by key; the totals of `TRAIN` serve both splits, as in the pipeline."""
    place = tmp_path_factory.mktemp("transformed")
    schema = text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema())
    source = tfxio.TFExampleBeamRecord("inmem", schema=schema)
    function = functools.partial(preprocessing_fn, custom_config=CONFIG)
    with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=str(place / "temp")):
        raw = {
            split: (pipeline | f"Make {split}" >> beam.Create(records(numbers)) | split >> source.BeamSource())
            for split, numbers in (("train", TRAIN), ("eval", EVAL))
        }
        config = source.TensorAdapterConfig()
        train, transform = (raw["train"], config) | tft_beam.AnalyzeAndTransformDataset(function)
        evaluated = ((raw["eval"], config), transform) | "Apply" >> tft_beam.TransformDataset()
        for split, dataset in (("train", train), ("eval", evaluated)):
            encoded = dataset | f"Encode {split}" >> tft_beam.EncodeTransformedDataset()
            _ = encoded | f"Write {split}" >> beam.io.WriteToTFRecord(str(place / split))
    files = [str(path) for path in place.glob("*-of-*")]
    examples = [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]
    return {one.features.feature[features.TRAIN_KEY].bytes_list.value[0].decode(): one for one in examples}


def bytes_of(example, name):
    (value,) = example.features.feature[name].bytes_list.value
    return value


def record_of(transformed, number):
    return transformed[f"photo {number}"]


def expected_size(height, width):
    scale = min(CONFIG["image_height"] / height, CONFIG["image_width"] / width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def test_every_record_has_the_features_that_training_reads(transformed):
    assert sorted(transformed) == [f"photo {number}" for number in (*TRAIN, *EVAL)]
    wanted = {features.TRAIN_IMAGE, features.TRAIN_MASK, features.TRAIN_KEY, features.TRAIN_CLASS_PIXELS}
    assert all(set(example.features.feature) == wanted for example in transformed.values())


@pytest.mark.parametrize("number", range(len(SIZES)))
def test_photo_and_mask_fit_the_training_size_with_their_aspect(transformed, number):
    example = record_of(transformed, number)
    photo, mask = (Image.open(io.BytesIO(bytes_of(example, name))) for name in PICTURES)
    assert (photo.format, photo.mode) == ("JPEG", "RGB")
    assert (mask.format, mask.mode) == ("PNG", "L")
    assert photo.size == mask.size
    assert (photo.height, photo.width) == expected_size(*SIZES[number])


@pytest.mark.parametrize("number", range(len(SIZES)))
def test_photos_keep_their_colours(transformed, number):
    photo = decode(bytes_of(record_of(transformed, number), features.TRAIN_IMAGE)).astype(int)
    height, width = photo.shape[:2]
    expected = Image.fromarray(photo_of(number, SIZES[number])).resize((width, height), Image.Resampling.BILINEAR)
    # Two triangle filters and a JPEG of high quality.
    assert np.abs(photo - np.asarray(expected).astype(int)).max() <= 12


@pytest.mark.parametrize("number", range(len(SIZES)))
def test_masks_hold_only_classes_of_the_record(transformed, number):
    mask = decode(bytes_of(record_of(transformed, number), features.TRAIN_MASK))
    present = {IGNORE_LABEL if value == 3 else value for value in np.unique(mask_numbers(number, SIZES[number]))}
    assert set(np.unique(mask)) == present


def test_a_mask_of_the_right_size_is_kept_exactly(transformed):
    number = SIZES.index((32, 48))
    mask = decode(bytes_of(record_of(transformed, number), features.TRAIN_MASK))
    numbers = mask_numbers(number, SIZES[number])
    np.testing.assert_array_equal(mask, np.where(numbers == 3, IGNORE_LABEL, numbers))


def test_class_pixels_are_the_sum_over_the_training_split(transformed):
    # Counted in the masks themselves; records of the eval split must not add to it, and all carry it.
    counts = sum(np.bincount(mask_numbers(number, SIZES[number]).ravel(), minlength=4)[:3] for number in TRAIN)
    for example in transformed.values():
        pixels = example.features.feature[features.TRAIN_CLASS_PIXELS].float_list.value
        np.testing.assert_allclose(pixels, counts, rtol=1e-4)
