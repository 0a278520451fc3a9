"""Photos and the slices they are in."""

import pytest
import tensorflow as tf

from components.evaluator.slices import OTHERS, slice_order, slice_rules, slice_values
from schema import features


def record(key="a/b/1", **values):
    example = tf.train.Example()
    held = example.features.feature
    held[features.IMAGE_KEY].bytes_list.value.append(key.encode())
    for name, value in values.items():
        feature = held[name.replace("_", "/", 1)]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.extend([value] if isinstance(value, float) else value)
    return example


def test_values_of_features_that_a_record_has():
    example = record(object_size="small", image_brightness=0.5, image_height=30, image_width=45)
    names = ["object/size", "image/brightness", "image/height", "image/aspect", "image/folder", "image/saturation"]
    assert slice_values(example, names) == {
        "object/size": "small",
        "image/brightness": 0.5,
        "image/height": 30.0,
        "image/aspect": 1.5,
        "image/folder": "a/b",
    }


def test_a_photo_in_no_folder_and_a_feature_of_many_values():
    example = record(key="7", mask_class_fraction=[0.5, 0.5])
    assert slice_values(example, ["image/folder", "mask/class_fraction"]) == {"image/folder": "."}


def test_numbers_are_cut_into_four_ranges_of_as_many_photos_each():
    values = [{"x": number / 100} for number in range(100)]
    rules = slice_rules(values, 3)
    words = [rules.of(one)[0] for one in values]
    ranges = list(dict.fromkeys(words))
    assert ranges == [
        ("x", "below 0.25"),
        ("x", "0.25 to 0.5"),
        ("x", "0.5 to 0.75"),
        ("x", "0.75 or more"),
    ]
    assert [words.count(one) for one in ranges] == [25, 25, 25, 25]


def test_a_value_on_a_bound_belongs_to_the_range_that_names_it_first():
    rules = slice_rules([{"x": float(number)} for number in (1, 2, 3, 4)], 3)
    bound = rules.edges["x"][0]
    assert rules.of({"x": bound})[0][1].startswith(f"{bound:g} to")


def test_values_of_words_that_are_rare_share_a_slice():
    sample = [{"w": word} for word in ["rain"] * 5 + ["sun"] * 4 + ["fog"] * 3 + ["hail", "snow"]]
    rules = slice_rules(sample, 3)
    assert [rules.of({"w": word}) for word in ("rain", "fog", "hail", "never seen")] == [
        [("w", "rain")],
        [("w", "fog")],
        [("w", OTHERS)],
        [("w", OTHERS)],
    ]


def test_a_feature_like_a_key_gives_a_bounded_number_of_slices():
    sample = [{"w": str(number)} for number in range(500)]
    rules = slice_rules(sample, 4)
    assert len({rules.of(one)[0] for one in sample}) == 5


@pytest.mark.parametrize("value", ["same", 0.5])
def test_a_feature_with_one_value_makes_no_slices(value):
    rules = slice_rules([{"f": value}] * 9, 4)
    assert rules.of({"f": value}) == []


def test_two_numbers_make_two_slices():
    rules = slice_rules([{"f": 375.0}] * 3 + [{"f": 500.0}] * 9, 4)
    assert {rules.of({"f": value})[0][1] for value in (375.0, 500.0)} == {"below 500", "500 or more"}


def test_no_photos_make_no_slices():
    assert slice_rules([], 4).of({"f": 1.0}) == []


@pytest.mark.parametrize(
    ("feature", "ascending"),
    [
        ("object/size", ["none", "small", "medium", "large"]),
        ("image/width", ["below 90", "90 to 100", "100 to 1e+03", "1e+03 or more"]),
        ("image/folder", ["a to z", "below", "rain or more", "x", OTHERS]),
    ],
)
def test_slices_are_shown_in_an_order_that_people_expect(feature, ascending):
    mixed = [ascending[-1], *ascending[:-1]]
    assert sorted(mixed, key=lambda value: slice_order(feature, value)) == ascending
