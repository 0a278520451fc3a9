import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.optimizer import WarmUpPoly, make_optimizer


def optimizer_of(name, **changes):
    values = {"rate": 0.1, "encoder_rate": 0.25, "steps": 100, "warm_up_steps": 0, "weight_decay": 0.0, **changes}
    return make_optimizer(name, **values)


def tiny_network():
    """Two layers of which one belongs to the encoder by its name, in the middle of the other's variables."""
    image = keras.Input((4, 4, 2))
    features = keras.layers.Conv2D(2, 1, name="first")(image)
    features = keras.layers.Conv2D(2, 1, name="lite0_x")(features)
    features = keras.layers.BatchNormalization(name="norm")(features)
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="head")(features))


def values_of(network):
    return {variable.path: variable.numpy().copy() for variable in network.trainable_variables}


def changes_by_path(network, optimizer, gradient=0.01):
    """How far one step with the same gradient for every weight moves each variable.

    The gradients are small enough not to be clipped.
    """
    before = values_of(network)
    gradients = [np.full(variable.shape, gradient, np.float32) for variable in network.trainable_variables]
    optimizer.apply(gradients, network.trainable_variables)
    return {path: value - before[path] for path, value in values_of(network).items()}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.2 * 1 / 10),
        (4, 0.2 * 5 / 10 * 0.96**0.9),
        (9, 0.2 * 0.91**0.9),
        (10, 0.2 * 0.9**0.9),
        (50, 0.2 * 0.5**0.9),
        (99, 0.2 * 0.01**0.9),
        (100, 0.0),
        (150, 0.0),
    ],
)
def test_rate_rises_linearly_and_falls_by_the_poly_schedule(step, expected):
    assert float(WarmUpPoly(0.2, total_steps=100, warm_up_steps=10)(step)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("warm_up_steps", [0, 1])
def test_without_a_warm_up_the_first_step_has_the_highest_rate(warm_up_steps):
    assert float(WarmUpPoly(0.2, 100, warm_up_steps)(0)) == pytest.approx(0.2)


def test_schedule_survives_saving():
    schedule = WarmUpPoly(0.3, 50, 5)
    restored = WarmUpPoly.from_config(schedule.get_config())
    assert [float(restored(step)) for step in (0, 3, 40)] == [float(schedule(step)) for step in (0, 3, 40)]


@pytest.mark.parametrize("encoder_rate", [0.0, 0.25, 1.0, 3.0])
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_encoder_weights_move_by_their_own_rate(name, encoder_rate):
    network = tiny_network()
    moved = changes_by_path(network, optimizer_of(name, encoder_rate=encoder_rate))
    # The first step of momentum is the plain gradient, the first of Adam its sign: alike for all weights.
    plain = moved["head/bias"][0]
    assert plain == pytest.approx(-0.1 * 0.01 if name == "sgd" else -0.1, rel=1e-3)
    for path, change in moved.items():
        factor = encoder_rate if path.startswith("lite0_") else 1.0
        np.testing.assert_allclose(change, np.full(change.shape, plain * factor), rtol=1e-3, atol=1e-6, err_msg=path)


def test_the_rate_of_the_encoder_holds_through_a_real_training_step():
    keras.utils.set_random_seed(0)
    photos = np.random.default_rng(0).normal(size=(8, 4, 4, 2)).astype(np.float32)
    moved = {}
    for encoder_rate in (1.0, 0.25):
        keras.utils.set_random_seed(0)
        network = tiny_network()
        network.compile(optimizer_of("sgd", encoder_rate=encoder_rate), loss="mse", jit_compile=False)
        before = values_of(network)
        network.fit(photos, np.zeros((8, 4, 4, 2)), batch_size=8, epochs=1, verbose=0)
        moved[encoder_rate] = {path: value - before[path] for path, value in values_of(network).items()}
    kernel = "lite0_x/kernel"
    assert np.abs(moved[1.0][kernel]).max() > 1e-5
    np.testing.assert_allclose(moved[0.25][kernel], moved[1.0][kernel] * 0.25, rtol=1e-2, atol=1e-6)
    np.testing.assert_allclose(moved[0.25]["head/kernel"], moved[1.0]["head/kernel"], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("encoder_rate", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_only_kernels_decay_each_at_its_own_rate(name, encoder_rate):
    # Without a gradient only the decay moves weights; at a rate of 0 the encoder must stay what it is.
    network = tiny_network()
    for variable in network.trainable_variables:
        variable.assign(np.full(variable.shape, 2.0))
    optimizer = optimizer_of(name, weight_decay=0.05, encoder_rate=encoder_rate)
    moved = changes_by_path(network, optimizer, gradient=0.0)
    for path, change in moved.items():
        factor = encoder_rate if path.startswith("lite0_") else 1.0
        expected = -2.0 * 0.05 * 0.1 * factor if path.endswith("kernel") else 0.0
        np.testing.assert_allclose(change, expected, rtol=1e-3, atol=1e-7, err_msg=path)


def test_sgd_has_the_papers_momentum():
    network = tiny_network()
    optimizer = optimizer_of("sgd", steps=10**6)
    first = changes_by_path(network, optimizer)["head/bias"][0]
    second = changes_by_path(network, optimizer)["head/bias"][0]
    assert second == pytest.approx(first * 1.9, rel=1e-3)


def test_adamw_is_that_of_keras():
    ours, theirs = tiny_network(), tiny_network()
    theirs.set_weights(ours.get_weights())
    mine = optimizer_of("adamw", encoder_rate=1.0, weight_decay=0.05)
    reference = keras.optimizers.AdamW(WarmUpPoly(0.1, 100, 0), weight_decay=0.05)
    reference.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    random = np.random.default_rng(0)
    for _ in range(5):
        gradients = [random.normal(size=variable.shape).astype(np.float32) for variable in ours.trainable_variables]
        for optimizer, network in ((mine, ours), (reference, theirs)):
            optimizer.apply([tf.constant(one) for one in gradients], network.trainable_variables)
    for mine_now, theirs_now in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine_now, theirs_now, rtol=1e-4, atol=1e-5)
