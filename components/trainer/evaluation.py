"""IoU over the whole eval split at training size, from counts summed over batches, replicas and workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from components.metrics.counts import count_confusion
from components.metrics.iou import Scores, score
from components.trainer.distribution import worker
from components.trainer.frame import InferenceSettings
from components.trainer.inference import frame_scores
from components.trainer.input_pipeline import count_records, evaluation_batches
from schema.features import IGNORE_LABEL


def make_scorer(
    network: keras.Model,
    inference: InferenceSettings,
    strategy: tf.distribute.Strategy,
    patterns: Sequence[str],
    *,
    batch_size: int,
) -> Callable[[], Scores]:
    """Builds the function that scores a split with the weights of the moment.

    Args:
        network: From photos float32 [N, H, W, 3] to logits [N, H, W, classes]; built in the strategy's scope.
        inference: How photos are looked at, here as in service.
        strategy: Its replicas share the split.
        patterns: File patterns of Transform's records.
        batch_size: Photos of one replica at a time, at most.
    """
    frame, classes = inference.frame(network.input_shape[1:3]), network.output_shape[-1]
    number, workers = worker(strategy)
    replicas_here = strategy.num_replicas_in_sync // workers
    # All workers take as many batches as the one with the longest share.
    longest_share = -(-count_records(patterns) // workers)
    rounds = -(-longest_share // (batch_size * replicas_here))
    # No larger than it needs be, so that the last batch is hardly filled up.
    batch_size = -(-longest_share // (rounds * replicas_here))

    def batches(_: tf.distribute.InputContext) -> tf.data.Dataset:
        found = evaluation_batches(patterns, frame, batch_size=batch_size, shard=(number, workers))
        return _filled(found, frame, batch_size).take(rounds * replicas_here)

    def on_replica(photos: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        prediction = tf.argmax(frame_scores(network, photos, inference), -1, output_type=tf.int32)
        return count_confusion(labels, prediction, classes)

    @tf.function(jit_compile=False, autograph=False)
    def count(photos: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(on_replica, args=(photos, labels)), axis=None)

    def evaluate() -> Scores:
        total = np.zeros(classes**2, np.int64)
        for photos, labels in strategy.distribute_datasets_from_function(batches):
            total += count(photos, labels).numpy()
        return score(total.reshape(classes, classes))

    return evaluate


def _filled(batches: tf.data.Dataset, size: tuple[int, int], batch_size: int) -> tf.data.Dataset:
    """Batches of one shape without end: the last one is filled up, and others follow, with pixels that do not count."""

    def fill(photos: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        missing = batch_size - tf.shape(photos)[0]
        photos = tf.pad(photos, [[0, missing], [0, 0], [0, 0], [0, 0]])
        labels = tf.pad(labels, [[0, missing], [0, 0], [0, 0]], constant_values=IGNORE_LABEL)
        return tf.ensure_shape(photos, [batch_size, *size, 3]), tf.ensure_shape(labels, [batch_size, *size])

    blank = (tf.zeros([batch_size, *size, 3]), tf.fill([batch_size, *size], tf.constant(IGNORE_LABEL, tf.uint8)))
    return batches.map(fill).concatenate(tf.data.Dataset.from_tensors(blank).repeat())
