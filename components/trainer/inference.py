"""From fitted photos to class scores: windows, mirrored photos, scales; the same for scoring and for service."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import keras
import tensorflow as tf

from components.trainer.frame import InferenceSettings, window_starts
from components.transform import picture

_SMALLEST = 1e-7
"""Probability that stands for none: a logarithm must be finite to be interpolated."""

Size = tuple[int, int]


def frame_scores(network: keras.Model, frames: tf.Tensor, settings: InferenceSettings) -> tf.Tensor:
    """Looks at padded photos as the settings say.

    One window that is the whole frame costs what the network costs: its logits are the answer. Otherwise
    probabilities are averaged, over overlapping windows and over views, and their logarithms are the answer. Either
    are scores of one kind: softmax gives probabilities, argmax classes, and linear interpolation means the same, since
    what logits have beyond log-probabilities is equal for all classes of a pixel.

    Args:
        network: From float32 [N, *window, 3] to logits float32 [N, *window, classes].
        frames: float32 [N, *frame, 3], 0 to 255, fitted and padded; the frame is at least the window.
        settings: Views; `photo_size` is not asked for, the frames have it.

    Returns:
        float32 [N, *frame, classes].
    """
    window, frame = network.input_shape[1:3], tuple(frames.shape[1:3])
    views = [(scale, mirror) for scale in settings.test_scales for mirror in (False, True)[: 1 + settings.flip_test]]
    if window == frame and views == [(1.0, False)]:
        return network(frames, training=False)
    total = tf.add_n([_view(network, frames, scale=scale, mirror=mirror) for scale, mirror in views])
    return tf.math.log(tf.maximum(total / len(views), _SMALLEST))


def _view(network: keras.Model, frames: tf.Tensor, *, scale: float, mirror: bool) -> tf.Tensor:
    """Probabilities of one view, brought back to the frame: float32 [N, *frame, classes]."""
    frame = frames.shape[1:3]
    seen = frames[:, :, ::-1] if mirror else frames
    if scale != 1:
        scaled = [max(1, round(side * scale)) for side in frame]
        seen = _pad(tf.image.resize(seen, scaled, antialias=True), network.input_shape[1:3])
        inside = _probabilities(network, seen)[:, : scaled[0], : scaled[1]]
        probabilities = tf.image.resize(inside, frame)
    else:
        probabilities = _probabilities(network, seen)
    return probabilities[:, :, ::-1] if mirror else probabilities


def _pad(pictures: tf.Tensor, least: Size) -> tf.Tensor:
    """Pads [N, h, w, 3] at the bottom and on the right to at least a window, as photos are padded to the frame."""
    missing = [[0, max(0, side - there)] for side, there in zip(least, pictures.shape[1:3], strict=True)]
    return tf.pad(pictures, [[0, 0], *missing, [0, 0]], constant_values=picture.PADDING)


def _probabilities(network: keras.Model, pictures: tf.Tensor) -> tf.Tensor:
    if tuple(pictures.shape[1:3]) == network.input_shape[1:3]:
        return tf.nn.softmax(network(pictures, training=False))
    signature = tf.TensorSpec([*pictures.shape[1:3], network.output_shape[-1]], tf.float32)
    # One photo after the other, one row of windows after the other: memory does not grow with either.
    return tf.map_fn(
        lambda photo: _slide(network, photo), pictures, fn_output_signature=signature, parallel_iterations=1
    )


def _slide(network: keras.Model, photo: tf.Tensor) -> tf.Tensor:
    """Averages the probabilities of all windows that see a pixel: float32 [H, W, 3] to [H, W, classes]."""
    (height, width), window = photo.shape[:2], network.input_shape[1:3]
    tops, lefts = window_starts(height, window[0]), window_starts(width, window[1])

    def look(top: tf.Tensor) -> tf.Tensor:
        strip = tf.slice(photo, [top, 0, 0], [window[0], width, 3])
        windows = tf.stack([strip[:, left : left + window[1]] for left in lefts])
        return average_overlaps(tf.nn.softmax(network(windows, training=False)), lefts, axis=1)

    signature = tf.TensorSpec([window[0], width, network.output_shape[-1]], tf.float32)
    rows = tf.map_fn(look, tf.constant(tops), fn_output_signature=signature, parallel_iterations=1)
    return average_overlaps(rows, tops, axis=0)


def average_overlaps(parts: tf.Tensor, starts: Sequence[int], *, axis: int) -> tf.Tensor:
    """Joins parts that overlap along one axis; what several of them hold is averaged.

    Args:
        parts: float32 [parts, h, w, C].
        starts: Where each part begins in the whole, rising from 0 without gaps.
        axis: 0 to join rows, 1 to join columns.

    Returns:
        float32 [H, w, C] or [h, W, C].
    """
    size = parts.shape[1 + axis]
    edges = sorted({*starts, *(start + size for start in starts)})
    pieces = []
    # Between two edges the same parts cover every pixel, so that each is read once.
    for low, high in pairwise(edges):
        here = [
            part[low - start : high - start] if axis == 0 else part[:, low - start : high - start]
            for part, start in zip(tf.unstack(parts, len(starts)), starts, strict=True)
            if start <= low < start + size
        ]
        pieces.append(tf.add_n(here) / len(here))
    return tf.concat(pieces, axis)
