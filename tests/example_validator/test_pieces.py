"""The parts of the validator alone: chance, figures, references, and TFDV's own anomalies in words."""

import dataclasses

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.example_validator.comparison import COMPARED, MIN_PHOTOS, arm, threshold
from components.example_validator.figures import figures_of, percent
from components.example_validator.reference import find_reference, keep_reference, read_reference
from components.example_validator.rules import rules_for
from components.example_validator.validation import validate, with_derived
from components.example_validator.wording import describe
from schema import features
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("sky", (0, 0, 0)), LabelClass("plane", (255, 0, 0))), (), "sky")
SCHEMA = text_format.Parse(features.SCHEMA_FILE.read_text(encoding="utf-8"), schema_pb2.Schema())


def statistics(**values: np.ndarray) -> statistics_pb2.DatasetFeatureStatisticsList:
    """What TFDV counts of numeric features, by hand; Beam would take a second a call. Names have _ for /."""
    whole = statistics_pb2.DatasetFeatureStatisticsList()
    data = whole.datasets.add(num_examples=len(next(iter(values.values()))))
    for name, found in values.items():
        feature = data.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
        feature.path.step.append(name.replace("_", "/", 1))
        stats = feature.num_stats
        stats.mean, stats.max, stats.num_zeros = found.mean(), found.max(), int((found == 0).sum())
        common = stats.common_stats
        common.num_non_missing = common.tot_num_values = len(found)
        common.min_num_values = common.max_num_values = 1
        parts, edges = np.histogram(found, 10)
        quantiles = np.quantile(found, np.arange(11) / 10)
        for kind, bounds, counts in (
            (statistics_pb2.Histogram.STANDARD, edges, parts),
            (statistics_pb2.Histogram.QUANTILES, quantiles, np.full(10, len(found) / 10)),
        ):
            histogram = stats.histograms.add(type=kind)
            for low, high, count in zip(bounds[:-1], bounds[1:], counts, strict=True):
                histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
    return whole


def differing(first: np.ndarray, second: np.ndarray, name: str = "image_brightness") -> bool:
    one, other = statistics(**{name: first}), statistics(**{name: second})
    schema = with_derived(SCHEMA, [])
    arm(schema, "skew_comparator", figures_of(one), figures_of(other))
    reasons = tfdv.validate_statistics(one, schema, serving_statistics=other).anomaly_info.values()
    kind = anomalies_pb2.AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH
    return any(reason.type == kind for info in reasons for reason in info.reason)


@pytest.mark.parametrize(("first", "second"), [(20, 20), (80, 20), (200, 50)])
def test_parts_of_one_set_do_not_differ_by_chance(first, second):
    rng = np.random.default_rng(first)
    draws = [rng.normal(0.5, 0.15, first + second).clip(0, 1) for _ in range(60)]
    assert not any(differing(values[:first], values[first:]) for values in draws)


def test_a_strong_difference_is_seen_from_as_many_photos_as_are_compared():
    values = np.linspace(0.3, 0.7, MIN_PHOTOS)
    assert differing(values, values * 0.3)
    assert not differing(values[1:], values * 0.3)


def test_a_threshold_falls_with_the_number_of_photos():
    assert threshold(MIN_PHOTOS - 1, 1000) is None
    limits = [threshold(count, 10 * count) or 0 for count in (20, 50, 1000, 10**6)]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == pytest.approx(0.2, abs=0.01)


def test_sizes_that_hardly_differ_are_the_same_camera():
    width = np.full(50, 1000.0)
    one_odd = np.append(width[1:], 4000.0)
    assert not differing(width, width + 10, "image_width")
    assert not differing(width, one_odd, "image_width")
    assert differing(width, width * 1.5, "image_width")


def test_every_compared_feature_is_in_the_schema():
    assert set(COMPARED) <= {one.name for one in with_derived(SCHEMA, LABEL_MAP.names).feature}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.0004, "less than 0.1 %"),
        (0.004, "0.4 %"),
        (0.05, "5 %"),
        (0.314, "31 %"),
        (0.99, "99 %"),
        (0.9964, "99.6 %"),
        (0.99991, "more than 99.9 %"),
        (1, "100 %"),
    ],
)
def test_shares_in_words(share, words):
    assert percent(share) == words


def test_references_are_found_by_age_and_never_those_of_the_same_data(tmp_path):
    folder = str(tmp_path / "references")
    assert find_reference(folder, "a") == ""
    for number, data in enumerate("abc"):
        keep_reference(folder, data, {"train": statistics(x=np.array([float(number)]))})
    keep_reference(folder, "a", {"train": statistics(x=np.array([9.0]))})
    (tmp_path / "references" / "notes.txt").write_text("not a reference")
    assert find_reference(folder, "c") == "000002-b"
    assert find_reference(folder, "a") == find_reference(folder, "new") == "000003-c"
    assert read_reference(folder, "000001-a")["train"].datasets[0].features[0].num_stats.mean == 0


def test_an_interrupted_reference_is_written_anew(tmp_path):
    unfinished = tmp_path / ".a.tmp"
    unfinished.mkdir()
    (unfinished / "old.pb").write_text("half")
    keep_reference(str(tmp_path), "a", {"train": statistics(x=np.ones(3))})
    assert [path.name for path in tmp_path.iterdir()] == ["000001-a"]
    assert set(read_reference(str(tmp_path), "000001-a")) == {"train"}


def test_records_without_a_feature_are_an_error_in_words():
    given = {"train": statistics(image_brightness=np.full(5, 1.5)), "eval": statistics(image_brightness=np.ones(5))}
    found = validate("train", given, {}, SCHEMA, LABEL_MAP)
    errors = describe("train", found, anomalies_pb2.AnomalyInfo.ERROR)
    (missing,) = [line for line in errors if "(mask/encoded:" in line]
    assert missing.startswith("train split: no record has this feature")
    (bright,) = [line for line in errors if "(image/brightness:" in line]
    assert bright.startswith("train split: values are out of range")
    notable = describe("train", found, anomalies_pb2.AnomalyInfo.WARNING)
    assert any("the photos are nearly white" in line for line in set(notable) - set(errors))


def test_each_rule_speaks_once():
    # Words are how a rule is recognised among TFDV's findings.
    rows = {name: np.linspace(0.2, 0.6, 30) for name in ("mask_off_palette_fraction", "mask_uncertain_fraction")}
    more = ("image_brightness", "image_saturation", "object_fraction", "class_sky", "class_plane")
    figures = figures_of(statistics(**rows, **dict.fromkeys(more, np.linspace(0, 1, 30))))
    for split in ("train", "eval"):
        words = [rule.words for rule in rules_for(split, {"train": figures, "eval": figures}, LABEL_MAP)]
        assert len(words) == len(set(words)) > 8


def test_colours_of_no_palette_are_not_told_a_second_time_as_uncertain():
    half = statistics(mask_off_palette_fraction=np.full(5, 0.4), mask_uncertain_fraction=np.full(5, 0.4))
    told = describe("eval", validate("eval", {"eval": half}, {}, SCHEMA, LABEL_MAP), anomalies_pb2.AnomalyInfo.ERROR)
    assert any("no colour of the palette" in line for line in told)
    assert not any("midway" in line for line in told)


@pytest.mark.parametrize("zeros", [30, 29])
def test_rare_objects_are_told_with_their_number(zeros):
    figures = figures_of(statistics(object_fraction=np.linspace(0, 1, 30)))
    rare = dataclasses.replace(figures["object/fraction"], zeros=zeros)
    words = [rule.words for rule in rules_for("train", {"train": {"object/fraction": rare}}, LABEL_MAP)]
    assert any(
        ("none of 30 photos" if zeros == 30 else "1 of 30 photos show an object (3.3 %)") in one for one in words
    )
