"""The first look at the eval split."""

import itertools

import numpy as np
import pytest

from components.evaluator import survey
from components.evaluator.survey import ExtremePhoto, Survey


def photo(number, height=30, width=40):
    return ExtremePhoto(f"photo {number}".encode(), height, width, f"content {number}".encode())


def surveyed(photos, values=None):
    made = Survey()
    for one in photos:
        made.add(one, values(one) if values else {"height": float(one.height)})
    return made


SIZES = [(30, 40), (300, 400), (5, 7), (10, 200), (90, 3), (30, 40)]
PHOTOS = [photo(number, *size) for number, size in enumerate(SIZES)]


def test_photos_of_extreme_sizes():
    found = surveyed(PHOTOS).extremes
    sizes = {name: (one.height, one.width) for name, one in found.items()}
    assert sizes == {"smallest": (5, 7), "largest": (300, 400), "tallest": (90, 3), "widest": (10, 200)}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_order_and_grouping_of_photos_change_nothing(order):
    groups = [PHOTOS[:1], PHOTOS[1:4], PHOTOS[4:]]
    merged = Survey()
    for number in order:
        merged.merge(surveyed(groups[number]))
    at_once = surveyed(PHOTOS)
    assert (merged.photos, merged.extremes) == (6, at_once.extremes)
    assert merged.rules(5) == at_once.rules(5)


def test_memory_is_bounded_and_the_sample_is_the_same_in_any_order(monkeypatch):
    monkeypatch.setattr(survey, "SAMPLE", 50)
    many = [photo(number, 10 + number % 90) for number in range(1000)]
    made = Survey()
    largest = 0
    for one in many:
        made.add(one, {"height": float(one.height)})
        largest = max(largest, len(made.sample))
    assert largest <= 100
    made.trim()
    backwards = Survey()
    for part in np.array_split(np.arange(1000)[::-1], 7):
        backwards.merge(surveyed([many[number] for number in part]))
    assert made.photos == backwards.photos == 1000
    assert made.sample == backwards.sample
    assert len(made.sample) == 50


def test_features_that_no_photo_has_are_missing():
    assert surveyed(PHOTOS).missing(["height", "weather"]) == ["weather"]
    assert Survey().missing(["height"]) == ["height"]


def test_an_extreme_photo_survives_a_record():
    one = ExtremePhoto("Самолёт ✈".encode(), 3, 5, b"\x00\xff")
    assert ExtremePhoto.from_record(one.to_record()) == one
