import keras
import pytest
import tensorflow as tf

from components.trainer.precision import choose_policy, layers_with, scaled_for


@pytest.mark.parametrize(
    ("wanted", "capabilities", "policy"),
    [
        ("auto", [], "float32"),
        ("on", [], "mixed_bfloat16"),
        ("off", [(9, 0)], "float32"),
        ("auto", [(9, 0)], "mixed_bfloat16"),
        ("auto", [(8, 0), (7, 5)], "mixed_float16"),
        ("auto", [(6, 1)], "float32"),
        ("on", [(6, 1)], "mixed_float16"),
    ],
)
def test_the_policy_follows_the_slowest_gpu(monkeypatch, wanted, capabilities, policy):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: capabilities)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": gpu})
    assert choose_policy(wanted) == policy


def test_only_layers_made_inside_follow_the_policy():
    with layers_with("mixed_bfloat16"):
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
        assert keras.layers.Dense(1).variable_dtype == "float32"
    assert keras.layers.Dense(1).compute_dtype == "float32"


@pytest.mark.parametrize(("policy", "scaled"), [("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)])
def test_only_float16_needs_a_loss_scale(policy, scaled):
    optimizer = scaled_for(policy, keras.optimizers.SGD())
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) is scaled
