import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.report.selection import PHOTOS_SHOWN, Scored, foreground_iou, score_photos, select_photos, spread
from schema import features
from schema.features import IGNORE_LABEL
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap(
    (LabelClass("plane", (1, 1, 1)), LabelClass("sky", (0, 0, 0)), LabelClass("car", (2, 2, 2))), (), "sky"
)
PLANE, SKY, CAR = 0, 1, 2


def scored(ious):
    return [Scored(place, iou) for place, iou in enumerate(ious)]


def shuffled_ious(count):
    """All different; the photo with the n-th lowest IoU has n / count."""
    return [float(value) / count for value in np.random.default_rng(0).permutation(count)]


@pytest.mark.parametrize("count", range(13))
def test_a_small_split_is_shown_whole(count):
    chosen = spread(scored(shuffled_ious(count)), 12)
    assert sorted(one.place for one in chosen) == list(range(count))
    assert [one.iou for one in chosen] == sorted(one.iou for one in chosen)


@pytest.mark.parametrize("count", [13, 14, 24, 25, 100, 501])
def test_a_large_split_is_shown_by_its_worst_middle_and_best(count):
    ious = shuffled_ious(count)
    chosen = [one.iou for one in spread(scored(ious), 12)]
    assert len(set(chosen)) == 12
    ranked = sorted(ious)
    assert chosen[:4] == ranked[:4]
    assert chosen[8:] == ranked[-4:]
    middle = ranked.index(chosen[4])
    assert chosen[4:8] == ranked[middle : middle + 4]
    # As near to the median as photos that are not among the worst and the best can be.
    assert abs(middle + 1.5 - (count - 1) / 2) <= 1


def test_equal_scores_are_told_apart_by_their_place():
    chosen = spread(scored([0.5] * 40), 12)
    assert len({one.place for one in chosen}) == 12
    assert chosen == spread(scored([0.5] * 40), 12)


def test_photos_without_an_object_come_last():
    chosen = spread(scored([None, 0.9, None, 0.1]), 12)
    assert [one.iou for one in chosen] == [0.1, 0.9, None, None]


def test_photos_without_an_object_do_not_displace_the_best():
    # In many data sets most photos are empty; the best predictions of objects must still be seen.
    ious = [None] * 60 + shuffled_ious(40)
    chosen = [one.iou for one in spread(scored(ious), 12)]
    assert max(iou for iou in chosen if iou is not None) == 39 / 40


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        ([PLANE, PLANE, SKY, SKY], [PLANE, SKY, SKY, SKY], 1 / 2),
        ([PLANE, PLANE, CAR, SKY], [PLANE, PLANE, SKY, SKY], (1 + 0) / 2),
        ([SKY, SKY, SKY, SKY], [SKY, SKY, SKY, PLANE], 0.0),
        ([PLANE, SKY, SKY, IGNORE_LABEL], [PLANE, SKY, SKY, CAR], 1.0),
        ([SKY, SKY, SKY, SKY], [SKY, SKY, SKY, SKY], None),
        ([SKY, SKY, SKY, IGNORE_LABEL], [SKY, SKY, SKY, CAR], None),
    ],
)
def test_foreground_iou_leaves_the_background_out(truth, prediction, expected):
    found = foreground_iou(np.array([truth], np.uint8), np.array([prediction], np.uint8), LABEL_MAP)
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
                features.IMAGE_KEY: f"photo {number:02d}".encode(),
                features.IMAGE_ENCODED: png(photo),
                features.MASK_ENCODED: png(truth),
            }
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return [str(path)]


def serve_red(image_bytes):
    pictures = [np.asarray(Image.open(io.BytesIO(content)))[..., 0] for content in image_bytes.numpy()]
    return {"class_map_bytes": tf.constant([png(np.ascontiguousarray(one)) for one in pictures])}


def gallery_of(path, masks):
    files = write_examples(path, masks)
    found = score_photos(files, serve_red, LABEL_MAP)
    return select_photos(files, serve_red, LABEL_MAP, found), found


def test_gallery_shows_the_telling_photos_worst_first(tmp_path):
    # Photo n of 30 finds n of the 30 pixels of its object; places and scores are in different orders.
    order = np.random.default_rng(1).permutation(30)
    masks = []
    for right in order:
        truth = np.full((5, 12), SKY, np.uint8)
        truth.ravel()[:30] = PLANE
        prediction = truth.copy()
        prediction.ravel()[right:30] = SKY
        masks.append((prediction, truth))
    gallery, found = gallery_of(tmp_path / "examples", masks)
    assert [(one.key, round(30 * one.iou)) for one in found] == [(f"photo {n:02d}", m) for n, m in enumerate(order)]
    assert len(gallery) == PHOTOS_SHOWN
    assert [photo.iou for photo in gallery] == sorted(photo.iou for photo in gallery)
    assert [round(photo.iou * 30) for photo in gallery[:4]] == [0, 1, 2, 3]
    assert [round(photo.iou * 30) for photo in gallery[-4:]] == [26, 27, 28, 29]
    for photo in gallery:
        prediction, truth = masks[int(photo.key.removeprefix("photo "))]
        np.testing.assert_array_equal(photo.truth, truth)
        np.testing.assert_array_equal(photo.prediction, prediction)
        np.testing.assert_array_equal(photo.photo[..., 0], prediction)


def test_gallery_holds_photos_of_different_sizes(tmp_path):
    truth = [np.full((3, 4), SKY, np.uint8), np.full((6, 2), PLANE, np.uint8)]
    gallery, _ = gallery_of(tmp_path / "examples", zip(truth, truth, strict=True))
    assert [(photo.key, photo.iou, photo.photo.shape) for photo in gallery] == [
        ("photo 01", 1.0, (6, 2, 3)),
        ("photo 00", None, (3, 4, 3)),
    ]
