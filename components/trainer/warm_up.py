"""Requests that TensorFlow Serving replays while it loads a model, so that the first client does not wait."""

from __future__ import annotations

import os

import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from components.transform import picture

WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for them: a TFRecord file of `PredictionLog`, at most 1,000."""

BATCH_SIZES = (1, 2)
"""Photos of each request. What is made on first use does not depend on their number beyond one."""


def write_warm_up(directory: str, frame: tuple[int, int]) -> None:
    """Writes requests of grey JPEG photos beside a SavedModel.

    Args:
        directory: The SavedModel.
        frame: Height and width of the photos, pixels.
    """
    path = os.path.join(directory, WARM_UP_FILE)
    tf.io.gfile.makedirs(os.path.dirname(path))
    photo = tf.io.encode_jpeg(tf.fill([*frame, 3], tf.cast(picture.PADDING, tf.uint8))).numpy()
    with tf.io.TFRecordWriter(path) as writer:
        for size in BATCH_SIZES:
            request = predict_pb2.PredictRequest(
                # Without a name, which only labels statistics: whoever serves the model chooses it.
                model_spec=model_pb2.ModelSpec(signature_name="serving_default"),
                inputs={"image_bytes": tf.make_tensor_proto([photo] * size, tf.string)},
            )
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
