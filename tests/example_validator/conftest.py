"""A sound data folder, drawn once, and a copy of it for each test that spoils one."""

import shutil
from pathlib import Path

import pytest
from guarding import COUNT, SIZE, Counted, Photos, count
from PIL import Image

from components.sample_data import write_sample_data


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "data"
    write_sample_data(folder, count=COUNT)
    for path in [*folder.glob("images/*"), *folder.glob("masks/*")]:
        Image.open(path).resize(SIZE).save(path, quality=95, subsampling=0)
    return folder


@pytest.fixture(scope="session")
def sound(sound_folder, tmp_path_factory) -> Counted:
    """Statistics of the sound set; whoever changes them takes a copy."""
    return count(sound_folder, tmp_path_factory.mktemp("sound"))


@pytest.fixture
def photos(sound_folder, tmp_path) -> Photos:
    return Photos(Path(shutil.copytree(sound_folder, tmp_path / "data")))
