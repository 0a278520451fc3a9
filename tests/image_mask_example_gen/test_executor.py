"""ExampleGen as a whole, on small folders: records by split, rejections, and refusals in clear words."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from example_gen_parameters import parameters
from PIL import Image
from tfx.types import artifact_utils, standard_artifacts

from components import progress
from components.artifacts import Rejections
from components.image_mask_example_gen.component import ImageMaskExampleGen
from components.image_mask_example_gen.executor import Executor
from components.image_mask_example_gen.outcome import DataError, read_rejections
from components.image_mask_example_gen.pairing import split_of
from schema import features
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("Небо", (0, 0, 0)), LabelClass("Самолет", (255, 0, 0))), (), "Небо")
HEIGHT, WIDTH = 12, 16
EVAL_KEYS = ("8", "9")  # at an eval fraction of 0.2


def jpeg(color, size=(WIDTH, HEIGHT), *, comment=""):
    buffer = io.BytesIO()
    # A comment keeps photos of one colour from being duplicates.
    Image.new("RGB", size, color).save(buffer, "JPEG", quality=75, comment=comment)
    return buffer.getvalue()


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def put_pair(folder, key, *, mask_color=(255, 0, 0), extension=".jpg"):
    put(folder / "images" / f"{key}{extension}", jpeg((90, 120, 200), comment=key))
    put(folder / "masks" / f"{key}.jpg", jpeg(mask_color))


def data_folder(tmp_path, keys=range(10)):
    folder = tmp_path / "data"
    for key in keys:
        put_pair(folder, str(key))
    return folder


def ingest(folder, tmp_path, **settings):
    """Runs the executor and returns its two output artifacts."""
    examples, rejections = standard_artifacts.Examples(), Rejections()
    examples.uri, rejections.uri = str(tmp_path / "examples"), str(tmp_path / "rejections")
    given = parameters(LABEL_MAP, data=str(folder), **settings)
    Executor().Do({}, {"examples": [examples], "rejections": [rejections]}, given)
    return examples, rejections


def records(examples, split):
    """Records of a split by key."""
    where = artifact_utils.get_split_uri([examples], split)
    found = {}
    for raw in tf.data.TFRecordDataset([os.path.join(where, name) for name in os.listdir(where)]):
        feature = tf.train.Example.FromString(raw.numpy()).features.feature
        found[feature[features.IMAGE_KEY].bytes_list.value[0].decode()] = feature
    return found


def complaint(folder, tmp_path, **settings):
    with pytest.raises(DataError) as caught:
        ingest(folder, tmp_path, **settings)
    return str(caught.value)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A folder with everything that a real one holds, ingested once: folder, examples, rejections."""
    top = tmp_path_factory.mktemp("mixed")
    folder = data_folder(top)
    put_pair(folder, "аэродром/взлёт/борт 1", mask_color=(0, 0, 0), extension=".JPEG")
    put_pair(folder, "a/1")
    put(folder / "images" / "b" / "1.png", jpeg((1, 2, 3)))  # a JPEG under another name
    put(folder / "masks" / "b" / "1.jpg", jpeg((255, 0, 0), (WIDTH * 2, HEIGHT * 2)))
    put(folder / "images" / "сирота.jpg", jpeg((1, 2, 3)))
    put(folder / "masks" / "nested" / "orphan.jpg", jpeg((0, 0, 0)))
    put(folder / "images" / "broken.jpg", jpeg((1, 2, 3))[:200])
    put(folder / "masks" / "broken.jpg", jpeg((0, 0, 0)))
    put(folder / "images" / "shape.jpg", jpeg((1, 2, 3)))
    put(folder / "masks" / "shape.jpg", jpeg((0, 0, 0), (HEIGHT, WIDTH)))
    put(folder / "images" / "twice.jpg", jpeg((1, 2, 3)))
    put(folder / "images" / "twice.png", jpeg((1, 2, 3)))
    put(folder / "masks" / "twice.jpg", jpeg((0, 0, 0)))
    put(folder / "images" / ".DS_Store", b"finder")
    put(folder / "masks" / "Thumbs.db", b"explorer")
    told = []
    progress.listen(lambda done, total, text: told.append((done, total, text)))
    try:
        examples, rejections = ingest(folder, top, max_rejected=0.9)
    finally:
        progress.listen(None)
    return folder, examples, rejections, told


def test_every_sound_pair_is_in_the_split_of_its_key(mixed):
    _, examples, _, _ = mixed
    expected = {*map(str, range(10)), "аэродром/взлёт/борт 1", "a/1", "b/1"}
    for split in ("train", "eval"):
        assert set(records(examples, split)) == {key for key in expected if split_of(key, 0.2) == split}
    assert set(EVAL_KEYS) <= set(records(examples, "eval"))
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "eval"]


def test_records_hold_the_photos_own_bytes_and_an_exact_mask(mixed):
    folder, examples, _, _ = mixed
    found = {**records(examples, "train"), **records(examples, "eval")}
    for key, path, label in (("8", "8.jpg", 1), ("аэродром/взлёт/борт 1", "аэродром/взлёт/борт 1.JPEG", 0)):
        assert found[key][features.IMAGE_ENCODED].bytes_list.value[0] == (folder / "images" / path).read_bytes()
        class_map = np.asarray(Image.open(io.BytesIO(found[key][features.MASK_ENCODED].bytes_list.value[0])))
        np.testing.assert_array_equal(class_map, np.full((HEIGHT, WIDTH), label))


def test_every_other_file_is_listed_with_its_path_and_reason(mixed):
    _, _, rejections, _ = mixed
    listed = read_rejections(rejections.uri)
    reasons = {one.path: one.reason for one in listed}
    shape_reason = reasons.pop("masks/shape.jpg")
    assert shape_reason.startswith("mask_")
    assert reasons == {
        "images/broken.jpg": "image_damaged_picture",
        "images/twice.jpg": "duplicate_image",
        "images/twice.png": "duplicate_image",
        "images/сирота.jpg": "no_mask",
        "masks/nested/orphan.jpg": "no_image",
        "masks/twice.jpg": "duplicate_image",
    }
    assert all(one.detail for one in listed)
    assert [one.path for one in listed] == sorted(one.path for one in listed)


def test_the_rejections_file_is_one_json_a_line(mixed):
    _, _, rejections, _ = mixed
    lines = [
        json.loads(line)
        for line in (Path(rejections.uri) / "rejections.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) == 7
    assert all(set(line) == {"path", "reason", "detail"} for line in lines)


def test_the_counts_are_on_the_artifact(mixed):
    _, examples, _, _ = mixed
    for split in ("train", "eval"):
        assert examples.get_int_custom_property(f"{split}_count") == len(records(examples, split))
    assert examples.get_int_custom_property("rejected") == 7


def test_progress_counts_every_pair_once(mixed):
    told = mixed[3]
    # 13 sound pairs, and the two whose content is wrong.
    assert sorted(done for done, _, _ in told) == list(range(1, 16))
    assert {text for _, _, text in told} == {"photos"}


def test_more_rejected_files_than_allowed_stop_the_run_with_figures_and_names(tmp_path):
    folder = data_folder(tmp_path)
    put(folder / "images" / "lost.jpg", jpeg((1, 2, 3)))
    told = complaint(folder, tmp_path)
    for expected in (
        str(folder),
        "1 files",
        "no_mask",
        "10 usable pairs",
        "9.1%",
        "max-rejected 5.0%",
        "images/lost.jpg",
    ):
        assert expected in told


def test_a_share_of_rejected_files_at_the_limit_is_allowed(tmp_path):
    folder = data_folder(tmp_path, range(9))
    put(folder / "images" / "lost.jpg", jpeg((1, 2, 3)))
    examples, _ = ingest(folder, tmp_path, max_rejected=0.1)
    assert examples.get_int_custom_property("rejected") == 1


def test_folders_whose_names_never_match_are_refused_with_an_example(tmp_path):
    folder = tmp_path / "data"
    put(folder / "images" / "photo1.jpg", jpeg((1, 2, 3)))
    put(folder / "masks" / "mask1.jpg", jpeg((0, 0, 0)))
    told = complaint(folder, tmp_path, max_rejected=1.0)
    for expected in (str(folder), "no photo with a mask", "images/photo1.jpg", "masks/mask1.jpg"):
        assert expected in told


def test_empty_folders_are_refused(tmp_path):
    folder = tmp_path / "data"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    told = complaint(folder, tmp_path)
    assert "no photo with a mask" in told
    assert "there are no files" in told


@pytest.mark.parametrize(("keys", "split"), [(EVAL_KEYS, "train"), (("0", "1"), "eval")])
def test_an_empty_split_is_refused_by_name(tmp_path, keys, split):
    told = complaint(data_folder(tmp_path, keys), tmp_path)
    for expected in ("2 pairs", f"the {split} split empty", "eval-fraction 0.2"):
        assert expected in told


def test_other_folder_names_are_used(tmp_path):
    folder = data_folder(tmp_path)
    (folder / "images").rename(folder / "JPEGImages")
    (folder / "masks").rename(folder / "разметка")
    examples, _ = ingest(folder, tmp_path, images_folder="JPEGImages", masks_folder="разметка")
    assert set(records(examples, "eval")) == set(EVAL_KEYS)


def test_uncertain_pixels_are_ignored_where_asked_for(tmp_path):
    folder = tmp_path / "data"
    for key in range(10):
        put_pair(folder, str(key), mask_color=(128, 0, 0))
    examples, _ = ingest(folder, tmp_path, uncertain="ignore")
    for record in records(examples, "eval").values():
        class_map = np.asarray(Image.open(io.BytesIO(record[features.MASK_ENCODED].bytes_list.value[0])))
        assert set(np.unique(class_map)) == {features.IGNORE_LABEL}


def test_the_component_passes_its_parameters_and_has_two_outputs():
    given = parameters(LABEL_MAP, data="somewhere", data_fingerprint="abc")
    component = ImageMaskExampleGen(**given)
    assert component.exec_properties == given
    assert component.outputs["examples"].type is standard_artifacts.Examples
    assert component.outputs["rejections"].type is Rejections
    assert component.executor_spec.executor_class is Executor
