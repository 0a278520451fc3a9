import io

import numpy as np
import pytest
from PIL import Image
from records import SIZE, write_records

from components.trainer.augmentation import Augmentation
from components.trainer.contact_sheet import COLUMNS, ROWS, write_contact_sheet
from schema.colors import class_color
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap(
    (LabelClass("sky", (0, 0, 0)), LabelClass("plane", (255, 0, 0)), LabelClass("ground", (0, 9, 0))), background="sky"
)


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    """The sheet of five records, fewer than it has places: uint8 [height, width, 3]."""
    folder = tmp_path_factory.mktemp("sheet")
    patterns = write_records(folder, [SIZE] * 5)
    path = folder / "sheet.jpg"
    options = {"label_map": LABEL_MAP, "seed": 1, "augmentation": Augmentation(color=False)}
    write_contact_sheet(str(path), patterns, SIZE, **options)
    return np.asarray(Image.open(io.BytesIO(path.read_bytes())))


def test_every_place_holds_a_pair(sheet):
    gap = 6
    height, width = SIZE[0] + gap, SIZE[1] + gap
    assert sheet.shape == (ROWS * height + gap, COLUMNS * width + gap, 3)
    for row in range(ROWS):
        for column in range(COLUMNS):
            tile = sheet[row * height + gap :, column * width + gap :][: SIZE[0], : SIZE[1]]
            assert tile.std() > 10


@pytest.mark.parametrize("index", [1, 2])
def test_borders_of_classes_have_the_colours_of_the_page(sheet, index):
    near = np.abs(sheet.astype(int) - class_color(index, 0)).max(axis=-1) < 40
    assert near.mean() > 0.005
