"""The Keras package `segmentation-models`' PSPNet on this project's records; runs in an environment of its own.

    python benchmarks/comparison/peer.py JOB.json

It sees the same augmented pairs as this project's networks (their input pipeline needs TensorFlow alone), takes the
package's own network and Adam with the same poly schedule, and is scored by the same code at the photos' own sizes.
"""

from __future__ import annotations

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["SM_FRAMEWORK"] = "tf.keras"

import json
import sys
from pathlib import Path
from typing import Any

import segmentation_models
import tensorflow as tf
import tf_keras

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.comparison.measure import Meter, own_size_scores, seconds_per_inference
from components.trainer import input_pipeline
from components.trainer.augmentation import Augmentation
from components.trainer.evaluation import make_scorer
from components.trainer.export import Predictor
from components.trainer.frame import InferenceSettings
from components.trainer.settings import TrainingSettings
from schema.features import IGNORE_LABEL

POLY_POWER = 0.9
WARM_UP_STEPS = 40
_UNKNOWN = 100_000
"""Steps that the schedule counts on until it is known how long one takes."""


def main() -> None:
    """Trains for the seconds that the job gives, scores, writes the result beside the job."""
    path = Path(sys.argv[1])
    job = json.loads(path.read_text(encoding="utf-8"))
    size = job["size"]
    settings = TrainingSettings(seed=job["seed"])
    tf_keras.utils.set_random_seed(settings.seed)
    network = segmentation_models.PSPNet(
        "resnet50", input_shape=(*size, 3), classes=job["classes"], activation="linear", encoder_weights=None
    )
    batches = iter(
        input_pipeline.training_batches(
            [job["train"]],
            (size[0], size[1]),
            batch_size=settings.batch_size,
            seed=settings.seed,
            augmentation=Augmentation.of(settings),
        )
    )
    score = make_scorer(
        network,
        InferenceSettings(),
        tf.distribute.get_strategy(),
        [job["evaluate"]],
        batch_size=settings.batch_size,
    )
    meter, curve = Meter(), []
    step, rate = _make_step(network, job["classes"])
    done, total = 0, 0
    while not total or done < total:
        rate.assign(_poly(job["learning_rate"], done, total or _UNKNOWN))
        step(*next(batches)[:2])
        done += 1
        if done == WARM_UP_STEPS // 2:
            began = meter.wall
        elif done == WARM_UP_STEPS:
            each = (meter.wall - began) / (WARM_UP_STEPS - WARM_UP_STEPS // 2)
            total = max(done + 1, done + int((job["seconds"] - meter.wall) / each))
        if done % settings.eval_every == 0 or done == total:
            curve.append({"seconds": meter.wall, "step": done, "mean_iou": score().mean_iou})
    meter.stop()
    result = {
        "steps": done,
        "curve": curve,
        "photos": done * settings.batch_size,
        "parameters": network.count_params(),
        "iou": own_size_scores(Predictor(network, InferenceSettings()), job["examples"], job["classes"]),
        "cpu_per_inference": seconds_per_inference(network, size),
        **meter.figures(),
    }
    path.with_suffix(".result.json").write_text(json.dumps(result), encoding="utf-8")


def _make_step(network: tf_keras.Model, classes: int) -> tuple[Any, tf.Variable]:
    """The training step, and the learning rate that it reads."""
    rate = tf.Variable(0.0, trainable=False)
    optimizer = tf_keras.optimizers.Adam(rate)

    @tf.function(jit_compile=False)
    def step(photos: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        counts = labels != IGNORE_LABEL
        truth = tf.where(counts, tf.cast(labels, tf.int32), 0)
        valid = tf.cast(counts, tf.float32)
        with tf.GradientTape() as tape:
            logits = network(photos, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits)
            cross_entropy = tf.reduce_sum(losses * valid) / tf.reduce_sum(valid)
            # The package's own loss: Dice of the batch over all classes.
            dice = segmentation_models.losses.DiceLoss()(
                tf.one_hot(truth, classes) * valid[..., tf.newaxis], tf.nn.softmax(logits) * valid[..., tf.newaxis]
            )
            loss = cross_entropy + dice
        variables = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step, rate


def _poly(base: float, step: int, total: int) -> float:
    return base * min(1.0, (step + 1) / WARM_UP_STEPS) * max(0.0, 1 - step / total) ** POLY_POWER


if __name__ == "__main__":
    main()
