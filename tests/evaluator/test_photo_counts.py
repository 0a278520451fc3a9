import numpy as np
import pytest
import tensorflow as tf

from components.evaluator.photo_counts import PhotoCounts, from_record, read_photo_counts, to_record

MATRIX = np.array([[5, 0, 0], [2, 2**40, 0], [0, 0, 0]])
NOTHING = np.zeros((3, 3), int)


@pytest.mark.parametrize("baseline", [None, MATRIX.T, NOTHING])
@pytest.mark.parametrize("slices", [[], [("image/folder", "Самолёт ✈"), ("object/size", "small")]])
def test_round_trip(slices, baseline):
    photo = PhotoCounts("a/Самолёт".encode(), slices, MATRIX, baseline)
    again = from_record(to_record(photo), 3)
    assert (again.key, list(again.slices)) == (photo.key, slices)
    np.testing.assert_array_equal(again.candidate, MATRIX)
    if baseline is None:
        assert again.baseline is None
    else:
        np.testing.assert_array_equal(again.baseline, baseline)


def test_a_photo_of_many_classes_takes_few_bytes():
    matrix = np.zeros((254, 254), int)
    matrix[0, 0], matrix[7, 7], matrix[7, 0] = 200_000, 5_000, 300
    assert len(to_record(PhotoCounts(b"street/0001", [("object/size", "small")], matrix, matrix))) < 300


def test_all_shards_of_a_folder_are_read(tmp_path):
    for shard in range(2):
        with tf.io.TFRecordWriter(str(tmp_path / f"photos-0000{shard}-of-00002")) as writer:
            writer.write(to_record(PhotoCounts(f"{shard}".encode(), [], MATRIX * shard)))
    (tmp_path / "summary.json").write_text("{}")
    assert [(photo.key, photo.candidate[0, 0]) for photo in read_photo_counts(str(tmp_path), 3)] == [
        (b"0", 0),
        (b"1", 5),
    ]
