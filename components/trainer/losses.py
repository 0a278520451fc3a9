"""What training minimises: cross-entropy with ignored pixels and class weights, and soft Dice."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from schema.features import IGNORE_LABEL

WEIGHT_RANGE = (0.4, 2.5)
"""Weights outside it made rare classes spread over their neighbours in trials on street scenes."""


def class_weights(pixels: np.ndarray, power: float) -> np.ndarray:
    """Median-frequency weights (Eigen and Fergus, 2015), tempered.

    Args:
        pixels: [classes], pixels of each class in the training split.
        power: 0 weighs all classes alike, 1 fully against their frequency.

    Returns:
        float32 [classes] within `WEIGHT_RANGE`; classes without any pixel get 1.
    """
    present = pixels > 0
    weights = np.ones(len(pixels), np.float32)
    if present.any():
        weights[present] = (np.median(pixels[present]) / pixels[present]) ** power
    return weights.clip(*WEIGHT_RANGE)


class SegmentationLoss(keras.losses.Loss):
    """Weighted mean cross-entropy of the pixels that count, plus a share of soft Dice loss."""

    def __init__(self, weights: np.ndarray, *, dice_weight: float = 0.0):
        """Takes class weights float [classes] and the factor of the Dice loss."""
        super().__init__(name="segmentation_loss", reduction=None)
        self._weights = tf.constant(weights, tf.float32)
        self._dice_weight = dice_weight

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of a batch.

        Args:
            y_true: Class numbers [N, H, W], `IGNORE_LABEL` where nothing counts.
            y_pred: Logits [N, H, W, classes].

        Returns:
            float32 scalar; 0 for a batch in which no pixel counts.
        """
        logits = tf.cast(y_pred, tf.float32)
        labels = tf.cast(y_true, tf.int32)
        counts = labels != IGNORE_LABEL
        labels = tf.where(counts, labels, 0)
        loss = weighted_cross_entropy(labels, logits, counts, self._weights)
        if self._dice_weight:
            loss += self._dice_weight * soft_dice_loss(labels, logits, counts)
        return loss


def weighted_cross_entropy(labels: tf.Tensor, logits: tf.Tensor, counts: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy over the pixels that count, each with its class's weight: a scalar."""
    pixel_weights = tf.gather(weights, labels) * tf.cast(counts, tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * pixel_weights), tf.reduce_sum(pixel_weights))


def soft_dice_loss(labels: tf.Tensor, logits: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """1 - Dice of the batch, averaged over the classes that the batch holds: a scalar."""
    valid = tf.cast(counts, tf.float32)[..., tf.newaxis]
    truth = tf.one_hot(labels, logits.shape[-1]) * valid
    guess = tf.nn.softmax(logits) * valid
    pixels = list(range(labels.shape.rank))
    overlap = tf.reduce_sum(truth * guess, pixels)
    total = tf.reduce_sum(truth, pixels) + tf.reduce_sum(guess, pixels)
    present = tf.cast(tf.reduce_sum(truth, pixels) > 0, tf.float32)
    dice = tf.math.divide_no_nan(2 * overlap, total)
    return tf.math.divide_no_nan(tf.reduce_sum((1 - dice) * present), tf.reduce_sum(present))
