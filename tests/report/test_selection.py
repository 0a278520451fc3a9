import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.report.photo_scores import PhotoScore, foreground_iou
from components.report.selection import ALL, BEST, LOST, MIDDLE, WORST, choose, predict_chosen
from schema import features

PLANE, SKY, CAR = 0, 1, 2


def scored(ious, before=None):
    befores = before or [None] * len(ious)
    return [
        PhotoScore(f"photo {n:03d}".encode(), iou, old) for n, (iou, old) in enumerate(zip(ious, befores, strict=True))
    ]


def shuffled_ious(count):
    """All different; the photo with the n-th lowest IoU has n / count."""
    return [float(value) / count for value in np.random.default_rng(0).permutation(count)]


@pytest.mark.parametrize("count", range(1, 13))
def test_a_small_split_is_shown_whole_worst_first(count):
    groups = choose(scored(shuffled_ious(count)))
    assert list(groups) == [ALL]
    assert [one.iou for one in groups[ALL]] == [n / count for n in range(count)]


@pytest.mark.parametrize("count", [13, 14, 24, 25, 100, 501])
def test_a_large_split_is_shown_by_its_worst_median_and_best(count):
    ious = shuffled_ious(count)
    groups = choose(scored(ious))
    assert list(groups) == [WORST, MIDDLE, BEST]
    ranked = sorted(ious)
    assert [one.iou for one in groups[WORST]] == ranked[:4]
    assert [one.iou for one in groups[BEST]] == ranked[-4:]
    middle = ranked.index(groups[MIDDLE][0].iou)
    assert [one.iou for one in groups[MIDDLE]] == ranked[middle : middle + 4]
    # As near to the median as photos that are not among the worst and the best can be.
    assert abs(middle + 1.5 - (count - 1) / 2) <= 1


def test_equal_scores_are_told_apart_by_their_key():
    groups = choose(scored([0.5] * 40))
    assert len({one.key for group in groups.values() for one in group}) == 12
    assert groups == choose(scored([0.5] * 40)[::-1])


def test_photos_without_an_object_come_last_and_displace_no_other():
    assert [one.iou for one in choose(scored([None, 0.9, None, 0.1]))[ALL]] == [0.1, 0.9, None, None]
    # In many data sets most photos are empty; the best predictions of objects must still be seen.
    assert choose(scored([None] * 60 + shuffled_ious(40)))[BEST][-1].iou == 39 / 40


def test_photos_that_lost_most_have_a_group_of_their_own():
    now = [0.3 + n / 100 for n in range(40)]
    before = [*now[:12], now[12] + 0.2, now[13] + 0.1, now[14] - 0.3, *now[15:]]
    groups = choose(scored(now, before))
    assert [one.key for one in groups[LOST]] == [b"photo 012", b"photo 013"]
    assert LOST not in choose(scored(now, now))


def test_an_empty_split_has_no_groups():
    assert choose([]) == {}
    assert predict_chosen({}, [], None) == []


@pytest.mark.parametrize(
    ("confusion", "expected"),
    [
        ([[1, 1, 0], [0, 2, 0], [0, 0, 0]], 1 / 2),
        ([[2, 0, 0], [0, 1, 0], [0, 1, 0]], (1 + 0) / 2),
        ([[0, 0, 0], [1, 3, 0], [0, 0, 0]], 0.0),
        ([[0, 0, 0], [0, 4, 0], [0, 0, 0]], None),
        ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], None),
    ],
)
def test_foreground_iou_leaves_the_background_out(confusion, expected):
    found = foreground_iou(np.array(confusion, np.int64), SKY)
    assert found == (None if expected is None else pytest.approx(expected))


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def write_examples(path, masks):
    """Photos whose red channel is the class map that `serve_red` predicts."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, (prediction, truth) in enumerate(masks):
            photo = np.repeat(prediction[..., np.newaxis], 3, axis=2)
            values = {
                features.IMAGE_KEY: f"photo {number:03d}".encode(),
                features.IMAGE_ENCODED: png(photo),
                features.MASK_ENCODED: png(truth),
            }
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return [str(path)]


class ServeRed:
    """Predicts the red channel, and counts what it was asked for."""

    def __init__(self):
        self.asked = 0

    def __call__(self, image_bytes):
        self.asked += len(image_bytes)
        pictures = [np.asarray(Image.open(io.BytesIO(content)))[..., 0] for content in image_bytes.numpy()]
        return {"class_map_bytes": tf.constant([png(np.ascontiguousarray(one)) for one in pictures])}


def test_only_the_chosen_photos_are_predicted_and_stand_in_their_groups(tmp_path):
    rng = np.random.default_rng(1)
    masks = [tuple(rng.integers(0, 3, (2, 5, 12)).astype(np.uint8)) for _ in range(30)]
    serve, scores = ServeRed(), scored(shuffled_ious(30))
    groups = choose(scores)
    gallery = predict_chosen(groups, write_examples(tmp_path / "examples", masks), serve)
    assert serve.asked == 12
    assert [(one.group, one.key.encode(), one.iou) for one in gallery] == [
        (heading, one.key, one.iou) for heading, group in groups.items() for one in group
    ]
    for photo in gallery:
        prediction, truth = masks[int(photo.key.removeprefix("photo "))]
        np.testing.assert_array_equal(photo.truth, truth)
        np.testing.assert_array_equal(photo.prediction, prediction)
        np.testing.assert_array_equal(photo.photo[..., 0], prediction)


def test_large_photos_of_different_sizes_are_kept_in_the_size_that_is_shown(tmp_path):
    masks = [np.full(shape, PLANE, np.uint8) for shape in ((3000, 4000), (6, 2))]
    files = write_examples(tmp_path / "examples", zip(masks, masks, strict=True))
    gallery = predict_chosen(choose(scored([0.1, 0.2])), files, ServeRed())
    assert [photo.photo.shape for photo in gallery] == [(480, 640, 3), (6, 2, 3)]
    assert [photo.truth.shape for photo in gallery] == [(480, 640), (6, 2)]


def test_a_photo_that_the_examples_lack_is_left_out(tmp_path):
    mask = np.full((3, 4), SKY, np.uint8)
    files = write_examples(tmp_path / "examples", [(mask, mask)])
    assert [one.key for one in predict_chosen(choose(scored([0.1, 0.2])), files, ServeRed())] == ["photo 000"]
