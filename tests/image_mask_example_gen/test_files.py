"""Contents of files, within limits."""

from types import SimpleNamespace

import pytest
from tfx.dsl.io import fileio

from components.image_mask_example_gen import files
from components.image_mask_example_gen.rejection import Rejected


def refusal(path):
    with pytest.raises(Rejected) as caught:
        files.read_file(str(path))
    assert caught.value.detail
    return caught.value.reason


def test_all_bytes_are_read(tmp_path):
    path = tmp_path / "борт 1.jpg"
    path.write_bytes(b"\0content\r\n")
    assert files.read_file(str(path)) == b"\0content\r\n"
    assert files.size_of(str(path)) == 10


def test_a_file_that_is_gone_or_closed_is_refused(tmp_path):
    assert refusal(tmp_path / "gone.jpg") == "unreadable"
    assert refusal(tmp_path) == "unreadable"


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "film.jpg"
    with path.open("wb") as stream:
        stream.truncate(files.MAX_BYTES + 1)
    assert refusal(path) == "too_large"


def test_remote_files_are_read_through_tfx(tmp_path, monkeypatch):
    path = tmp_path / "1.jpg"
    path.write_bytes(b"content")
    opened = fileio.open
    monkeypatch.setattr(fileio, "stat", lambda _: SimpleNamespace(length=7))
    monkeypatch.setattr(fileio, "open", lambda _, mode: opened(str(path), mode))
    assert files.read_file("gs://bucket/1.jpg") == b"content"
