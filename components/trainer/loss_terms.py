"""The losses that training can sum up, each of all pixels of a batch.

Arrays are [classes, pixels]: on a CPU, sums and maxima over the classes of a pixel take a quarter of the time that they
take where the classes lie side by side. Each loss is a float32 scalar, 0 where no pixel counts.

In a replica of a distribution strategy the sums below a fraction are those of all replicas, so that the mean of the
replicas' losses, and of their gradients, is that of the whole batch. Lovasz and the choice of hard pixels are not sums:
each replica sorts its own pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Pixels:
    """What all losses start from.

    Attributes:
        truth: float32 [classes, pixels], 1 where a pixel is of the class; all 0 where nothing counts.
        counted: float32 [pixels], 1 or 0.
        weights: float32 [pixels], the weight of the pixel's class; 0 where nothing counts.
        logits: float32 [classes, pixels], shifted so that each pixel's largest is 0.
        guess: float32 [classes, pixels], probabilities.
        surprise: float32 [pixels], -log of the true class's probability; anything where nothing counts.
    """

    truth: tf.Tensor
    counted: tf.Tensor
    weights: tf.Tensor
    logits: tf.Tensor
    guess: tf.Tensor
    surprise: tf.Tensor

    @staticmethod
    def of(labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> Pixels:
        """Prepares labels int32 [pixels], logits float32 [pixels, classes] and class weights float32 [classes]."""
        truth = tf.one_hot(labels, logits.shape[-1], axis=0)
        logits = tf.transpose(logits)
        logits -= tf.stop_gradient(tf.reduce_max(logits, 0))
        powers = tf.exp(logits)
        total = tf.reduce_sum(powers, 0)
        return Pixels(
            truth=truth,
            counted=tf.reduce_sum(truth, 0),
            weights=tf.linalg.matvec(truth, weights, transpose_a=True),
            logits=logits,
            guess=powers * (1 / total),
            surprise=tf.math.log(total) - tf.reduce_sum(truth * logits, 0),
        )


def cross_entropy(pixels: Pixels, *, smoothing: float, hard: float) -> tf.Tensor:
    """Weighted mean cross-entropy.

    Args:
        pixels: The batch.
        smoothing: Probability taken from the true class and spread over all (Szegedy et al., 2016, section 7).
        hard: Share of the counted pixels, those with the highest loss, that are taken (Shrivastava et al., 2016).
    """
    losses = pixels.surprise
    if smoothing:
        true = tf.reduce_sum(pixels.truth * pixels.logits, 0)
        losses += smoothing * (true - tf.reduce_mean(pixels.logits, 0))
    return _weighted_mean(losses, pixels.weights, hard)


def focal(pixels: Pixels, *, gamma: float, hard: float) -> tf.Tensor:
    """Weighted mean of (1 - p) ** gamma * -log(p), p the true class's probability (Lin et al., 2017, section 3.2)."""
    # A power below 1 has no finite slope at 0; and rounding can bring a surprise a little below 0.
    doubt = tf.maximum(-tf.math.expm1(-pixels.surprise), 1e-7)
    return _weighted_mean(doubt**gamma * pixels.surprise, pixels.weights, hard)


def soft_dice(pixels: Pixels) -> tf.Tensor:
    """1 - Dice of the batch, averaged over the classes that it holds (Milletari et al., 2016, section 3)."""
    overlap = tf.reduce_sum(pixels.truth * pixels.guess, 1)
    guessed = tf.linalg.matvec(pixels.guess, pixels.counted)
    overlap, guessed, true = tf.unstack(_over_replicas(tf.stack([overlap, guessed, tf.reduce_sum(pixels.truth, 1)])))
    return _mean_of_present(1 - tf.math.divide_no_nan(2 * overlap, guessed + true), true)


def lovasz_softmax(pixels: Pixels) -> tf.Tensor:
    """Lovasz extension of 1 - IoU, averaged over the classes that the batch holds (Berman et al., 2018, section 2).

    Every class's errors are sorted, which is most of the cost.
    """
    # A pixel that does not count has no error: it is sorted to the end and changes no other pixel's share.
    errors = tf.abs(pixels.truth - pixels.guess * pixels.counted)
    order = tf.math.top_k(_sortable(errors), tf.shape(errors)[1]).indices
    slopes = tf.stop_gradient(_jaccard_slopes(tf.gather(pixels.truth, order, batch_dims=1)))
    losses = tf.reduce_sum(tf.gather(errors, order, batch_dims=1) * slopes, 1)
    return _mean_of_present(losses, tf.reduce_sum(pixels.truth, 1))


def _jaccard_slopes(truth: tf.Tensor) -> tf.Tensor:
    """By how much 1 - IoU grows with each further wrong pixel.

    Args:
        truth: float32 [classes, pixels], 1 where a pixel is of the class, in the order in which pixels turn wrong.

    Returns:
        float32 [classes, pixels].
    """
    # Counted in whole numbers: a sum of ones in float32 stops growing at 16.8 million.
    lost = tf.cumsum(tf.cast(truth, tf.int32), axis=1)
    total = lost[:, -1:]
    invented = tf.range(1, tf.shape(truth)[1] + 1) - lost
    loss = 1 - tf.cast(total - lost, tf.float32) / tf.cast(tf.maximum(total + invented, 1), tf.float32)
    return loss - tf.pad(loss[:, :-1], [[0, 0], [1, 0]])


def _weighted_mean(losses: tf.Tensor, weights: tf.Tensor, hard: float) -> tf.Tensor:
    if hard < 1:
        weights *= _hardest(losses, weights, hard)
    total = _over_replicas(tf.reduce_sum(weights)) / _replicas()
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), total)


def _hardest(losses: tf.Tensor, weights: tf.Tensor, share: float) -> tf.Tensor:
    """1 for the pixels with the highest losses among those that count (and for equals of the last one), else 0."""
    counts = weights > 0
    wanted = tf.math.ceil(share * tf.reduce_sum(tf.cast(counts, tf.float32)))
    ranked = tf.sort(tf.where(counts, _sortable(losses), -1.0), direction="DESCENDING")
    return tf.cast(losses >= ranked[tf.maximum(tf.cast(wanted, tf.int32) - 1, 0)], tf.float32)


def _sortable(values: tf.Tensor) -> tf.Tensor:
    """Sorting NaN, which a diverged network gives, is not defined."""
    return tf.stop_gradient(tf.where(tf.math.is_nan(values), 0.0, values))


def _mean_of_present(losses: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Mean over the classes that have pixels; both arguments are float32 [classes]."""
    present = tf.cast(pixels > 0, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * present), tf.reduce_sum(present))


def _replicas() -> int:
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def _over_replicas(sums: tf.Tensor) -> tf.Tensor:
    """The sum of a tensor over all replicas; its gradient is summed as well."""
    if _replicas() == 1:
        return sums
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums)
