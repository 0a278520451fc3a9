"""Feature names, size buckets and the TFDV schema say the same."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from schema import features

EXAMPLE_GEN_FEATURES = {
    features.IMAGE_KEY,
    features.IMAGE_ENCODED,
    features.IMAGE_HEIGHT,
    features.IMAGE_WIDTH,
    features.IMAGE_BRIGHTNESS,
    features.IMAGE_SATURATION,
    features.MASK_ENCODED,
    features.MASK_CLASS_FRACTION,
    features.MASK_UNCERTAIN_FRACTION,
    features.MASK_OFF_PALETTE_FRACTION,
    features.OBJECT_FRACTION,
    features.OBJECT_SIZE,
}


def schema():
    return text_format.Parse(features.SCHEMA_FILE.read_text(encoding="utf-8"), schema_pb2.Schema())


@pytest.mark.parametrize(
    ("fraction", "name"),
    [
        (0.0, "none"),
        (1e-6, "small"),
        (0.0499, "small"),
        (0.05, "medium"),
        (0.1999, "medium"),
        (0.2, "large"),
        (1.0, "large"),
    ],
)
def test_object_size_by_its_share_of_the_photo(fraction, name):
    assert features.object_size(fraction) == name


def test_the_schema_describes_every_feature_of_a_record_and_requires_it():
    described = {one.name: one for one in schema().feature}
    assert set(described) == EXAMPLE_GEN_FEATURES
    assert all(one.presence.min_fraction == 1.0 for one in described.values())


def test_the_schema_allows_exactly_the_size_buckets():
    domains = {one.name: list(one.value) for one in schema().string_domain}
    assert domains[features.OBJECT_SIZE] == ["none", *(name for name, _ in features.SIZE_BUCKETS)]


def test_the_ignore_label_is_no_class_number():
    assert features.MAX_CLASSES <= features.IGNORE_LABEL
