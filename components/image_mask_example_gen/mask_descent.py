"""Finds the class map that explains a mask best, by changing one or two pixels here and there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.image_mask_example_gen.mask_misfit import Misfit
from components.image_mask_example_gen.mask_search import change_strongest


@dataclass(frozen=True)
class Schedule:
    """How the search goes.

    Attributes:
        rounds: Rounds at most.
        caution: Factor on the curvature in the first rounds. Neighbours along an edge are wrong together and change
            together; above 1 allows for that.
        cautious_rounds: Rounds in which the factor falls to 1, and in which only single pixels change.
    """

    rounds: int
    caution: float
    cautious_rounds: int

    def factors(self) -> np.ndarray:
        """The factor of each round, float32 [rounds]."""
        cautious = self.caution ** (1 - np.arange(self.cautious_rounds) / max(1, self.cautious_rounds))
        return np.append(cautious, np.ones(self.rounds - self.cautious_rounds)).astype(np.float32)


def descend(misfit: Misfit, free: np.ndarray, schedule: Schedule) -> None:
    """Changes labels as long as that brings them nearer to the mask.

    Args:
        misfit: Where the search starts; changed in place.
        free: bool [height, width]; the pixels that may change.
        schedule: How far to go.
    """
    places = free
    for factor in schedule.factors():
        near = change_strongest(misfit, places, factor)
        if factor == 1:
            places = near
            if not near.any():
                break
