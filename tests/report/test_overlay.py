import io

import numpy as np
import pytest
from PIL import Image

from components.report import overlay
from components.report.page import GalleryPhoto
from schema.colors import IGNORED_COLOR, class_color, class_palette
from schema.labelmap import LabelClass, LabelMap

BACKGROUND = 1


def label_map(count: int) -> LabelMap:
    classes = tuple(LabelClass(f"class {index}", (index, 0, 0)) for index in range(count))
    return LabelMap(classes, background=f"class {BACKGROUND}")


def decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def blocks(height: int, width: int) -> GalleryPhoto:
    """Areas of 16 by 16 pixels: a hatching needs room."""
    rng = np.random.default_rng(4)
    maps = [np.kron(rng.choice([0, 1, 2, 3, overlay.IGNORED], (4, 5)), np.ones((16, 16))) for _ in range(2)]
    truth, prediction = (one[:height, :width].astype(np.uint8) for one in maps)
    prediction[prediction == overlay.IGNORED] = 3
    return GalleryPhoto("a", np.zeros((height, width, 3), np.uint8), truth, prediction, 0.5)


def random_photo(height: int, width: int, classes: int) -> GalleryPhoto:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, classes, (height, width)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.2] = overlay.IGNORED
    prediction = rng.integers(0, classes, (height, width)).astype(np.uint8)
    return GalleryPhoto("a", rng.integers(0, 256, (height, width, 3)).astype(np.uint8), truth, prediction, 0.5)


def test_error_map_tells_the_kinds_of_errors():
    truth = np.array([[0, 0, 0, 1, 1, 2, 255, 255]], np.uint8)
    prediction = np.array([[0, 1, 2, 1, 0, 0, 1, 2]], np.uint8)
    expected = [[0, overlay.MISSED, overlay.WRONG_CLASS, 0, overlay.FALSE_ALARM, overlay.WRONG_CLASS, 0, 0]]
    assert overlay.error_map(truth, prediction, BACKGROUND).tolist() == expected


def test_error_overlay_marks_exactly_the_wrong_pixels_that_count():
    photo = random_photo(31, 47, classes=4)
    layers = overlay.encode_layers(photo, label_map(4), budget=10**9)
    wrong = (photo.truth != photo.prediction) & (photo.truth != overlay.IGNORED)
    np.testing.assert_array_equal(decoded(layers.error)[..., 3] > 0, wrong)


def test_class_overlays_show_each_class_in_its_colour_and_leave_the_background_clear():
    photo = blocks(64, 80)
    layers = overlay.encode_layers(photo, label_map(4), budget=10**9)
    for values, png in ((photo.truth, layers.truth), (photo.prediction, layers.prediction)):
        picture = decoded(png)
        np.testing.assert_array_equal(picture[..., 3] > 0, values != BACKGROUND)
        for index in (0, 2, 3):
            colors, pixels = np.unique(picture[values == index, :3], axis=0, return_counts=True)
            assert len(colors) == 2, "one colour, and lines"
            assert tuple(colors[pixels.argmax()]) == class_color(index, BACKGROUND)
    assert (decoded(layers.truth)[photo.truth == overlay.IGNORED, :3] == IGNORED_COLOR).all()


def test_maps_of_one_value_can_be_encoded():
    for value in (BACKGROUND, 0, overlay.IGNORED):
        picture = decoded(overlay.encode_overlay(np.full((5, 6), value, np.uint8), class_palette(1), (6, 5)))
        assert picture.shape == (5, 6, 4)
        assert (picture[..., 3] == (0 if value == BACKGROUND else 255)).all()


def test_first_21_objects_have_different_colours_whatever_the_background():
    for background in (0, 5):
        objects = [index for index in range(22) if index != background]
        assert len({class_color(index, background) for index in objects}) == 21


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((320, 240), (320, 240)),
        ((4000, 3000), (640, 480)),
        ((3000, 9000), (213, 640)),
        ((9000, 1), (640, 1)),
        ((1, 1), (1, 1)),
    ],
)
def test_pictures_are_fitted_and_never_enlarged(given, expected):
    assert overlay.fitted_size(*given) == expected


def test_pictures_become_smaller_until_they_fit_their_budget():
    photo = random_photo(300, 400, classes=21)
    layers = overlay.encode_layers(photo, label_map(21), budget=80_000)
    assert layers.encoded_size <= 80_000
    assert layers.width < 400
    assert all(
        Image.open(io.BytesIO(one)).size == (layers.width, layers.height)
        for one in (layers.photo, layers.truth, layers.prediction, layers.error)
    )


def test_different_shapes_are_refused():
    photo = random_photo(4, 6, classes=2)
    with pytest.raises(ValueError, match="different shapes"):
        overlay.error_map(photo.truth, photo.prediction[:2], BACKGROUND)
    with pytest.raises(ValueError, match="different shapes"):
        overlay.encode_layers(
            GalleryPhoto("a", photo.photo[:2], photo.truth, photo.prediction, None), label_map(2), 1000
        )
