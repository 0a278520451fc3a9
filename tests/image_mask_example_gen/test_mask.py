"""From masks that went through JPEG to exact class maps."""

import io

import numpy as np
import pytest
from PIL import Image

from components.image_mask_example_gen.mask import CleanMask, Palette, clean_mask, read_mask
from components.image_mask_example_gen.rejection import Rejected
from components.image_mask_example_gen.settings import IGNORE
from schema.features import IGNORE_LABEL
from schema.labelmap import LabelClass, LabelMap

BLACK, RED, WHITE, GREY = (0, 0, 0), (255, 0, 0), (255, 255, 255), (128, 128, 128)
SIZE = (120, 160)


def palette(*colors, ignored=()):
    return Palette.of(
        LabelMap(
            tuple(LabelClass(f"c{number}", color) for number, color in enumerate(colors)),
            tuple(LabelClass(f"i{number}", color) for number, color in enumerate(ignored)),
            "c0",
        )
    )


def disc(size=SIZE):
    """Class 1 in a disc, class 0 around it."""
    height, width = size
    down, right = np.mgrid[:height, :width]
    return ((down - height / 2) ** 2 + (right - width / 2) ** 2 < (height / 3) ** 2).astype(np.uint8)


def painted(labels, *colors):
    return Image.fromarray(np.array(colors, np.uint8)[labels])


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(labels, *colors):
    return encoded(painted(labels, *colors), "JPEG", quality=75, subsampling=2)


def test_a_red_mask_from_jpeg_is_exact_but_for_a_few_edge_pixels():
    cleaned = read_mask(jpeg(disc(), BLACK, RED), palette(BLACK, RED), SIZE)
    assert cleaned.class_map.dtype == np.uint8
    assert set(np.unique(cleaned.class_map)) == {0, 1}
    assert (cleaned.class_map != disc()).mean() < 0.001
    assert cleaned.uncertain_fraction < 0.02
    assert cleaned.off_palette_fraction < 0.002


def test_a_lossless_mask_is_exact_and_sure():
    cleaned = read_mask(encoded(painted(disc(), BLACK, RED)), palette(BLACK, RED), SIZE)
    np.testing.assert_array_equal(cleaned.class_map, disc())
    assert (cleaned.uncertain_fraction, cleaned.off_palette_fraction) == (0, 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_grey_masks_are_read_by_their_grey_levels(kind):
    labels = disc()
    labels[:30] = 2
    grey = Image.fromarray(np.array([0, 128, 255], np.uint8)[labels])
    cleaned = read_mask(encoded(grey, kind), palette(BLACK, GREY, WHITE), SIZE)
    assert (cleaned.class_map != labels).mean() < 0.001
    assert cleaned.off_palette_fraction == 0


def test_a_mask_with_its_own_colour_table_is_read_by_its_colours():
    indexed = Image.fromarray(disc()).convert("P")
    indexed.putpalette([*BLACK, *RED])
    cleaned = read_mask(encoded(indexed), palette(BLACK, RED), SIZE)
    np.testing.assert_array_equal(cleaned.class_map, disc())


@pytest.mark.parametrize("kind", ["rgba", "indexed"])
def test_a_transparent_background_keeps_its_colour(kind):
    # Annotation tools export "nothing here" as transparent black.
    if kind == "rgba":
        picture = painted(disc(), (*BLACK, 0), (*RED, 255))
        content = encoded(picture)
    else:
        picture = Image.fromarray(disc()).convert("P")
        picture.putpalette([*BLACK, *RED])
        content = encoded(picture, transparency=0)
    cleaned = read_mask(content, palette(BLACK, RED), SIZE)
    np.testing.assert_array_equal(cleaned.class_map, disc())


def test_classes_have_the_numbers_of_the_label_map():
    cleaned = read_mask(encoded(painted(disc(), RED, BLACK)), palette(BLACK, RED), SIZE)
    np.testing.assert_array_equal(cleaned.class_map, 1 - disc())


def test_ignored_colours_become_the_ignore_label():
    labels = disc()
    labels[:10] = 2
    content = encoded(painted(labels, BLACK, RED, (224, 224, 192)))
    cleaned = read_mask(content, palette(BLACK, RED, ignored=[(224, 224, 192)]), SIZE)
    np.testing.assert_array_equal(cleaned.class_map, np.where(labels == 2, IGNORE_LABEL, labels))
    assert cleaned.off_palette_fraction == 0


def test_uncertain_pixels_are_ignored_on_request_and_guessed_otherwise():
    mask = np.array([[BLACK, (60, 0, 0), (120, 0, 0), (135, 0, 0), (200, 0, 0), RED]], np.uint8)
    kept = clean_mask(mask, palette(BLACK, RED))
    np.testing.assert_array_equal(kept.class_map, [[0, 0, 0, 1, 1, 1]])
    assert kept.uncertain_fraction == pytest.approx(2 / 6)
    assert kept.off_palette_fraction == 0  # between two colours is what blur and JPEG make
    ignored = clean_mask(mask, palette(BLACK, RED), uncertain=IGNORE)
    np.testing.assert_array_equal(ignored.class_map, [[0, 0, IGNORE_LABEL, IGNORE_LABEL, 1, 1]])
    assert ignored.uncertain_fraction == kept.uncertain_fraction


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_mask_of_another_palette_is_refused_with_what_was_found(kind):
    content = encoded(painted(disc(), (0, 0, 255), (0, 255, 0)), kind)
    with pytest.raises(Rejected) as caught:
        read_mask(content, palette(BLACK, RED), SIZE)
    assert caught.value.reason == "off_palette"
    assert "100%" in caught.value.detail
    assert "the nearest in the label map (0, 0, 0)" in caught.value.detail


def test_one_strange_colour_is_noticed_by_its_share():
    cleaned = read_mask(encoded(painted(disc(), BLACK, (0, 0, 255))), palette(BLACK, RED), SIZE)
    assert cleaned.off_palette_fraction == pytest.approx(disc().mean())


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_a_mask_of_another_size_is_brought_to_the_photos_without_new_classes(factor):
    size = (int(SIZE[0] * factor), int(SIZE[1] * factor))
    colors = [BLACK, GREY, WHITE]
    labels = disc(size) * 2  # half way from class 0 to class 2 would be class 1
    cleaned = read_mask(encoded(painted(labels, *colors)), palette(*colors), SIZE)
    assert cleaned.class_map.shape == SIZE
    assert set(np.unique(cleaned.class_map)) == {0, 2}
    assert (cleaned.class_map != disc() * 2).mean() < 0.02


@pytest.mark.parametrize("size", [(119, 160), (120, 161), (60, 81)])
def test_rounding_of_a_side_is_no_other_shape(size):
    assert read_mask(encoded(painted(disc(size), BLACK, RED)), palette(BLACK, RED), SIZE).class_map.shape == SIZE


@pytest.mark.parametrize("size", [(160, 120), (120, 120), (130, 160), (240, 160)])
def test_a_mask_of_another_shape_is_refused_with_both_sizes(size):
    with pytest.raises(Rejected) as caught:
        read_mask(encoded(painted(disc(size), BLACK, RED)), palette(BLACK, RED), SIZE)
    assert caught.value.reason == "mask_shape"
    assert f"{size[1]}x{size[0]}" in caught.value.detail
    assert "160x120" in caught.value.detail


def test_a_mask_that_is_no_picture_is_refused():
    with pytest.raises(Rejected) as caught:
        read_mask(b"not a mask", palette(BLACK, RED), SIZE)
    assert caught.value.reason == "not_a_picture"


def test_the_stored_class_map_comes_back_exactly():
    class_map = np.arange(256, dtype=np.uint8).reshape(8, 32)
    stored = Image.open(io.BytesIO(CleanMask(class_map, 0.0, 0.0).encoded()))
    assert (stored.format, stored.mode) == ("PNG", "L")
    np.testing.assert_array_equal(np.asarray(stored), class_map)


def test_many_classes_are_told_apart():
    colors = [(40 * (n % 6), 50 * (n // 6 % 5), 80 * (n // 30)) for n in range(120)]
    labels = np.arange(120, dtype=np.uint8).reshape(10, 12)
    cleaned = clean_mask(np.array(colors, np.uint8)[labels], palette(*colors))
    np.testing.assert_array_equal(cleaned.class_map, labels)
    assert cleaned.uncertain_fraction == 0
