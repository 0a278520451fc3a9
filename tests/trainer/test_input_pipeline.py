import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.trainer import input_pipeline
from components.trainer.input_pipeline import Augmentation, evaluation_batches, training_batches
from components.transform.picture import PADDING
from schema import features
from schema.features import IGNORE_LABEL

SIZE = (48, 64)
LEVEL = 80
"""Red level of class n is n * LEVEL, so that a photo tells what its mask must be."""
UNCHANGED = Augmentation(crop_min=1, flip=False, color=False)
MOVED = Augmentation(crop_min=0.5, flip=True, color=False)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def blocks(seed, size):
    """A mask of a few large rectangles of classes 0 to 2, with some pixels that do not count."""
    random = np.random.default_rng(seed)
    mask = np.repeat(np.repeat(random.integers(0, 3, (3, 4)), 16, axis=0), 16, axis=1)[: size[0], : size[1]]
    mask[0, 0] = IGNORE_LABEL
    return mask.astype(np.uint8)


def photo_of(mask, number):
    """Red tells the class, blue the number of the record, green is brightest on the left."""
    photo = np.zeros((*mask.shape, 3), np.uint8)
    photo[..., 0] = np.where(mask == IGNORE_LABEL, 0, mask) * LEVEL
    photo[..., 1] = np.linspace(200, 0, mask.shape[1])
    photo[..., 2] = number
    return photo


def write_records(directory, sizes, *, name="Split-train/data-0.gz", pixels=(5.0, 6.0, 7.0)):
    """Writes training records as Transform does, and gives the pattern that finds them.

    The photos are PNG, whose values are exact; the pipeline reads both formats.
    """
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP" if name.endswith(".gz") else "")
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for number, size in enumerate(sizes):
            mask = blocks(number, size)
            values = {
                features.TRAIN_IMAGE: png(photo_of(mask, number)),
                features.TRAIN_MASK: png(mask),
                features.TRAIN_KEY: f"photo {number}".encode(),
            }
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            feature[features.TRAIN_CLASS_PIXELS] = tf.train.Feature(float_list=tf.train.FloatList(value=pixels))
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return [str(path.parent / "*")]


def train(patterns, *, seed=1, augmentation=MOVED, batch_size=4, batches=2):
    """The first batches: photos [N, H, W, 3] and labels [N, H, W]."""
    taken = training_batches(patterns, SIZE, batch_size=batch_size, seed=seed, augmentation=augmentation).take(batches)
    photos, labels = zip(*taken.as_numpy_iterator(), strict=True)
    return np.concatenate(photos), np.concatenate(labels)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Eight records of the network's own size."""
    return write_records(tmp_path_factory.mktemp("full"), [SIZE] * 8)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Seven records of different sizes, as photos of different aspects give them."""
    return write_records(
        tmp_path_factory.mktemp("mixed"), [(48, 64), (48, 30), (20, 64), (48, 64), (1, 64), (48, 1), (9, 9)]
    )


def test_equal_seeds_give_equal_batches(mixed):
    first, second = (train(mixed, seed=5, augmentation=Augmentation(), batches=4) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_different_seeds_give_other_pictures_in_another_order(full):
    first, second = (train(full, seed=seed, augmentation=UNCHANGED) for seed in (5, 6))
    assert first[0][:, 0, 0, 2].tolist() != second[0][:, 0, 0, 2].tolist()
    first, second = (train(full, seed=seed, augmentation=MOVED) for seed in (5, 6))
    by_number = [{photo[0, 0, 2]: photo for photo in photos} for photos, _ in (first, second)]
    assert any(not np.array_equal(by_number[0][number], by_number[1][number]) for number in by_number[0])


def test_a_record_is_changed_anew_in_every_epoch(tmp_path):
    single = write_records(tmp_path, [SIZE])
    photos, _ = train(single, batch_size=1, batches=6)
    assert len({photo.tobytes() for photo in photos}) > 1


def test_every_epoch_holds_each_record_once(full):
    photos, _ = train(full, augmentation=UNCHANGED, batches=4)
    numbers = photos[:, 0, 0, 2].astype(int).tolist()
    assert sorted(numbers[:8]) == sorted(numbers[8:]) == list(range(8))
    assert numbers[:8] != numbers[8:]


def test_photo_and_mask_move_together(full):
    photos, labels = train(full, batches=6)
    told = np.rint(photos[..., 0] / LEVEL).astype(np.uint8)
    # Scaling mixes the reds of two classes along their borders, where the mask takes one of both.
    sharp = (np.abs(photos[..., 0] - told * LEVEL) < 0.01) & (labels != IGNORE_LABEL)
    assert sharp.mean() > 0.7
    assert (labels[sharp] == told[sharp]).mean() > 0.995
    assert {0, 1, 2} <= set(np.unique(labels))


@pytest.mark.parametrize("augmentation", [Augmentation(), MOVED, UNCHANGED])
def test_no_label_is_invented(mixed, augmentation):
    photos, labels = train(mixed, augmentation=augmentation, batches=6)
    assert set(np.unique(labels)) <= {0, 1, 2, IGNORE_LABEL}
    assert labels.dtype == np.uint8
    assert labels.shape == (24, *SIZE)
    assert photos.dtype == np.float32
    assert photos.shape == (24, *SIZE, 3)
    assert photos.min() >= 0
    assert photos.max() <= 255


def test_without_changes_the_pairs_are_the_records(full):
    photos, labels = train(full, augmentation=UNCHANGED)
    for photo, label in zip(photos, labels, strict=True):
        mask = blocks(int(photo[0, 0, 2]), SIZE)
        np.testing.assert_array_equal(label, mask)
        np.testing.assert_array_equal(photo, photo_of(mask, int(photo[0, 0, 2])))


def test_flip_mirrors_about_half_of_the_pairs(full):
    photos, labels = train(full, augmentation=Augmentation(crop_min=1, flip=True, color=False), batches=16)
    mirrored = photos[:, 0, 0, 1] < photos[:, 0, -1, 1]
    assert 0.25 < mirrored.mean() < 0.75
    for photo, label, flipped in zip(photos, labels, mirrored, strict=True):
        mask = blocks(int(photo[0, 0, 2]), SIZE)
        np.testing.assert_array_equal(label, mask[:, ::-1] if flipped else mask)


def test_crops_are_not_smaller_than_asked_for(full):
    # Green falls by 200 over the whole width; a crop shows the share of it that it kept.
    photos, _ = train(full, augmentation=Augmentation(crop_min=0.5, aspect=0.0, flip=False, color=False), batches=8)
    shares = (photos[:, 0, 0, 1] - photos[:, 0, -1, 1]) / 200
    assert shares.min() > 0.5 - 2 / SIZE[1]
    assert shares.min() < 0.7
    assert shares.max() > 0.8


def test_color_changes_levels_and_nothing_else(full):
    changed, labels = train(full, augmentation=Augmentation(crop_min=1, flip=False, color=True))
    plain, expected = train(full, augmentation=UNCHANGED)
    np.testing.assert_array_equal(labels, expected)
    differences = np.abs(changed - plain).reshape(len(plain), -1).mean(axis=1)
    assert differences.min() > 0.5
    assert differences.max() < 80


def test_evaluation_covers_each_record_once_and_unchanged(mixed):
    batches = list(evaluation_batches(mixed, SIZE, batch_size=3).as_numpy_iterator())
    assert [len(photos) for photos, _ in batches] == [3, 3, 1]
    photos, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    sizes = [(48, 64), (48, 30), (20, 64), (48, 64), (1, 64), (48, 1), (9, 9)]
    for number, (height, width) in enumerate(sizes):
        mask = blocks(number, (height, width))
        np.testing.assert_array_equal(labels[number, :height, :width], mask)
        np.testing.assert_array_equal(photos[number, :height, :width], photo_of(mask, number))
        padding = np.ones(SIZE, bool)
        padding[:height, :width] = False
        assert (labels[number][padding] == IGNORE_LABEL).all()
        assert (photos[number][padding] == PADDING).all()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_reads_all_files_of_a_pattern_compressed_or_not(tmp_path, ending):
    write_records(tmp_path, [SIZE] * 2, name=f"Split-train/data-0{ending}", pixels=(1.0, 2.0, 3.0))
    patterns = write_records(tmp_path, [SIZE] * 3, name=f"Split-train/data-1{ending}", pixels=(1.0, 2.0, 3.0))
    assert len(list(input_pipeline.read_records(patterns))) == 5
    np.testing.assert_array_equal(input_pipeline.class_pixels(patterns, 3), [1, 2, 3])


def test_a_pattern_without_files_is_named(tmp_path):
    pattern = str(tmp_path / "absent-*")
    with pytest.raises(ValueError, match=r"no records match .*absent-"):
        input_pipeline.read_records([pattern])


def test_a_split_without_records_is_named(tmp_path):
    patterns = write_records(tmp_path, [])
    with pytest.raises(ValueError, match=r"no records in .*Split-train"):
        input_pipeline.class_pixels(patterns, 3)
