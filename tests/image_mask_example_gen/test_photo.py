"""Photos of every kind become upright 8-bit RGB; what is no photo is refused with its reason."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.image_mask_example_gen.photo import read_photo, to_rgb
from components.image_mask_example_gen.rejection import Rejected

ORIENTATION = 0x0112
# What a camera did to an upright picture when it wrote this orientation: the inverse of what undoes it.
CAMERA_TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def smooth(width=48, height=32):
    """A picture without symmetry whose colours survive JPEG."""
    down, right = np.mgrid[:height, :width]
    red, green = 255 * right / (width - 1), 255 * down / (height - 1)
    return Image.fromarray(np.dstack([red, green, 255 - (red + green) / 2]).astype(np.uint8))


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags.tobytes()


def pixels(content):
    """What the network sees: decoded by TensorFlow, from any format that Transform takes."""
    return tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE").numpy()


def difference(one, other):
    return np.abs(np.asarray(one, np.int32) - np.asarray(other, np.int32)).mean()


def png_of(width, height, *, depth=8, color_type=2, rows=b""):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    )


def refusal(content):
    with pytest.raises(Rejected) as caught:
        read_photo(content)
    return caught.value


@pytest.mark.parametrize("options", [{"quality": 75}, {"progressive": True}, {"exif": exif(1)}])
def test_an_upright_jpeg_is_kept_byte_for_byte(options):
    content = encoded(smooth(), "JPEG", **options)
    photo = read_photo(content)
    assert photo.encoded == content
    assert (photo.height, photo.width, photo.orientation) == (32, 48, 1)


@pytest.mark.parametrize("orientation", CAMERA_TURNS)
def test_the_orientation_of_the_camera_is_undone(orientation):
    upright, turn = smooth(), CAMERA_TURNS[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    photo = read_photo(encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif(orientation)))
    assert photo.orientation == orientation
    assert (photo.height, photo.width) == (32, 48)
    assert difference(pixels(photo.encoded), upright) < 2
    # Nothing is left that a viewer of the report would turn a second time.
    assert Image.open(io.BytesIO(photo.encoded)).getexif().get(ORIENTATION, 1) == 1


@pytest.mark.parametrize(
    ("kind", "count", "value"),
    [(1, 1, b"\6\0\0\0"), (2, 4, b"6ab\0"), (7, 4, b"abcd"), (3, 2, b"\6\0\1\0"), (3, 1, b"\x09\0\0\0")],
    ids=["byte", "text", "undefined", "two-numbers", "nine"],
)
def test_an_orientation_that_makes_no_sense_does_not_stop_the_run(kind, count, value):
    entry = struct.pack("<HHI", ORIENTATION, kind, count) + value
    tags = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    photo = read_photo(encoded(smooth(), "JPEG", exif=tags))
    assert {photo.height, photo.width} == {32, 48}
    assert pixels(photo.encoded).shape == (photo.height, photo.width, 3)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("P", "PNG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("RGB", "GIF"),
        ("RGB", "WEBP"),
        ("RGB", "BMP"),
        ("RGB", "TIFF"),
        ("RGBA", "TIFF"),
        ("RGB", "PPM"),
    ],
)
def test_every_colour_format_becomes_the_same_rgb(mode, kind):
    photo = read_photo(encoded(smooth().convert(mode), kind))
    decoded = pixels(photo.encoded)
    assert decoded.shape == (32, 48, 3)
    # 216 web colours, dithered, are what P and GIF can hold.
    assert difference(decoded, smooth()) < (30 if mode == "P" or kind == "GIF" else 6)


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("LA", "PNG"), ("1", "PNG")])
def test_grey_photos_become_rgb(mode, kind):
    grey = smooth().convert("L").convert(mode)
    decoded = pixels(read_photo(encoded(grey, kind)).encoded)
    assert decoded.shape == (32, 48, 3)
    assert difference(decoded, np.asarray(grey.convert("RGB"))) < 12


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(kind):
    ramp = np.linspace(0, 65535, 32 * 48).reshape(32, 48).astype(np.uint16)
    decoded = pixels(read_photo(encoded(Image.fromarray(ramp), kind)).encoded)
    assert difference(decoded, np.repeat((ramp // 257)[..., None], 3, axis=2)) < 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_dark_photo_of_sixteen_bits_stays_dark(kind):
    # No value is above 255: read as 8 bits, near-black would become white.
    ramp = np.linspace(0, 255, 32 * 48).reshape(32, 48).astype(np.uint16)
    assert pixels(read_photo(encoded(Image.fromarray(ramp), kind)).encoded).max() <= 1


def test_sixteen_bit_colour_is_readable_by_tensorflow():
    rows = (b"\0" + b"\xff\x00\x80\x00\x00\x00" * 3) * 2
    decoded = pixels(read_photo(png_of(3, 2, depth=16, rows=rows)).encoded)
    assert difference(decoded, np.full((2, 3, 3), (255, 128, 0))) < 3


def test_transparent_parts_lie_on_white():
    picture = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 8, 16))
    decoded = pixels(read_photo(encoded(picture, "PNG")).encoded).astype(int)
    assert np.abs(decoded[:, 10:] - 255).max() < 12
    assert np.abs(decoded[:, :6] - (200, 0, 0)).max() < 12


def test_only_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (16, 16), color) for color in ((250, 0, 0), (0, 250, 0))]
    photo = read_photo(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert difference(pixels(photo.encoded), np.full((16, 16, 3), (250, 0, 0))) < 4


@pytest.mark.parametrize("level", [0, 64, 255])
@pytest.mark.parametrize("size", [(1, 1), (20, 300), (640, 4)])
def test_brightness_is_the_mean_from_zero_to_one(level, size):
    photo = read_photo(encoded(Image.new("RGB", size, (level,) * 3), "PNG"))
    assert photo.brightness == pytest.approx(level / 255, abs=0.01)


def test_brightness_of_a_large_photo_is_that_of_all_its_pixels():
    picture = smooth(1500, 900)
    expected = np.asarray(picture.convert("L")).mean() / 255
    assert read_photo(encoded(picture, "PNG")).brightness == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "not_a_picture"),
        (bytes(range(256)) * 8, "not_a_picture"),
        (encoded(smooth(), "JPEG")[:400], "damaged_picture"),
        (encoded(smooth(), "JPEG")[:-300], "damaged_picture"),
        (encoded(smooth(), "PNG")[:200], "damaged_picture"),
        (encoded(smooth(), "GIF")[:1000], "damaged_picture"),
        (encoded(smooth(), "BMP")[:300], "damaged_picture"),
        (encoded(smooth(), "WEBP")[:100], "damaged_picture"),
    ],
    ids=["empty", "html", "noise", "jpeg-head", "jpeg-cut", "png-cut", "gif-cut", "bmp-cut", "webp-cut"],
)
def test_what_is_no_whole_picture_is_refused(content, reason):
    refused = refusal(content)
    assert refused.reason == reason
    assert refused.detail


def test_the_refusal_shows_how_the_content_begins():
    assert "<html>" in refusal(b"<html></html>").detail


def cut(count):
    return encoded(smooth(), "PNG")[:-count]


def altered(place):
    content = bytearray(encoded(smooth(), "PNG"))
    content[place] ^= 0x55
    return bytes(content)


@pytest.mark.parametrize(
    ("damage", "place"),
    [*((cut, count) for count in (1, 4, 8, 12, 14, 16)), *((altered, place) for place in (-14, -18, 30, 60))],
)
def test_a_broken_png_never_reaches_transform(damage, place):
    # Pillow forgives what TensorFlow does not: one such photo would stop the run hours later.
    content = damage(place)
    try:
        content = read_photo(content).encoded
    except Rejected:
        content = encoded(smooth(), "PNG")
    assert pixels(content).shape == (32, 48, 3)


def test_float_pictures_become_rgb():
    values = np.tile(np.linspace(0, 200, 48, dtype=np.float32), (32, 1))
    assert difference(np.asarray(to_rgb(Image.fromarray(values)))[..., 0], values) < 1
    # From 0 to 1 is as usual among scientists, and undefined pixels are black.
    shares = values / 200
    shares[0, 0] = np.nan
    assert difference(np.asarray(to_rgb(Image.fromarray(shares)))[..., 0], np.nan_to_num(shares * 255)) < 1
