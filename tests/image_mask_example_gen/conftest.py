"""Small data folders, and the executor over them."""

import io
import os
from types import SimpleNamespace

import pytest
import tensorflow as tf
from example_gen_parameters import parameters
from PIL import Image
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import Rejections
from components.image_mask_example_gen.executor import Executor
from components.image_mask_example_gen.outcome import read_duplicates, read_rejections
from schema import features
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("sky", (0, 0, 0)), LabelClass("plane", (255, 0, 0))), (), "sky")


def jpeg(color=(90, 120, 200), size=(16, 12), *, comment="", **options):
    """A JPEG of one colour; the comment keeps two of them from being duplicates."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "JPEG", comment=comment, **options)
    return buffer.getvalue()


class DataFolder:
    """A data folder to fill, and to ingest."""

    def __init__(self, path):
        self.path = path
        for name in ("images", "masks"):
            (path / name).mkdir(parents=True)

    def put(self, path, content):
        target = os.path.join(os.fsencode(self.path), os.fsencode(path))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as stream:
            stream.write(content)

    def pair(self, key, *, photo=None, mask=None, suffix=".jpg", mask_suffix=".png"):
        self.put(f"images/{key}{suffix}", jpeg(comment=key) if photo is None else photo)
        self.put(f"masks/{key}{mask_suffix}", jpeg((255, 0, 0)) if mask is None else mask)

    def pairs(self, *keys):
        for key in keys:
            self.pair(str(key))
        return self

    def ingest(self, **settings):
        """Runs the executor; the answer has records by key, their splits, rejections, duplicates and the artifact."""
        examples, rejections = standard_artifacts.Examples(), Rejections()
        examples.uri, rejections.uri = (str(self.path.with_name(name)) for name in ("examples", "rejections"))
        given = parameters(LABEL_MAP, data=str(self.path), **settings)
        Executor().Do({}, {"examples": [examples], "rejections": [rejections]}, given)
        splits = {split: _records(examples, split) for split in ("train", "eval")}
        return SimpleNamespace(
            records=splits["train"] | splits["eval"],
            splits={key: split for split, found in splits.items() for key in found},
            rejected={one.path: one for one in read_rejections(rejections.uri)},
            duplicates=read_duplicates(rejections.uri),
            artifact=examples,
        )


def _records(examples, split):
    where = artifact_utils.get_split_uri([examples], split)
    found = {}
    for raw in tf.data.TFRecordDataset([os.path.join(where, name) for name in os.listdir(where)]):
        feature = tf.train.Example.FromString(raw.numpy()).features.feature
        found[feature[features.IMAGE_KEY].bytes_list.value[0].decode()] = feature
    return found


@pytest.fixture
def folder(tmp_path):
    """An empty data folder."""
    return DataFolder(tmp_path / "data")


@pytest.fixture(scope="module")
def new_folder(tmp_path_factory):
    """Makes empty data folders for fixtures that many tests share."""
    return lambda: DataFolder(tmp_path_factory.mktemp("folder") / "data")
