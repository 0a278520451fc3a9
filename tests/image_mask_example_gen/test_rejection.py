"""Rejections survive the way through a file."""

from components.image_mask_example_gen.rejection import Rejected, Rejection


def test_a_line_brings_back_the_rejection():
    rejection = Rejection('фото/1 \u2028\n"x".jpg', "image_damaged_picture", "cut\nshort\tat 5")
    line = rejection.to_json()
    assert "\n" not in line  # one line a file
    assert "фото" in line
    assert Rejection.from_json(line) == rejection


def test_a_rejection_tells_its_reason_and_detail():
    rejected = Rejected("no_mask", "no mask is named 1.*")
    assert str(rejected) == "no_mask: no mask is named 1.*"
    assert (rejected.reason, rejected.detail) == ("no_mask", "no mask is named 1.*")


def test_what_utf8_cannot_hold_survives_escaped():
    rejection = Rejection("images/\udcff.jpg", "unexpected", "cannot encode \ud83d")
    line = rejection.to_json()
    line.encode("utf-8")
    assert Rejection.from_json(line) == rejection
