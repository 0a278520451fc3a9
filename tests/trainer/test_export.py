import io
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.metrics.counts import count_confusion
from components.trainer.card import CARD_FILE, read_card, write_card
from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from schema import features
from schema.features import IGNORE_LABEL
from schema.labelmap import LabelClass, LabelMap

INPUT = (32, 48)
CLASSES = 3
BOUNDS = (85, 170)
"""Red levels at which one class ends and the next begins."""

# Runs far from the project: what a user of the exported model has is TensorFlow and the folder.
CLIENT = """
import importlib.abc, sys

REFUSED = ("components", "pipeline", "schema", "tfx", "apache_beam", "tensorflow_serving")

# All of these are installed here: a client has none of them.
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in REFUSED:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
for name in REFUSED:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{name} can be imported")

import numpy as np, tensorflow as tf
model, request, answer = sys.argv[1:]
signatures = tf.saved_model.load(model).signatures
photos = [bytes(photo) for photo in np.load(request, allow_pickle=True)]
given = signatures["serving_default"](image_bytes=tf.constant(photos, tf.string))
empty = signatures["serving_default"](image_bytes=tf.constant([], tf.string))
np.savez(
    answer,
    signatures=sorted(signatures),
    class_maps=np.array([list(one) for one in given["class_map_bytes"].numpy()], dtype=object),
    confidences=np.array([list(one) for one in given["confidence_bytes"].numpy()], dtype=object),
    shares=given["class_share"].numpy(),
    empty=[len(value) for value in empty.values()],
    empty_share=empty["class_share"].shape,
)
"""


def red_network():
    """A 1x1 convolution that tells classes 0, 1 and 2 by the red level of a pixel alone.

    The logits are lines over the red level that cross at the bounds: 0, (red - 85) / 8 and the second plus
    (red - 170) / 8.
    """
    image = keras.Input((*INPUT, 3))
    classify = keras.layers.Conv2D(CLASSES, 1, name="classify")
    network = keras.Model(image, classify(image))
    kernel = np.zeros((1, 1, 3, CLASSES), np.float32)
    kernel[0, 0, 0] = [0, 1 / 8, 2 / 8]
    classify.set_weights([kernel, np.array([0, -BOUNDS[0], -BOUNDS[0] - BOUNDS[1]], np.float32) / 8])
    return network


def striped(height, width, reds):
    """A photo of vertical stripes of equal width, one a red level."""
    photo = np.full((height, width, 3), 90, np.uint8)
    photo[..., 0] = np.array(reds)[np.arange(width) * len(reds) // width]
    return photo


def classes_of(photo):
    return np.digitize(photo[..., 0], BOUNDS).astype(np.uint8)


def encode(array, kind):
    buffer = io.BytesIO()
    options = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def decode(content):
    picture = Image.open(io.BytesIO(bytes(content)))
    assert picture.format == "PNG"
    assert picture.mode == "L"
    return np.asarray(picture)


def example(photo, mask, kind="PNG"):
    values = {features.IMAGE_ENCODED: encode(photo, kind), features.MASK_ENCODED: encode(mask, "PNG")}
    feature = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


PHOTOS = [
    # The network's own size, four times it, another aspect, a portrait, a tiny and a very flat photo.
    ("PNG", striped(*INPUT, [20, 128, 240])),
    ("JPEG", striped(128, 192, [240, 20])),
    ("JPEG", striped(60, 200, [20, 240, 128])),
    ("PNG", striped(90, 40, [128, 20])),
    ("PNG", striped(3, 5, [240])),
    ("PNG", striped(2, 300, [20, 240])),
]


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("export") / "model")
    export_model(red_network(), directory, InferenceSettings())
    return directory


@pytest.fixture(scope="module")
def answer(model_dir, tmp_path_factory):
    """What a client without the project gets for all photos in one request."""
    place = tmp_path_factory.mktemp("client")
    request = np.empty(len(PHOTOS), object)
    request[:] = [list(encode(photo, kind)) for kind, photo in PHOTOS]
    np.save(place / "request.npy", request, allow_pickle=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, model_dir, "request.npy", "answer.npz"],
        cwd=place,
        env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(place / "answer.npz", allow_pickle=True))


def test_the_model_needs_tensorflow_alone(answer, model_dir):
    """`CLIENT` can import neither the project nor TFX, and sees what this process sees."""
    assert {"serving_default", "evaluation"} <= set(answer["signatures"].tolist())
    serve = tf.saved_model.load(model_dir).signatures["serving_default"]
    here = serve(image_bytes=tf.constant([encode(photo, kind) for kind, photo in PHOTOS]))
    assert [bytes(one) for one in answer["class_maps"]] == here["class_map_bytes"].numpy().tolist()
    assert [bytes(one) for one in answer["confidences"]] == here["confidence_bytes"].numpy().tolist()


@pytest.mark.parametrize("number", range(len(PHOTOS)))
def test_class_maps_have_each_photos_own_size_and_classes(answer, number):
    photo = PHOTOS[number][1]
    class_map, truth = decode(answer["class_maps"][number]), classes_of(photo)
    assert class_map.shape == photo.shape[:2]
    # Scaling to the network's input and back blurs the borders of the stripes by some pixels of the input.
    scale = max(1, photo.shape[0] / INPUT[0], photo.shape[1] / INPUT[1])
    near = [truth[:, max(0, x - int(2 * scale)) : x + int(2 * scale) + 1] for x in range(photo.shape[1])]
    inside = np.stack([(part == part[:, :1]).all(axis=1) for part in near], axis=1)
    assert inside.mean() > 0.4
    np.testing.assert_array_equal(class_map[inside], truth[inside])


def test_a_photo_of_the_networks_size_is_right_to_the_last_pixel(answer):
    np.testing.assert_array_equal(decode(answer["class_maps"][0]), classes_of(PHOTOS[0][1]))


@pytest.mark.parametrize("number", range(len(PHOTOS)))
def test_confidence_is_a_grey_picture_of_the_photos_size(answer, number):
    confidence = decode(answer["confidences"][number])
    assert confidence.shape == PHOTOS[number][1].shape[:2]
    # The chosen class of three has at least a third.
    assert confidence.min() >= 85


def test_confidence_is_the_probability_of_the_chosen_class_times_255(answer):
    photo = PHOTOS[0][1].astype(np.float64)
    logits = np.stack([0 * photo[..., 0], photo[..., 0] - 85, 2 * photo[..., 0] - 255], axis=-1) / 8
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(decode(answer["confidences"][0]), chances.max(axis=-1) * 255, atol=0.51)
    np.testing.assert_allclose(answer["shares"][0], chances.mean(axis=(0, 1)), atol=1e-5)


def test_shares_of_a_photo_sum_to_1(answer):
    assert answer["shares"].shape == (len(PHOTOS), CLASSES)
    np.testing.assert_allclose(answer["shares"].sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(answer["shares"][1], [0.5, 0, 0.5], atol=0.05)


def test_shares_of_a_large_photo_sum_to_1(model_dir):
    # Adding millions of float32 numbers one by one loses the last digits, then more.
    photo = striped(1200, 1600, [20, 100, 160, 240])
    serve = tf.saved_model.load(model_dir).signatures["serving_default"]
    share = serve(image_bytes=tf.constant([encode(photo, "PNG")]))["class_share"].numpy()[0]
    assert share.sum() == pytest.approx(1, abs=5e-5)


def test_an_empty_request_has_an_empty_answer(answer):
    assert answer["empty"].tolist() == [0, 0, 0]
    assert answer["empty_share"].tolist() == [0, CLASSES]


@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_a_damaged_photo_is_refused_rather_than_guessed(model_dir, fraction):
    serve = tf.saved_model.load(model_dir).signatures["serving_default"]
    content = b"no picture" if fraction == 1.0 else encode(PHOTOS[0][1], "PNG")[: int(fraction * 100)]
    with pytest.raises(tf.errors.InvalidArgumentError):
        serve(image_bytes=tf.constant([content]))


def hand_count(truth, prediction):
    counts = np.zeros((CLASSES, CLASSES), int)
    for true, guess in zip(truth.ravel(), prediction.ravel(), strict=True):
        if true != IGNORE_LABEL:
            counts[true, guess] += 1
    return counts


def test_evaluation_counts_pixels_at_each_photos_own_size(model_dir):
    signatures = tf.saved_model.load(model_dir).signatures
    random = np.random.default_rng(0)
    cases = []
    for kind, photo in PHOTOS:
        mask = random.integers(0, CLASSES, photo.shape[:2]).astype(np.uint8)
        mask[random.uniform(size=mask.shape) < 0.25] = IGNORE_LABEL
        cases.append((kind, photo, mask))
    records = tf.constant([example(photo, mask, kind) for kind, photo, mask in cases])
    counted = signatures["evaluation"](examples=records)
    photos = tf.constant([encode(photo, kind) for kind, photo, _ in cases])
    served = signatures["serving_default"](image_bytes=photos)["class_map_bytes"].numpy()
    for number, (_, _, mask) in enumerate(cases):
        # Serving and evaluation must see the same picture: the score is that of what users get.
        expected = hand_count(mask, decode(served[number]))
        np.testing.assert_array_equal(counted["confusion"][number].numpy().reshape(CLASSES, CLASSES), expected)
        assert int(counted["pixels"][number]) == (mask != IGNORE_LABEL).sum()


def test_evaluation_of_a_perfect_and_of_an_ignored_photo(model_dir):
    evaluate = tf.saved_model.load(model_dir).signatures["evaluation"]
    photo = PHOTOS[0][1]
    masks = [classes_of(photo), np.full(INPUT, IGNORE_LABEL, np.uint8)]
    counted = evaluate(examples=tf.constant([example(photo, mask) for mask in masks]))
    np.testing.assert_array_equal(
        counted["confusion"][0].numpy().reshape(CLASSES, CLASSES), np.diag(np.bincount(masks[0].ravel()))
    )
    assert not counted["confusion"][1].numpy().any()
    assert counted["pixels"].numpy().tolist() == [masks[0].size, 0]


def test_windows_and_mirrored_photos_are_scored_as_they_are_served(tmp_path):
    frame = (48, 80)
    export_model(red_network(), str(tmp_path / "model"), InferenceSettings(frame, flip_test=True))
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    photo = striped(*frame, [20, 240, 128, 20, 128])
    served = signatures["serving_default"](image_bytes=tf.constant([encode(photo, "PNG")]))
    # A network that looks at single pixels must not notice that there are windows.
    np.testing.assert_array_equal(decode(served["class_map_bytes"].numpy()[0]), classes_of(photo))
    mask = np.random.default_rng(2).integers(0, CLASSES, frame).astype(np.uint8)
    counted = signatures["evaluation"](examples=tf.constant([example(photo, mask)]))
    expected = hand_count(mask, classes_of(photo))
    np.testing.assert_array_equal(counted["confusion"][0].numpy().reshape(CLASSES, CLASSES), expected)


def test_evaluation_of_no_records(model_dir):
    counted = tf.saved_model.load(model_dir).signatures["evaluation"](examples=tf.constant([], tf.string))
    assert counted["confusion"].shape == (0, CLASSES**2)
    assert counted["pixels"].shape == (0,)


@pytest.mark.parametrize("ignored", [0.0, 0.5, 1.0])
def test_count_confusion_agrees_with_a_count_by_hand(ignored):
    random = np.random.default_rng(1)
    truth = random.integers(0, CLASSES, (4, 5)).astype(np.uint8)
    truth[random.uniform(size=truth.shape) < ignored] = IGNORE_LABEL
    prediction = random.integers(0, CLASSES, (4, 5)).astype(np.int32)
    counted = count_confusion(tf.constant(truth), tf.constant(prediction), CLASSES)
    assert counted.dtype == tf.int64
    np.testing.assert_array_equal(counted.numpy().reshape(CLASSES, CLASSES), hand_count(truth, prediction))


def test_count_confusion_holds_every_class_number():
    truth = np.arange(254, dtype=np.uint8)
    counted = count_confusion(tf.constant(truth), tf.constant(truth.astype(np.int32)), 254).numpy()
    np.testing.assert_array_equal(counted.reshape(254, 254), np.eye(254))


def test_card_round_trip(tmp_path):
    classes = (LabelClass("sky", (0, 0, 0)), LabelClass("flugzeug ✈", (10, 200, 30)))
    label_map = LabelMap(classes, (LabelClass("void", (1, 1, 1)),), "sky")
    write_card(str(tmp_path / "model"), label_map, {"fingerprint": "abc", "network": {"bins": (1, 2)}})
    card = read_card(str(tmp_path / "model"))
    assert card == {
        "classes": [
            {"number": 0, "name": "sky", "color": [0, 0, 0]},
            {"number": 1, "name": "flugzeug ✈", "color": [10, 200, 30]},
        ],
        "background": "sky",
        "fingerprint": "abc",
        "network": {"bins": [1, 2]},
    }
    # Clients in other languages read the file themselves.
    assert json.loads((tmp_path / "model" / CARD_FILE).read_text(encoding="utf-8")) == card


def test_card_lies_beside_the_model_without_disturbing_it(model_dir):
    write_card(model_dir, LabelMap((LabelClass("a", (0, 0, 0)), LabelClass("b", (1, 1, 1))), (), "a"), {})
    assert "serving_default" in tf.saved_model.load(model_dir).signatures
