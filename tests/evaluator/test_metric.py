import itertools
import math

import numpy as np
import pytest
from tensorflow_model_analysis import metrics as tfma_metrics

from components.evaluator import names
from components.evaluator.metric import SegmentationScores
from components.metrics.iou import score

CLASSES = ["sky", "plane", "car"]
MODEL = "candidate"


def combiner_of(*model_names):
    """The computations' combiners by model, built as TFMA builds them from the configuration."""
    computations = SegmentationScores(class_names=CLASSES).computations(model_names=list(model_names))
    return [computation.combiner for computation in computations]


def boundary_of(confusion):
    """Any counts will do: a third of the pixels lie near contours, where truth and prediction hold one each."""
    matrix = np.asarray(confusion)
    return np.stack([np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)]) // 3


def counts_of(confusion):
    matrix = np.asarray(confusion)
    return {"confusion": matrix.reshape(-1), "boundary": boundary_of(matrix).reshape(-1), "pixels": matrix.sum()}


def photo(confusion, *, model=MODEL, other=None):
    """What TFMA hands over for one photo: flat counts, by model where there are two."""
    predictions = {model: counts_of(confusion)}
    if other is not None:
        predictions["baseline"] = counts_of(other)
        return tfma_metrics.StandardMetricInputs(predictions=predictions)
    return tfma_metrics.StandardMetricInputs(predictions=predictions[model])


def random_confusions(count):
    return np.random.default_rng(0).integers(0, 50, (count, 3, 3))


def add_all(combiner, elements):
    accumulator = combiner.create_accumulator()
    for element in elements:
        accumulator = combiner.add_input(accumulator, element)
    return accumulator


def extract(combiner, accumulator):
    """Values by metric name."""
    return {key.name: value for key, value in combiner.extract_output(accumulator).items()}


def assert_scores_of(values, summed, photos):
    expected = score(summed)
    assert values["mean_iou"] == pytest.approx(expected.mean_iou)
    assert values["pixel_accuracy"] == pytest.approx(expected.pixel_accuracy)
    assert values["photos"] == photos
    np.testing.assert_array_equal(values["confusion"], summed)
    for name, iou in zip(CLASSES, expected.iou, strict=True):
        assert values[f"iou/{name}"] == pytest.approx(iou)
    for name in ("dice", "precision", "recall"):
        assert values[f"mean_{name}"] == pytest.approx(np.nanmean(getattr(expected, name)))
    assert values["frequency_weighted_iou"] == pytest.approx(expected.frequency_weighted_iou)


def test_values_are_the_scores_of_the_summed_counts():
    (combiner,) = combiner_of(MODEL)
    confusions = random_confusions(5)
    values = extract(combiner, add_all(combiner, map(photo, confusions)))
    assert set(values) == set(names.all_metrics(CLASSES))
    assert_scores_of(values, confusions.sum(axis=0), 5)
    assert values["mean_iou"] != pytest.approx(np.mean([score(one).mean_iou for one in confusions]))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_bundles_may_be_merged_in_any_order(order):
    (combiner,) = combiner_of(MODEL)
    confusions = random_confusions(6)
    bundles = [confusions[:1], confusions[1:4], confusions[4:]]
    accumulators = [add_all(combiner, map(photo, bundles[number])) for number in order]
    # Runners also merge accumulators that hold nothing.
    merged = combiner.merge_accumulators([*accumulators, combiner.create_accumulator()])
    assert_scores_of(extract(combiner, merged), confusions.sum(axis=0), 6)


def test_merging_leaves_the_parts_unchanged():
    (combiner,) = combiner_of(MODEL)
    accumulator = add_all(combiner, map(photo, random_confusions(2)))
    before = [part.copy() for part in accumulator[:2]]
    combiner.merge_accumulators([accumulator, accumulator])
    combiner.add_input(accumulator, photo(np.ones((3, 3), int)))
    for part, earlier in zip(accumulator, before, strict=False):
        np.testing.assert_array_equal(part, earlier)


def test_two_models_are_told_apart():
    candidate, baseline = combiner_of(MODEL, "baseline")
    ours, theirs = random_confusions(2)
    elements = [photo(ours, other=theirs)] * 2
    assert_scores_of(extract(candidate, add_all(candidate, elements)), ours * 2, 2)
    assert_scores_of(extract(baseline, add_all(baseline, elements)), theirs * 2, 2)
    output = candidate.extract_output(candidate.create_accumulator())
    assert {key.model_name for key in output} == {MODEL}


def test_keys_are_those_that_thresholds_look_for():
    (computation,) = SegmentationScores(class_names=CLASSES).computations(model_names=[MODEL])
    (combiner,) = combiner_of(MODEL)
    assert set(computation.keys) == set(combiner.extract_output(combiner.create_accumulator()))
    assert all(key.example_weighted is None for key in computation.keys)


def test_a_class_without_pixels_has_no_score():
    (combiner,) = combiner_of(MODEL)
    values = extract(combiner, add_all(combiner, [photo([[3, 1, 0], [0, 4, 0], [0, 0, 0]])]))
    assert math.isnan(values["iou/car"])
    assert values["mean_iou"] == pytest.approx((3 / 4 + 4 / 5) / 2)


def test_large_counts_do_not_overflow():
    (combiner,) = combiner_of(MODEL)
    confusion = np.zeros((3, 3), np.int64)
    confusion[0, 0] = 2**31
    values = extract(combiner, add_all(combiner, [photo(confusion)] * 4))
    assert values["confusion"][0, 0] == 2**33


def test_boundary_iou_is_that_of_summed_counts():
    (combiner,) = combiner_of(MODEL)
    confusions = random_confusions(4)
    values = extract(combiner, add_all(combiner, map(photo, confusions)))
    summed = sum(boundary_of(one) for one in confusions)
    np.testing.assert_array_equal(values["boundary"], summed)
    assert values["mean_boundary_iou"] == pytest.approx(np.mean(summed[0] / (summed[1] + summed[2] - summed[0])))


def test_a_model_that_is_older_than_boundary_counts_has_all_other_scores():
    (combiner,) = combiner_of(MODEL)
    counts = random_confusions(1)[0]
    older = tfma_metrics.StandardMetricInputs(predictions={"confusion": counts.reshape(-1), "pixels": counts.sum()})
    values = extract(combiner, add_all(combiner, [older]))
    assert_scores_of(values, counts, 1)
    assert math.isnan(values["mean_boundary_iou"])
