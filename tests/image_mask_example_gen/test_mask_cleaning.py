"""Blurred and compressed masks come back to the pixel; masks of another kind are recognised."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from components.image_mask_example_gen import mask_cleaning
from components.image_mask_example_gen.mask import Palette, clean_mask, read_mask
from components.image_mask_example_gen.mask_planes import planes_of_jpeg
from components.image_mask_example_gen.mask_start import among_sure, blur_of, first_guess
from components.image_mask_example_gen.palette import judge, to_rgb_colors, to_ycc
from components.image_mask_example_gen.rejection import Rejected
from components.image_mask_example_gen.settings import IGNORE
from schema.features import IGNORE_LABEL
from schema.labelmap import LabelClass, LabelMap

SIZE = (144, 200)
GREYS = [(level, level, level) for level in (0, 64, 128, 191, 255)]
COLORS = [(0, 0, 0), (255, 0, 0), (0, 0, 255), (0, 255, 0), (128, 128, 128)]


def palette(colors, ignored=()):
    classes, left_out = (
        tuple(LabelClass(f"{prefix}{number}", color) for number, color in enumerate(some))
        for prefix, some in (("c", colors), ("i", ignored))
    )
    return Palette.of(LabelMap(classes, left_out, "c0"))


def scene():
    """Two discs, a wedge and upright, level and slanting lines of 1, 2 and 3 pixels."""
    down, right = np.mgrid[: SIZE[0], : SIZE[1]]
    labels = np.zeros(SIZE, np.uint8)
    labels[(down - 50) ** 2 + (right - 55) ** 2 < 900] = 4
    labels[(down - 80) ** 2 + (right - 80) ** 2 < 500] = 1
    labels[(right > 150) & (down > right - 90)] = 2
    for width in (1, 2, 3):
        labels[20:120, 100 + 12 * width : 100 + 13 * width] = 4
        labels[125 + 5 * width : 125 + 6 * width, 10:90] = 3
    labels[np.abs(down - 0.4 * right + 30) < 1] = 1
    return labels


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def painted(labels, colors):
    return Image.fromarray(np.array(colors, np.uint8)[labels])


def jpeg(labels, colors, *, sigma=0, quality=75, subsampling=2, **options):
    picture = painted(labels, colors)
    if sigma:
        picture = picture.filter(ImageFilter.GaussianBlur(sigma))
    if colors is GREYS:
        picture = picture.convert("L")
    return encoded(picture, "JPEG", quality=quality, subsampling=subsampling, **options)


def nearest(content, colors):
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).reshape(-1, 3).astype(np.float32)
    return judge(pixels, palette(colors)).nearest.reshape(SIZE)


@pytest.mark.parametrize("colors", [GREYS, COLORS])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_sharp_masks_with_thin_lines_come_back_to_the_pixel(colors, subsampling):
    cleaned = read_mask(jpeg(scene(), colors, quality=85, subsampling=subsampling), palette(colors), SIZE)
    assert (cleaned.class_map != scene()).mean() < 0.0005
    assert cleaned.uncertain_fraction < 0.005
    assert cleaned.off_palette_fraction == 0


@pytest.mark.parametrize(
    ("colors", "sigma", "quality", "share"),
    [
        (GREYS, 0, 10, 0.5),
        (GREYS, 0, 50, 0.2),
        (GREYS, 1, 90, 0.25),
        (GREYS, 2, 90, 0.6),
        (COLORS, 0, 10, 0.75),
        (COLORS, 0, 50, 0.1),
        (COLORS, 1, 50, 0.6),
        (COLORS, 1, 90, 0.4),
    ],
)
def test_far_fewer_pixels_are_wrong_than_with_the_nearest_colour(colors, sigma, quality, share):
    content = jpeg(scene(), colors, sigma=sigma, quality=quality)
    cleaned = read_mask(content, palette(colors), SIZE)
    wrong, before = ((answer != scene()).sum() for answer in (cleaned.class_map, nearest(content, colors)))
    assert wrong < share * before


@pytest.mark.parametrize(("sigma", "tolerance"), [(0, 0), (1, 1)])
def test_a_line_of_one_pixel_survives(sigma, tolerance):
    labels = np.zeros(SIZE, np.uint8)
    labels[20:120, 90] = 1
    labels[60:100, 20:60] = 1
    content = jpeg(labels, COLORS, sigma=sigma, quality=90)
    if sigma:
        assert not nearest(content, COLORS)[30:110, 90].any()
    answer = read_mask(content, palette(COLORS[:2]), SIZE).class_map
    beside = slice(90 - tolerance, 91 + tolerance)
    # A blurred line may shift a pixel to the side, where two rows share one.
    assert (answer[21:119, beside].sum(axis=1) == 1).mean() >= (0.95 if sigma else 1)
    assert (answer[:, 60:] != labels[:, 60:]).sum() <= 100 * tolerance


def test_a_blurred_edge_gets_no_rim_of_the_grey_levels_between():
    labels = np.zeros(SIZE, np.uint8)
    labels[:, 100:] = 4
    labels[40:80, 30:70] = 2
    content = jpeg(labels, GREYS, sigma=2, quality=90)
    beside = (slice(None), slice(90, 110))
    assert ((nearest(content, GREYS)[beside] % 4) != 0).mean() > 0.1
    cleaned = read_mask(content, palette(GREYS), SIZE)
    np.testing.assert_array_equal(cleaned.class_map[beside], labels[beside])


@pytest.mark.parametrize("sigma", [0, 1, 1.5, 2])
def test_the_blur_is_measured(sigma):
    planes = planes_of_jpeg(jpeg(scene(), GREYS, sigma=sigma, quality=90))
    guess = among_sure(planes, first_guess(planes, palette(GREYS)), palette(GREYS), 7)
    assert blur_of(planes, guess, np.array([0, 64, 128, 191, 255], np.float32)) == pytest.approx(sigma, abs=0.3)


def test_a_mask_scaled_with_smoothing_and_kept_without_loss_is_restored():
    picture = painted(scene().repeat(2, 0).repeat(2, 1), COLORS).resize((SIZE[1], SIZE[0]), Image.Resampling.BICUBIC)
    cleaned = read_mask(encoded(picture.filter(ImageFilter.GaussianBlur(1))), palette(COLORS), SIZE)
    assert (cleaned.class_map != scene()).mean() < 0.003


@pytest.mark.parametrize(("options", "limit"), [({"progressive": True}, 0.001), ({"subsampling": 1}, 0.01)])
def test_other_kinds_of_jpeg_are_read(options, limit):
    cleaned = read_mask(jpeg(scene(), COLORS, **{"quality": 85, **options}), palette(COLORS), SIZE)
    assert (cleaned.class_map != scene()).mean() < limit


def test_cmyk_jpegs_are_read():
    content = encoded(painted(scene(), COLORS).convert("CMYK"), "JPEG", quality=90)
    assert (read_mask(content, palette(COLORS), SIZE).class_map != scene()).mean() < 0.02


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 3), (15, 17), (17, 33), (31, 16)])
def test_small_and_odd_sizes_are_read(size):
    labels = np.zeros(size, np.uint8)
    labels[:, size[1] // 2 :] = 1
    cleaned = read_mask(jpeg(labels, COLORS, quality=90, subsampling=0), palette(COLORS), size)
    np.testing.assert_array_equal(cleaned.class_map, labels)


def test_the_answer_is_the_same_every_time():
    content = jpeg(scene(), COLORS, sigma=1, quality=50)
    first, second = (read_mask(content, palette(COLORS), SIZE) for _ in range(2))
    np.testing.assert_array_equal(first.class_map, second.class_map)
    assert first.uncertain_fraction == second.uncertain_fraction


def test_large_masks_are_worked_on_in_strips_without_seams(monkeypatch):
    labels = np.tile(scene(), (3, 1))
    content = jpeg(labels, COLORS, quality=75)
    whole = read_mask(content, palette(COLORS), labels.shape)
    monkeypatch.setattr(mask_cleaning, "_AT_ONCE", 200 * 100)
    strips = read_mask(content, palette(COLORS), labels.shape)
    assert (whole.class_map != strips.class_map).sum() < 10
    assert (strips.class_map != labels).mean() < 0.001


def test_uncertain_pixels_and_no_others_are_ignored_on_request():
    content = jpeg(scene(), GREYS, sigma=2, quality=10)
    kept = read_mask(content, palette(GREYS), SIZE)
    ignored = read_mask(content, palette(GREYS), SIZE, uncertain=IGNORE)
    left_out = ignored.class_map == IGNORE_LABEL
    assert 0 < kept.uncertain_fraction < 0.3
    assert left_out.mean() == pytest.approx(kept.uncertain_fraction)
    np.testing.assert_array_equal(ignored.class_map[~left_out], kept.class_map[~left_out])
    wrong = kept.class_map != scene()
    assert wrong[left_out].mean() > 3 * wrong[~left_out].mean()


def test_ignored_colours_take_part():
    cleaned = read_mask(jpeg(scene(), COLORS, quality=85), palette(COLORS[:4], COLORS[4:]), SIZE)
    assert (cleaned.class_map != np.where(scene() == 4, IGNORE_LABEL, scene())).mean() < 0.001


@pytest.mark.parametrize("mode", ["L", "P"])
def test_class_numbers_are_read_as_such(mode):
    numbers = scene()
    numbers[:10] = IGNORE_LABEL
    picture = Image.fromarray(numbers)
    if mode == "P":
        picture = picture.convert("P")
        picture.putpalette([17, 34, 51] * 256)
    cleaned = read_mask(encoded(picture), palette(COLORS), SIZE)
    np.testing.assert_array_equal(cleaned.class_map, numbers)
    assert (cleaned.uncertain_fraction, cleaned.off_palette_fraction) == (0, 0)


def test_one_bit_class_numbers_are_read():
    cleaned = read_mask(encoded(Image.fromarray(scene() == 1)), palette(COLORS[:2]), SIZE)
    np.testing.assert_array_equal(cleaned.class_map, scene() == 1)


def test_black_and_white_are_no_class_numbers():
    with pytest.raises(Rejected) as caught:
        read_mask(encoded(Image.fromarray(np.where(scene() == 0, np.uint8(255), 0))), palette(COLORS[:2]), SIZE)
    assert caught.value.reason == "off_palette"
    assert "(255, 255, 255)" in caught.value.detail


def test_class_numbers_in_a_jpeg_are_refused():
    with pytest.raises(Rejected) as caught:
        read_mask(encoded(Image.fromarray(scene()), "JPEG", quality=95), palette(COLORS), SIZE)
    assert caught.value.reason == "class_numbers_in_jpeg"
    assert "PNG" in caught.value.detail


def test_black_jpegs_are_all_background():
    cleaned = read_mask(jpeg(np.zeros(SIZE, np.uint8), COLORS), palette(COLORS), SIZE)
    assert not cleaned.class_map.any()
    assert (cleaned.uncertain_fraction, cleaned.off_palette_fraction) == (0, 0)


def test_classes_in_the_transparency_alone_are_refused():
    picture = Image.new("RGB", (SIZE[1], SIZE[0]))
    picture.putalpha(Image.fromarray(scene() * 50))
    with pytest.raises(Rejected) as caught:
        read_mask(encoded(picture), palette(COLORS), SIZE)
    assert caught.value.reason == "alpha_only"


def test_a_strange_area_is_counted_and_uncertain():
    labels = np.zeros(SIZE, np.uint8)
    labels[:, :60] = 1
    labels[100:, 100:] = 2
    cleaned = read_mask(jpeg(labels, COLORS, quality=85), palette(COLORS[:2]), SIZE)
    assert cleaned.off_palette_fraction == pytest.approx(0.15, abs=0.02)
    assert cleaned.uncertain_fraction == pytest.approx(cleaned.off_palette_fraction, abs=0.02)


def test_a_photo_in_the_place_of_a_mask_is_uncertain():
    share = np.random.default_rng(3).random((*SIZE, 1))
    mixed = Image.fromarray((share * COLORS[1] + (1 - share) * COLORS[2]).astype(np.uint8))
    assert read_mask(encoded(mixed, "JPEG", quality=90), palette(COLORS[:4]), SIZE).uncertain_fraction > 0.8


def test_colours_become_luma_and_chroma_and_back():
    colors = np.array(COLORS, np.float32)
    np.testing.assert_allclose(to_rgb_colors(to_ycc(colors)), colors, atol=0.01)
    picture = np.asarray(Image.fromarray(colors.astype(np.uint8)[None]).convert("YCbCr"))[0]
    np.testing.assert_allclose(to_ycc(colors).clip(0, 255), picture, atol=1)


def test_mixtures_of_any_two_colours_are_not_strange():
    verdict = judge(np.array([(128, 0, 128), (0, 128, 0), (0, 255, 255)], np.float32), palette([*COLORS[:3]]))
    assert verdict.strange.tolist() == [False, True, True]


def test_masks_of_exact_colours_take_the_short_cut(monkeypatch):
    monkeypatch.setattr(mask_cleaning, "clean_planes", None)
    np.testing.assert_array_equal(clean_mask(np.asarray(painted(scene(), COLORS)), palette(COLORS)).class_map, scene())


@pytest.mark.parametrize(("colors", "sigma"), [(GREYS, 1), (COLORS, 0)])
def test_the_nearest_colour_can_be_asked_for(colors, sigma):
    content = jpeg(scene(), colors, sigma=sigma)
    cleaned = read_mask(content, palette(colors), SIZE, cleaning="nearest")
    assert (cleaned.class_map == nearest(content, colors)).all()
    # Rims of other classes are what it does not see.
    assert (cleaned.class_map != scene()).sum() > (read_mask(content, palette(colors), SIZE).class_map != scene()).sum()


def test_the_nearest_colour_tells_what_it_is_unsure_of():
    content = jpeg(scene(), GREYS, sigma=2)
    kept = read_mask(content, palette(GREYS), SIZE, cleaning="nearest")
    ignored = read_mask(content, palette(GREYS), SIZE, cleaning="nearest", uncertain=IGNORE)
    marked = ignored.class_map == IGNORE_LABEL
    assert marked.mean() == pytest.approx(kept.uncertain_fraction) == pytest.approx(ignored.uncertain_fraction)
    assert 0.01 < marked.mean() < 0.3
    assert (kept.class_map[~marked] == ignored.class_map[~marked]).all()
