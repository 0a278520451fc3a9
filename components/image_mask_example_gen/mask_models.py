"""How a mask file comes from a class map, and what changing one pixel's class would do to the difference.

A class map painted in its colours, blurred, and stored as JPEG gives the pixels of the file. A model holds the weighted
sum of squares of the difference between that and the file. For a change of one pixel's colour by d the sum changes by
2 g d + c d^2, with the gradient g and the curvature c that the model gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

Coupling = Callable[[np.ndarray, np.ndarray], Iterable[np.ndarray]]


class Model(Protocol):
    """The difference between a class map and a mask file."""

    def gradient(self, labels: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The gradients at some pixels.

        Args:
            labels: uint8 [height, width], colour indices.
            places: int [n], ascending; pixel numbers.

        Returns:
            float32 [planes, n].
        """

    def curvature(self, places: np.ndarray) -> np.ndarray:
        """The curvatures at the same, float32 [planes, n]."""

    def coupling(self, places: np.ndarray) -> Coupling:
        """Says for pairs of rows of `places` what changing both adds: 2 times the answer times both changes."""
