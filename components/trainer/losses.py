"""What training minimises: the weighted sum of losses that the settings name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from components.trainer import loss_terms
from components.trainer.loss_expression import parse_loss
from components.trainer.loss_terms import Pixels
from components.trainer.settings import TrainingSettings
from schema.features import IGNORE_LABEL

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Labels uint8 [N, H, W] and logits of any float type [N, H, W, classes] to a float32 scalar."""


def class_weights(pixels: np.ndarray, power: float, bounds: Sequence[float]) -> np.ndarray:
    """Median-frequency weights (Eigen and Fergus, 2015), tempered.

    Args:
        pixels: [classes], pixels of each class in the training split.
        power: 0 weighs all classes alike, 1 fully against their frequency.
        bounds: Least and largest weight. Far ones made rare classes spread over their neighbours in trials on street
            scenes.

    Returns:
        float32 [classes] within `bounds`; classes without any pixel get 1, or the bound next to it.
    """
    present = pixels > 0
    weights = np.ones(len(pixels), np.float32)
    if present.any():
        weights[present] = (np.median(pixels[present]) / pixels[present]) ** power
    return weights.clip(bounds[0], bounds[1])


def make_loss(settings: TrainingSettings, weights: np.ndarray) -> Loss:
    """The loss of a batch, as the settings say.

    Pixels with the ignore label have no part in it and get no gradient; a batch without any other pixel costs 0. A
    label that is neither a class nor the ignore label makes the loss NaN, on every device. Under a distribution
    strategy, the mean over the replicas of losses and gradients is that of the whole batch (lovasz and hard pixels:
    nearly).

    Args:
        settings: `loss`, `label_smoothing`, `focal_gamma` and `hard_pixels` are used.
        weights: float32 [classes], the class weights of cross_entropy and focal.

    Returns:
        A function without state, of labels uint8 [N, H, W] and logits [N, H, W, classes], for use in a `tf.function`.
    """
    known: dict[str, Callable[[Pixels], tf.Tensor]] = {
        "cross_entropy": partial(
            loss_terms.cross_entropy, smoothing=settings.label_smoothing, hard=settings.hard_pixels
        ),
        "focal": partial(loss_terms.focal, gamma=settings.focal_gamma, hard=settings.hard_pixels),
        "dice": loss_terms.soft_dice,
        "lovasz": loss_terms.lovasz_softmax,
    }
    chosen = [(factor, known[name]) for name, factor in parse_loss(settings.loss).items()]
    classes = len(weights)

    def loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        numbers = tf.reshape(tf.cast(labels, tf.int32), [-1])
        pixels = Pixels.of(numbers, tf.reshape(tf.cast(logits, tf.float32), [-1, classes]), tf.constant(weights))
        impossible = tf.reduce_any((numbers >= classes) & (numbers != IGNORE_LABEL))
        return tf.where(impossible, math.nan, tf.add_n([factor * term(pixels) for factor, term in chosen]))

    return loss
