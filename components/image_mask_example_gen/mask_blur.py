"""Explains a blurred mask, and blurs."""

from __future__ import annotations

import numpy as np

from components.image_mask_example_gen.mask_blocks import BLOCK, halve
from components.image_mask_example_gen.mask_misfit import Misfit, with_border
from components.image_mask_example_gen.mask_planes import Planes

_STEP_VARIANCE = 1 / 36

_BAND, _BAND_WIDTH = 32, 512
"""Blurred at once: large products of matrices start threads that cost more than they save."""


def blurred_misfit(planes: Planes, colors: np.ndarray, labels: np.ndarray, sigma: float, noise: float) -> Misfit:
    """The misfit of a blurred mask, from a JPEG or not: the blur carries a pixel far, JPEG adds an even noise.

    Args:
        planes: Padded to whole squares.
        colors: float32 [colours, planes]; the palette in luma and chroma.
        labels: uint8 [height, width]; colour indices.
        sigma: Standard deviation of the blur, pixels.
        noise: How far pixels are from what blur and quantisation make of them, levels; the more, the smoother the way
            to the best explanation.
    """
    height, width = labels.shape
    sources = planes.all
    weights = _even_weights(planes.tables, len(sources), sigma, noise)
    side = 4 * (len(gauss(sigma)) // 2) + 1
    gradient = np.zeros((len(sources), height, width), np.float32)
    influence = np.zeros((len(sources), 1, side, side), np.float32)
    layout = np.empty((len(sources), 4), np.int64)
    for plane, (source, weight) in enumerate(zip(sources, weights, strict=True)):
        halved = planes.halved and plane > 0
        step = 1 + halved
        kernel = gauss(sigma / step)
        painted = colors[:, plane].take(labels)
        gap = _blur_whole(halve(painted) if halved else painted, kernel) - source
        gradient[plane, : height // step, : width // step] = _blur_whole(gap, kernel) * (weight / step**2)
        twice = np.convolve(kernel, kernel)
        influence[plane, 0, : len(twice), : len(twice)] = np.outer(twice, twice) * (weight / step**4)
        layout[plane] = halved, 1, len(twice) // 2, len(twice)
    return Misfit(with_border(labels), colors, gradient, influence, layout)


def _blur_whole(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Blurs [rows, columns] as if the border went on."""
    return blur(np.pad(values, len(kernel) // 2, mode="edge"), kernel)


def blur(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Blurs [rows, columns] both ways by a kernel of odd length; the result is smaller by the kernel's length - 1."""
    return _blur_columns(_blur_columns(values, kernel).T, kernel).T


def _blur_columns(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    # A band of the result is a product of matrices, which is faster than shifting and adding.
    reach = len(kernel) - 1
    matrix = np.zeros((_BAND, _BAND + reach), np.float32)
    for row in range(_BAND):
        matrix[row, row : row + reach + 1] = kernel
    rows, columns = len(values) - reach, values.shape[1]
    result = np.empty((rows, columns), np.float32)
    for top in range(0, rows, _BAND):
        count = min(_BAND, rows - top)
        for left in range(0, columns, _BAND_WIDTH):
            part = slice(left, left + _BAND_WIDTH)
            np.matmul(
                matrix[:count, : count + reach],
                values[top : top + count + reach, part],
                out=result[top : top + count, part],
            )
    return result


def gauss(sigma: float) -> np.ndarray:
    """The kernel of a Gaussian blur."""
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return (kernel / kernel.sum()).astype(np.float32)


def _even_weights(tables: np.ndarray | None, planes: int, sigma: float, noise: float) -> list[float]:
    """One over the variance of what JPEG adds to each plane, over the frequencies that the blur lets pass."""
    if tables is None:
        return [1 / noise**2] * planes
    # Even errors within a step have a variance of its square / 12; most steps here hold nothing and err less.
    pass_through = np.exp(-((np.arange(BLOCK) * np.pi / BLOCK * sigma) ** 2))
    share = np.outer(pass_through, pass_through).ravel()
    return [1 / (float((table**2 * share).sum() / share.sum()) * _STEP_VARIANCE + noise**2) for table in tables]
