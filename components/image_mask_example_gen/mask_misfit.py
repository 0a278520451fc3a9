"""How far a class map is from explaining a mask file, and what changing a pixel's class does to that.

A class map painted in its colours, blurred, and stored as JPEG gives the pixels of the file. The misfit is the weighted
sum of squares of the difference between that and the file. For a change of one pixel's colour by d it changes by
2 g d + c d^2, with the gradient g and the curvature c. The misfit is quadratic: a change moves the gradients of the
pixels around it by amounts that depend on places alone. They are its influence, and c is its influence on itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

OUTSIDE = 255
"""Stands in the border around the labels."""

NOWHERE = 254
"""The index of no colour."""


class Misfit(NamedTuple):
    """A class map and its misfit.

    Attributes:
        labels: uint8 [height + 2, width + 2]; colour indices with a border of `OUTSIDE`.
        colors: float32 [colours, planes]; the palette in luma and chroma.
        gradient: float32 [planes, height, width]. A plane of half the resolution fills the upper left quarter.
        influence: float32 [planes, places, side, side]; what a change by 1 at a place adds to the gradients of the
            window around it. The places repeat every `period` rows and columns.
        layout: int64 [planes, 4]; 1 where the plane has half the resolution, period (a power of two), how far a window
            begins above and left of the period's corner, the window's side.
    """

    labels: np.ndarray
    colors: np.ndarray
    gradient: np.ndarray
    influence: np.ndarray
    layout: np.ndarray


def with_border(labels: np.ndarray) -> np.ndarray:
    """Labels as `Misfit` holds them."""
    return np.pad(labels, 1, constant_values=OUTSIDE)
