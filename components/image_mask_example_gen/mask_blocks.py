"""The blocks of pixels that JPEG works on, and what a file holds of them."""

from __future__ import annotations

import numpy as np

from components.image_mask_example_gen.compiled import compiled

UNIT = 16
"""Side of the squares of pixels that a JPEG with halved chroma codes on their own."""

BLOCK = 8
"""Side of the blocks of values that JPEG codes on their own."""


def _cosines() -> np.ndarray:
    """The cosine transform of a block, [64 frequencies, 64 places]."""
    places, frequencies = np.arange(BLOCK) + 0.5, np.arange(BLOCK)
    waves = np.cos(frequencies[:, None] * places * np.pi / BLOCK) / 2
    waves[0] /= np.sqrt(2)
    waves = waves.astype(np.float32)
    return np.kron(waves, waves)


_FROM_WAVES = _cosines()
_TO_WAVES = np.ascontiguousarray(_FROM_WAVES.T)

_ROUNDING = 1.0
_UNCLIPPING = 2


def in_blocks(values: np.ndarray, side: int = BLOCK) -> np.ndarray:
    """A view of [height, width] as [down, across, side, side]."""
    height, width = values.shape
    return values.reshape(height // side, side, width // side, side).swapaxes(1, 2)


def halve(values: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, [.., height, width] to [.., height / 2, width / 2]."""
    rows = values[..., 0::2, :] + values[..., 1::2, :]
    return (rows[..., 0::2] + rows[..., 1::2]) / 4


@compiled
def as_stored(blocks: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Undoes the decoder's rounding and clipping: a file holds whole multiples of its quantisation steps.

    Args:
        blocks: float32 [n, 64]; decoded values less 128.
        table: float32 [64]; the quantisation steps.

    Returns:
        float32 [n, 64].
    """
    result = np.empty_like(blocks)
    for number in range(len(blocks)):
        seen, stored = blocks[number], _in_steps(blocks[number], table)
        for _ in range(_UNCLIPPING):
            # A clipped value may have been anything beyond the limit, the others are what they are.
            beyond = ((seen <= -128) & (stored < seen)) | ((seen >= 127) & (stored > seen))
            if not beyond.any():
                break
            stored = _in_steps(np.where(beyond, stored, seen), table)
        result[number] = stored
    return result


@compiled
def mixed(blocks: np.ndarray, mixing: np.ndarray) -> np.ndarray:
    """The product of [n, 64] and [64, 64]; NumPy's would start threads that cost more than they save."""
    result = np.empty_like(blocks)
    for number in range(len(blocks)):
        result[number] = _product(blocks[number], mixing)
    return result


@compiled
def _in_steps(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """A block with each of its frequencies at the nearest multiple of its quantisation step."""
    waves = _product(values, _TO_WAVES)
    for place in range(BLOCK**2):
        waves[place] = np.rint(waves[place] / table[place]) * table[place]
    return _product(waves, _FROM_WAVES)


@compiled
def _product(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    result = np.zeros(BLOCK**2, np.float32)
    for one in range(BLOCK**2):
        if values[one] != 0:
            for other in range(BLOCK**2):
                result[other] += values[one] * matrix[one, other]
    return result


def mixing_of(table: np.ndarray) -> np.ndarray:
    """The matrix of the weighted sum of squares over a block's 64 pixels: one over the variance of each frequency."""
    return (_TO_WAVES / (table**2 / 12 + _ROUNDING**2)) @ _FROM_WAVES
