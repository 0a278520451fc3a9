"""Fingerprints: equal for the same, different after any change that matters to a run."""

import os

import pytest

from pipeline import fingerprint


def put(path, content=b"1234"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(1_700_000_000_000_000_000,) * 2)
    return path


@pytest.fixture
def folder(tmp_path):
    for name in ("0.jpg", "вложенная/1.jpg", "b/2.jpg"):
        put(tmp_path / "masks" / name)
    return tmp_path / "masks"


def of(folder):
    return fingerprint.of_files([folder])[0]


def test_files_are_counted_in_every_subfolder(folder):
    assert fingerprint.of_files([folder])[1] == 3


def test_nothing_changed_nothing_differs(folder, tmp_path):
    before = of(folder)
    assert of(folder) == before
    moved = tmp_path / "moved"
    folder.rename(moved)
    assert of(moved) == before


@pytest.mark.parametrize("change", ["content", "time", "added", "removed", "renamed", "moved"])
def test_any_change_of_a_mask_is_noticed(folder, change):
    before = of(folder)
    mask = folder / "0.jpg"
    if change == "content":
        put(mask, b"12345")
    elif change == "time":
        os.utime(mask, ns=(1_700_000_000_000_000_001,) * 2)
    elif change == "added":
        put(folder / "3.jpg")
    elif change == "removed":
        mask.unlink()
    elif change == "renamed":
        mask.rename(folder / "9.jpg")
    else:
        mask.rename(folder / "b" / "0.jpg")
    assert of(folder) != before


def test_it_matters_which_folder_a_file_is_in(tmp_path):
    put(tmp_path / "a" / "1.jpg")
    (tmp_path / "b").mkdir()
    one = fingerprint.of_files([tmp_path / "a", tmp_path / "b"])
    other = fingerprint.of_files([tmp_path / "b", tmp_path / "a"])
    assert one[0] != other[0]


def test_broken_links_and_odd_names_are_part_of_it(folder):
    before = of(folder)
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    with open(os.fsencode(folder) + b"/\xff\xfe.jpg", "wb"):
        pass
    changed, count = fingerprint.of_files([folder])
    assert changed != before
    assert count == 5


def test_a_change_behind_a_link_to_a_folder_is_noticed(folder, tmp_path):
    linked = put(tmp_path / "elsewhere" / "1.jpg")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(".")
    before = of(folder)
    put(linked, b"12345")
    assert of(folder) != before


def test_files_that_are_no_data_make_no_difference(folder):
    before = of(folder)
    put(folder / ".DS_Store")
    put(folder / "b" / "Thumbs.db")
    assert of(folder) == before


def test_values_of_equal_meaning_are_equal_and_others_differ():
    assert fingerprint.of_values(1, "a", (2,)) == fingerprint.of_values(1, "a", (2,))
    values = [(1, "a"), ("1", "a"), ("a", 1), (1, "a", None), ("1a",), ()]
    assert len({fingerprint.of_values(*one) for one in values}) == len(values)


def test_code_is_fingerprinted_by_content_and_place(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "PROJECT", tmp_path)
    source = put(tmp_path / "pack" / "a.py", b"x = 1\n")
    before = fingerprint.of_code("pack")
    put(tmp_path / "pack" / "__pycache__" / "a.pyc", b"compiled")
    put(tmp_path / "elsewhere" / "b.py", b"y = 1\n")
    os.utime(source)
    assert fingerprint.of_code("pack") == before
    put(source, b"x = 2\n")
    changed = fingerprint.of_code("pack")
    assert changed != before
    source.rename(tmp_path / "pack" / "b.py")
    assert fingerprint.of_code("pack") not in (before, changed)
    assert fingerprint.of_code("pack", "elsewhere") == fingerprint.of_code("elsewhere", "pack")
