import keras
import numpy as np
import pytest

from components.trainer.pspnet.batch_norm import batch_normalization, small_batch_advice
from components.trainer.pspnet.model import build_pspnet
from components.trainer.settings import NetworkSettings


def norm_after_a_step(kind, batch):
    """A layer of batch normalisation, and what one training step with a rate of 1 made of its four variables."""
    image = keras.Input((2, 2, 3))
    layer = batch_normalization(kind, name="norm")
    network = keras.Model(image, layer(image))
    before = [np.asarray(one).copy() for one in layer.weights]
    network.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    network.train_on_batch(batch, np.zeros_like(batch))
    names = [variable.name for variable in layer.weights]
    moved = [bool(np.abs(np.asarray(now) - then).max() > 0) for now, then in zip(layer.weights, before, strict=True)]
    return network, dict(zip(names, moved, strict=True))


@pytest.fixture
def batch():
    return np.random.default_rng(0).normal(3, 2, (4, 2, 2, 3)).astype(np.float32)


@pytest.mark.parametrize("kind", ["plain", "synchronized"])
def test_statistics_follow_the_batches(kind, batch):
    network, moved = norm_after_a_step(kind, batch)
    assert moved == {"gamma": True, "beta": True, "moving_mean": True, "moving_variance": True}
    assert network.get_layer("norm").synchronized == (kind == "synchronized")


def test_frozen_statistics_stay_while_scale_and_offset_learn(batch):
    network, moved = norm_after_a_step("frozen", batch)
    assert moved == {"gamma": True, "beta": True, "moving_mean": False, "moving_variance": False}
    np.testing.assert_allclose(network(batch, training=True), network(batch, training=False), atol=1e-6)


def test_frozen_layers_are_independent_of_the_batch(batch):
    """The point of it: a photo is normalised alike alone and in company."""
    network, _ = norm_after_a_step("frozen", batch)
    alone = np.concatenate([np.asarray(network(batch[i : i + 1], training=True)) for i in range(4)])
    np.testing.assert_allclose(alone, network(batch, training=True), atol=1e-6)


def test_frozen_layers_survive_saving(batch, tmp_path):
    network, _ = norm_after_a_step("frozen", batch)
    network.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(restored(batch, training=True), network(batch, training=True), atol=1e-6)


@pytest.mark.parametrize(("kind", "weights"), [("synchronized", "none"), ("frozen", "imagenet")])
@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet18"])
def test_the_whole_network_is_of_one_kind(kind, weights, backbone):
    if backbone == "resnet18" and weights == "imagenet":
        weights = "./some/file"
    settings = NetworkSettings(
        backbone=backbone, decoder="fpn", image_size=(32, 64), head_channels=8, batch_norm=kind, weights=weights
    )
    layers = [layer for layer in build_pspnet(settings, 2).layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(layers) >= 10
    assert {layer.synchronized for layer in layers} == {kind == "synchronized"}
    assert len({type(layer) for layer in layers}) == 1


@pytest.mark.parametrize(
    ("kind", "batch_size", "replicas", "told"),
    [
        ("plain", 1, 1, ("one photo", "--batch-size 4", "frozen")),
        ("plain", 3, 1, ("3 photos", "--batch-size 4", "frozen")),
        ("plain", 8, 4, ("2 photos a replica", "--batch-size 16", "synchronized", "frozen")),
        ("synchronized", 2, 2, ("2 photos", "--batch-size 4", "frozen")),
    ],
)
def test_small_batches_are_told_what_to_do(kind, batch_size, replicas, told):
    advice = small_batch_advice(kind, batch_size, replicas)
    assert [words for words in told if words not in advice] == []


@pytest.mark.parametrize(
    ("kind", "batch_size", "replicas"), [("plain", 4, 1), ("plain", 8, 2), ("synchronized", 4, 4), ("frozen", 1, 1)]
)
def test_nothing_is_said_about_batches_that_are_large_enough(kind, batch_size, replicas):
    assert small_batch_advice(kind, batch_size, replicas) == ""
