"""Batch normalisation in three kinds, and what to do about small batches."""

from __future__ import annotations

import keras

MOMENTUM = 0.9
EPSILON = 1e-5
SMALLEST_BATCH = 4
"""Below it, a batch's mean and variance are too noisy to normalise by: the pyramid's coarsest branch has one value
a photo and channel to take them from."""


@keras.saving.register_keras_serializable("pspnet")
class FrozenBatchNormalization(keras.layers.BatchNormalization):
    """Normalises by the statistics that it has, in training too; scale and offset are still trained.

    Without the latter a new layer could learn no bias.
    """

    def call(self, inputs, training=None, mask=None):  # noqa: ARG002 - Keras' own signature
        """Normalises float [N, H, W, C] as in inference."""
        return super().call(inputs, training=False, mask=mask)


def batch_normalization(
    kind: str, *, name: str, epsilon: float = EPSILON, trainable: bool = True
) -> keras.layers.BatchNormalization:
    """A layer of batch normalisation.

    Args:
        kind: `plain` (statistics of each replica's own batch), `synchronized` (of all replicas' together) or
            `frozen` (statistics stay as they are).
        name: The layer's name.
        epsilon: Added to the variance.
        trainable: False leaves all of the layer as it is.
    """
    layer = FrozenBatchNormalization if kind == "frozen" else keras.layers.BatchNormalization
    return layer(
        momentum=MOMENTUM, epsilon=epsilon, synchronized=kind == "synchronized", trainable=trainable, name=name
    )


def small_batch_advice(kind: str, batch_size: int, replicas: int = 1) -> str:
    """What to tell a user whose batches are too small to be normalised by; empty where they are not.

    Args:
        kind: As in `batch_normalization`.
        batch_size: Photos a step, of all replicas together.
        replicas: Copies of the network that share a step.
    """
    seen = batch_size if kind == "synchronized" else batch_size // replicas
    if kind == "frozen" or seen >= SMALLEST_BATCH:
        return ""
    where = f"{seen} photos a replica" if replicas > 1 else f"{seen} photos" if seen > 1 else "one photo"
    ways = [f"--batch-size {SMALLEST_BATCH * (1 if kind == 'synchronized' else replicas)} or more"]
    ways += ["--batch-norm synchronized"] if kind == "plain" and batch_size >= SMALLEST_BATCH else []
    ways += ["--batch-norm frozen (with weights)"]
    return f"Batch normalisation over {where} is too noisy to learn well from: take {', or '.join(ways)}"
