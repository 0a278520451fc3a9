"""Areas that differ in nothing but their hatching can be told apart, and only areas that get one are touched."""

import numpy as np

from components.report.hatching import INK, KINDS, hatched, kind_of


def test_an_area_gets_an_outline_and_its_neighbour_none():
    values = np.zeros((20, 20), np.uint8)
    values[5:15, 5:15] = 1
    drawn = hatched(values, {1: 0})
    expected = values.copy()
    expected[5:15, 5:15] = INK
    expected[6:14, 6:14] = 1
    np.testing.assert_array_equal(drawn, expected)
    np.testing.assert_array_equal(hatched(values, {}), values)


def test_thin_areas_keep_their_colour_without_an_outline():
    values = np.zeros((20, 20), np.uint8)
    values[:, 7:9] = 1
    assert (hatched(values, {1: 0})[:, 7:9] == INK).all()
    assert (hatched(values, {1: 1}, outlined=False)[:, 7:9] == 1).mean() > 0.7


def test_every_hatching_is_a_pattern_of_its_own_that_leaves_most_of_the_colour():
    inked = [hatched(np.ones((90, 90), np.uint8), {1: kind}) == INK for kind in range(KINDS)]
    assert not inked[0].any()
    assert all(0.05 < one.mean() < 0.25 for one in inked[1:])
    assert len({one.tobytes() for one in inked}) == KINDS


def test_classes_of_one_colour_differ_in_their_hatching():
    # The palette has seven colours: with a tint it comes again for classes 7, 14, ... places apart.
    assert len({kind_of(place) for place in range(0, 7 * KINDS, 7)}) == KINDS
