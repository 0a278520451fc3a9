"""What TensorFlow Serving replays while it loads a model, and what a real network says to requests of any length."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import prediction_log_pb2

from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from components.trainer.warm_up import WARM_UP_FILE

WINDOW, FRAME, CLASSES = (32, 48), (40, 64), 3


@pytest.fixture(scope="module", params=["whole", "windows and flip"])
def case(request, tmp_path_factory):
    """A model whose convolutions TensorFlow fuses, as it does those of the real network."""
    keras.utils.set_random_seed(7)
    image = keras.Input((*WINDOW, 3))
    seen = keras.layers.Rescaling(1 / 128)(image)
    for width in (4, 6):
        seen = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(seen)
        seen = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(seen))
    network = keras.Model(image, keras.layers.Conv2D(CLASSES, 1)(seen))
    settings = InferenceSettings() if request.param == "whole" else InferenceSettings(FRAME, flip_test=True)
    directory = str(tmp_path_factory.mktemp("export") / "model")
    export_model(network, directory, settings)
    return directory, settings.frame(WINDOW)


def requests(directory):
    records = tf.data.TFRecordDataset(f"{directory}/{WARM_UP_FILE}")
    logs = [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]
    assert all(log.WhichOneof("log_type") == "predict_log" for log in logs)
    return [log.predict_log.request for log in logs]


def test_requests_replay_on_the_loaded_model(case):
    directory, frame = case
    signatures = tf.saved_model.load(directory).signatures
    found = requests(directory)
    # TensorFlow Serving refuses a file of more than 1,000.
    assert 1 <= len(found) <= 1000
    for request in found:
        signature = signatures[request.model_spec.signature_name]
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        answer = signature(**inputs)
        for encoded in answer["class_map_bytes"].numpy():
            assert Image.open(io.BytesIO(encoded)).size == frame[::-1]
        np.testing.assert_allclose(answer["class_share"].numpy().sum(axis=1), 1, atol=1e-4)


def test_a_single_photo_and_a_batch_are_both_warmed_up(case):
    counts = [request.inputs["image_bytes"].tensor_shape.dim[0].size for request in requests(case[0])]
    assert counts[0] == 1
    assert max(counts) > 1


def test_an_empty_request_has_an_empty_answer(case):
    serve = tf.saved_model.load(case[0]).signatures["serving_default"]
    answer = serve(image_bytes=tf.constant([], tf.string))
    assert {name: tuple(value.shape) for name, value in answer.items()} == {
        "class_map_bytes": (0,),
        "confidence_bytes": (0,),
        "class_share": (0, CLASSES),
    }


def test_photos_of_a_request_do_not_change_each_other(case):
    serve = tf.saved_model.load(case[0]).signatures["serving_default"]
    random = np.random.default_rng(8)
    photos = []
    for size in ((50, 70, 3), (20, 90, 3), (64, 16, 3)):
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 256, size, np.uint8)).resize(size[1::-1]).save(buffer, "PNG")
        photos.append(buffer.getvalue())
    together = serve(image_bytes=tf.constant(photos))["class_map_bytes"].numpy()
    for photo, answer in zip(photos, together, strict=True):
        alone = serve(image_bytes=tf.constant([photo]))["class_map_bytes"].numpy()[0]
        maps = [np.asarray(Image.open(io.BytesIO(one))) for one in (alone, answer)]
        # Convolutions may add in another order in a batch, which can turn a pixel between two equal classes.
        assert (maps[0] == maps[1]).mean() > 0.999
