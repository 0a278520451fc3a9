"""Explains a blurred mask, and blurs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.image_mask_example_gen.mask_blocks import BLOCK, UNIT, halve, to_squares
from components.image_mask_example_gen.mask_models import Coupling
from components.image_mask_example_gen.mask_planes import Planes

_STEP_VARIANCE = 1 / 36

_BAND, _BAND_WIDTH = 32, 512
"""Blurred at once: large products of matrices start threads that cost more than they save."""


class BlurModel:
    """Blurred masks, from a JPEG or not: the blur carries a pixel far, and what JPEG adds is an even noise."""

    def __init__(self, planes: Planes, colors: np.ndarray, sigma: float, noise: float):
        """Prepares a model.

        Args:
            planes: Padded to whole squares.
            colors: float32 [colours, planes]; the palette in luma and chroma.
            sigma: Standard deviation of the blur, pixels.
            noise: How far pixels are from what blur and quantisation make of them, levels; the more, the smoother
                the way to the best explanation.
        """
        self._colors = np.ascontiguousarray(colors.T)
        self._size = planes.luma.shape
        sources = planes.all
        self._halved = [False, planes.halved, planes.halved][: len(sources)]
        kernels = [gauss(sigma / (1 + halved)) for halved in self._halved]
        self._kernels = kernels
        self._sources = sources
        self._twice = [np.convolve(kernel, kernel).astype(np.float32) for kernel in kernels]
        self._goal = [
            blur(np.pad(source.astype(np.float32), len(kernel) // 2, mode="edge"), kernel)
            for source, kernel in zip(sources, kernels, strict=True)
        ]
        self._weights = _even_weights(planes.tables, len(sources), sigma, noise)
        self._curvature = np.array(
            [
                weight * float((kernel**2).sum()) ** 2 / (16 if halved else 1)
                for weight, kernel, halved in zip(self._weights, kernels, self._halved, strict=True)
            ],
            np.float32,
        )

    def gradient(self, labels: np.ndarray, places: np.ndarray) -> np.ndarray:
        """See `Model`."""
        width = self._size[1]
        down, right = places // width, places % width
        top, left = int(down.min()) // 2 * 2, int(right.min()) // 2 * 2
        bottom, end = (int(down.max()) // 2 + 1) * 2, (int(right.max()) // 2 + 1) * 2
        reach = max(len(twice) // 2 * (1 + halved) for twice, halved in zip(self._twice, self._halved, strict=True))
        window = _window(labels, top - reach, bottom + reach, left - reach, end + reach)
        result = np.empty((len(self._goal), len(places)), np.float32)
        for plane, goal in enumerate(self._goal):
            step = 1 + self._halved[plane]
            spare = reach - len(self._twice[plane]) // 2 * step
            values = self._colors[plane].take(window[spare : len(window) - spare, spare : window.shape[1] - spare])
            gap = blur(halve(values) if self._halved[plane] else values, self._twice[plane])
            gap -= goal[top // step : bottom // step, left // step : end // step]
            result[plane] = gap[(down - top) // step, (right - left) // step]
            result[plane] *= self._weights[plane] / step**2
        return result

    def curvature(self, places: np.ndarray) -> np.ndarray:
        """See `Model`."""
        return np.broadcast_to(self._curvature[:, None], (len(self._curvature), len(places)))

    def coupling(self, places: np.ndarray) -> Coupling:
        """See `Model`."""
        down, right = places // self._size[1], places % self._size[1]

        def between(first: np.ndarray, second: np.ndarray) -> Iterator[np.ndarray]:
            for twice, weight, halved in zip(self._twice, self._weights, self._halved, strict=True):
                step, middle = 1 + halved, len(twice) // 2
                below = down[second] // step - down[first] // step
                beside = right[second] // step - right[first] // step
                yield twice[middle + below] * twice[middle + beside] * (weight / step**4)

        return between

    def misfit(self, labels: np.ndarray) -> np.ndarray:
        """The weighted sum of squares of each square of 16 x 16 pixels, float32 [down, across]."""
        total = np.zeros((labels.shape[0] // UNIT, labels.shape[1] // UNIT), np.float32)
        for plane, (source, kernel) in enumerate(zip(self._sources, self._kernels, strict=True)):
            values = self._colors[plane].take(labels)
            values = np.pad(halve(values) if self._halved[plane] else values, len(kernel) // 2, mode="edge")
            side = UNIT // (1 + self._halved[plane])
            gap = to_squares(blur(values, kernel) - source, side).reshape(total.size, -1)
            total += self._weights[plane] * np.einsum("ij,ij->i", gap, gap).reshape(total.shape)
        return total


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


def _window(labels: np.ndarray, top: int, bottom: int, left: int, end: int) -> np.ndarray:
    """Part of the labels; beyond the picture its border goes on."""
    rows = np.arange(top, bottom).clip(0, labels.shape[0] - 1)
    columns = np.arange(left, end).clip(0, labels.shape[1] - 1)
    return labels.take(rows, axis=0).take(columns, axis=1)
