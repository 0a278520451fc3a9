"""Faults that people make, planted in a sound set: each is caught and named in plain words, a sound set passes."""

import numpy as np
import pytest
from guarding import COUNT, Photos, count, in_eval, judge, validate


def filled(color):
    return lambda mask: np.broadcast_to(np.array(color, np.uint8), mask.shape)


def grey(photo):
    return np.repeat(photo.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)


def dark(photo):
    return (photo * 0.3).astype(np.uint8)


def large(pixels):
    return pixels.repeat(3, axis=0).repeat(2, axis=1)


def partly_green(mask):
    mask = mask.copy()
    mask[:, : int(0.4 * mask.shape[1])] = (0, 255, 0)
    return mask


def relabel(photos: Photos, text: str) -> None:
    (photos.folder / "labelmap.txt").write_text(text, encoding="utf-8")


def keep_first(photos: Photos, number: int) -> None:
    for kind in ("images", "masks"):
        for key in range(number, COUNT):
            (photos.folder / kind / f"{key}.jpg").unlink()


def test_a_sound_set_passes_without_a_word(sound, tmp_path):
    told = judge(sound, tmp_path)
    assert (told.stopped, told.lines) == ("", [])
    assert judge(sound, tmp_path).lines == []


def test_few_photos_raise_no_false_alarm_and_lost_ones_are_told(sound, photos, tmp_path):
    keep_first(photos, 10)
    # By chance the few to evaluate may well be darker than the others.
    photos.change("images", dark, only=in_eval)
    few = count(photos.folder, tmp_path)
    told = judge(few, tmp_path)
    assert (told.stopped, told.lines) == ("", [])
    judge(sound, tmp_path, data="spring", references=tmp_path / "earlier")
    told = judge(few, tmp_path, data="autumn", references=tmp_path / "earlier")
    assert told.stopped == ""
    (line,) = told.lines
    assert line.startswith("train split: far fewer photos than in the last data: are some missing?")


def test_masks_of_another_palette_stop_the_run(photos, tmp_path):
    photos.change("masks", lambda mask: mask[..., [1, 0, 2]])  # red planes turn green
    told = validate(photos, tmp_path)
    (line,) = told.about("train", "no colour of the palette", "labelmap.txt")
    assert "at most 5 % is allowed" in line
    assert "mask/off_palette_fraction" in line
    assert line in told.stopped


def test_a_few_odd_files_and_a_class_left_over_are_worth_a_look(photos, tmp_path):
    photos.change("masks", partly_green, only=lambda key: key == "0")
    photos.change("images", grey, only=lambda key: key.endswith(("1", "4", "7")))
    relabel(photos, "background:0,0,0\nplane:255,0,0\nбабочка:0,0,255\n")
    told = validate(photos, tmp_path)
    assert told.stopped == ""
    split = "eval" if in_eval("0") else "train"
    assert told.about(split, "in at least one mask", "of the pixels have no colour of the palette")
    assert told.about("train", "class 'бабочка' is in none of", "is its colour in labelmap.txt right")
    for split in ("train", "eval"):
        assert told.about(split, "photos are grey", "most of the data is in colour", "up to 5 % is usual")
    assert len(told.lines) == 4


def test_empty_masks_stop_the_run_and_are_no_reference(photos, tmp_path):
    photos.change("masks", filled((0, 0, 0)))
    told = validate(photos, tmp_path, references=tmp_path / "references")
    assert "none of" in told.stopped
    assert "shows an object, every mask is background only" in told.stopped
    assert told.about("train", "class 'plane' is in none of")
    assert not (tmp_path / "references").exists()


def test_another_camera_and_empty_masks_in_eval_are_named_by_what_differs(photos, tmp_path):
    photos.change("images", lambda photo: large(dark(photo)), only=in_eval)
    photos.change("masks", lambda mask: large(filled((0, 0, 0))(mask)), only=in_eval)
    told = validate(photos, tmp_path)
    assert told.stopped == ""
    for what in ("brightness", "width in pixels", "width divided by height"):
        (line,) = told.about("train", "the photos differ from those of the eval split", what)
        assert "here, mostly" in line
        assert "another camera" in line
    assert told.about("train", "differ from those of the eval split", "share of the photo that objects cover")
    assert told.about("eval", "class 'plane' is in", "train photos, but in none of", "raise eval-fraction")


def test_swapped_colours_are_worth_a_look_and_a_wholly_grey_set_is_not(photos, tmp_path):
    photos.change("images", grey)
    relabel(photos, "background:255,0,0\nplane:0,0,0\n")
    told = validate(photos, tmp_path)
    assert told.stopped == ""
    for split in ("train", "eval"):
        assert told.about(split, "class 'plane' covers", "are colours of labelmap.txt swapped")
    assert len(told.lines) == 2


def test_a_class_that_covers_nearly_everything_stops_the_run(photos, tmp_path):
    photos.change("masks", filled((255, 0, 0)))
    told = validate(photos, tmp_path)
    assert "class 'plane' covers 100 % of the pixels; at most 99 % is allowed" in told.stopped
    assert told.about("train", "class 'background' is in none of")


def test_another_camera_than_in_the_last_data_is_named(sound, photos, tmp_path):
    references = tmp_path / "references"
    assert judge(sound, tmp_path, data="spring", references=references).lines == []
    photos.change("images", lambda photo: grey(dark(photo)))
    winter = count(photos.folder, tmp_path)
    told = judge(winter, tmp_path, data="winter", references=references)
    assert told.stopped == ""
    assert told.about("train", "the photos differ from those of the last data", "brightness")
    assert told.about("train", "the photos differ from those of the last data", "photos turned grey")
    assert sorted(path.name for path in references.iterdir()) == ["000001-spring", "000002-winter"]
    # The same data again is compared with what it was compared with before, and adds nothing.
    assert judge(winter, tmp_path, data="winter", references=references).lines == told.lines
    assert len(list(references.iterdir())) == 2


@pytest.mark.parametrize("broken", ["no folder can be made", "half a file"])
def test_references_that_cannot_be_used_do_not_stop_the_run(sound, tmp_path, broken):
    references = tmp_path / "references"
    if broken == "half a file":
        (references / "000001-other").mkdir(parents=True)
        (references / "000001-other" / "train.pb").write_bytes(b"\xff\x01")
    else:
        references.write_text("a file")
    assert judge(sound, tmp_path, references=references).stopped == ""
