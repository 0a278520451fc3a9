"""Finds the class map that explains a mask best, by changing one or two pixels here and there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.image_mask_example_gen.mask_models import Model

_EDGE_COST = 2.0
"""What each of the 8 neighbours of another colour costs, in the model's units: breaks ties at poor quality."""

_MIN_GAIN = 1e-3

_CLEAR = 6.0
"""A decision is clear when every other colour of the neighbours costs that much more: odds of about 20 to 1."""

_FEW = 8
"""So few changes in a round are not worth another."""

_OUTSIDE = 255


@dataclass(frozen=True)
class Schedule:
    """How the search goes.

    Attributes:
        rounds: Rounds at most.
        caution: Factor on the curvature in the first rounds. Neighbours along an edge are wrong together and change
            together; above 1 allows for that.
        cautious_rounds: Rounds in which the factor falls to 1, and in which only single pixels change.
        reach: How far from a change others become worth a try, pixels.
    """

    rounds: int
    caution: float
    cautious_rounds: int
    reach: int

    def factor(self, number: int) -> float:
        """The factor of a round."""
        return self.caution ** max(0.0, 1 - number / self.cautious_rounds) if self.cautious_rounds else 1.0


def descend(model: Model, labels: np.ndarray, free: np.ndarray, colors: np.ndarray, schedule: Schedule) -> np.ndarray:
    """Changes labels as long as that brings them nearer to the mask.

    Args:
        model: Says what a change does.
        labels: uint8 [height, width]; colour indices, sides are multiples of `UNIT`. Changed in place.
        free: bool like it; the pixels that may change.
        colors: float32 [colours, planes]; the palette in luma and chroma.
        schedule: How far to go.

    Returns:
        bool like `labels`; pixels whose decision is not clear: another colour nearby explains them nearly as well.
    """
    search = _Search(model, labels, colors)
    everywhere = np.flatnonzero(free)
    places = everywhere
    for number in range(schedule.rounds):
        if not len(places):
            break
        factor = schedule.factor(number)
        changed = search.round(places, factor)
        if factor > 1:
            continue
        if len(changed) < _FEW:
            break
        places = _beside(places, changed, labels.shape, schedule.reach)
    return search.unclear(everywhere)


class _Search:
    """The labels, and the changes that are worth a try."""

    def __init__(self, model: Model, labels: np.ndarray, colors: np.ndarray):
        self._model = model
        self._labels = labels
        self._colors = np.ascontiguousarray(colors.T)
        width = labels.shape[1] + 2
        self._padded = np.pad(labels, 1, constant_values=_OUTSIDE)
        self._gains = np.zeros(self._padded.size, np.float32)
        self._rows = np.full(self._padded.size, -1, np.int32)
        self._around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
        self._pairs = (1, 2, width - 1, width, width + 1, 2 * width)
        self._apart = (colors[:, None] - colors[None]) ** 2

    def round(self, places: np.ndarray, factor: float) -> np.ndarray:
        """Changes what gains; returns the pixels that would gain, changed or not."""
        slope, bend = self._model.gradient(self._labels, places), self._model.curvature(places) * factor
        kept, steep = self._worth_a_try(slope, bend, places)
        slope, bend, places = slope[:, kept], bend[:, kept], places[kept]
        cost, label = self._among_neighbours(slope, bend, places)
        if factor > 1:
            places, label = places[cost < -_MIN_GAIN], label[cost < -_MIN_GAIN]
            self._set(places, label)
            return places
        self._try_all(slope, bend, places, steep[cost[steep] > -_MIN_GAIN], cost, label)
        # A change that its own slope speaks against gains in no pair.
        change = self._colors[:, label] - self._colors[:, self._labels.ravel()[places]]
        kept = np.flatnonzero(cost < (bend * change * change).sum(axis=0) + 4 * _EDGE_COST)
        return self._change_strongest(places[kept], cost[kept], label[kept])

    def unclear(self, places: np.ndarray) -> np.ndarray:
        """Pixels that another colour of their neighbours explains nearly as well."""
        result = np.zeros(self._labels.shape, bool)
        if len(places):
            slope, bend = self._model.gradient(self._labels, places), self._model.curvature(places)
            result.ravel()[places] = self._among_neighbours(slope, bend, places)[0] < _CLEAR
        return result

    def _worth_a_try(self, slope: np.ndarray, bend: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the pixels at edges or on steep slopes, and which of these rows are steep."""
        power = sum(one * one / other for one, other in zip(slope, bend, strict=True))
        least = self._apart @ bend.min(axis=1)
        np.fill_diagonal(least, np.inf)
        # A change gains, edges aside, only where the slope is half as high as the curvature makes the way.
        steep = power >= (least.min(axis=1) / 4)[self._labels.ravel()[places]]
        kept = np.flatnonzero(steep | self._at_edges()[places])
        return kept, np.flatnonzero(steep[kept])

    def _at_edges(self) -> np.ndarray:
        """Whether some of the 8 neighbours of each pixel has another colour, bool [pixels]."""
        height, width = self._labels.shape
        result = np.zeros(self._labels.shape, bool)
        for down in range(3):
            for right in range(3):
                result |= self._padded[down : down + height, right : right + width] != self._labels
        return result.ravel()

    def _among_neighbours(
        self, slope: np.ndarray, bend: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The cheapest change to a neighbour's colour: its cost, infinite where there is none, and the colour."""
        around = self._padded.ravel()[self._inside(places) + self._around[:, None]]
        own = self._labels.ravel()[places]
        cost, best = np.full(len(places), np.inf, np.float32), own.copy()
        kin = (around == own).sum(axis=0, dtype=np.int8)
        left = (around != own) & (around != _OUTSIDE)
        for number, label in enumerate(around):
            rows = np.flatnonzero(left[number])
            label = label[rows]
            same = around[:, rows] == label
            left[:, rows] &= ~same
            change = self._change(slope[:, rows], bend[:, rows], own[rows], label)
            change += _EDGE_COST * (kin[rows] - same.sum(axis=0, dtype=np.int8))
            better = change < cost[rows]
            cost[rows[better]], best[rows[better]] = change[better], label[better]
        return cost, best

    def _try_all(
        self,
        slope: np.ndarray,
        bend: np.ndarray,
        places: np.ndarray,
        rows: np.ndarray,
        cost: np.ndarray,
        best: np.ndarray,
    ) -> None:
        """Tries colours that no neighbour need have in some rows, and improves costs and colours in place."""
        around = self._padded.ravel()[self._inside(places[rows]) + self._around[:, None]]
        own = self._labels.ravel()[places[rows]]
        kin = _EDGE_COST * (around == own).sum(axis=0, dtype=np.int8)
        slope, bend = slope[:, rows], bend[:, rows]
        for label in range(self._colors.shape[1]):
            change = self._change(slope, bend, own, label) + kin
            better = (change < cost[rows]) & (own != label)
            cost[rows[better]], best[rows[better]] = change[better], label

    def _change(self, slope: np.ndarray, bend: np.ndarray, own: np.ndarray, label: np.ndarray | int) -> np.ndarray:
        """What changing colours costs, neighbours aside."""
        total = np.zeros(slope.shape[1], np.float32)
        for colors, one, other in zip(self._colors, slope, bend, strict=True):
            change = colors[label] - colors[own]
            total += change * (2 * one + other * change)
        return total

    def _change_strongest(self, places: np.ndarray, cost: np.ndarray, label: np.ndarray) -> np.ndarray:
        """Makes the changes, alone or in pairs, that gain no less than any beside them; returns all that gain."""
        first, second, gain = self._moves(places, cost, label)
        inside = self._inside(places)
        np.maximum.at(self._gains, inside[first], gain)
        np.maximum.at(self._gains, inside[second], gain)
        strongest = np.ones(len(first), bool)
        for end in (first, second):
            for shift in (0, *self._around):
                strongest &= gain >= self._gains[inside[end] + shift]
        self._gains[inside] = 0
        chosen = np.concatenate([first[strongest], second[strongest]])
        self._set(places[chosen], label[chosen])
        return places[np.concatenate([first, second])]

    def _moves(
        self, places: np.ndarray, cost: np.ndarray, label: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Changes that gain: rows of their two pixels, equal for one pixel alone, and the gain."""
        own = self._labels.ravel()[places]
        change = self._colors[:, label] - self._colors[:, own]
        inside = self._inside(places)
        alone = np.flatnonzero(cost < -_MIN_GAIN)
        moves = [(alone, alone, -cost[alone])]
        self._rows[inside] = np.arange(len(places))
        coupling = self._model.coupling(places)
        for shift in self._pairs:
            other = self._rows[np.minimum(inside + shift, self._rows.size - 1)]
            one = np.flatnonzero(other >= 0)
            other = other[one]
            total = cost[one] + cost[other]
            for plane, values in enumerate(coupling(one, other)):
                total += 2 * values * change[plane, one] * change[plane, other]
            if shift in self._around:
                total += _EDGE_COST * _between(own[one], own[other], label[one], label[other])
            good = total < np.minimum(np.minimum(cost[one], cost[other]), 0) - _MIN_GAIN
            moves.append((one[good], other[good], -total[good]))
        self._rows[inside] = -1
        first, second, gain = (np.concatenate(column) for column in zip(*moves, strict=True))
        return first, second, gain

    def _set(self, places: np.ndarray, values: np.ndarray) -> None:
        self._labels.ravel()[places] = values
        self._padded.ravel()[self._inside(places)] = values

    def _inside(self, places: np.ndarray) -> np.ndarray:
        """The pixels' numbers in the padded labels."""
        width = self._labels.shape[1]
        return places + width + 3 + 2 * (places // width)


def _between(own: np.ndarray, other: np.ndarray, new: np.ndarray, other_new: np.ndarray) -> np.ndarray:
    """Edges between two neighbours that change together, less what their changes alone have counted."""
    return (new != other_new) * 1.0 - (new != other) - (own != other_new) + (own != other)


def _beside(places: np.ndarray, changed: np.ndarray, size: tuple[int, ...], reach: int) -> np.ndarray:
    """The pixels at most so many rows and columns from something that gained."""
    moving = np.zeros(size, bool)
    moving.ravel()[changed] = True
    wide = moving.copy()
    for shift in range(1, reach + 1):
        wide[shift:] |= moving[:-shift]
        wide[:-shift] |= moving[shift:]
    moving = wide.copy()
    for shift in range(1, reach + 1):
        moving[:, shift:] |= wide[:, :-shift]
        moving[:, :-shift] |= wide[:, shift:]
    return places[moving.ravel()[places]]
