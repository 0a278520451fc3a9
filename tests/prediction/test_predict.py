"""`predict.py` as a user runs it, on folders as people have them."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from making import edit_card, encoded, half_red
from PIL import Image

import predict
from components.image_mask_example_gen.orientation import undo

PROJECT = Path(__file__).resolve().parents[2]


def run(*arguments):
    """The command in a process of its own, with what it had imported at its end."""
    code = (
        "import sys, predict\n"
        "status = predict.main(sys.argv[1:])\n"
        "heavy = [name for name in ('tfx', 'apache_beam', 'tensorflow') if name in sys.modules]\n"
        "print('imported', *heavy)\n"
        "sys.exit(status)\n"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["photo"]: row for row in csv.DictReader(stream)}


def class_map(out, stem):
    return np.asarray(Image.open(out / f"{stem}.png"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    (folder / "день 1").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(encoded(half_red(60, 100), "JPEG", quality=98, subsampling=0))
    (folder / "a.png").write_bytes(encoded(half_red()))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = undo(half_red(60, 100), 8)
    (folder / "день 1" / "turned.jpg").write_bytes(encoded(turned, "JPEG", quality=98, subsampling=0, exif=exif))
    deep = Image.fromarray(np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16))
    (folder / "день 1" / "deep.tif").write_bytes(encoded(deep, "TIFF"))
    (folder / "clear.png").write_bytes(encoded(half_red().convert("RGBA")))
    (folder / "cut.jpg").write_bytes((folder / "a.jpg").read_bytes()[:700])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("no photo")
    (folder / "gone.jpg").symlink_to(folder / "nothing.jpg")
    return folder


@pytest.fixture(scope="module")
def done(serving, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("answers") / "out"
    return run(serving / "9", photos, "--out", out, "--batch", "3"), out


def test_neither_tfx_nor_beam_is_imported(done):
    assert done[0].returncode == 0, done[0].stdout + done[0].stderr
    assert done[0].stdout.splitlines()[-1] == "imported tensorflow"


def test_every_photo_has_a_class_map_of_its_own_size_as_seen(done):
    out = done[1]
    left = np.zeros((60, 100), np.uint8)
    left[:, :50] = 1
    # JPEG and the way to the network's size and back move the border by a pixel or two.
    assert (class_map(out, "a.jpg") == left).mean() > 0.97
    np.testing.assert_array_equal(class_map(out, "a.png"), left[:32, 26:74])
    np.testing.assert_array_equal(class_map(out, "clear"), left[:32, 26:74])
    # The camera was held sideways: the answer lies as viewers show the photo.
    assert (class_map(out, "день 1/turned") == left).mean() > 0.97
    assert class_map(out, "день 1/deep").shape == (30, 40)
    assert Image.open(out / "a.png.png").getpalette()[:6] == [0, 0, 255, 255, 0, 0]


def test_overlays_lie_beside_the_class_maps(done):
    shown = np.asarray(Image.open(done[1] / "день 1" / "turned_overlay.jpg")).astype(int)
    assert shown.shape == (60, 100, 3)
    # Red over red stays red, and the sky keeps its black.
    assert np.abs(shown[30, 20] - [252, 0, 0]).max() < 12
    assert shown[30, 80].max() < 12


def test_shares_are_those_of_the_class_maps(done):
    found = rows(done[1] / "shares.csv")
    assert set(found) == {"a.jpg", "a.png", "clear.png", "день 1/turned.jpg", "день 1/deep.tif"}
    for row in found.values():
        pixels = np.asarray(Image.open(done[1] / row["class_map"]))
        assert (int(row["height"]), int(row["width"])) == pixels.shape
        assert float(row["share plane"]) == pytest.approx((pixels == 1).mean(), abs=1e-6)
        assert float(row["share sky"]) == pytest.approx((pixels == 0).mean(), abs=1e-6)
        assert 0.5 <= float(row["mean_confidence"]) <= 1


def test_bad_photos_are_named_and_the_run_goes_on(done):
    skipped = rows(done[1] / "skipped.csv")
    assert {photo: row["reason"] for photo, row in skipped.items()} == {
        "cut.jpg": "damaged_picture",
        "empty.png": "empty_file",
        "gone.jpg": "broken_link",
        "notes.txt": "not_a_picture",
    }
    for photo in skipped:
        assert any(f"skipped {photo}: " in line for line in done[0].stdout.splitlines())
    assert "5 photos predicted, 4 skipped" in done[0].stdout


def test_a_folder_of_versions_means_the_newest(serving, photos, tmp_path):
    assert predict.main([str(serving), str(photos / "a.png"), "--out", str(tmp_path), "--no-overlay"]) == 0
    assert (class_map(tmp_path, "a")[:, :20] == 0).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "predict.log", "shares.csv", "skipped.csv"]


def test_a_second_run_into_the_same_folder_must_be_told_to_overwrite(serving, photos, tmp_path, capfd):
    command = [str(serving / "9"), str(photos / "a.png"), "--out", str(tmp_path)]
    assert predict.main(command) == 0
    first = (tmp_path / "a.png").read_bytes()
    assert predict.main([str(serving / "10"), *command[1:]]) == 1
    assert "--overwrite" in capfd.readouterr().err
    assert (tmp_path / "a.png").read_bytes() == first
    assert predict.main([str(serving / "10"), *command[1:], "--overwrite"]) == 0
    assert (tmp_path / "a.png").read_bytes() != first


def test_where_nothing_can_be_predicted_the_command_fails(serving, photos, tmp_path, capfd):
    assert predict.main([str(serving), str(photos / "notes.txt"), "--out", str(tmp_path)]) == 1
    assert "0 photos predicted, 1 skipped" in capfd.readouterr().out


def test_a_photo_that_only_tensorflow_refuses_is_skipped_alone(serving, photos, tmp_path, monkeypatch):
    from components.prediction import run as prediction

    read = prediction.read_photo
    cut = (photos / "a.jpg").read_bytes()[:400]

    def careless(content):
        photo = read(content)
        return prediction.Photo(**{**vars(photo), "encoded": cut}) if photo.height == 30 else photo

    monkeypatch.setattr(prediction, "read_photo", careless)
    given = [photos / "a.png", photos / "день 1" / "deep.tif", photos / "clear.png"]
    assert predict.main([str(serving), *map(str, given), "--out", str(tmp_path)]) == 0
    assert list(rows(tmp_path / "shares.csv")) == ["a.png", "clear.png"]
    assert rows(tmp_path / "skipped.csv")["deep.tif"]["reason"] == "not_predicted"


def test_an_answer_that_cannot_be_written_is_skipped(serving, photos, tmp_path):
    (tmp_path / "a.png").mkdir()
    given = [str(photos / "a.png"), str(photos / "clear.png")]
    assert predict.main([str(serving), *given, "--out", str(tmp_path), "--overwrite"]) == 0
    assert rows(tmp_path / "skipped.csv")["a.png"]["reason"] == "not_written"
    assert list(rows(tmp_path / "shares.csv")) == ["clear.png"]


@pytest.mark.parametrize("damage", ["missing", "not json", "no classes", "other background"])
def test_a_model_without_a_card_is_refused_in_one_line(serving, photos, tmp_path, capfd, damage):
    model = tmp_path / "model"
    shutil.copytree(serving / "9", model)
    card = model / "assets.extra" / "model_card.json"
    if damage == "missing":
        card.unlink()
    elif damage == "not json":
        card.write_text("{")
    else:
        edit_card(model, **({"classes": None} if damage == "no classes" else {"background": "sea"}))
    assert predict.main([str(model), str(photos / "a.png"), "--out", str(tmp_path / "out")]) == 1
    told = capfd.readouterr().err
    assert "model_card.json" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("batch", ["0", "-1", "x", "1.5"])
def test_an_impossible_batch_is_refused(batch, capsys):
    with pytest.raises(SystemExit):
        predict.main(["model", "photo", "--out", "out", "--batch", batch])
    assert "whole number from 1" in capsys.readouterr().err


def test_help_and_wrong_paths_answer_without_tensorflow(photos, tmp_path):
    wrong = run(tmp_path, photos, "--out", tmp_path / "out")
    assert wrong.returncode == 1
    assert wrong.stdout.splitlines()[-1] == "imported"
    assert wrong.stderr.startswith("predict: model: ")
    assert not os.path.exists(tmp_path / "out")
    helped = subprocess.run(
        [sys.executable, "-X", "importtime", "predict.py", "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "exit codes" in helped.stdout
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in helped.stderr.splitlines()}
    assert not imported & {"tensorflow", "numpy", "PIL", "tfx", "keras"}
