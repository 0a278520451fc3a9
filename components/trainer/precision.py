"""Half precision where the hardware is made for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

FLOAT32, FLOAT16, BFLOAT16 = "float32", "mixed_float16", "mixed_bfloat16"

_TENSOR_CORES, _BFLOAT16_CORES = (7, 0), (8, 0)
"""NVIDIA's compute capability from which float16 and bfloat16 are fast (Volta, Ampere)."""


def choose_policy(wanted: str) -> str:
    """The Keras dtype policy for a setting and this machine.

    bfloat16 has the range of float32 and needs no loss scale, so it comes first where it is fast. Weights stay
    float32 in all of them.

    Args:
        wanted: `auto` (half precision on GPUs that are fast with it), `on` (anywhere) or `off`.
    """
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    if wanted == "off" or (wanted == "auto" and not capabilities):
        return FLOAT32
    if not capabilities or min(capabilities) >= _BFLOAT16_CORES:
        return BFLOAT16
    return FLOAT16 if wanted == "on" or min(capabilities) >= _TENSOR_CORES else FLOAT32


@contextlib.contextmanager
def layers_with(policy: str) -> Iterator[None]:
    """Layers made inside compute as the policy says."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def scaled_for(policy: str, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimiser, with a dynamic loss scale where small gradients would vanish in float16."""
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == FLOAT16 else optimizer
