import math

import keras
import numpy as np
import pytest

from components.trainer.pspnet.pyramid import GridAveragePooling, pyramid_pooling

SIZES = [(7, 10), (5, 11), (6, 6), (13, 17), (8, 7)]


def random_map(height, width, channels=3):
    return np.random.default_rng(height * 100 + width).normal(size=(2, height, width, channels)).astype(np.float32)


def adaptive_average(features, bins):
    """Averages every cell of the grid on its own, from the cells' definition."""
    count, height, width, channels = features.shape
    pooled = np.empty((count, bins, bins, channels))
    for row in range(bins):
        for column in range(bins):
            rows = slice(math.floor(row * height / bins), math.ceil((row + 1) * height / bins))
            columns = slice(math.floor(column * width / bins), math.ceil((column + 1) * width / bins))
            pooled[:, row, column] = features[:, rows, columns].astype(np.float64).mean(axis=(1, 2))
    return pooled


def pool(features, bins):
    return np.asarray(GridAveragePooling(bins)(features))


@pytest.mark.parametrize("bins", [1, 2, 3, 5])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_cells_are_averages_of_a_grid_over_the_whole_map(height, width, bins):
    features = random_map(height, width)
    np.testing.assert_allclose(pool(features, bins), adaptive_average(features, bins), atol=1e-5)


def test_cells_of_the_default_size_match_the_finest_grid():
    # The default input of 224x320 gives a map of 7x10, which 6 does not divide on either side.
    features = random_map(7, 10)
    np.testing.assert_allclose(pool(features, 6), adaptive_average(features, 6), atol=1e-5)


@pytest.mark.parametrize(("height", "width", "bins"), [(6, 12, 3), (12, 6, 6), (4, 4, 4), (10, 15, 5)])
def test_a_grid_that_divides_the_map_is_plain_average_pooling(height, width, bins):
    features = random_map(height, width)
    plain = keras.layers.AveragePooling2D((height // bins, width // bins))(features)
    np.testing.assert_allclose(pool(features, bins), np.asarray(plain), atol=1e-5)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_constant_map_stays_constant(height, width):
    assert np.allclose(pool(np.full((1, height, width, 2), 7.0, np.float32), 3), 7.0)


@pytest.mark.parametrize(("height", "width"), [(5, 9), (9, 5), (1, 1)])
def test_refuses_a_map_with_fewer_positions_than_cells(height, width):
    with pytest.raises(ValueError, match=f"{height}x{width} cannot be pooled to 6x6"):
        GridAveragePooling(6)(np.zeros((1, height, width, 2), np.float32))


def test_layer_survives_saving():
    layer = GridAveragePooling(3, name="pool")
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    features = random_map(7, 10)
    assert restored.name == "pool"
    np.testing.assert_array_equal(np.asarray(restored(features)), pool(features, 3))


@pytest.mark.parametrize(
    ("channels", "bins", "expected"),
    [(2048, (1, 2, 3, 6), 4096), (320, (1, 2, 3, 6), 640), (320, (1, 2, 3), 320 + 3 * 106), (8, (2,), 16)],
)
def test_branches_share_the_channels_of_the_map(channels, bins, expected):
    features = keras.Input((7, 10, channels))
    joined = pyramid_pooling(features, bins=bins)
    assert joined.shape == (None, 7, 10, expected)
    model = keras.Model(features, joined)
    for size in bins:
        assert model.get_layer(f"pyramid_pool{size}").output.shape == (None, size, size, channels)
        assert model.get_layer(f"pyramid_conv{size}_conv").filters == channels // len(bins)


def test_the_map_itself_comes_first_and_context_reaches_every_position():
    # Which channels a ReLU lets through depends on the initial weights.
    keras.utils.set_random_seed(0)
    features = keras.Input((6, 6, 8))
    model = keras.Model(features, pyramid_pooling(features, bins=(1, 2)))
    photo = np.ones((1, 6, 6, 8), np.float32)
    changed = photo.copy()
    changed[0, 0, 0] = 50
    before, after = (np.asarray(model(one, training=False)) for one in (photo, changed))
    np.testing.assert_array_equal(after[..., :8], changed)
    # The grid of one cell carries the change of one corner to the opposite one.
    assert not np.allclose(before[0, 5, 5, 8:12], after[0, 5, 5, 8:12])
