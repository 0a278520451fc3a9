"""The compiled part of the search: which changes of a class map bring it nearer to its mask file, and making them."""

from __future__ import annotations

import numpy as np

from components.image_mask_example_gen.compiled import compiled
from components.image_mask_example_gen.mask_blocks import UNIT
from components.image_mask_example_gen.mask_misfit import NOWHERE, OUTSIDE, Misfit

_EDGE_COST = np.float32(2.0)
"""What each of the 8 neighbours of another colour costs, in the misfit's units: breaks ties at poor quality."""

_MIN_GAIN = np.float32(1e-3)

_CLEAR = 6.0
"""A decision is clear when every other colour of the neighbours costs that much more: odds of about 20 to 1."""

_REACH = 4
"""How far from a move others become worth a try, pixels."""

_PAIRS = ((0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0))
"""Where the second pixel of a pair is, rows and columns from the first."""


@compiled
def choose(misfit: Misfit, other: np.ndarray) -> None:
    """Takes over another guess in the squares of 16 x 16 pixels in which it explains the mask better.

    Args:
        misfit: A first guess; changed in place.
        other: uint8 [height, width]; the other guess.
    """
    before = misfit.labels.copy()
    for top in range(0, other.shape[0], UNIT):
        for left in range(0, other.shape[1], UNIT):
            cost = np.float32(0)
            for down in range(top, top + UNIT):
                for right in range(left, left + UNIT):
                    if misfit.labels[down + 1, right + 1] != other[down, right]:
                        cost += _cost_of_color(misfit, down, right, other[down, right], np.float32(1))
                        _paint(misfit, down, right, other[down, right])
            if cost > 0:
                for down in range(top, top + UNIT):
                    for right in range(left, left + UNIT):
                        if misfit.labels[down + 1, right + 1] != before[down + 1, right + 1]:
                            _paint(misfit, down, right, before[down + 1, right + 1])


@compiled
def unclear_pixels(misfit: Misfit, free: np.ndarray) -> np.ndarray:
    """Free pixels that another colour of their neighbours explains nearly as well, bool [height, width]."""
    result = np.zeros(free.shape, np.bool_)
    for place in np.flatnonzero(free):
        down, right = place // free.shape[1], place % free.shape[1]
        result[down, right] = _cheapest(misfit, down, right, np.float32(1), False)[0] < _CLEAR
    return result


@compiled
def change_strongest(misfit: Misfit, free: np.ndarray, factor: np.float32) -> np.ndarray:
    """Makes the changes that gain, strongest first; returns the free pixels near any of them."""
    down, right = np.nonzero(free)
    moves, gains = _moves(misfit, down, right, factor)
    near = np.zeros(free.shape, np.bool_)
    for number in np.argsort(-gains, kind="mergesort"):
        one, other = moves[number, :3], moves[number, 3:]
        alone = one[0] == other[0] and one[1] == other[1]
        # Moves before this one may have changed what it is worth.
        cost = _cost(misfit, one[0], one[1], one[2], factor)
        if not alone:
            cost += _cost(misfit, other[0], other[1], other[2], factor) + _cost_together(misfit, one, other)
        if -cost <= _MIN_GAIN:
            continue
        _paint(misfit, one[0], one[1], one[2])
        if not alone:
            _paint(misfit, other[0], other[1], other[2])
        for row, column, _ in (one, other):
            near[max(0, row - _REACH) : row + _REACH + 1, max(0, column - _REACH) : column + _REACH + 1] = True
    return near & free


@compiled
def _moves(misfit: Misfit, down: np.ndarray, right: np.ndarray, factor: np.float32) -> tuple:
    """What gains: row, column and colour of two pixels, equal where one changes alone, int32 [n, 6]; and the gains.

    Every pixel takes part with its cheapest change, alone or with one of its neighbours.
    """
    pixels = np.empty((len(down), 3), np.int32)
    costs = np.empty(len(down), np.float32)
    where = np.full((misfit.labels.shape[0] + 2, misfit.labels.shape[1] + 2), -1, np.int32)
    for one in range(len(down)):
        costs[one], label = _cheapest(misfit, down[one], right[one], factor, True)
        pixels[one, 0], pixels[one, 1], pixels[one, 2] = down[one], right[one], label
        # A change that its own slope speaks against gains in no pair.
        if (
            factor == 1
            and costs[one] < np.inf
            and _cost(misfit, down[one], right[one], label, np.float32(0)) < 4 * _EDGE_COST
        ):
            where[down[one] + 2, right[one] + 2] = one
    partners, gains = np.arange(len(down)), -costs
    for one in range(len(down)):
        if where[down[one] + 2, right[one] + 2] < 0:
            continue
        for shift in _PAIRS:
            other = where[down[one] + 2 + shift[0], right[one] + 2 + shift[1]]
            if other >= 0:
                cost = costs[one] + costs[other]
                cost += _cost_together(misfit, pixels[one], pixels[other])
                if -cost > max(gains[one], -costs[other], np.float32(0)) + _MIN_GAIN:
                    partners[one], gains[one] = other, -cost
    worth = np.flatnonzero(gains > _MIN_GAIN)
    return np.concatenate((pixels[worth], pixels[partners[worth]]), axis=1), gains[worth]


@compiled
def _cheapest(misfit: Misfit, down: int, right: int, factor: np.float32, everything: bool) -> tuple:
    """The cheapest change of a pixel: its cost, infinite where none is worth a try, and the colour.

    Colours of the neighbours are tried, and all others where the slope is steep enough for some to gain.

    Args:
        misfit: Before the change.
        down: The pixel's row.
        right: The pixel's column.
        factor: On the curvature.
        everything: Whether to try more than the neighbours' colours.
    """
    own = misfit.labels[down + 1, right + 1]
    best, chosen = np.float32(np.inf), own
    for place in range(9):
        label = misfit.labels[down + place // 3, right + place % 3]
        if label != own and label != chosen and label != OUTSIDE:
            cost = _cost(misfit, down, right, label, factor)
            if cost < best:
                best, chosen = cost, label
    if best > -_MIN_GAIN and everything:
        edges = _cost_of_edges(misfit, down, right, NOWHERE)
        if _least_cost(misfit, down, right, factor) + edges < -_MIN_GAIN:
            for label in range(len(misfit.colors)):
                cost = _cost_of_color(misfit, down, right, label, factor) + edges
                if cost < min(best, -_MIN_GAIN):
                    best, chosen = cost, np.uint8(label)
    return best, chosen


@compiled
def _cost(misfit: Misfit, down: int, right: int, label: int, factor: np.float32) -> np.float32:
    """What another colour costs a pixel."""
    return _cost_of_color(misfit, down, right, label, factor) + _cost_of_edges(misfit, down, right, label)


@compiled
def _cost_of_color(misfit: Misfit, down: int, right: int, label: int, factor: np.float32) -> np.float32:
    """What another colour costs a pixel, neighbours aside, with the curvature multiplied by a factor."""
    own = misfit.labels[down + 1, right + 1]
    total = np.float32(0)
    for plane in range(len(misfit.layout)):
        slope, bend = _slope_and_bend(misfit, plane, down, right)
        change = misfit.colors[label, plane] - misfit.colors[own, plane]
        total += change * (2 * slope + bend * factor * change)
    return total


@compiled
def _least_cost(misfit: Misfit, down: int, right: int, factor: np.float32) -> np.float32:
    """What no colour whatever could cost less than, neighbours aside."""
    total = np.float32(0)
    for plane in range(len(misfit.layout)):
        slope, bend = _slope_and_bend(misfit, plane, down, right)
        total -= slope * slope / (bend * factor)
    return total


@compiled
def _slope_and_bend(misfit: Misfit, plane: int, down: int, right: int) -> tuple:
    """A pixel's gradient and curvature."""
    halved, inner = misfit.layout[plane, 0], misfit.layout[plane, 1] - 1
    spare = misfit.layout[plane, 2]
    row, column = down >> halved, right >> halved
    slope = misfit.gradient[plane, row, column]
    row, column = row & inner, column & inner
    return slope, misfit.influence[plane, row * (inner + 1) + column, row + spare, column + spare]


@compiled
def _cost_of_edges(misfit: Misfit, down: int, right: int, label: int) -> np.float32:
    """What another colour costs for the sake of a pixel's neighbours."""
    own, edges = misfit.labels[down + 1, right + 1], -1
    for row in range(down, down + 3):
        for column in range(right, right + 3):
            edges += int(misfit.labels[row, column] == own) - int(misfit.labels[row, column] == label)
    return _EDGE_COST * edges


@compiled
def _cost_together(misfit: Misfit, first: tuple, second: tuple) -> np.float32:
    """What changing two pixels costs beyond the sum of what both changes cost alone.

    Args:
        misfit: Before the change.
        first: Row, column and new colour.
        second: The same of another pixel.
    """
    own, other = misfit.labels[first[0] + 1, first[1] + 1], misfit.labels[second[0] + 1, second[1] + 1]
    total = np.float32(0)
    for plane in range(len(misfit.layout)):
        halved, inner = misfit.layout[plane, 0], misfit.layout[plane, 1] - 1
        spare, side = misfit.layout[plane, 2], misfit.layout[plane, 3]
        row, column = first[0] >> halved, first[1] >> halved
        place = (row & inner) * (inner + 1) + (column & inner)
        row = (second[0] >> halved) - row + (row & inner) + spare
        column = (second[1] >> halved) - column + (column & inner) + spare
        if 0 <= row < side and 0 <= column < side:
            change = misfit.colors[first[2], plane] - misfit.colors[own, plane]
            change *= misfit.colors[second[2], plane] - misfit.colors[other, plane]
            total += 2 * misfit.influence[plane, place, row, column] * change
    if max(abs(first[0] - second[0]), abs(first[1] - second[1])) == 1:
        edges = int(first[2] != second[2]) - int(first[2] != other) - int(own != second[2]) + int(own != other)
        total += _EDGE_COST * edges
    return total


@compiled
def _paint(misfit: Misfit, down: int, right: int, label: int) -> None:
    """Changes a pixel and the gradients around it."""
    own = misfit.labels[down + 1, right + 1]
    misfit.labels[down + 1, right + 1] = label
    for plane in range(len(misfit.layout)):
        halved, inner = misfit.layout[plane, 0], misfit.layout[plane, 1] - 1
        spare, side = misfit.layout[plane, 2], misfit.layout[plane, 3]
        row, column = down >> halved, right >> halved
        place = (row & inner) * (inner + 1) + (column & inner)
        top, left = row - (row & inner) - spare, column - (column & inner) - spare
        first, last = max(0, left), min(left + side, misfit.gradient.shape[2] >> halved)
        change = misfit.colors[label, plane] - misfit.colors[own, plane]
        for row in range(max(0, top), min(top + side, misfit.gradient.shape[1] >> halved)):
            for column in range(first, last):
                misfit.gradient[plane, row, column] += change * misfit.influence[plane, place, row - top, column - left]
