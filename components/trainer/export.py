"""The SavedModel: one signature for serving and one for evaluation."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.metrics.counts import count_photo
from components.trainer.frame import InferenceSettings
from components.trainer.inference import frame_scores
from components.trainer.own_size import in_strips
from components.trainer.warm_up import write_warm_up
from components.transform import picture
from schema import features

EVALUATION_SIGNATURE = "evaluation"
CONFUSION, BOUNDARY, PIXELS = "confusion", "boundary", "pixels"

_PNG_LEVEL = 1
_PIXELS = tf.TensorSpec([None, None], tf.uint8)


class Predictor(tf.Module):
    """Runs the network on photos of any size. Serving and evaluation share every line of it."""

    def __init__(self, network: keras.Model, settings: InferenceSettings):
        """Takes a network from photos [N, height, width, 3] to logits, and how it looks at photos."""
        super().__init__()
        self.network = network
        self.settings = settings
        self.frame = settings.frame(network.input_shape[1:3])
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

        def look(scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            probabilities = tf.nn.softmax(scores)
            confidence = tf.cast(tf.round(tf.reduce_max(probabilities, -1) * 255), tf.uint8)
            # Row by row: float32 loses the thousandths when millions of numbers are summed at once.
            return _class_map(scores), confidence, tf.reduce_mean(probabilities, 1)

        def answer(inputs: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            rows = (_PIXELS, _PIXELS, tf.TensorSpec([None, self.class_count], tf.float32))
            class_map, confidence, shares = in_strips(*self._unpadded(*inputs), look, rows)
            return _encode_grey(class_map), _encode_grey(confidence), tf.reduce_mean(shares, 0)

        signature = (
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([self.class_count], tf.float32),
        )
        class_maps, confidences, shares = tf.map_fn(
            answer, self._scores(image_bytes), fn_output_signature=signature, parallel_iterations=1
        )
        return {
            "class_map_bytes": class_maps,
            "confidence_bytes": confidences,
            "class_share": shares,
        }

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The `evaluation` signature: counts that TFMA sums.

        Args:
            examples: string [N], serialized examples of ImageMaskExampleGen.

        Returns:
            `confusion` int64 [N, classes * classes]: pixels by truth (row) and prediction (column) of each photo
            at its own size; `boundary` int64 [N, 3 * classes]: pixels near contours, see `count_photo`; `pixels`
            int64 [N]: pixels that count.
        """
        wanted = {
            name: tf.io.FixedLenFeature([], tf.string) for name in (features.IMAGE_ENCODED, features.MASK_ENCODED)
        }
        parsed = tf.io.parse_example(examples, wanted)

        def count(inputs: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            scores, shape, mask = inputs
            class_map = in_strips(*self._unpadded(scores, shape), _class_map, _PIXELS)
            return count_photo(picture.decode_mask(mask)[:, :, 0], class_map, self.class_count)

        scores, shapes = self._scores(parsed[features.IMAGE_ENCODED])
        signature = (
            tf.TensorSpec([self.class_count**2], tf.int64),
            tf.TensorSpec([3 * self.class_count], tf.int64),
        )
        confusion, boundary = tf.map_fn(
            count,
            (scores, shapes, parsed[features.MASK_ENCODED]),
            fn_output_signature=signature,
            parallel_iterations=1,
        )
        return {CONFUSION: confusion, BOUNDARY: boundary, PIXELS: tf.reduce_sum(confusion, 1)}

    def _scores(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores float32 [N, *frame, classes] of the padded photos, and the photos' own sizes int32 [N, 2]."""

        def prepare(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            photo = picture.decode_photo(encoded)
            return picture.pad_photo(picture.fit_photo(photo, self.frame), self.frame), tf.shape(photo)[:2]

        signature = (tf.TensorSpec([*self.frame, 3], tf.float32), tf.TensorSpec([2], tf.int32))
        padded, shapes = tf.map_fn(prepare, image_bytes, fn_output_signature=signature, parallel_iterations=2)
        # TensorFlow's fused convolutions fail without a photo: an empty request gets one, whose scores are dropped.
        count = tf.shape(padded)[0]
        padded = tf.pad(padded, [[0, tf.cast(count == 0, tf.int32)], [0, 0], [0, 0], [0, 0]])
        return frame_scores(self.network, padded, self.settings)[:count], shapes

    def _unpadded(self, scores: tf.Tensor, shape: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One photo's scores without the padding, and its own height and width."""
        fitted = picture.fitted_size(shape[0], shape[1], self.frame)
        return scores[: fitted[0], : fitted[1]], shape


def export_model(network: keras.Model, directory: str, settings: InferenceSettings) -> None:
    """Writes a SavedModel with the signatures `serving_default` and `evaluation`, and requests that warm it up."""
    predictor = Predictor(network, settings)
    archive = keras.export.ExportArchive()
    archive.track(network)
    strings = tf.TensorSpec([None], tf.string)
    archive.add_endpoint("serving_default", predictor.serve, [_named(strings, "image_bytes")])
    archive.add_endpoint(EVALUATION_SIGNATURE, predictor.evaluate, [_named(strings, "examples")])
    archive.write_out(directory, verbose=False)
    write_warm_up(directory, predictor.frame)


def _named(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name=name)


def _class_map(scores: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.argmax(scores, -1, output_type=tf.int32), tf.uint8)


def _encode_grey(values: tf.Tensor) -> tf.Tensor:
    # The default level takes several times as long as all the rest of a large photo, to save a tenth of the bytes.
    return tf.io.encode_png(values[:, :, tf.newaxis], compression=_PNG_LEVEL)
