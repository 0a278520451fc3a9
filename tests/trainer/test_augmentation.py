import numpy as np
import pytest
import tensorflow as tf
from records import LEVEL, SIZE, blocks, decoded, encoded, jpeg_of

from components.trainer.augmentation import Augmentation, augmented_pair, draw_box
from components.trainer.settings import TrainingSettings
from components.transform.picture import PADDING
from schema import features
from schema.features import IGNORE_LABEL

UNCHANGED = Augmentation(scale=(1.0, 1.0), aspect=0.0, flip=False, color=False)
EVERYTHING = Augmentation(scale=(0.5, 3.0), rotation=30, blur=2)
SIZES = [(48, 64), (48, 30), (20, 64), (1, 64), (48, 1), (9, 9)]


def record(number, size):
    mask = blocks(number, size)
    return {features.TRAIN_IMAGE: jpeg_of(mask, number), features.TRAIN_MASK: encoded(mask, "PNG")}


def pairs(augmentation, *, count=40, size=SIZE, photo=None, frame=None):
    """Pairs of one record of size `photo`, with as many seeds: photos [count, *size, 3] and labels."""
    given = record(1, photo or size)

    @tf.function
    def change(seed):
        return augmented_pair(given, size, seed, augmentation, frame=frame)

    drawn = [change(tf.constant([7, seed], tf.int64)) for seed in range(count)]
    photos, labels = (np.stack(parts) for parts in zip(*drawn, strict=True))
    return photos, labels


def with_(**changes):
    return Augmentation(**{**UNCHANGED.__dict__, **changes})


def test_default_is_that_of_the_settings():
    assert Augmentation.of(TrainingSettings()) == Augmentation()


def test_works_eagerly_as_in_a_function():
    photos, labels = pairs(EVERYTHING, count=1)
    photo, label = augmented_pair(record(1, SIZE), SIZE, tf.constant([7, 0], tf.int64), EVERYTHING)
    np.testing.assert_allclose(photo, photos[0], atol=1e-3)
    np.testing.assert_array_equal(label, labels[0])


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(color=False),
        with_(flip=True),
        with_(rotation=25.0),
        with_(rotation=180.0, scale=(1.0, 2.0), flip=True, aspect=0.3),
        with_(scale=(0.5, 2.5), aspect=0.3),
    ],
)
@pytest.mark.parametrize("frame", [SIZE, (96, 128)])
def test_photo_and_mask_move_together(augmentation, frame):
    photos, labels = pairs(augmentation, photo=frame, frame=frame)
    told = np.rint(photos[..., 0] / LEVEL).astype(np.uint8)
    # Scaling mixes the reds of two classes along their borders, where the mask takes one of both.
    sharp = (np.abs(photos[..., 0] - told * LEVEL) < 4) & (labels != IGNORE_LABEL)
    assert sharp.mean() > 0.4
    assert (labels[sharp] == told[sharp]).mean() > 0.99
    assert {0, 1, 2} <= set(np.unique(labels))


@pytest.mark.parametrize("augmentation", [Augmentation(), UNCHANGED, EVERYTHING, with_(scale=(0.3, 0.5))])
@pytest.mark.parametrize("photo", SIZES)
@pytest.mark.parametrize("frame", [SIZE, (100, 90)])
def test_every_pair_holds_some_of_the_photo_and_no_label_is_invented(augmentation, photo, frame):
    photos, labels = pairs(augmentation, photo=photo, frame=frame, count=12)
    assert (photos.dtype, labels.dtype) == (np.float32, np.uint8)
    assert (photos.shape, labels.shape) == ((12, *SIZE, 3), (12, *SIZE))
    assert set(np.unique(labels)) <= {0, 1, 2, IGNORE_LABEL}
    assert photos.min() >= 0
    assert photos.max() <= 255
    # A line of one pixel may fall between those that are kept.
    if not augmentation.rotation and min(photo) > 1:
        assert all((one != PADDING).any() for one in photos)


@pytest.mark.parametrize("augmentation", [UNCHANGED, with_(rotation=1e-9)])
def test_without_changes_the_pair_is_the_record(augmentation):
    photos, labels = pairs(augmentation, count=1)
    np.testing.assert_allclose(photos[0], decoded(1, SIZE), atol=1)
    np.testing.assert_array_equal(labels[0], blocks(1, SIZE))


def test_flip_mirrors_about_half_of_the_pairs():
    photos, labels = pairs(with_(flip=True))
    mirrored = photos[:, 20, 0, 1] < photos[:, 20, -1, 1]
    assert 0.25 < mirrored.mean() < 0.75
    for label, flipped in zip(labels, mirrored, strict=True):
        np.testing.assert_array_equal(label, blocks(1, SIZE)[:, ::-1] if flipped else blocks(1, SIZE))


def test_a_quarter_turn_is_one():
    # One angle alone cannot be asked for; of many small windows that turn at random, each is a turned part.
    size = (32, 32)
    photos, labels = pairs(with_(rotation=180.0), size=size, count=200)
    turned = np.abs(photos[:, 16, 0, 1] - photos[:, 16, -1, 1])
    nearest = turned.argmin()
    # Green falls from left to right; turned by a quarter it falls or rises from top to bottom.
    down = photos[nearest, 2:-2, 16, 1]
    assert abs(down[0] - down[-1]) > 150
    mask = np.rot90(blocks(1, size), 1 if down[0] < down[-1] else -1)
    assert (labels[nearest] == mask).mean() > 0.9


def test_corners_that_rotation_uncovers_do_not_count():
    photos, labels = pairs(with_(rotation=45.0), size=(40, 40), count=60)
    uncovered = labels[:, 1, 1] == IGNORE_LABEL
    assert uncovered.sum() > 30
    assert (photos[uncovered][:, 0, 0] == PADDING).all()
    assert (labels[:, 20, 20] != IGNORE_LABEL).all()


@pytest.mark.parametrize(("scale", "shares"), [((1.0, 2.0), (0.5, 1.0)), ((0.5, 1.0), (1.0, 2.0))])
def test_zoom_is_between_its_bounds(scale, shares):
    settings = with_(scale=scale)
    draws = tf.random.stateless_uniform([300, 4], [1, 2])
    boxes = np.array([draw_box(drawn, tf.constant(SIZE), SIZE, SIZE, settings) for drawn in draws])
    sides = boxes[:, 1] / np.array(SIZE)
    np.testing.assert_allclose(sides.min(axis=0), shares[0], atol=0.04)
    np.testing.assert_allclose(sides.max(axis=0), shares[1], atol=0.04)
    # Uniform between them: half of the boxes lie on each side of the middle.
    assert abs((sides[:, 0] < np.mean(shares)).mean() - 0.5) < 0.1
    for corner, box in boxes:
        inside = np.maximum(box, SIZE)
        assert (corner >= np.array(SIZE) - inside).all()
        assert (corner + box <= inside).all()


def test_below_one_the_whole_photo_shrinks_into_padding():
    photos, labels = pairs(with_(scale=(0.5, 0.5)))
    counted = (labels != IGNORE_LABEL).sum(axis=(1, 2)) / np.prod(SIZE)
    np.testing.assert_allclose(counted, 0.25, atol=0.01)
    assert (photos[labels == IGNORE_LABEL] == PADDING).mean() > 0.9
    assert len({tuple(np.argwhere(label != IGNORE_LABEL)[0]) for label in labels}) > 10


def test_windows_of_a_larger_frame_are_not_scaled():
    frame = (96, 128)
    photos, labels = pairs(UNCHANGED, photo=frame, frame=frame, count=20)
    whole, mask = decoded(1, frame), blocks(1, frame)
    windows = np.lib.stride_tricks.sliding_window_view(mask, SIZE).reshape(-1, *SIZE)
    for photo, label in zip(photos, labels, strict=True):
        places = np.flatnonzero((windows == label).all(axis=(1, 2)))
        corners = [divmod(place, frame[1] - SIZE[1] + 1) for place in places]
        assert any((photo == whole[row : row + SIZE[0], column : column + SIZE[1]]).all() for row, column in corners)


def test_color_changes_levels_and_nothing_else():
    changed, labels = pairs(with_(color=True))
    plain, expected = pairs(UNCHANGED)
    np.testing.assert_array_equal(labels, expected)
    differences = np.abs(changed - plain).reshape(len(plain), -1).mean(axis=1)
    assert differences.min() > 0.5
    assert differences.max() < 80


def test_blur_softens_half_of_the_photos_and_no_mask():
    blurred, labels = pairs(with_(blur=2.0))
    plain, expected = pairs(UNCHANGED)
    np.testing.assert_array_equal(labels, expected)
    touched = np.abs(blurred - plain).max(axis=(1, 2, 3)) > 1
    assert 0.25 < touched.mean() < 0.75
    np.testing.assert_allclose(blurred[~touched], plain[~touched], atol=1)
    # A blur moves levels to neighbours, it makes none.
    np.testing.assert_allclose(blurred.mean(axis=(1, 2)), plain.mean(axis=(1, 2)), atol=1.5)
    variation = [np.abs(np.diff(photos[touched][..., 0], axis=2)).max(axis=(1, 2)) for photos in (blurred, plain)]
    assert (variation[0] < variation[1]).all()
