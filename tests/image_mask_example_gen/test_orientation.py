"""A mask lies on its upright photo, whichever way it was stored."""

import io

import numpy as np
import pytest
from PIL import Image

from components.image_mask_example_gen import orientation
from components.image_mask_example_gen.record import make_record
from schema import features
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("sky", (0, 0, 0)), LabelClass("plane", (255, 0, 0))), (), "sky")
# What a camera did to an upright picture when it wrote this orientation: the inverse of what undoes it.
CAMERA_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
SIDEWAYS = (5, 6, 7, 8)


def encoded(picture, kind="PNG", turned=1):
    tags = Image.Exif()
    tags[0x0112] = turned
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"exif": tags} if turned != 1 else {}))
    return buffer.getvalue()


def truth(height=32, width=48):
    """A class map without symmetry."""
    classes = np.zeros((height, width), np.uint8)
    classes[2:9, 3:20] = classes[5:25, 4:8] = 1
    return classes


def colours(classes):
    return Image.fromarray(np.array([(0, 0, 0), (255, 0, 0)], np.uint8)[classes])


def stored(picture, turn):
    return picture.transpose(CAMERA_TURNS[turn])


def class_map(photo, mask):
    found = make_record("k", photo, mask, LABEL_MAP).features.feature[features.MASK_ENCODED]
    return np.asarray(Image.open(io.BytesIO(found.bytes_list.value[0])))


def photo_of(turn, height=32, width=48):
    return encoded(stored(Image.new("RGB", (width, height), (9, 99, 199)), turn), "JPEG", turn)


@pytest.mark.parametrize("turn", CAMERA_TURNS)
def test_a_mask_drawn_over_the_photo_as_seen_stays_as_it_is(turn):
    np.testing.assert_array_equal(class_map(photo_of(turn), encoded(colours(truth()))), truth())


@pytest.mark.parametrize("turn", SIDEWAYS)
@pytest.mark.parametrize("scale", [1, 2])
def test_a_mask_drawn_over_the_photo_as_stored_is_turned_with_it(turn, scale):
    mask = stored(colours(np.kron(truth(), np.ones((scale, scale), np.uint8))), turn)
    np.testing.assert_array_equal(class_map(photo_of(turn), encoded(mask)), truth())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_turn_of_a_photo_of_any_format_turns_a_mask_drawn_as_stored(kind):
    photo = encoded(stored(Image.new("RGB", (48, 32), (9, 99, 199)), 6), kind, 6)
    np.testing.assert_array_equal(class_map(photo, encoded(stored(colours(truth()), 6))), truth())


@pytest.mark.parametrize("turn", CAMERA_TURNS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_the_masks_own_orientation_is_undone_too(turn, kind):
    mask = stored(colours(truth()), turn)
    buffer = io.BytesIO()
    tags = Image.Exif()
    tags[0x0112] = turn
    mask.save(buffer, kind, exif=tags, **({"lossless": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(class_map(photo_of(turn), buffer.getvalue()), truth())


@pytest.mark.parametrize("turn", SIDEWAYS)
def test_an_orientation_copied_to_a_mask_that_is_already_upright_is_seen_by_its_sides(turn):
    np.testing.assert_array_equal(class_map(photo_of(turn), encoded(colours(truth()), turned=turn)), truth())


@pytest.mark.parametrize(("turn", "size"), [(2, (32, 48)), (3, (32, 48)), (4, (32, 48)), (6, (40, 40))])
def test_where_sides_cannot_tell_the_mask_is_taken_as_seen(turn, size):
    mask = truth(*size)
    np.testing.assert_array_equal(class_map(photo_of(turn, *size), encoded(colours(mask))), mask)


def test_a_mask_of_no_picture_is_left_to_its_reader():
    assert orientation.orientation_of_mask(b"<html>", (32, 48), 6) == orientation.UPRIGHT


def test_a_mask_of_quite_another_aspect_is_left_to_the_check_of_shapes():
    assert orientation.orientation_of_mask(encoded(Image.new("RGB", (10, 90))), (32, 48), 6) == orientation.UPRIGHT
