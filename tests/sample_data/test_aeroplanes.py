"""The drawn sample set: file format, repeatability and what the pictures hold."""

import io
import json

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from components.sample_data import write_sample_data
from components.sample_data.photos import draw_picture

COUNT = 6


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "aeroplanes"
    write_sample_data(folder, count=COUNT, seed=3)
    return folder


@pytest.fixture(scope="module")
def pictures():
    return [draw_picture(7, index) for index in range(60)]


def jpegs(folder):
    return sorted(folder.glob("*/*.jpg"))


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def test_both_folders_hold_the_same_numbered_names(sample):
    names = {f"{index}.jpg" for index in range(COUNT)}
    assert {path.name for path in (sample / "images").iterdir()} == names
    assert {path.name for path in (sample / "masks").iterdir()} == names


def test_pictures_are_rgb_jpegs_of_quality_75_with_halved_chroma(sample):
    reference = io.BytesIO()
    Image.new("RGB", (16, 16)).save(reference, "JPEG", quality=75)
    for path in jpegs(sample):
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (320, 176))
            assert picture.quantization == Image.open(reference).quantization
            assert JpegImagePlugin.get_sampling(picture) == 2


def test_labelmap_names_background_and_plane(sample):
    lines = (sample / "labelmap.txt").read_text().splitlines()
    assert lines == ["# label:color_rgb:parts:actions", "background:0,0,0::", "plane:255,0,0::"]


def test_same_seed_gives_the_same_bytes_and_another_seed_others(sample, tmp_path):
    write_sample_data(tmp_path / "again", count=COUNT, seed=3)
    write_sample_data(tmp_path / "other", count=COUNT, seed=4)
    assert contents(tmp_path / "again") == contents(sample)
    assert (tmp_path / "other/images/0.jpg").read_bytes() != (sample / "images/0.jpg").read_bytes()


def test_larger_set_begins_with_the_smaller_one(sample, tmp_path):
    write_sample_data(tmp_path / "larger", count=COUNT + 2, seed=3)
    for path in jpegs(sample):
        assert (tmp_path / "larger" / path.relative_to(sample)).read_bytes() == path.read_bytes()


def test_nearest_class_colour_gives_back_the_drawn_mask(sample):
    for index in range(COUNT):
        with Image.open(sample / f"masks/{index}.jpg") as picture:
            pixels = np.asarray(picture, int)
        distances = [np.square(pixels - colour).sum(axis=-1) for colour in ((0, 0, 0), (255, 0, 0))]
        _, drawn = draw_picture(3, index)
        assert np.mean((distances[1] < distances[0]) != drawn) < 0.01


def test_mask_edges_are_blurred_by_jpeg(sample):
    with Image.open(sample / "masks/0.jpg") as picture:
        colours = np.unique(np.asarray(picture).reshape(-1, 3), axis=0)
    assert len(colours) > 20


def test_drawn_arrays_have_the_documented_shapes(pictures):
    for photo, plane in pictures:
        assert (photo.shape, photo.dtype) == ((176, 320, 3), np.uint8)
        assert (plane.shape, plane.dtype) == ((176, 320), bool)


def test_plane_shares_vary_about_a_tenth_of_the_frame(pictures):
    shares = np.array([plane.mean() for _, plane in pictures])
    assert 0.06 < shares.mean() < 0.13
    assert shares.max() < 0.45
    assert np.mean(shares == 0.0) < 0.15
    assert np.percentile(shares, 90) > 2.5 * np.percentile(shares, 10)


def test_bars_at_both_sides_are_black_and_hold_no_plane(pictures):
    for photo, plane in pictures:
        for columns in (slice(0, 9), slice(-9, None)):
            assert not photo[:, columns].any()
            assert not plane[:, columns].any()


def test_bar_widths_vary(pictures):
    widths = {int(np.argmax(photo.any(axis=(0, 2)))) for photo, _ in pictures}
    assert len(widths) > 3


def test_planes_are_not_told_apart_by_brightness(pictures):
    brighter = [
        photo[plane].mean() > photo[~plane & photo.any(axis=2)].mean() for photo, plane in pictures if plane.any()
    ]
    assert 0.1 < np.mean(brighter) < 0.9


def test_second_call_writes_nothing(sample):
    before = {path: path.stat().st_mtime_ns for path in [sample, *sample.rglob("*")]}
    write_sample_data(sample, count=COUNT, seed=3)
    assert {path: path.stat().st_mtime_ns for path in [sample, *sample.rglob("*")]} == before


def test_another_generated_set_is_replaced(tmp_path):
    folder = tmp_path / "set"
    write_sample_data(folder, count=3, seed=1)
    write_sample_data(folder, count=2, seed=1)
    assert len(jpegs(folder)) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_set_of_another_generator_version_is_replaced(tmp_path):
    write_sample_data(tmp_path / "set", count=1)
    record_path = tmp_path / "set/generator.json"
    current = record_path.read_text()
    record_path.write_text(json.dumps({**json.loads(current), "version": 0}))
    write_sample_data(tmp_path / "set", count=1)
    assert record_path.read_text() == current


def test_incomplete_set_is_written_again(tmp_path):
    write_sample_data(tmp_path / "set", count=2)
    (tmp_path / "set/masks/1.jpg").unlink()
    write_sample_data(tmp_path / "set", count=2)
    assert (tmp_path / "set/masks/1.jpg").exists()


def test_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_seed, index):
        if index == 1:
            raise KeyboardInterrupt
        return draw_picture(7, index)

    monkeypatch.setattr("components.sample_data.aeroplanes.draw_picture", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_sample_data(tmp_path / "set", count=3)
    assert not list(tmp_path.iterdir())


def test_foreign_folder_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/holiday.jpg").write_bytes(b"mine")
    with pytest.raises(ValueError, match="photos exists and holds no generated"):
        write_sample_data(tmp_path / "photos", count=1)
    assert (tmp_path / "photos/holiday.jpg").read_bytes() == b"mine"


def test_foreign_file_in_a_generated_set_is_not_lost(tmp_path):
    write_sample_data(tmp_path / "set", count=1)
    (tmp_path / "set/images/holiday.jpg").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"images/holiday\.jpg"):
        write_sample_data(tmp_path / "set", count=2)
    assert (tmp_path / "set/images/holiday.jpg").read_bytes() == b"mine"


def test_empty_folder_is_filled(tmp_path):
    write_sample_data(tmp_path, count=1)
    assert (tmp_path / "images/0.jpg").exists()


@pytest.mark.parametrize(("count", "seed"), [(0, 7), (-1, 7), (1, -1)])
def test_bad_count_or_seed_is_refused(tmp_path, count, seed):
    with pytest.raises(ValueError, match="at least"):
        write_sample_data(tmp_path / "set", count=count, seed=seed)
