"""The SavedModel: one signature for serving and one for evaluation."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.transform import picture
from schema import features

EVALUATION_SIGNATURE = "evaluation"
CONFUSION, PIXELS = "confusion", "pixels"


class Predictor(tf.Module):
    """Runs the network on photos of any size. Serving and evaluation share every line of it."""

    def __init__(self, network: keras.Model):
        super().__init__()
        self.network = network
        self.size: tuple[int, int] = network.input_shape[1:3]
        self.class_count: int = network.output_shape[-1]

    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """The `serving_default` signature.

        Args:
            image_bytes: string [N], encoded photos (JPEG, PNG or GIF) of any size, each its own.

        Returns:
            `class_map_bytes` string [N]: 8-bit grey PNG of class numbers at each photo's own size;
            `confidence_bytes` string [N]: 8-bit grey PNG of the chosen class's probability times 255, likewise;
            `class_share` float32 [N, classes]: mean probability of each class over the photo, summing to 1.
        """

        def answer(inputs: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            logits, shape = inputs
            probabilities = tf.nn.softmax(self._at_own_size(logits, shape))
            class_map, confidence = tf.argmax(probabilities, -1), tf.reduce_max(probabilities, -1)
            return (
                _encode_grey(tf.cast(class_map, tf.uint8)),
                _encode_grey(tf.cast(tf.round(confidence * 255), tf.uint8)),
                # In two steps: float32 loses the thousandths when millions of numbers are summed at once.
                tf.reduce_mean(tf.reduce_mean(probabilities, 0), 0),
            )

        signature = (
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([None], tf.float32),
        )
        class_maps, confidences, shares = tf.map_fn(
            answer, self._logits(image_bytes), fn_output_signature=signature, parallel_iterations=1
        )
        return {
            "class_map_bytes": class_maps,
            "confidence_bytes": confidences,
            "class_share": tf.ensure_shape(shares, [None, self.class_count]),
        }

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The `evaluation` signature: counts that TFMA sums.

        Args:
            examples: string [N], serialized examples of ImageMaskExampleGen.

        Returns:
            `confusion` int64 [N, classes * classes]: pixels by truth (row) and prediction (column) of each photo
            at its own size; `pixels` int64 [N]: pixels that count.
        """
        wanted = {
            name: tf.io.FixedLenFeature([], tf.string) for name in (features.IMAGE_ENCODED, features.MASK_ENCODED)
        }
        parsed = tf.io.parse_example(examples, wanted)

        def count(inputs: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
            logits, shape, mask = inputs
            prediction = tf.argmax(self._at_own_size(logits, shape), -1, output_type=tf.int32)
            return count_confusion(picture.decode_mask(mask)[:, :, 0], prediction, self.class_count)

        logits, shapes = self._logits(parsed[features.IMAGE_ENCODED])
        confusion = tf.map_fn(
            count,
            (logits, shapes, parsed[features.MASK_ENCODED]),
            fn_output_signature=tf.TensorSpec([self.class_count**2], tf.int64),
            parallel_iterations=1,
        )
        return {CONFUSION: confusion, PIXELS: tf.reduce_sum(confusion, 1)}

    def _logits(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits float32 [N, H, W, classes] of the padded input, and the photos' own sizes int32 [N, 2]."""

        def prepare(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            photo = picture.decode_photo(encoded)
            return picture.pad_photo(picture.fit_photo(photo, self.size), self.size), tf.shape(photo)[:2]

        signature = (tf.TensorSpec([*self.size, 3], tf.float32), tf.TensorSpec([2], tf.int32))
        padded, shapes = tf.map_fn(prepare, image_bytes, fn_output_signature=signature, parallel_iterations=2)
        return self.network(padded, training=False), shapes

    def _at_own_size(self, logits: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
        """Takes the padding off and scales one photo's logits to its own height and width."""
        fitted = picture.fitted_size(shape[0], shape[1], self.size)
        return tf.image.resize(logits[: fitted[0], : fitted[1]], shape)


def count_confusion(truth: tf.Tensor, prediction: tf.Tensor, class_count: int) -> tf.Tensor:
    """Pixels by truth and prediction, ignored pixels left out.

    Args:
        truth: uint8, any shape; `IGNORE_LABEL` where nothing counts.
        prediction: int32, same shape.
        class_count: Number of classes.

    Returns:
        int64 [classes * classes], row after row.
    """
    counts = truth < class_count
    joined = tf.cast(truth, tf.int32) * class_count + prediction
    return tf.math.bincount(
        tf.boolean_mask(joined, counts),
        minlength=class_count**2,
        maxlength=class_count**2,
        dtype=tf.int64,
    )


def export_model(network: keras.Model, directory: str) -> None:
    """Writes a SavedModel with the signatures `serving_default` and `evaluation`."""
    predictor = Predictor(network)
    archive = keras.export.ExportArchive()
    archive.track(network)
    strings = tf.TensorSpec([None], tf.string)
    archive.add_endpoint("serving_default", predictor.serve, [_named(strings, "image_bytes")])
    archive.add_endpoint(EVALUATION_SIGNATURE, predictor.evaluate, [_named(strings, "examples")])
    archive.write_out(directory, verbose=False)


def _named(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name=name)


def _encode_grey(values: tf.Tensor) -> tf.Tensor:
    return tf.io.encode_png(values[:, :, tf.newaxis])
