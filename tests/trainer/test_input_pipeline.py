import numpy as np
import pytest
from records import SIZE, blocks, decoded, numbers_of, write_records

from components.trainer import input_pipeline
from components.trainer.augmentation import Augmentation
from components.trainer.input_pipeline import evaluation_batches, record_keys, training_batches
from components.transform.picture import PADDING
from schema.features import IGNORE_LABEL

UNCHANGED = Augmentation(scale=(1.0, 1.0), aspect=0.0, flip=False, color=False)
SIZES = [(48, 64), (48, 30), (20, 64), (48, 64), (1, 64), (48, 1), (9, 9)]


def train(patterns, *, batches=2, batch_size=4, seed=1, augmentation=UNCHANGED, **options):
    """The first batches: a list of (photos, labels, rows)."""
    dataset = training_batches(
        patterns, SIZE, batch_size=batch_size, seed=seed, augmentation=augmentation, **options
    ).take(batches)
    return list(dataset.as_numpy_iterator())


def rows_of(batches):
    return np.concatenate([rows for _, _, rows in batches]).tolist()


def assert_equal(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Eight records of the network's own size."""
    return write_records(tmp_path_factory.mktemp("full"), [SIZE] * 8)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Seven records of different sizes, as photos of different aspects give them."""
    return write_records(tmp_path_factory.mktemp("mixed"), SIZES)


def test_batches_are_photos_labels_and_rows(full):
    for photos, labels, rows in train(full):
        assert (photos.dtype, labels.dtype, rows.dtype) == (np.float32, np.uint8, np.int64)
        assert (photos.shape, labels.shape, rows.shape) == ((4, *SIZE, 3), (4, *SIZE), (4,))


def test_one_seed_gives_equal_batches(mixed):
    assert_equal(*(train(mixed, seed=5, augmentation=Augmentation(), batches=6) for _ in range(2)))


def test_different_seeds_give_another_order_and_other_changes(full):
    assert rows_of(train(full, seed=5)) != rows_of(train(full, seed=6))
    first, second = (train(full, seed=seed, augmentation=Augmentation(color=False)) for seed in (5, 6))
    labels = [
        dict(zip(rows_of(one), np.concatenate([part[1] for part in one]), strict=True)) for one in (first, second)
    ]
    assert any(not np.array_equal(labels[0][row], labels[1][row]) for row in range(8))


def test_a_record_is_changed_anew_in_every_epoch(tmp_path):
    single = write_records(tmp_path, [SIZE])
    batches = train(single, batch_size=1, batches=6, augmentation=Augmentation())
    assert len({photos.tobytes() for photos, _, _ in batches}) == 6


def test_every_epoch_holds_each_record_once_in_its_own_order(full):
    rows = rows_of(train(full, batches=6))
    epochs = [rows[:8], rows[8:16], rows[16:]]
    assert all(sorted(epoch) == list(range(8)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize("skipped", [1, 2, 3, 7])
@pytest.mark.parametrize("shard", [(0, 1), (1, 2)])
def test_a_training_goes_on_where_it_was_interrupted(mixed, skipped, shard):
    options = {"augmentation": Augmentation(rotation=5, blur=1), "batch_size": 3, "shard": shard}
    whole = train(mixed, batches=9, **options)
    assert_equal(train(mixed, batches=9 - skipped, skip_steps=skipped, **options), whole[skipped:])


@pytest.mark.parametrize("cached", [True, False])
def test_records_need_not_stay_in_memory(mixed, monkeypatch, cached):
    expected = train(mixed, batches=5)
    monkeypatch.setattr(input_pipeline, "CACHE_BYTES", 10**9 if cached else 0)
    assert_equal(train(mixed, batches=5), expected)


@pytest.mark.parametrize("count", [2, 4])
def test_shards_together_see_what_one_worker_sees(full, count):
    whole = train(full, batch_size=4, batches=6, augmentation=Augmentation())
    shards = [
        train(full, batch_size=4 // count, batches=6, augmentation=Augmentation(), shard=(index, count))
        for index in range(count)
    ]
    for step, (photos, labels, rows) in enumerate(whole):
        for index in range(count):
            np.testing.assert_array_equal(shards[index][step][0], photos[index::count])
            np.testing.assert_array_equal(shards[index][step][1], labels[index::count])
            np.testing.assert_array_equal(shards[index][step][2], rows[index::count])


def test_no_record_comes_twice_in_an_epoch_of_all_shards(mixed):
    shards = [rows_of(train(mixed, batch_size=1, batches=7, shard=(index, 2))) for index in range(2)]
    together = [row for pair in zip(*shards, strict=True) for row in pair]
    assert sorted(together[:7]) == sorted(together[7:]) == list(range(7))


def test_a_batch_may_be_larger_than_the_split(mixed):
    rows = rows_of(train(mixed, batch_size=20, batches=1))
    assert sorted(rows[:7]) == sorted(rows[7:14]) == list(range(7))


def test_without_changes_the_pairs_are_the_records(full):
    for photos, labels, rows in train(full):
        assert numbers_of(photos) == rows.tolist()
        for photo, label, row in zip(photos, labels, rows, strict=True):
            np.testing.assert_array_equal(label, blocks(row, SIZE))
            np.testing.assert_array_equal(photo, decoded(row, SIZE))


def test_evaluation_covers_each_record_once_and_unchanged(mixed):
    frame = (50, 70)
    batches = list(evaluation_batches(mixed, SIZE, batch_size=3, frame=frame).as_numpy_iterator())
    assert [len(photos) for photos, _ in batches] == [3, 3, 1]
    photos, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    for number, (height, width) in enumerate(SIZES):
        np.testing.assert_array_equal(labels[number, :height, :width], blocks(number, (height, width)))
        np.testing.assert_array_equal(photos[number, :height, :width], decoded(number, (height, width)))
        padding = np.ones(frame, bool)
        padding[:height, :width] = False
        assert (labels[number][padding] == IGNORE_LABEL).all()
        assert (photos[number][padding] == PADDING).all()


def test_shards_of_an_evaluation_cover_the_split(mixed):
    shards = [evaluation_batches(mixed, SIZE, batch_size=2, shard=(index, 3)).as_numpy_iterator() for index in range(3)]
    sizes = [[int((label != IGNORE_LABEL).sum()) for _, labels in shard for label in labels] for shard in shards]
    assert [len(one) for one in sizes] == [3, 2, 2]
    expected = sorted(height * width - 1 for height, width in SIZES)
    assert sorted(size for one in sizes for size in one) == expected


def test_rows_lead_to_the_records_keys(tmp_path):
    write_records(tmp_path, [SIZE] * 2, name="Split-train/data-0")
    patterns = write_records(tmp_path, [SIZE] * 3, name="Split-train/data-1")
    assert record_keys(patterns, np.array([3, 0, 3])) == ["photo 1", "photo 0", "photo 1"]
    with pytest.raises(ValueError, match=r"no row 5 in .*Split-train"):
        record_keys(patterns, [1, 5])


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
    message = r"no records in .*Split-train.*: the split is empty"
    with pytest.raises(ValueError, match=message):
        input_pipeline.class_pixels(patterns, 3)
    with pytest.raises(ValueError, match=message):
        training_batches(patterns, SIZE, batch_size=1, seed=1, augmentation=UNCHANGED)
    with pytest.raises(ValueError, match=message):
        evaluation_batches(patterns, SIZE, batch_size=1)
