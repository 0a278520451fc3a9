"""One training step over all replicas: gradients, their sum, its clipping, the update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from schema.features import IGNORE_LABEL

Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
Loss = Callable[[tf.Tensor, Any], tf.Tensor]
"""From labels uint8 [N, H, W] and what the network gives to a float32 scalar."""


class Outcome(NamedTuple):
    """What a step tells, of the whole batch of all replicas.

    Nothing of it needs to be looked at before the next step starts, so that a GPU need not wait for Python.

    Attributes:
        loss: float32 scalar, mean over the replicas.
        gradient_norm: float32 scalar, length of the summed gradient before it is clipped.
        rows: int64 [N], rows of the batch's records.
        strange: bool [N], which of them hold labels that are neither a class nor the ignore label.
    """

    loss: tf.Tensor
    gradient_norm: tf.Tensor
    rows: tf.Tensor
    strange: tf.Tensor


def make_step(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: Loss,
    strategy: tf.distribute.Strategy,
    *,
    class_count: int,
    clip_norm: float,
) -> Callable[[Batch], Outcome]:
    """Builds the function that trains on one batch.

    Keras would clip each replica's gradient and then sum them, so that the length allowed would grow with the number
    of replicas; here the sum is clipped.

    Args:
        network: Gives what the loss takes.
        optimizer: Built for the network's trainable variables; takes gradients that are summed already.
        loss: Its mean over the replicas is minimised.
        strategy: The strategy in whose scope network and optimiser were built.
        class_count: Number of classes.
        clip_norm: Largest length of the gradient; 0 leaves it as it is.

    Returns:
        A function from (photos float32 [N, H, W, 3], labels uint8 [N, H, W], rows int64 [N]) to an `Outcome`.
    """
    variables = network.trainable_variables
    replicas = strategy.num_replicas_in_sync

    def on_replica(photos: tf.Tensor, labels: tf.Tensor, rows: tf.Tensor) -> Outcome:
        known = labels < class_count
        strange = tf.reduce_any(~known & (labels != IGNORE_LABEL), axis=[1, 2])
        with tf.GradientTape() as tape:
            # Labels out of range would stop the step on a CPU and give garbage on a GPU, both without a name.
            share = loss(tf.where(known, labels, IGNORE_LABEL), network(photos, training=True)) / replicas
            scaled = optimizer.scale_loss(share)
        gradients = _summed(tape.gradient(scaled, [variable.value for variable in variables]), replicas)
        norm = tf.linalg.global_norm(gradients)
        if clip_norm:
            # The loss scale lengthens gradient and limit alike.
            limit = optimizer.scale_loss(tf.constant(clip_norm, tf.float32))
            gradients = [gradient * tf.minimum(1.0, limit / norm) for gradient in gradients]
        optimizer.apply(gradients, variables)
        unscaled = norm / optimizer.scale_loss(tf.constant(1.0))
        # Booleans cannot be gathered, and one gathering is cheaper than two.
        photo_facts = _gathered(tf.stack([rows, tf.cast(strange, tf.int64)]), replicas)
        return Outcome(_summed([share], replicas)[0], unscaled, photo_facts[0], tf.cast(photo_facts[1], tf.bool))

    @tf.function(jit_compile=False, autograph=False)
    def step(batch: Batch) -> Outcome:
        told = strategy.run(on_replica, args=batch)
        return Outcome(*(strategy.experimental_local_results(one)[0] for one in told))

    return step


def average_statistics(network: keras.Model, strategy: tf.distribute.Strategy) -> None:
    """Gives every replica the mean of all replicas' batch normalisation statistics.

    Without synchronised normalisation each replica follows its own photos. The statistics are moving averages, linear
    in what they saw, so averaging them now and then equals averaging them after every step.
    """
    replicas = strategy.num_replicas_in_sync
    statistics = [one for one in network.non_trainable_variables if one.name in ("moving_mean", "moving_variance")]
    if replicas == 1 or not statistics:
        return

    def on_replica() -> None:
        for variable, total in zip(statistics, _summed([one.value for one in statistics], replicas), strict=True):
            variable.assign(total / replicas)

    tf.function(lambda: strategy.run(on_replica))()


def _summed(values: list[tf.Tensor], replicas: int) -> list[tf.Tensor]:
    if replicas == 1:
        return values
    # A variable has no device yet; its copy has that of the replica.
    values = [tf.identity(value) for value in values]
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def _gathered(value: tf.Tensor, replicas: int) -> tf.Tensor:
    return value if replicas == 1 else tf.distribute.get_replica_context().all_gather(value, axis=1)
