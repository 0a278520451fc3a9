"""Scores by photo from records as the Evaluator writes them."""

import numpy as np
import pytest
import tensorflow as tf

from components.evaluator.photo_counts import PhotoCounts, to_record
from components.report.photo_scores import read_photo_scores
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("sky", (0, 0, 0)), LabelClass("plane", (1, 1, 1))), (), "sky")


def test_scores_of_both_models_are_read_from_the_counts(tmp_path):
    good, bad = np.array([[90, 0], [0, 10]]), np.array([[85, 5], [5, 5]])
    empty = np.array([[100, 0], [0, 0]])
    nothing = np.zeros((2, 2), int)
    photos = [PhotoCounts(b"a", [], bad, good), PhotoCounts(b"b", [], empty), PhotoCounts(b"\xff", [], nothing)]
    with tf.io.TFRecordWriter(str(tmp_path / "photos-00000-of-00001")) as writer:
        for one in photos:
            writer.write(to_record(one))
    first, second, third = read_photo_scores(str(tmp_path), LABEL_MAP)
    assert (first.key, first.iou, first.before, first.wrong) == (b"a", pytest.approx(1 / 3), 1.0, pytest.approx(0.1))
    assert first.change == pytest.approx(-2 / 3)
    assert second == (b"b", None, None, 0.0)
    assert second.change is None
    assert third == (b"\xff", None, None, None)
