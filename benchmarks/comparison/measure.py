"""What both sides of the comparison are measured with. TensorFlow, and no Keras of either version, is enough for it."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import tensorflow as tf

from components.metrics.iou import score
from components.trainer.input_pipeline import read_records

_INFERENCE_ROUNDS = 10


class Meter:
    """Wall seconds and CPU-seconds of this process since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic(), time.process_time()
        self._figures: dict[str, float] = {}

    @property
    def wall(self) -> float:
        """Wall seconds until now."""
        return time.monotonic() - self._began[0]

    def stop(self) -> None:
        """Takes the figures of this moment."""
        self._figures = {"wall_seconds": self.wall, "cpu_seconds": time.process_time() - self._began[1]}

    def figures(self) -> dict[str, float]:
        """`wall_seconds` and `cpu_seconds` when it was stopped, and `peak_mb` of the process until now."""
        return {**self._figures, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def own_size_scores(predictor: Any, examples: str, classes: int) -> list[float]:
    """IoU of each class over the eval split of ExampleGen's records, at the photos' own sizes.

    Args:
        predictor: An `export.Predictor`.
        examples: File pattern of ExampleGen's records.
        classes: Number of classes.
    """
    count = tf.function(predictor.evaluate, input_signature=[tf.TensorSpec([None], tf.string)])
    total = np.zeros(classes**2, np.int64)
    for records in read_records([examples]).batch(8):
        total += count(records)["confusion"].numpy().sum(axis=0)
    return [float(iou) for iou in score(total.reshape(classes, classes)).iou]


def seconds_per_inference(network: Any, size: list[int]) -> float:
    """CPU-seconds of one photo through the network, in batches of one."""
    run = tf.function(lambda photos: network(photos, training=False), jit_compile=False)
    photos = tf.random.uniform([1, *size, 3], maxval=255)
    run(photos)
    began = time.process_time()
    for _ in range(_INFERENCE_ROUNDS):
        run(photos)
    return (time.process_time() - began) / _INFERENCE_ROUNDS
