"""Intervals are those that the theory of the bootstrap gives, whatever the order and the grouping of photos."""

import numpy as np
import pytest

from components.metrics.bootstrap import Replicates, intervals, photo_weights, replicate_ious
from components.metrics.iou import class_counts, iou_of, known_mean

RESAMPLES = 1000


def photos(count, *, quality=0.8, seed=0):
    """Keys and confusion matrices of photos of two classes, some better than others."""
    random = np.random.default_rng(seed)
    right = random.beta(20 * quality, 20 * (1 - quality), (count, 2))
    pixels = random.integers(200, 2000, (count, 2))
    hits = np.round(right * pixels).astype(int)
    matrices = np.zeros((count, 2, 2), int)
    matrices[:, [0, 1], [0, 1]], matrices[:, [0, 1], [1, 0]] = hits, pixels - hits
    return [f"{seed}/{number}".encode() for number in range(count)], matrices


def counts_of(*models):
    """[photos, models, 3, classes]."""
    return np.stack([np.stack([class_counts(one) for one in matrices]) for matrices in models], axis=1)


def added(keys, counts, slices=None):
    made = Replicates(RESAMPLES)
    made.add(keys, slices or [["all"]] * len(keys), counts)
    return made


def test_weights_are_poisson_numbers_of_mean_1_independent_of_each_other():
    weights = np.stack([photo_weights(f"{number}".encode(), RESAMPLES) for number in range(400)])
    shares = np.bincount(weights.ravel(), minlength=6)[:6] / weights.size
    np.testing.assert_allclose(shares, [0.3679, 0.3679, 0.1839, 0.0613, 0.0153, 0.0031], atol=0.003)
    between_photos, between_resamples = np.corrcoef(weights[:50]), np.corrcoef(weights[:, :50].T)
    for correlations, samples in ((between_photos, RESAMPLES), (between_resamples, 400)):
        assert np.abs(correlations - np.eye(50)).max() < 5 / np.sqrt(samples)


def test_a_photo_has_the_same_weights_everywhere_and_another_photo_others():
    assert photo_weights(b"a/1", 50).tolist() == photo_weights(b"a/1", 50).tolist()
    assert photo_weights(b"a/1", 50).tolist() != photo_weights(b"a/2", 50).tolist()
    # Known numbers: an interval must not change with the version of a library.
    assert photo_weights(b"a/1", 12).tolist() == [0, 1, 1, 3, 1, 1, 2, 1, 2, 2, 0, 0]


def test_sums_are_those_of_drawing_each_photo_as_often_as_its_weight_says():
    keys, matrices = photos(7)
    counts = counts_of(matrices)
    sums = added(keys, counts).sums["all"]
    for resample in (0, 17, RESAMPLES - 1):
        drawn = sum(int(photo_weights(key, RESAMPLES)[resample]) * one for key, one in zip(keys, counts, strict=True))
        np.testing.assert_array_equal(sums[resample], drawn)


def test_order_and_grouping_of_photos_change_nothing():
    keys, matrices = photos(20)
    counts, slices = counts_of(matrices), [["all", f"part {number % 3}"] for number in range(20)]
    at_once = added(keys, counts, slices)
    merged = Replicates(RESAMPLES)
    for part in ([3, 1, 2], [0], list(range(19, 3, -1))):
        merged.merge(added([keys[n] for n in part], counts[part], [slices[n] for n in part]))
    assert merged.photos == at_once.photos == {"all": 20, "part 0": 7, "part 1": 7, "part 2": 6}
    for name, sums in at_once.sums.items():
        np.testing.assert_array_equal(merged.sums[name], sums)


def test_merging_leaves_the_parts_unchanged():
    keys, matrices = photos(3)
    one, other = added(keys, counts_of(matrices)), added(keys, counts_of(matrices))
    before = other.sums["all"].copy()
    fresh = Replicates(RESAMPLES)
    fresh.merge(other)
    fresh.merge(one)
    np.testing.assert_array_equal(other.sums["all"], before)


def test_the_interval_agrees_with_resampling_the_list_of_photos():
    keys, matrices = photos(60)
    ious = replicate_ious(added(keys, counts_of(matrices)).sums["all"][:, 0])
    found = intervals(ious, 60)
    random = np.random.default_rng(1)
    drawn = [matrices[random.integers(0, 60, 60)].sum(axis=0) for _ in range(4000)]
    plain = np.array([iou_of(class_counts(one)) for one in drawn])
    expected = np.quantile(plain.mean(axis=1), [0.025, 0.975])
    width = expected[1] - expected[0]
    np.testing.assert_allclose(found.mean_iou, expected, atol=0.12 * width)
    for number in range(2):
        expected = np.quantile(plain[:, number], [0.025, 0.975])
        np.testing.assert_allclose(found.iou[number], expected, atol=0.12 * (expected[1] - expected[0]))


def test_about_95_of_100_intervals_hold_the_truth():
    # The truth is the IoU of many more photos of the same kind.
    truth = known_mean(iou_of(class_counts(photos(200_000, seed=99)[1].sum(axis=0))))
    held = 0
    for seed in range(100):
        keys, matrices = photos(60, seed=seed)
        low, high = intervals(replicate_ious(added(keys, counts_of(matrices)).sums["all"][:, 0]), 60).mean_iou
        held += low <= truth <= high
    assert 88 <= held <= 99


def test_a_paired_difference_is_known_better_than_either_model():
    # The second model is a little worse on every photo: both vary from photo to photo, their difference hardly does.
    keys, matrices = photos(40)
    worse = matrices.copy()
    worse[:, 0] = np.stack([matrices[:, 0, 0] * 97 // 100, matrices[:, 0].sum(1) - matrices[:, 0, 0] * 97 // 100], 1)
    sums = added(keys, counts_of(matrices, worse)).sums["all"]
    candidate, baseline = replicate_ious(sums[:, 0]), replicate_ious(sums[:, 1])
    low, high = intervals(baseline - candidate, 40).mean_iou
    one_low, one_high = intervals(candidate, 40).mean_iou
    assert high < 0
    assert high - low < 0.3 * (one_high - one_low)


def test_a_class_in_few_photos_and_one_in_none():
    keys, _ = photos(10)
    matrices = np.zeros((10, 3, 3), int)
    matrices[:, 0, 0] = 5
    matrices[0, 1, 1] = 3
    found = intervals(replicate_ious(added(keys, counts_of(matrices)).sums["all"][:, 0]), 10)
    # Resamples without the photo say nothing of its class, and nothing at all is known of the third.
    assert found.iou == [(1.0, 1.0), (1.0, 1.0), None]
    assert found.mean_iou == (1.0, 1.0)


@pytest.mark.parametrize(("count", "expected"), [(1, None), (2, (1.0, 1.0))])
def test_one_photo_gives_no_interval(count, expected):
    ious = np.ones((RESAMPLES, 2))
    assert intervals(ious, count).mean_iou == expected
