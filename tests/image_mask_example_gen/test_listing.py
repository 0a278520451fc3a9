"""Every file below a folder is listed, or refused with a reason and a printable path."""

import os
import socket

import pytest
from tfx.dsl.io import fileio

from components.image_mask_example_gen.listing import is_remote, printable, walk

OLD_NAME = "самолет".encode("cp1251")


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")


def listed(top, **options):
    """Reason of the refusal by path, empty where there is none."""
    found = list(walk(str(top), **options))
    assert len({one.path for one in found}) == len(found)
    for one in found:
        one.path.encode("utf-8")
        assert one.refusal is None or one.refusal.detail
    return {one.path: one.refusal.reason if one.refusal else "" for one in found}


@pytest.mark.parametrize(
    "name",
    [
        "0.jpg",
        "UPPER.JPG",
        "борт 1.jpg",
        "✈️🙂.jpg",
        "-rf.jpg",
        "a*[1]?.jpg",
        "new\nline.jpg",
        "back\\slash.jpg",
        "gs:.jpg",
        "n" * 250 + ".jpg",
        "а/б/" * 20 + "1.jpg",
    ],
)
def test_any_name_is_listed_as_it_is(tmp_path, name):
    put(tmp_path / name)
    (found,) = walk(str(tmp_path))
    assert (found.path, found.refusal) == (name, None)
    with open(found.source, "rb") as stream:
        assert stream.read() == b"content"


def test_hidden_and_system_files_are_left_out_and_empty_folders_have_nothing(tmp_path):
    for name in (".DS_Store", "Thumbs.db", ".git/config", "__MACOSX/1.jpg", "a/@eaDir/1.jpg", "a/._1.jpg", "a/1.jpg"):
        put(tmp_path / name)
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    assert listed(tmp_path) == {"a/1.jpg": ""}


def test_a_name_that_is_not_utf8_is_refused_in_printable_text(tmp_path):
    put(tmp_path / "1.jpg")
    for path in (OLD_NAME + b".jpg", OLD_NAME + b"/1.jpg"):
        target = os.fsencode(tmp_path) + b"/" + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb"):
            pass
    escaped = OLD_NAME.decode("utf-8", "backslashreplace")
    assert listed(tmp_path) == {
        "1.jpg": "",
        f"{escaped}.jpg": "name_not_utf8",
        f"{escaped}/1.jpg": "name_not_utf8",
    }
    assert r"\xf1" in escaped


def test_links_are_followed(tmp_path):
    put(tmp_path / "elsewhere" / "1.jpg")
    top = tmp_path / "top"
    put(top / "2.jpg")
    (top / "folder").symlink_to(tmp_path / "elsewhere")
    (top / "3.jpg").symlink_to("2.jpg")
    # The same folder by two ways is no loop.
    (top / "again").symlink_to("folder")
    assert listed(top) == dict.fromkeys(("2.jpg", "3.jpg", "folder/1.jpg", "again/1.jpg"), "")


def test_loops_of_links_are_cut(tmp_path):
    top = tmp_path / "data" / "images"
    put(top / "a" / "1.jpg")
    (top / "a" / "back").symlink_to("..")
    (top / "a" / "here").symlink_to(".")
    (top / "above").symlink_to("../..")
    (top / "root").symlink_to("/")
    assert listed(top) == {
        "a/1.jpg": "",
        **dict.fromkeys(("a/back", "a/here", "above", "root"), "link_loop"),
    }


def test_links_to_nothing_are_refused(tmp_path):
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "itself.jpg").symlink_to("itself.jpg")
    (tmp_path / "one.jpg").symlink_to("two.jpg")
    (tmp_path / "two.jpg").symlink_to("one.jpg")
    assert set(listed(tmp_path).values()) == {"broken_link"}
    assert len(listed(tmp_path)) == 4


def test_what_would_block_a_reader_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.jpg"))
        (tmp_path / "null.jpg").symlink_to("/dev/null")
        assert listed(tmp_path) == dict.fromkeys(("pipe.jpg", "s.jpg", "null.jpg"), "not_a_file")


def test_a_folder_that_cannot_be_listed_is_refused_and_the_others_go_on(tmp_path, monkeypatch):
    put(tmp_path / "closed" / "1.jpg")
    put(tmp_path / "open" / "1.jpg")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert listed(tmp_path) == {"closed": "folder_unreadable", "open/1.jpg": ""}


def test_a_folder_can_be_left_out(tmp_path):
    for name in ("1.jpg", "masks/1.png", "a/masks/2.jpg"):
        put(tmp_path / name)
    assert set(listed(tmp_path, without="masks")) == {"1.jpg", "a/masks/2.jpg"}


def test_remote_folders_are_listed_through_tfx(monkeypatch):
    tree = [
        ("gs://bucket/images/", ["день"], ["0.jpg", ".hidden"]),
        ("gs://bucket/images/день", [], ["1.jpg"]),
        ("gs://bucket/images/masks/", [], ["1.png"]),
    ]
    monkeypatch.setattr(fileio, "walk", lambda _: iter(tree))
    found = {one.path: one.source for one in walk("gs://bucket/images", without="masks")}
    assert found == {"0.jpg": "gs://bucket/images/0.jpg", "день/1.jpg": "gs://bucket/images/день/1.jpg"}


@pytest.mark.parametrize(
    ("path", "remote"), [("gs://b/x", True), ("s3://b", True), ("/data/x", False), ("C:/x", False), ("gs:/b", False)]
)
def test_remote_paths_are_known_by_their_scheme(path, remote):
    assert is_remote(path) is remote


def test_text_stays_as_it_is_when_made_printable():
    assert printable("самолёт ✈") == "самолёт ✈"
