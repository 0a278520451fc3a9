"""Folders as people have them: never a crash, a silent drop or a shifted pair."""

import io
import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from components.image_mask_example_gen import steps
from components.image_mask_example_gen.outcome import DataError
from components.image_mask_example_gen.pairing import split_of
from schema import features

OLD_NAME = "самолет".encode("cp1251")
NFC, NFD = (unicodedata.normalize(form, "Öl/взлёт й") for form in ("NFC", "NFD"))
LONG = "n" * 250
SOUND = (*map(str, range(10)), "a/1", "b/1", "UPPER", "борт 1", "✈️🙂", "-rf", LONG, NFC, "linked", "fold/er/1")


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(comment, size=(16, 12), color=(90, 120, 200), **options):
    return encoded(Image.new("RGB", size, color), "JPEG", comment=comment, **options)


def mask(size=(16, 12)):
    return encoded(Image.new("RGB", size, (255, 0, 0)), "PNG")


def class_map(record):
    content = record[features.MASK_ENCODED].bytes_list.value[0]
    return np.asarray(Image.open(io.BytesIO(content)))


def fill_with_sound_pairs(folder):
    folder.pairs(*(key for key in SOUND if key not in ("UPPER", NFC, "linked", "fold/er/1")))
    folder.pair("UPPER", suffix=".JPEG", mask_suffix=".PNG")
    folder.put(f"images/{NFD}.jpg", jpeg("nfd"))
    folder.put(f"masks/{NFC}.png", mask())
    folder.put("elsewhere/linked.jpg", jpeg("linked"))
    (folder.path / "images" / "linked.jpg").symlink_to("../elsewhere/linked.jpg")
    folder.put("masks/linked.png", mask())
    folder.put("elsewhere/fold/er/1.jpg", jpeg("fold"))
    (folder.path / "images" / "fold").symlink_to("../elsewhere/fold")
    folder.put("masks/fold/er/1.png", mask())


def fill_with_trouble(folder):
    whole = jpeg("whole", (200, 200), quality=95)
    noise = Image.effect_noise((200, 200), 60).convert("RGB")
    cut = encoded(noise, "JPEG")
    contents = {
        "truncated": cut[: len(cut) // 2],
        "empty": b"",
        "middle": cut[: len(cut) // 2] + b"\xff\xe5" + cut[len(cut) // 2 :],
        "html": b"<!DOCTYPE html><html><body>404</body></html>",
        "text": b"just a text",
        "bomb": whole.replace(b"\x00\xc8\x00\xc8", b"\xff\xdc\xff\xdc", 1),
    }
    for key, content in contents.items():
        folder.pair(key, photo=content)
    folder.pair("bad mask", mask=b"no picture")
    folder.pair("aspect", mask=mask((12, 16)))
    folder.put("images/no mask.jpg", jpeg("no mask"))
    folder.put("masks/no photo.png", mask())
    folder.pair("twice")
    folder.put("images/twice.png", mask())
    folder.put(f"images/{NFD}2.jpg", jpeg("1"))
    folder.put(f"images/{NFC}2.jpg", jpeg("2"))
    folder.put(f"masks/{NFC}2.png", mask())
    for where in ("images", "masks"):
        folder.put(os.fsencode(where) + b"/" + OLD_NAME + b".jpg", jpeg("old"))
    (folder.path / "images" / "gone.jpg").symlink_to("nowhere.jpg")
    (folder.path / "images" / "loop").symlink_to("..")
    os.mkfifo(folder.path / "images" / "pipe.jpg")
    for name in (".DS_Store", "a/Thumbs.db", "__MACOSX/._1.jpg", ".thumbnails/1.jpg"):
        folder.put(f"images/{name}", b"finder")
    (folder.path / "images" / "empty folder").mkdir()


@pytest.fixture(scope="module")
def mixed(new_folder):
    """A folder with all of it, ingested once."""
    folder = new_folder()
    fill_with_sound_pairs(folder)
    fill_with_trouble(folder)
    return folder.ingest(max_rejected=0.9)


def test_every_sound_pair_is_a_record_whatever_its_name(mixed):
    assert set(mixed.records) == set(SOUND)
    assert all((class_map(one) == 1).all() for one in mixed.records.values())


def test_every_other_file_is_rejected_with_its_reason(mixed):
    escaped = OLD_NAME.decode("utf-8", "backslashreplace")
    assert {path: one.reason for path, one in mixed.rejected.items()} == {
        "images/truncated.jpg": "image_damaged_picture",
        "images/empty.jpg": "image_empty_file",
        "images/middle.jpg": "image_damaged_picture",
        "images/html.jpg": "image_not_a_picture",
        "images/text.jpg": "image_not_a_picture",
        "images/bomb.jpg": "image_too_large",
        "masks/bad mask.png": "mask_not_a_picture",
        "masks/aspect.png": "mask_shape",
        "images/no mask.jpg": "no_mask",
        "masks/no photo.png": "no_image",
        "images/twice.jpg": "duplicate_image",
        "images/twice.png": "duplicate_image",
        "masks/twice.png": "duplicate_image",
        f"images/{NFC}2.jpg": "duplicate_image",
        f"images/{NFD}2.jpg": "duplicate_image",
        f"masks/{NFC}2.png": "duplicate_image",
        f"images/{escaped}.jpg": "name_not_utf8",
        f"masks/{escaped}.jpg": "name_not_utf8",
        "images/gone.jpg": "broken_link",
        "images/loop": "link_loop",
        "images/pipe.jpg": "not_a_file",
    }
    assert all(one.detail for one in mixed.rejected.values())


def test_no_file_is_lost(mixed):
    assert mixed.artifact.get_int_custom_property("rejected") == len(mixed.rejected)
    counts = [mixed.artifact.get_int_custom_property(f"{split}_count") for split in ("train", "eval")]
    assert sum(counts) == len(SOUND)
    assert mixed.duplicates == []


@pytest.fixture(scope="module")
def formats(new_folder):
    """One pair a picture format, all under the same wrong extension, and photos of odd sizes."""
    folder = new_folder().pairs(*range(10))
    photo = Image.linear_gradient("L").resize((16, 12)).convert("RGB")
    for kind in ("PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"):
        folder.pair(kind, photo=encoded(photo, kind))
    for mode, kind in (("CMYK", "JPEG"), ("L", "JPEG"), ("RGBA", "PNG"), ("P", "PNG"), ("1", "PNG"), ("LA", "PNG")):
        folder.pair(f"{mode}-{kind}", photo=encoded(photo.convert(mode), kind))
    folder.pair("16", photo=encoded(Image.fromarray(np.full((12, 16), 40_000, np.uint16)), "PNG"))
    folder.pair("progressive", photo=encoded(photo, "JPEG", progressive=True))
    for size in ((1, 1), (4000, 20), (20, 4000)):
        folder.pair("{}x{}".format(*size), photo=jpeg(str(size), size), mask=mask(size))
    folder.pair("double", mask=mask((32, 24)))
    return folder.ingest()


def test_the_content_decides_about_the_format_and_not_the_name(formats):
    assert formats.rejected == {}
    assert {"PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "CMYK-JPEG", "16", "progressive"} <= set(formats.records)


def test_masks_fit_their_photos_of_any_size(formats):
    for key, size in (("1x1", (1, 1)), ("4000x20", (20, 4000)), ("20x4000", (4000, 20)), ("double", (12, 16))):
        found = class_map(formats.records[key])
        assert found.shape == size
        assert (found == 1).all()


@pytest.mark.parametrize(("images", "masks"), [(".", "masks"), ("images", ".")])
def test_a_folder_inside_the_other_ones_belongs_to_itself_only(folder, images, masks):
    for key in range(10):
        folder.put(f"{images}/{key}.jpg", jpeg(str(key)))
        folder.put(f"{masks}/{key}.jpg", jpeg("", color=(255, 0, 0)))
    found = folder.ingest(images_folder=images, masks_folder=masks)
    assert set(found.records) == set(map(str, range(10)))
    assert found.rejected == {}


def test_an_exception_that_nobody_thought_of_costs_one_pair(folder, monkeypatch):
    make_record = steps.make_record

    def failing(key, *arguments, **options):
        if key == "3":
            raise ZeroDivisionError("division by zero")
        return make_record(key, *arguments, **options)

    monkeypatch.setattr(steps, "make_record", failing)
    found = folder.pairs(*range(10)).ingest(max_rejected=0.2)
    (one,) = found.rejected.values()
    assert (one.path, one.reason) == ("images/3.jpg", "unexpected")
    assert one.detail.startswith("ZeroDivisionError: division by zero (test_real_folders.py:")
    assert "masks/3.png" in one.detail


def test_an_exception_for_all_pairs_ends_the_run_and_blames_the_program(folder, monkeypatch):
    def failing(*arguments, **options):
        raise AttributeError("no attribute 'frombytes'")

    monkeypatch.setattr(steps, "make_record", failing)
    with pytest.raises(DataError) as caught:
        folder.pairs(*range(4)).ingest()
    for told in ("4 unexpected", "AttributeError: no attribute 'frombytes'", "in the program"):
        assert told in str(caught.value)


def test_neighbours_stay_together(folder):
    keys = [f"scene{scene}_{frame:03}" for scene in range(10) for frame in range(3)]
    found = folder.pairs(*keys, "lonely").ingest(split_key=r"(.*)_\d+$")
    for key in keys:
        assert found.splits[key] == split_of(key.rpartition("_")[0], 0.2)
    assert found.splits["lonely"] == split_of("lonely", 0.2)
    assert found.artifact.get_int_custom_property("split_key_unmatched") == 1


@pytest.fixture(scope="module")
def copies(new_folder):
    """Two folders of a flight each, which one photo ties together, and a photo that two masks judge unlike."""
    folder = new_folder()
    for flight in range(20):
        folder.pairs(*(f"{flight:02}/{frame}" for frame in range(2)))
    same = jpeg("the same photo")
    for key in ("08/copy", "01/copy", "15/copy"):
        folder.pair(key, photo=same)
    folder.pair("03/x", photo=jpeg("judged"), mask=jpeg("", color=(0, 0, 0)))
    folder.pair("03/y", photo=jpeg("judged"))
    for key in ("05/bad", "06/bad"):
        folder.pair(key, photo=b"no picture")
    return folder.ingest(split_key="folder", max_rejected=0.5)


def test_equal_photos_never_straddle_the_splits_and_neither_do_their_neighbours(copies):
    alone = {flight: split_of(flight, 0.2) for flight in ("01", "08", "15")}
    assert len(set(alone.values())) == 2, "the test wants flights that would be in both splits"
    for flight in alone:
        assert {split for key, split in copies.splits.items() if key.startswith(flight)} == {alone["01"]}
    for key, split in copies.splits.items():
        if key[:2] not in alone:
            assert split == split_of(key[:2], 0.2)


def test_equal_photos_are_listed_in_groups_and_counted(copies):
    first, second = copies.duplicates
    assert first.keys == ["01/copy", "08/copy", "15/copy"]
    assert (first.split, first.would_straddle, first.masks_differ) == (split_of("01", 0.2), True, False)
    assert second.keys == ["03/x", "03/y"]
    assert (second.would_straddle, second.masks_differ) == (False, True)
    assert copies.artifact.get_int_custom_property("duplicate_groups") == 2
    assert set(copies.rejected) == {"images/05/bad.jpg", "images/06/bad.jpg"}
