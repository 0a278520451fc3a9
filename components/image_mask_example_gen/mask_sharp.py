"""Explains a mask that was drawn sharp and stored as JPEG."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.image_mask_example_gen.mask_blocks import (
    BLOCK,
    UNIT,
    as_stored,
    from_blocks,
    halve,
    mixing_of,
    to_blocks,
    to_squares,
)
from components.image_mask_example_gen.mask_models import Coupling
from components.image_mask_example_gen.mask_planes import Planes

_UNKNOWN_STEP = 8.0


class SharpModel:
    """Masks without blur: what differs is what the JPEG's quantisation took away.

    Squares of 16 x 16 pixels do not touch each other, so only those with asked pixels are worked on. The difference
    is weighed frequency by frequency, by the steps of the quantisation: a coarse step says little.
    """

    def __init__(self, planes: Planes, colors: np.ndarray, free: np.ndarray):
        """Prepares a model.

        Args:
            planes: Padded to whole squares. Where they are from no JPEG, a middling one is assumed.
            colors: float32 [colours, planes]; the palette in luma and chroma.
            free: bool [height, width]; the pixels that will be asked for.
        """
        tables = np.full((3, BLOCK**2), _UNKNOWN_STEP) if planes.tables is None else planes.tables
        self._colors = colors
        self._width = planes.luma.shape[1]
        self._across = self._width // UNIT
        sources = planes.all
        self._halved = [False, planes.halved, planes.halved][: len(sources)]
        self._mixing = [mixing_of(table) for table in tables[: len(sources)]]
        active = to_squares(free, UNIT).any(axis=(1, 2))
        self._number = np.cumsum(active) - 1
        self._stored = []
        for source, halved, table in zip(sources, self._halved, tables, strict=False):
            blocks = to_blocks(to_squares(source, UNIT // (1 + halved))[active].astype(np.float32) - 128)
            self._stored.append(blocks if planes.tables is None else as_stored(blocks, table))
        grid = np.arange(UNIT)
        self._inside = (grid[:, None] * self._width + grid).ravel()
        self._squares = np.flatnonzero(active)

    def gradient(self, labels: np.ndarray, places: np.ndarray) -> np.ndarray:
        """See `Model`."""
        squares, rows, inside = self._locate(places)
        painted = self._paint(labels, squares)
        result = np.empty((len(self._stored), len(places)), np.float32)
        for plane, stored in enumerate(self._stored):
            values = (self._colors[:, plane] - 128)[painted]
            slope = self._slope(values, stored[self._number[squares]], plane)
            result[plane] = slope.reshape(len(squares), -1)[rows, inside]
        return result

    def _paint(self, labels: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """The labels of some squares, [squares, 16, 16]."""
        corners = squares // self._across * UNIT * self._width + squares % self._across * UNIT
        return labels.ravel()[corners[:, None] + self._inside].reshape(-1, UNIT, UNIT)

    def curvature(self, places: np.ndarray) -> np.ndarray:
        """See `Model`."""
        inside = self._locate(places)[2]
        values = []
        for halved, mixing in zip(self._halved, self._mixing, strict=True):
            own = np.diag(mixing).reshape(BLOCK, BLOCK)
            square = own.repeat(2, 0).repeat(2, 1) / 16 if halved else np.tile(own, (2, 2))
            values.append(square.ravel()[inside])
        return np.stack(values).astype(np.float32)

    def coupling(self, places: np.ndarray) -> Coupling:
        """See `Model`."""
        steps = [1 + halved for halved in self._halved]
        located = {step: self._in_block(places, step) for step in set(steps)}

        def between(first: np.ndarray, second: np.ndarray) -> Iterator[np.ndarray]:
            together = {step: block[first] == block[second] for step, (block, _) in located.items()}
            for step, mixing in zip(steps, self._mixing, strict=True):
                inside = located[step][1]
                yield mixing.ravel()[inside[first] * BLOCK**2 + inside[second]] * together[step] / step**4

        return between

    def _in_block(self, places: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The 8 x 8 blocks of pixels in a plane of 1 / `step` the size, and the pixels' numbers in them."""
        down, right = places // self._width // step, places % self._width // step
        return down // BLOCK * self._width + right // BLOCK, down % BLOCK * BLOCK + right % BLOCK

    def misfit(self, labels: np.ndarray) -> np.ndarray:
        """The weighted sum of squares of each square of 16 x 16 pixels, float32 [down, across]; 0 if none is free."""
        painted = self._paint(labels, self._squares)
        total = np.zeros(len(self._number), np.float32)
        for plane, stored in enumerate(self._stored):
            values = (self._colors[:, plane] - 128)[painted]
            gap = to_blocks(halve(values) if self._halved[plane] else values) - stored
            total[self._squares] += ((gap @ self._mixing[plane]) * gap).sum(axis=(1, 2))
        return total.reshape(-1, self._across)

    def _slope(self, values: np.ndarray, stored: np.ndarray, plane: int) -> np.ndarray:
        """The gradient of a plane, [squares, 16, 16]."""
        if not self._halved[plane]:
            return from_blocks((to_blocks(values) - stored) @ self._mixing[plane])
        slope = from_blocks((to_blocks(halve(values)) - stored) @ self._mixing[plane])
        return slope.repeat(2, 1).repeat(2, 2) / 4

    def _locate(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The squares of pixels: those there are, the row of each pixel's in them, its place in its square."""
        down, right = places // self._width, places % self._width
        square = down // UNIT * self._across + right // UNIT
        present = np.zeros(int(square.max(initial=0)) + 1, bool)
        present[square] = True
        rows = np.cumsum(present) - 1
        return np.flatnonzero(present), rows[square], down % UNIT * UNIT + right % UNIT
