import numpy as np
import pytest
from sklearn import metrics

from components.metrics.iou import class_counts, confusion_matrix, iou_of, score
from schema.features import IGNORE_LABEL


def random_labels(classes, *, seed=0, ignored=0.1):
    """Truth with some pixels that do not count, and a prediction that is right about half of the time."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, (3, 20, 30)).astype(np.uint8)
    guess = random.integers(0, classes, truth.shape).astype(np.uint8)
    prediction = np.where(random.uniform(size=truth.shape) < 0.5, truth, guess)
    truth[random.uniform(size=truth.shape) < ignored] = IGNORE_LABEL
    return truth, prediction


def test_hand_computed_case():
    truth = np.array([[0, 0, 0, 1], [1, 1, 2, IGNORE_LABEL]], np.uint8)
    prediction = np.array([[0, 0, 1, 1], [1, 0, 2, 2]], np.uint8)
    confusion = confusion_matrix(truth, prediction, 3)
    assert confusion.tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 1]]
    scores = score(confusion)
    assert scores.iou.tolist() == [2 / 4, 2 / 4, 1.0]
    assert scores.mean_iou == pytest.approx(2 / 3)
    assert scores.pixel_accuracy == pytest.approx(5 / 7)
    assert scores.dice.tolist() == pytest.approx([4 / 6, 4 / 6, 1.0])
    assert scores.precision.tolist() == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert scores.recall.tolist() == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert scores.frequency_weighted_iou == pytest.approx((3 * 0.5 + 3 * 0.5 + 1) / 7)


@pytest.mark.parametrize("ignored", [0.0, 0.3])
@pytest.mark.parametrize("classes", [2, 5, 21, 254])
def test_agrees_with_scikit_learn(classes, ignored):
    truth, prediction = random_labels(classes, ignored=ignored)
    counts = truth != IGNORE_LABEL
    names = list(range(classes))
    confusion = confusion_matrix(truth, prediction, classes)
    expected = metrics.confusion_matrix(truth[counts], prediction[counts], labels=names)
    np.testing.assert_array_equal(confusion, expected)
    scores = score(confusion)
    jaccard = metrics.jaccard_score(truth[counts], prediction[counts], labels=names, average=None, zero_division=0)
    np.testing.assert_allclose(scores.iou, jaccard)
    assert scores.mean_iou == pytest.approx(jaccard.mean())
    assert scores.pixel_accuracy == pytest.approx(metrics.accuracy_score(truth[counts], prediction[counts]))
    for name, judged in (("dice", metrics.f1_score), ("precision", metrics.precision_score)):
        expected = judged(truth[counts], prediction[counts], labels=names, average=None, zero_division=np.nan)
        np.testing.assert_allclose(getattr(scores, name), expected)
    recall = metrics.recall_score(truth[counts], prediction[counts], labels=names, average=None, zero_division=np.nan)
    np.testing.assert_allclose(scores.recall, recall)
    weighted = metrics.jaccard_score(truth[counts], prediction[counts], labels=names, average="weighted")
    assert scores.frequency_weighted_iou == pytest.approx(weighted)


def test_score_of_summed_counts_is_not_the_mean_of_scores():
    parts = [np.array([[90, 0], [0, 1]]), np.array([[0, 10], [10, 0]])]
    summed = score(parts[0] + parts[1])
    assert summed.iou.tolist() == [90 / 110, 1 / 21]
    assert summed.mean_iou != pytest.approx(np.mean([score(part).mean_iou for part in parts]))


def test_absent_classes_are_not_counted_as_failures():
    scores = score(np.array([[8, 0, 2], [0, 0, 0], [0, 0, 10]]))
    assert np.isnan(scores.iou[1])
    assert scores.mean_iou == pytest.approx((8 / 10 + 10 / 12) / 2)


def test_a_class_that_is_only_predicted_scores_0_and_has_no_recall():
    scores = score(np.array([[8, 2], [0, 0]]))
    assert scores.iou.tolist() == [0.8, 0.0]
    assert scores.mean_iou == pytest.approx(0.4)
    assert scores.precision.tolist() == [1.0, 0.0]
    assert scores.recall[0] == 0.8
    assert np.isnan(scores.recall[1])
    assert scores.frequency_weighted_iou == pytest.approx(0.8)


def test_a_class_that_is_never_predicted_has_no_precision():
    scores = score(np.array([[8, 0], [2, 0]]))
    assert np.isnan(scores.precision[1])
    assert (scores.recall[1], scores.dice[1], scores.iou[1]) == (0, 0, 0)


def test_nothing_to_score():
    truth = np.full((4, 5), IGNORE_LABEL, np.uint8)
    scores = score(confusion_matrix(truth, np.zeros_like(truth), 3))
    assert np.isnan(scores.iou).all()
    assert np.isnan(scores.mean_iou)
    assert np.isnan(scores.pixel_accuracy)
    assert np.isnan(scores.frequency_weighted_iou)


def test_boundary_iou_is_iou_of_boundary_counts():
    # By class: pixels near the contour in both, in truth, in prediction. The last class has no contour.
    assert iou_of(np.array([[3, 0, 0], [4, 5, 0], [6, 5, 0]])).tolist()[:2] == [3 / 7, 0]
    assert np.isnan(iou_of(np.array([[3, 0], [4, 0], [6, 0]]))[1])


def test_counts_of_classes_give_the_iou_of_the_matrix():
    confusion = np.random.default_rng(0).integers(0, 9, (4, 4))
    assert class_counts(confusion).shape == (3, 4)
    np.testing.assert_allclose(iou_of(class_counts(confusion)), score(confusion).iou)


@pytest.mark.parametrize("label", [3, 4, 254])
def test_refuses_a_label_that_is_no_class(label):
    truth = np.array([0, 1, 2, label], np.uint8)
    with pytest.raises(ValueError, match=rf"labels \[.*{label}.*\] are neither one of 3 classes nor 255"):
        confusion_matrix(truth, np.zeros(4, np.uint8), 3)


def test_counts_do_not_overflow():
    # A split of 12-megapixel photos passes 2**31 pixels soon.
    confusion = np.array([[2**40, 0], [2**40, 2**40]], np.int64)
    assert score(confusion).iou.tolist() == [0.5, 0.5]
    assert confusion_matrix(np.zeros(4, np.uint8), np.zeros(4, np.uint8), 2).dtype == np.int64
