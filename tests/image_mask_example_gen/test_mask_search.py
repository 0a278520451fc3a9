"""The compiled search keeps its books right, and compiles wherever it runs."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from components.image_mask_example_gen.compiled import compiled
from components.image_mask_example_gen.mask_blur import blurred_misfit
from components.image_mask_example_gen.mask_descent import Schedule, descend
from components.image_mask_example_gen.mask_planes import planes_of_jpeg
from components.image_mask_example_gen.mask_search import choose, unclear_pixels
from components.image_mask_example_gen.mask_sharp import sharp_misfit
from components.image_mask_example_gen.palette import to_ycc

COLORS = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255)], np.float32)
SIZE = (64, 96)
RIM = 16  # Beyond the picture, the blurred model takes the border to go on; the search does not follow that.


def truth():
    labels = np.zeros(SIZE, np.uint8)
    labels[20:50, 30:70] = 1
    labels[30:34, 10:90] = 2
    return labels


def misfit_of(kind, labels, subsampling=2):
    picture = Image.fromarray(COLORS.astype(np.uint8)[truth()])
    buffer = io.BytesIO()
    picture = picture.filter(ImageFilter.GaussianBlur(1.5)) if kind == "blurred" else picture
    picture.save(buffer, "JPEG", quality=75, subsampling=subsampling)
    planes, colors = planes_of_jpeg(buffer.getvalue()), to_ycc(COLORS)
    if kind == "blurred":
        return blurred_misfit(planes, colors, labels, 1.5, 8.0)
    return sharp_misfit(planes, colors, labels, np.ones(SIZE, bool))


def wrong_labels():
    labels = truth()
    rng = np.random.default_rng(5)
    places = rng.random(SIZE) < 0.1
    places[:RIM], places[-RIM:], places[:, :RIM], places[:, -RIM:] = False, False, False, False
    labels[places] = rng.integers(0, 3, int(places.sum()))
    return labels


@pytest.mark.parametrize("kind", ["sharp", "blurred"])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_gradients_that_followed_every_change_are_those_of_the_labels(kind, subsampling):
    misfit = misfit_of(kind, wrong_labels(), subsampling)
    before = misfit.gradient.copy()
    descend(misfit, truth() != wrong_labels(), Schedule(12, 1.0, 0))
    labels = misfit.labels[1:-1, 1:-1]
    anew = misfit_of(kind, labels, subsampling).gradient
    assert np.abs(anew - before).max() > 10 * np.abs(anew - misfit.gradient).max()
    np.testing.assert_allclose(misfit.gradient, anew, atol=1e-3 * np.abs(before).max())
    assert (labels != truth()).sum() < 0.05 * (wrong_labels() != truth()).sum()


def test_the_better_guess_is_taken_square_by_square():
    first, second = truth(), truth()
    first[20:30, 30:48] = 0
    second[34:50, 48:70] = 0
    misfit = misfit_of("sharp", first)
    choose(misfit, second)
    np.testing.assert_array_equal(misfit.labels[1:-1, 1:-1], truth())
    np.testing.assert_allclose(misfit.gradient, misfit_of("sharp", truth()).gradient, atol=1e-3)


def test_only_free_pixels_change_and_only_they_are_unclear():
    free = np.zeros(SIZE, bool)
    free[:, :48] = True
    misfit = misfit_of("sharp", wrong_labels())
    descend(misfit, free, Schedule(12, 1.0, 0))
    np.testing.assert_array_equal(misfit.labels[1:-1, 49:-1], wrong_labels()[:, 48:])
    assert not unclear_pixels(misfit, free)[:, 48:].any()


def test_a_function_compiles_where_nothing_can_be_kept():
    found = {}
    exec("def twice(value):\n    return 2 * value", found)  # Of no file: there is nothing to keep it beside.
    assert compiled(found["twice"])(4) == 8
