"""Damage that Pillow overlooks is found before TensorFlow meets it."""

import io
import random

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.image_mask_example_gen.integrity import check_integrity
from components.image_mask_example_gen.photo import read_photo
from components.image_mask_example_gen.rejection import Rejected


def picture(kind, **options):
    noise = np.random.default_rng(0).normal(size=(60, 80, 3)).cumsum(0).cumsum(1)
    scaled = (noise - noise.min()) / np.ptp(noise) * 255
    buffer = io.BytesIO()
    Image.fromarray(scaled.astype(np.uint8)).save(buffer, kind, **options)
    return buffer.getvalue()


BASELINE = picture("JPEG", quality=90)
JPEGS = {
    "baseline": BASELINE,
    "progressive": picture("JPEG", quality=90, progressive=True),
    "restarts": picture("JPEG", quality=90, restart_marker_blocks=3),
}


@pytest.mark.parametrize("content", JPEGS.values(), ids=JPEGS)
def test_sound_jpegs_pass(content):
    check_integrity("JPEG", content)


@pytest.mark.parametrize(
    "content",
    [
        BASELINE + b"trailer \xff\xe1 of a phone",
        BASELINE[:2] + b"\xff\xff\xff" + BASELINE[2:],
        BASELINE[:20] + b"stray" + BASELINE[20:],
    ],
    ids=["trailer", "padding", "stray bytes in the header"],
)
def test_oddities_that_every_decoder_takes_pass(content):
    check_integrity("JPEG", content)
    assert tf.io.decode_jpeg(content).shape == (60, 80, 3)


@pytest.mark.parametrize("marker", [b"\xff\xe1", b"\xff\xee", b"\xff\xfe", b"\xff\xc4"])
def test_a_marker_in_the_middle_of_a_jpeg_is_damage(marker):
    middle = len(BASELINE) * 2 // 3
    with pytest.raises(Rejected) as caught:
        check_integrity("JPEG", BASELINE[:middle] + marker + BASELINE[middle + 2 :])
    assert caught.value.reason == "damaged_picture"


def test_a_jpeg_without_its_end_is_damage():
    with pytest.raises(Rejected, match="end marker"):
        check_integrity("JPEG", BASELINE[:-2])


def test_a_changed_byte_of_a_png_is_found_by_its_checksum():
    content = bytearray(picture("PNG"))
    content[len(content) // 2] ^= 0x55
    with pytest.raises(Rejected, match="checksum"):
        check_integrity("PNG", bytes(content))
    check_integrity("PNG", picture("PNG") + b"trailer")


def test_other_formats_have_nothing_to_check():
    check_integrity("GIF", b"")
    check_integrity(None, b"")


@pytest.mark.parametrize("content", JPEGS.values(), ids=JPEGS)
def test_what_passes_can_be_read_by_tensorflow(content):
    # Without the check, one in fifty of these ends a run in Transform, hours later.
    draw = random.Random(1)
    for _ in range(200):
        damaged = bytearray(content)
        place, count = draw.randrange(2, len(content)), draw.choice([1, 2, 8])
        damaged[place : place + count] = bytes(draw.choice([255, 217, 0, draw.randrange(256)]) for _ in range(count))
        try:
            photo = read_photo(bytes(damaged))
        except Rejected:
            continue
        assert tf.io.decode_jpeg(photo.encoded, channels=3).shape == (photo.height, photo.width, 3)
