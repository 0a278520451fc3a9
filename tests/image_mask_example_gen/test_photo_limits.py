"""Pictures beyond every limit cost nothing, and programs are not run."""

import io
import resource
import struct
import time
import tracemalloc
import zlib

import pytest
from PIL import Image

from components.image_mask_example_gen.photo import open_picture, read_photo
from components.image_mask_example_gen.rejection import Rejected


def smooth():
    return Image.linear_gradient("L").resize((48, 32)).convert("RGB")


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    )


def refusal(content):
    with pytest.raises(Rejected) as caught:
        read_photo(content)
    return caught.value


def test_a_huge_picture_is_refused_from_its_header_alone():
    tracemalloc.start()
    refused = refusal(png_of(65500, 65500))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.reason == "too_large"
    assert "65500x65500" in refused.detail
    assert peak < 16_000_000


def bombs():
    """Headers of 65500x65500 pixels, or what the format has, with next to no content."""
    gif = b"GIF89a" + struct.pack("<HH", 65500, 65500) + bytes(3) + b"," + struct.pack("<HHHH", 0, 0, 65500, 65500)
    bmp = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 100, 0, 54, 40, 65500, 65500, 1, 24, 0, 0, 0, 0, 0, 0)
    jpeg = encoded(smooth(), "JPEG").replace(struct.pack(">HH", 32, 48), struct.pack(">HH", 65500, 65500), 1)
    tiff = encoded(smooth(), "TIFF")
    tiff = tiff.replace(struct.pack("<HHIH", 256, 4, 1, 48), struct.pack("<HHIH", 256, 4, 1, 65500))
    tiff = tiff.replace(struct.pack("<HHIH", 257, 4, 1, 32), struct.pack("<HHIH", 257, 4, 1, 65500))
    extended = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + struct.pack("<I", 16383)[:3] * 2
    frames = encoded(smooth(), "WEBP", save_all=True, append_images=[Image.new("RGB", (48, 32))])
    webp = frames.replace(frames[12:30], extended)
    return {"gif": gif + b"\2\0;", "bmp": bmp, "jpeg": jpeg, "tiff": tiff, "webp": webp, "png": png_of(65500, 65500)}


@pytest.mark.parametrize("content", bombs().values(), ids=bombs())
def test_a_bomb_of_any_format_costs_nothing(content):
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    assert refusal(content).reason == "too_large"
    assert time.perf_counter() - began < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_side_that_jpeg_and_the_schema_cannot_hold_is_refused():
    assert refusal(encoded(Image.new("1", (65_501, 1)), "PNG")).reason == "too_large"
    assert read_photo(encoded(Image.new("1", (65_500, 1)), "PNG")).width == 65_500


def test_a_drawing_program_is_not_run():
    refused = refusal(encoded(smooth(), "EPS"))
    assert refused.reason == "not_a_picture"
    assert "EPS" in refused.detail


def test_a_photo_of_a_format_that_pillow_does_not_know_shows_its_beginning():
    refused = refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert refused.reason == "not_a_picture"
    assert "ftypheic" in refused.detail


def test_a_large_but_possible_picture_is_read():
    assert open_picture(encoded(Image.new("1", (8_000, 6_000)), "PNG")).size == (8_000, 6_000)


def test_a_valid_photo_beyond_the_limit_is_refused_with_the_limit():
    refused = refusal(encoded(Image.new("1", (10_000, 5_001)), "PNG"))
    assert refused.reason == "too_large"
    assert "10000x5001" in refused.detail
    assert "50,000,000" in refused.detail
