import numpy as np
import pytest
from PIL import Image

from components.prediction.pictures import Legend, class_map_picture, overlay_picture

LEGEND = Legend(("sky", "plane", "bird"), ((10, 20, 250), (200, 0, 0), (0, 0, 0)), 0)


def test_a_class_map_keeps_its_numbers_and_shows_the_masks_colours(tmp_path):
    class_map = np.array([[0, 1], [2, 1], [1, 0]], np.uint8)
    class_map_picture(class_map, LEGEND.colors).save(tmp_path / "map.png")
    picture = Image.open(tmp_path / "map.png")
    assert picture.mode == "P"
    np.testing.assert_array_equal(np.asarray(picture), class_map)
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), np.array(LEGEND.colors)[class_map])


@pytest.mark.parametrize("classes", [2, 254])
def test_a_palette_holds_every_class(tmp_path, classes):
    colors = [(number, 255 - number, number // 2) for number in range(classes)]
    class_map = np.arange(classes, dtype=np.uint8)[np.newaxis]
    class_map_picture(class_map, colors).save(tmp_path / "map.png")
    read = Image.open(tmp_path / "map.png")
    np.testing.assert_array_equal(np.asarray(read), class_map)
    np.testing.assert_array_equal(np.asarray(read.convert("RGB"))[0], colors)


def test_an_overlay_mixes_colours_into_objects_only():
    class_map = np.zeros((20, 40), np.uint8)
    class_map[5:15, 10:30] = 1
    photo = Image.new("RGB", (40, 20), (100, 100, 100))
    shown = np.asarray(overlay_picture(photo, class_map, LEGEND)).astype(int)
    assert (shown[0, 0] == 100).all()
    np.testing.assert_allclose(shown[10, 20], [150, 50, 50], atol=2)
    # The border of the object is a line, whatever the colours are.
    assert (shown[5, 10:30] == 255).all()
    assert (shown[5:15, 10] == 255).all()


def test_a_photo_of_one_class_has_no_line():
    photo = Image.new("RGB", (8, 6), (1, 2, 3))
    shown = np.asarray(overlay_picture(photo, np.zeros((6, 8), np.uint8), LEGEND))
    assert (shown == (1, 2, 3)).all()
