"""A look at the data folder before the run: facts where it is sound, names of what is there where it is not."""

import os

import pytest

from components.settings import SettingError
from pipeline.config import Config
from pipeline.inputs import SAMPLE_FOLDER, look_at_data
from schema.labelmap import LabelMapError


def data_folder(tmp_path, names=("images", "masks"), labelmap="Небо:0,0,0\nСамолет:255,0,0\nvoid:9,9,9\n"):
    folder = tmp_path / "набор"
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(3):
            (folder / name / f"{number}.jpg").write_bytes(b"content")
    folder.mkdir(exist_ok=True)
    (folder / "labelmap.txt").write_text(labelmap, encoding="utf-8")
    return folder


def look(folder, **settings):
    return look_at_data(Config.from_flat({"data": str(folder), **settings}))


def complaint(folder, **settings):
    with pytest.raises(SettingError) as caught:
        look(folder, **settings)
    return str(caught.value)


def test_facts_of_a_sound_folder(tmp_path):
    folder = data_folder(tmp_path)
    facts = look(folder)
    assert facts.folder == str(folder)
    assert facts.label_map.names == ["Небо", "Самолет"]
    assert facts.file_count == 3


def test_weights_are_looked_at_before_anything_runs(tmp_path):
    folder = data_folder(tmp_path)
    assert look(folder).weights_fingerprint == ""
    file = tmp_path / "weights.h5"
    missing = complaint(folder, backbone="resnet50", weights=str(file))
    assert missing == f"weights: there is no {file}"
    file.write_bytes(b"content")
    facts = look(folder, backbone="resnet50", weights=str(file))
    assert facts.weights == str(file)
    assert facts.weights_fingerprint


def test_settings_of_the_labelmap_are_used(tmp_path):
    folder = data_folder(tmp_path)
    facts = look(folder, background="Самолет", ignore_classes=())
    assert facts.label_map.names == ["Небо", "Самолет", "void"]
    assert facts.label_map.background == "Самолет"


def test_a_relative_folder_becomes_absolute(tmp_path, monkeypatch):
    folder = data_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert look("набор").folder == str(folder)


@pytest.mark.parametrize("changed", ["images/0.jpg", "masks/2.jpg", "labelmap.txt"])
def test_the_fingerprint_changes_with_photos_masks_and_classes(tmp_path, changed):
    folder = data_folder(tmp_path)
    before = look(folder).fingerprint
    assert look(folder).fingerprint == before
    with (folder / changed).open("a", encoding="utf-8") as stream:
        stream.write("\nЗемля:0,255,0\n")
    assert look(folder).fingerprint != before


def test_the_fingerprint_ignores_remarks_in_the_labelmap_and_other_files(tmp_path):
    folder = data_folder(tmp_path)
    before = look(folder).fingerprint
    with (folder / "labelmap.txt").open("a", encoding="utf-8") as stream:
        stream.write("# a remark\n")
    (folder / "README").write_text("notes")
    assert look(folder).fingerprint == before


def test_a_missing_data_folder_is_named(tmp_path):
    answer = complaint(tmp_path / "nowhere")
    assert answer.startswith("data: ")
    assert str(tmp_path / "nowhere") in answer


def test_a_data_folder_whose_name_is_not_utf8_is_refused_in_printable_text(tmp_path):
    name = os.fsdecode("набор".encode("cp1251"))
    data_folder(tmp_path).rename(tmp_path / name)
    answer = complaint(tmp_path / name)
    answer.encode("utf-8")
    assert "is not UTF-8" in answer


@pytest.mark.parametrize(
    ("present", "setting", "told"),
    [
        (("JPEGImages", "masks"), "images-folder", ("'images'", "JPEGImages, masks")),
        (("images", "mask"), "masks-folder", ("'masks'", "images, mask", "did you mean --masks-folder mask?")),
        (("image", "masks"), "images-folder", ("'images'", "did you mean --images-folder image?")),
        ((), "images-folder", ("'images'", "holds no folders")),
    ],
)
def test_a_missing_folder_is_told_with_those_that_are_there(tmp_path, present, setting, told):
    answer = complaint(data_folder(tmp_path, present))
    assert answer.startswith(f"{setting}: ")
    for expected in told:
        assert expected in answer


def test_a_missing_labelmap_is_told(tmp_path):
    folder = data_folder(tmp_path)
    (folder / "labelmap.txt").unlink()
    with pytest.raises(LabelMapError, match="no such file"):
        look(folder)


def test_without_a_folder_the_sample_set_is_drawn_once(tmp_path):
    config = Config.from_flat({"workspace": str(tmp_path), "sample_count": 20})
    facts = look_at_data(config)
    assert facts.folder == str(tmp_path / SAMPLE_FOLDER)
    assert facts.file_count == 20
    assert len(facts.label_map.classes) == 2
    written = os.stat(tmp_path / SAMPLE_FOLDER / "images" / "0.jpg").st_mtime_ns
    assert look_at_data(config) == facts
    assert os.stat(tmp_path / SAMPLE_FOLDER / "images" / "0.jpg").st_mtime_ns == written
