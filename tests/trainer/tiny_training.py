"""A training of seconds: small pictures, a narrow network. Also a program, for trainings that must have a process.

python tiny_training.py FOLDER [--output NAME] [--devices N] [--settings JSON]
"""

import argparse
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
from PIL import Image

from components.trainer import run, training
from components.trainer.frame import InferenceSettings
from components.trainer.recipe import Files, Recipe
from components.trainer.settings import NetworkSettings, TrainingSettings
from schema import features
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("sky", (0, 0, 0)), LabelClass("plane", (255, 0, 0))), (), "sky")
NETWORK = NetworkSettings(
    backbone="resnet50",
    decoder="bilinear",
    image_size=(32, 48),
    bins=(1, 2),
    head_channels=8,
    weights="none",
    encoder_width=0.1,
    encoder_blocks=(1, 1, 1, 1),
)


GROUPS = ("network", "training", "inference")


def encoded(array, kind):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


def draw(number, size):
    """A photo uint8 [h, w, 3] of a bright rectangle over noise, and its mask uint8 [h, w]."""
    random = np.random.default_rng(number)
    mask = np.zeros(size, np.uint8)
    top, left = random.integers(0, (size[0] // 2, size[1] // 2))
    mask[top : top + size[0] // 2, left : left + size[1] // 2] = 1
    photo = random.integers(0, 120, (*size, 3)) + mask[..., np.newaxis] * 90
    return photo.astype(np.uint8), mask


def write_records(path, count, *, size=NETWORK.image_size, first=0, spoilt=()):
    """Records as Transform writes them; masks of numbers in `spoilt` hold a label 7."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(first, first + count):
            photo, mask = draw(number, size)
            if number in spoilt:
                mask[3, 5] = 7
            values = {
                features.TRAIN_IMAGE: encoded(photo, "JPEG"),
                features.TRAIN_MASK: encoded(mask, "PNG"),
                features.TRAIN_KEY: f"photo {number}".encode(),
            }
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in values.items()
            }
            feature[features.TRAIN_CLASS_PIXELS] = tf.train.Feature(float_list=tf.train.FloatList(value=[3.0, 1.0]))
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return [str(path.parent / "*")]


def recipe(**settings):
    """A recipe of a few steps; `settings` are of the network or of the training."""
    network = {name: settings.pop(name) for name in list(settings) if name in asdict(NETWORK)}
    values = {"steps": 6, "batch_size": 4, "eval_every": 2, "warm_up_steps": 2, **settings}
    return Recipe(replace(NETWORK, **network), TrainingSettings(**values), InferenceSettings(), LABEL_MAP)


def files(folder, output="out"):
    """Eight photos to train and three to evaluate, written where they are not there yet."""
    folder = Path(folder)
    if not (folder / "train").exists():
        write_records(folder / "eval" / "data", 3, first=100)
        write_records(folder / "train" / "data", 8)
    patterns = [[str(folder / split / "*")] for split in ("train", "eval")]
    return Files(*patterns, logs=str(folder / output / "run"), checkpoints=str(folder / output / "checkpoints"))


def fn_args(folder, output="out", **settings):
    """What TFX hands to run_fn."""
    told, places = recipe(**settings), files(folder, output)
    return SimpleNamespace(
        train_files=places.train,
        eval_files=places.evaluate,
        serving_model_dir=str(Path(folder) / output / "model"),
        model_run_dir=places.logs,
        custom_config={
            # TFX brings settings as JSON.
            **json.loads(json.dumps({name: asdict(getattr(told, name)) for name in GROUPS})),
            "label_map": LABEL_MAP.to_json(),
            "fingerprint": "f",
            "checkpoints": places.checkpoints,
        },
    )


def history_of(arguments):
    return json.loads((Path(arguments.model_run_dir) / run.HISTORY_FILE).read_text())


def card_of(arguments):
    return json.loads((Path(arguments.serving_model_dir) / "assets.extra" / "model_card.json").read_text())


def answers_of(arguments):
    """What the exported model says about eight photos: the mean probability of each class."""
    serve = tf.saved_model.load(arguments.serving_model_dir).signatures["serving_default"]
    photos = [encoded(draw(number, NETWORK.image_size)[0], "PNG") for number in range(200, 208)]
    return serve(image_bytes=tf.constant(photos))["class_share"].numpy()


def note_rows(path):
    """Writes the rows of every step's batch, over all replicas, to a file."""
    make_step, seen = training.make_step, []

    def make_noting(*args, **named):
        step = make_step(*args, **named)

        def noting(batch):
            outcome = step(batch)
            seen.append(outcome.rows.numpy().tolist())
            Path(path).write_text(json.dumps(seen))
            return outcome

        return noting

    training.make_step = make_noting


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--output", default="out")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument("--rows")
    told = parser.parse_args()
    if told.devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * told.devices)
    if told.rows:
        note_rows(told.rows)
    run.run_fn(fn_args(told.folder, told.output, **told.settings))
