"""Pyramid pooling (Zhao et al., 2017, section 3.2): context of the whole picture at several grid sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from components.trainer.pspnet.blocks import conv_bn_relu, resize_to


@keras.saving.register_keras_serializable("pspnet")
class GridAveragePooling(keras.layers.Layer):
    """Average-pools a feature map of any size to a grid of bins x bins.

    Cell i covers rows floor(i*H/bins) to ceil((i+1)*H/bins), so the grid follows the feature map and the
    cells of a map that does not divide evenly overlap by one row or column. Pooling with a fixed kernel,
    as the published TensorFlow port does, crashes on small maps and drifts from the grid on others.

    float [N, H, W, C] to float [N, bins, bins, C]; H and W must be known and at least `bins`.
    """

    def __init__(self, bins: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.bins = bins

    def build(self, input_shape: tuple) -> None:
        """Derives the averaging weights of rows and columns."""
        _, height, width, _ = input_shape
        if min(height, width) < self.bins:
            raise ValueError(f"a feature map of {height}x{width} cannot be pooled to {self.bins}x{self.bins}")
        self._rows = cell_weights(height, self.bins)
        self._columns = cell_weights(width, self.bins)

    def call(self, inputs):
        """Two small matrix products: over rows, then over columns."""
        rows = keras.ops.cast(self._rows, inputs.dtype)
        columns = keras.ops.cast(self._columns, inputs.dtype)
        pooled = keras.ops.einsum("ih,nhwc->niwc", rows, inputs)
        return keras.ops.einsum("jw,niwc->nijc", columns, pooled)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """[N, bins, bins, C]."""
        return (input_shape[0], self.bins, self.bins, input_shape[-1])

    def get_config(self) -> dict:
        """The layer's settings, for saving."""
        return {**super().get_config(), "bins": self.bins}


def cell_weights(length: int, bins: int) -> np.ndarray:
    """Averaging weights float32 [bins, length]: row i is 1/size over the pixels of cell i."""
    weights = np.zeros((bins, length), np.float32)
    for cell in range(bins):
        start, end = cell * length // bins, -(-(cell + 1) * length // bins)
        weights[cell, start:end] = 1.0 / (end - start)
    return weights


def pyramid_pooling(
    features: keras.KerasTensor, *, bins: Sequence[int], batch_norm: str = "plain"
) -> keras.KerasTensor:
    """Joins a feature map with its averages over grids of several sizes.

    Args:
        features: Keras tensor [N, H, W, C], H and W known.
        bins: Grid sizes; each branch has C / len(bins) channels (2048 / 4 = 512 in the paper).
        batch_norm: Kind of batch normalisation.

    Returns:
        Keras tensor [N, H, W, C + len(bins) * (C // len(bins))].
    """
    channels = features.shape[-1] // len(bins)
    branches = [features]
    for bin_size in bins:
        pooled = GridAveragePooling(bin_size, name=f"pyramid_pool{bin_size}")(features)
        pooled = conv_bn_relu(pooled, channels, 1, batch_norm=batch_norm, name=f"pyramid_conv{bin_size}")
        branches.append(resize_to(pooled, features, name=f"pyramid_resize{bin_size}"))
    return keras.layers.Concatenate(name="pyramid_concat")(branches)
