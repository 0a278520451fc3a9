"""Beam sums resamples; the intervals are those of the photos whatever the bundles."""

import numpy as np
import pytest

from components.evaluator.noise import Resample, read_intervals
from components.evaluator.photo_counts import PhotoCounts
from components.metrics.bootstrap import Replicates, intervals, replicate_ious
from components.metrics.iou import class_counts

RESAMPLES = 200


def photos(count, *, with_baseline):
    random = np.random.default_rng(5)
    made = []
    for number in range(count):
        candidate, baseline = random.integers(1, 60, (2, 2, 2))
        slices = [("image/folder", "a" if number % 3 else "b")]
        made.append(PhotoCounts(f"{number}".encode(), slices, candidate, baseline if with_baseline else None))
    return made


def combined(photos, bundles=1):
    """As Beam's runners do: bundles apart, accumulators compacted, merged in any order."""
    combine = Resample(RESAMPLES)
    parts = []
    for bundle in range(bundles):
        accumulator = combine.create_accumulator()
        for photo in photos[bundle::bundles]:
            accumulator = combine.add_input(accumulator, photo)
        parts.append(combine.compact(accumulator))
    merged = combine.merge_accumulators([*parts[::-1], combine.create_accumulator()])
    return read_intervals(combine.extract_output(merged))


@pytest.mark.parametrize("bundles", [1, 4])
def test_intervals_of_both_models_and_of_their_paired_difference(bundles):
    many = photos(150, with_baseline=True)
    found = combined(many, bundles)
    assert set(found) == {"all photos", "image/folder = a", "image/folder = b"}
    chosen = [photo for photo in many if photo.slices[0][1] == "b"]
    expected = Replicates(RESAMPLES)
    counts = np.stack([[class_counts(one.candidate), class_counts(one.baseline)] for one in chosen])
    expected.add([one.key for one in chosen], [["b"]] * len(chosen), counts)
    candidate, baseline = (replicate_ious(expected.sums["b"][:, model]) for model in range(2))
    assert found["image/folder = b"].candidate == intervals(candidate, 50)
    assert found["image/folder = b"].baseline == intervals(baseline, 50)
    assert found["image/folder = b"].change == intervals(candidate - baseline, 50)


def test_without_a_baseline_there_is_no_difference():
    found = combined(photos(5, with_baseline=False))["all photos"]
    assert found.baseline is None
    assert found.change is None
    assert found.candidate.mean_iou[0] < found.candidate.mean_iou[1]


def test_a_slice_of_one_photo_has_no_interval():
    found = combined(photos(1, with_baseline=False))["image/folder = b"].candidate
    assert found.mean_iou is None
    assert found.iou == [None, None]


def test_no_photos_give_no_intervals():
    assert combined([]) == {}
