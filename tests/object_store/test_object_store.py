"""s3:// through TFX's file interface, over a store that behaves like one and lies in a folder."""

import os

import pytest
from pyarrow import fs
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components import object_store
from components.example_validator.reference import find_reference, keep_reference, read_reference
from components.pusher.serving import pushed_versions
from components.sample_data import write_sample_data
from components.settings import SettingError
from pipeline.config import Config
from pipeline.inputs import look_at_data
from schema.labelmap import LabelMapError


class Store:
    """A folder in which files make their own parents, as objects of a store do."""

    def __init__(self, root):
        self._inner = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def open_output_stream(self, path):
        self._inner.create_dir(os.path.dirname(path), recursive=True)
        return self._inner.open_output_stream(path)

    def copy_file(self, src, dest):
        self._inner.create_dir(os.path.dirname(dest), recursive=True)
        self._inner.copy_file(src, dest)


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    root = tmp_path / "store"
    (root / "bucket").mkdir(parents=True)
    monkeypatch.setattr(object_store, "connect", lambda: Store(root))
    return root / "bucket"


def write(uri, text):
    with fileio.open(uri, "w") as stream:
        stream.write(text)


def read(uri):
    with fileio.open(uri, "r") as stream:
        return stream.read()


def test_what_is_written_is_read(bucket):
    write("s3://bucket/a/b/вид.txt", "строка\n")
    assert read("s3://bucket/a/b/вид.txt") == "строка\n"
    assert (bucket / "a" / "b" / "вид.txt").read_text(encoding="utf-8") == "строка\n"
    assert fileio.stat("s3://bucket/a/b/вид.txt").length == len("строка\n".encode())


def test_folders_are_there_while_something_is_in_them(bucket):
    fileio.makedirs("s3://bucket/empty")
    assert not fileio.exists("s3://bucket/empty")
    write("s3://bucket/a/one", "1")
    assert fileio.isdir("s3://bucket/a")
    assert not fileio.isdir("s3://bucket/a/one")
    assert fileio.listdir("s3://bucket/a") == ["one"]
    fileio.rmtree("s3://bucket/a")
    assert not fileio.exists("s3://bucket/a")


def test_walk_and_glob_name_what_is_there(bucket):
    for name in ("top", "x/1.jpg", "x/2.png", "x/y/3.jpg"):
        write(f"s3://bucket/set/{name}", name)
    assert list(fileio.walk("s3://bucket/set")) == [
        ("s3://bucket/set", ["x"], ["top"]),
        ("s3://bucket/set/x", ["y"], ["1.jpg", "2.png"]),
        ("s3://bucket/set/x/y", [], ["3.jpg"]),
    ]
    assert fileio.glob("s3://bucket/set/x/*.jpg") == ["s3://bucket/set/x/1.jpg"]
    assert [top for top, _, _ in fileio.walk("s3://bucket/set", topdown=False)][-1] == "s3://bucket/set"


def test_what_is_missing_is_told_as_tfx_tells_it(bucket):
    for act in (fileio.listdir, fileio.remove, fileio.stat, lambda path: fileio.open(path, "rb")):
        with pytest.raises(fileio.NotFoundError):
            act("s3://bucket/nowhere")
    with pytest.raises(ValueError, match="opened with mode 'a'"):
        fileio.open("s3://bucket/file", "a")


def test_folders_are_copied_from_disk_and_renamed(bucket, tmp_path):
    (tmp_path / "model" / "variables").mkdir(parents=True)
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "model" / "variables" / "data").write_bytes(b"values")
    io_utils.copy_dir(str(tmp_path / "model"), "s3://bucket/serving/tmp")
    fileio.rename("s3://bucket/serving/tmp", "s3://bucket/serving/7")
    assert fileio.listdir("s3://bucket/serving") == ["7"]
    assert read("s3://bucket/serving/7/variables/data") == "values"


def test_what_the_pipeline_keeps_beside_models_works_there(bucket):
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    statistics.datasets.add().num_examples = 5
    keep_reference("s3://bucket/reference_statistics", "first", {"train": statistics})
    name = find_reference("s3://bucket/reference_statistics", "second")
    assert read_reference("s3://bucket/reference_statistics", name)["train"] == statistics
    assert pushed_versions("s3://bucket/serving") == []


def test_a_data_set_is_looked_at_in_the_store(bucket, tmp_path):
    write_sample_data(tmp_path / "set", count=3)
    io_utils.copy_dir(str(tmp_path / "set"), "s3://bucket/set")
    config = Config.from_flat({"data": "s3://bucket/set"})
    facts = look_at_data(config)
    assert (facts.folder, facts.file_count, facts.label_map.names) == ("s3://bucket/set", 3, ["background", "plane"])
    assert look_at_data(config) == facts
    with (bucket / "set" / "masks" / "0.jpg").open("ab") as stream:
        stream.write(b"more")
    assert look_at_data(config).fingerprint != facts.fingerprint


def test_faults_of_a_remote_set_are_named(bucket, tmp_path):
    write("s3://bucket/set/images/0.jpg", "")
    with pytest.raises(SettingError, match="masks-folder: there is no folder s3://bucket/set/masks"):
        look_at_data(Config.from_flat({"data": "s3://bucket/set"}))
    write("s3://bucket/set/masks/0.jpg", "")
    with pytest.raises(LabelMapError, match=r"s3://bucket/set/labelmap\.txt: there is no such file"):
        look_at_data(Config.from_flat({"data": "s3://bucket/set/"}))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://minio-service.kubeflow:9000", {"endpoint_override": "minio-service.kubeflow:9000", "scheme": "http"}),
        ("", {}),
    ],
)
def test_the_server_is_the_one_of_the_environment(monkeypatch, endpoint, expected):
    asked = {}
    monkeypatch.setattr(object_store.fs, "S3FileSystem", lambda **options: asked.update(options))
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    object_store.connect.__wrapped__()
    assert asked == {"region": "us-east-1", **expected}
