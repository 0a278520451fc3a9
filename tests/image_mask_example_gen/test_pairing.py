"""Which files belong together, and a split that stays."""

import unicodedata

import pytest

from components.image_mask_example_gen import pairing
from components.image_mask_example_gen.rejection import Rejected


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("0.jpg", "0"),
        ("день/самолет 1.JPEG", "день/самолет 1"),
        ("a/b.c/photo.v2.png", "a/b.c/photo.v2"),
        ("no_extension", "no_extension"),
        ("-v.JPG", "-v"),
        ("борт 1 ✈️.jpg", "борт 1 ✈️"),
        ("n" * 250 + ".jpg", "n" * 250),
    ],
)
def test_the_key_is_the_path_without_its_extension(path, key):
    assert pairing.key_of(path) == key


def test_composed_and_decomposed_letters_make_the_same_key():
    composed, decomposed = (unicodedata.normalize(form, "взлёт/Öl й.jpg") for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert pairing.key_of(composed) == pairing.key_of(decomposed) == composed.removesuffix(".jpg")


@pytest.mark.parametrize(
    ("path", "system"),
    [
        (".DS_Store", True),
        ("a/.thumbs/1.jpg", True),
        ("a/Thumbs.db", True),
        ("desktop.ini", True),
        ("labelmap.txt", True),
        ("__MACOSX/1.jpg", True),
        ("a/@eaDir/1.jpg", True),
        ("$RECYCLE.BIN/1.jpg", True),
        ("a/1.jpg", False),
        ("a.b/thumbs.jpg", False),
    ],
)
def test_files_of_the_operating_system_are_no_data(path, system):
    assert pairing.is_system_file(path) is system


def test_a_photo_meets_the_mask_of_its_name_whatever_the_extensions():
    found = pairing.pair("a/1", ["images/a/1.jpg"], ["masks/a/1.png"])
    assert found == pairing.Pair("a/1", "images/a/1.jpg", "masks/a/1.png")


@pytest.mark.parametrize(
    ("images", "masks", "reason", "told"),
    [
        (["i/1.jpg"], [], "no_mask", "no mask is named 1.*"),
        ([], ["m/1.jpg"], "no_image", "no photo is named 1.*"),
        (["i/1.png", "i/1.jpg"], ["m/1.jpg"], "duplicate_image", "i/1.jpg, i/1.png"),
        (["i/1.jpg"], ["m/1.png", "m/1.jpg"], "duplicate_mask", "m/1.jpg, m/1.png"),
        (["i/1.png", "i/1.jpg"], [], "no_mask", "no mask is named 1.*"),
    ],
)
def test_anything_but_one_of_each_is_set_aside(images, masks, reason, told):
    with pytest.raises(Rejected) as caught:
        pairing.pair("1", images, masks)
    assert caught.value.reason == reason
    assert told in caught.value.detail


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_the_eval_split_holds_about_its_share(fraction):
    count = 5000
    held = sum(pairing.split_of(f"photos/{number}", fraction) == pairing.EVAL for number in range(count))
    # Four standard deviations of a fair draw: a biased hash would be outside.
    assert abs(held / count - fraction) < 4 * (fraction * (1 - fraction) / count) ** 0.5


def test_the_split_of_a_key_is_fixed_for_all_time():
    # Written down rather than computed: another hash would move photos from training into evaluation.
    eval_keys = [key for key in map(str, range(20)) if pairing.split_of(key, 0.2) == pairing.EVAL]
    assert eval_keys == ["8", "9"]


def test_a_larger_share_only_adds_to_the_eval_split():
    keys = [f"k{number}" for number in range(500)]
    small, large = ({key for key in keys if pairing.split_of(key, fraction) == pairing.EVAL} for fraction in (0.1, 0.3))
    assert small < large


def test_a_name_that_is_no_valid_text_still_has_a_split():
    assert pairing.split_of("\udcff\udcfe", 0.2) in (pairing.TRAIN, pairing.EVAL)


@pytest.mark.parametrize(
    ("key", "rule", "expected"),
    [
        ("a/b/1", "path", "a/b/1"),
        ("a/b/1", "folder", "a/b"),
        ("1", "folder", ""),
        ("0001TP_006690", r"^(\d+TP)_", "0001TP"),
        ("seq05VD_f00000", r"^(\d+TP)_", None),
        ("Seq05VD_f00000", r"^([^_]+)_", "Seq05VD"),
        ("walk/take2_0034", r"(.*)_\d+$", "walk/take2"),
        ("walk/take2_0034", r"take\d", "take2"),
        ("b_1", r"(a)?b", None),
        ("b", r"\d*", None),
        ("взлёт/1", unicodedata.normalize("NFD", "^(взлёт)/"), "взлёт"),
    ],
)
def test_the_split_key_is_what_the_rule_finds(key, rule, expected):
    assert pairing.split_key_of(key, rule) == expected
