import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.transform import picture
from schema.features import IGNORE_LABEL

SIZE = (48, 64)


def scene(height, width, seed=0):
    """Smooth colours with some noise, so that a JPEG has something to lose."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3)).astype(np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return (smooth + random.integers(-20, 20, smooth.shape)).clip(0, 255).astype(np.uint8)


def encode(array, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def by_pillow(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (37, 53), (1, 1), (8, 201)])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 90}),
        ("JPEG", {"quality": 40, "subsampling": 2}),
        ("JPEG", {"quality": 95, "subsampling": 1}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("JPEG", {"quality": 85, "progressive": True}),
        ("PNG", {}),
    ],
)
def test_photos_look_as_they_do_to_pillow(kind, options, height, width):
    content = encode(scene(height, width), kind, **options)
    decoded = picture.decode_photo(tf.constant(content))
    assert decoded.dtype == tf.uint8
    np.testing.assert_array_equal(decoded.numpy(), by_pillow(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_grey_photos_become_three_equal_channels(kind):
    content = encode(scene(40, 50)[..., 0], kind)
    decoded = picture.decode_photo(tf.constant(content)).numpy()
    assert decoded.shape == (40, 50, 3)
    np.testing.assert_array_equal(decoded, by_pillow(content))


def test_gif_photos_are_read():
    content = encode(scene(20, 30), "GIF")
    np.testing.assert_array_equal(picture.decode_photo(tf.constant(content)).numpy(), by_pillow(content))


def test_masks_keep_every_class_number():
    mask = np.arange(256, dtype=np.uint8).reshape(8, 32)
    decoded = picture.decode_mask(tf.constant(encode(mask, "PNG"))).numpy()
    np.testing.assert_array_equal(decoded[..., 0], mask)


SOURCES = [(48, 64), (96, 128), (24, 32), (100, 50), (50, 300), (481, 643), (1, 500), (500, 1), (1, 1), (3, 10_000)]


@pytest.mark.parametrize(("height", "width"), SOURCES)
def test_fitted_size_is_the_largest_inside_with_the_same_aspect(height, width):
    fitted = picture.fitted_size(tf.constant(height), tf.constant(width), SIZE).numpy()
    assert (fitted >= 1).all()
    assert (fitted <= SIZE).all()
    # One side is filled; the other is within half a pixel of the exact aspect, but never gone.
    scale = min(SIZE[0] / height, SIZE[1] / width)
    assert fitted[0] == SIZE[0] or fitted[1] == SIZE[1]
    exact = np.maximum(np.array([height, width]) * scale, 1)
    assert np.abs(fitted - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize(("height", "width"), SOURCES)
def test_photo_and_mask_are_fitted_alike(height, width):
    photo = picture.fit_photo(tf.constant(scene(height, width)), SIZE)
    mask = picture.fit_mask(tf.zeros((height, width, 1), tf.uint8), SIZE)
    assert photo.shape[:2] == mask.shape[:2]
    assert photo.dtype == tf.float32
    assert mask.dtype == tf.uint8


def test_a_photo_of_the_right_size_is_left_alone():
    photo = scene(*SIZE)
    np.testing.assert_allclose(picture.fit_photo(tf.constant(photo), SIZE).numpy(), photo, atol=1e-3)


def test_large_photos_are_averaged_rather_than_sampled():
    # Every second pixel of this board is white: sampling every ninth one shows a board, averaging shows grey.
    board = (np.indices((432, 576)).sum(axis=0) % 2 * 255).astype(np.uint8)
    fitted = picture.fit_photo(tf.constant(np.repeat(board[..., None], 3, axis=2)), SIZE).numpy()
    assert np.abs(fitted - 127.5).max() < 10


@pytest.mark.parametrize(("height", "width"), [(97, 131), (20, 30), (500, 31)])
def test_fitting_a_mask_invents_no_class(height, width):
    random = np.random.default_rng(0)
    mask = random.choice(np.array([0, 7, 200, IGNORE_LABEL], np.uint8), (height, width, 1))
    fitted = picture.fit_mask(tf.constant(mask), SIZE).numpy()
    assert set(np.unique(fitted)) == {0, 7, 200, IGNORE_LABEL}


def test_a_mask_stays_where_its_photo_is():
    # Halves of classes 0 and 1 below photos of black and white: borders must meet after scaling.
    mask = np.zeros((96, 200, 1), np.uint8)
    mask[:, 80:] = 1
    photo = np.repeat(mask * 255, 3, axis=2)
    scaled = picture.fit_photo(tf.constant(photo), SIZE).numpy()[..., 0] > 127.5
    labels = picture.fit_mask(tf.constant(mask), SIZE).numpy()[..., 0]
    assert (np.abs(scaled.sum(axis=1) - labels.sum(axis=1)) <= 1).all()


@pytest.mark.parametrize(("height", "width"), [(48, 64), (48, 10), (5, 64), (1, 1)])
def test_padding_lies_at_the_bottom_and_on_the_right(height, width):
    photo, mask = scene(height, width), np.full((height, width, 1), 3, np.uint8)
    padded = picture.pad_photo(tf.constant(photo), SIZE)
    labels = picture.pad_mask(tf.constant(mask), SIZE)
    assert padded.shape == (*SIZE, 3)
    assert padded.dtype == tf.float32
    assert labels.shape == (*SIZE, 1)
    assert labels.dtype == tf.uint8
    np.testing.assert_array_equal(padded[:height, :width], photo)
    np.testing.assert_array_equal(labels[:height, :width], mask)
    outside = np.ones(SIZE, bool)
    outside[:height, :width] = False
    # Both encoders see 127 as zero.
    assert (padded.numpy()[outside] == 127).all()
    assert (labels.numpy()[outside] == 255).all()
