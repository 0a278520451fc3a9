"""What happens beside the training steps: progress, IoU over the whole split, TensorBoard logs."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components import progress
from components.metrics.counts import count_confusion
from components.metrics.iou import Scores, score
from components.trainer.frame import InferenceSettings
from components.trainer.inference import frame_scores


class TrainingDivergedError(RuntimeError):
    """The loss is no longer a number."""


class EvaluateIoU(keras.callbacks.Callback):
    """Scores the eval split at training size now and then, from counts summed over the whole split.

    Attributes:
        history: A row of figures for every evaluation: step, loss since the last one, rate, IoUs.
    """

    def __init__(
        self,
        batches: tf.data.Dataset,
        *,
        inference: InferenceSettings,
        class_names: list[str],
        log_dir: str,
        every: int,
        total_steps: int,
        network: keras.Model | None = None,
    ):
        """Evaluates `batches` as photos are served, every `every` steps and at the last one; logs to `log_dir`.

        `network` is what will be exported, where what is fitted has an auxiliary head besides.
        """
        super().__init__()
        self._network = network
        self._batches = batches
        self._inference = inference
        self._names = class_names
        self._writer = tf.summary.create_file_writer(log_dir)
        self._every = every
        self._total = total_steps
        self._count: Any = None
        self.history: list[dict[str, float]] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Evaluates when it is time."""
        step = batch + 1
        if step % self._every == 0 or step == self._total:
            self._record(step, float((logs or {}).get("loss", math.nan)))
            self.model.reset_metrics()

    def _record(self, step: int, loss: float) -> None:
        scores = self.evaluate()
        rate = float(self.model.optimizer.learning_rate)
        figures = {"loss": loss, "learning_rate": rate, "eval_mean_iou": scores.mean_iou}
        figures |= {f"eval_iou/{name}": float(iou) for name, iou in zip(self._names, scores.iou, strict=True)}
        known = {name: value for name, value in figures.items() if math.isfinite(value)}
        self.history.append({"step": step, **known})
        with self._writer.as_default():
            for name, value in known.items():
                tf.summary.scalar(name, value, step=step)
        self._writer.flush()

    def evaluate(self) -> Scores:
        """Scores the whole split with the weights of this moment."""
        classes = len(self._names)
        self._count = self._count or self._make_count(classes)
        total = np.zeros(classes**2, np.int64)
        for photos, labels in self._batches:
            total += self._count(photos, labels).numpy()
        return score(total.reshape(classes, classes))

    def _make_count(self, classes: int) -> Any:
        network, inference = self._network or self.model, self._inference

        @tf.function(reduce_retracing=True)
        def count(photos: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
            prediction = tf.argmax(frame_scores(network, photos, inference), -1, output_type=tf.int32)
            return count_confusion(labels, prediction, classes)

        return count


class ShowProgress(keras.callbacks.Callback):
    """Tells the listener the step, the loss and the last IoU, and stops a training that diverged."""

    def __init__(self, total_steps: int, evaluation: EvaluateIoU):
        super().__init__()
        self._total = total_steps
        self._evaluation = evaluation

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Reports one step."""
        step = batch + 1
        loss = float((logs or {}).get("loss", math.nan))
        if not math.isfinite(loss):
            raise TrainingDivergedError(
                f"the loss became {loss} at step {step}; a lower learning-rate is the usual cure"
            )
        last = self._evaluation.history[-1] if self._evaluation.history else {}
        iou = f", eval mean IoU {last['eval_mean_iou']:.3f}" if "eval_mean_iou" in last else ""
        progress.report(step, self._total, f"steps, loss {loss:.3f}{iou}")
