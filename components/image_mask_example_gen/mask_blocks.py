"""The blocks of pixels that JPEG works on, and what a file holds of them."""

from __future__ import annotations

import numpy as np

UNIT = 16
"""Side of the squares of pixels that a JPEG with halved chroma codes on their own."""

BLOCK = 8
"""Side of the blocks of values that JPEG codes on their own."""

_ROUNDING = 1.0
_UNCLIPPING = 2


def to_squares(values: np.ndarray, side: int) -> np.ndarray:
    """[height, width] to [squares, side, side]."""
    height, width = values.shape
    return values.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side, side)


def to_blocks(squares: np.ndarray) -> np.ndarray:
    """[squares, side, side] to [squares, blocks, 64]."""
    count, side, _ = squares.shape
    across = side // BLOCK
    return squares.reshape(count, across, BLOCK, across, BLOCK).swapaxes(2, 3).reshape(count, across**2, BLOCK**2)


def from_blocks(blocks: np.ndarray) -> np.ndarray:
    """The way back from `to_blocks`."""
    count, number, _ = blocks.shape
    across = int(number**0.5)
    side = across * BLOCK
    return blocks.reshape(count, across, across, BLOCK, BLOCK).swapaxes(2, 3).reshape(count, side, side)


def halve(values: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, [.., height, width] to [.., height / 2, width / 2]."""
    rows = values[..., 0::2, :] + values[..., 1::2, :]
    return (rows[..., 0::2] + rows[..., 1::2]) / 4


def as_stored(blocks: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Undoes the decoder's rounding and clipping: a file holds whole multiples of its quantisation steps.

    Args:
        blocks: float32 [.., 64]; decoded values less 128.
        table: float32 [64]; the quantisation steps.
    """
    low, high = blocks <= -128, blocks >= 127
    values = blocks
    for _ in range(_UNCLIPPING):
        values = (np.round(values @ _BLOCK_COSINES.T / table) * table) @ _BLOCK_COSINES
        # A clipped value may have been anything beyond the limit, the others are what they are.
        beyond = np.where(low, np.minimum(values, blocks), np.maximum(values, blocks))
        values = np.where(low | high, beyond, blocks)
    return (np.round(values @ _BLOCK_COSINES.T / table) * table) @ _BLOCK_COSINES


def mixing_of(table: np.ndarray) -> np.ndarray:
    """The matrix of the weighted sum of squares over a block's 64 pixels: one over the variance of each frequency."""
    return (_BLOCK_COSINES.T / (table**2 / 12 + _ROUNDING**2)) @ _BLOCK_COSINES


def _cosines() -> np.ndarray:
    """The 8-point cosine transform, [frequency, place]."""
    places, frequencies = np.arange(BLOCK) + 0.5, np.arange(BLOCK)
    waves = np.cos(frequencies[:, None] * places * np.pi / BLOCK) / 2
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


_COSINES = _cosines()
_BLOCK_COSINES = np.kron(_COSINES, _COSINES)
