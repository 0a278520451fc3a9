"""Writes a data folder of drawn aeroplane photos, for runs and tests without the original pictures."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.sample_data.photos import draw_picture

GENERATOR_VERSION = 1
RECORD_NAME = "generator.json"
_GENERATOR = "components.sample_data.aeroplanes"
_LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nplane:255,0,0::\n"
_PLANE_COLOUR = (255, 0, 0)


def write_sample_data(folder: Path, *, count: int = 240, seed: int = 7) -> None:
    """Writes drawn photos of aeroplanes with masks as a data folder.

    The folder holds `images/` and `masks/` with files `0.jpg` to `<count - 1>.jpg` of equal names,
    `labelmap.txt` in the Pascal VOC format of CVAT, and a JSON record of what was written. Photos and masks
    are RGB, 320 x 176 pixels, JPEG quality 75 with 4:2:0 chroma subsampling; masks are red on black.
    Picture i depends on `seed` and i alone, so a larger set begins with the pictures of a smaller one.
    The folder appears only once it is complete. A complete set of the same count, seed and generator
    version is left as it is; another generated set is replaced.

    Args:
        folder: where the set goes; its parents are made where they are missing.
        count: number of pictures, at least 1.
        seed: of the random choices, not negative.

    Raises:
        ValueError: `count` or `seed` is too small, or `folder` holds files that this function did not write.
    """
    if count < 1 or seed < 0:
        raise ValueError(f"count must be at least 1 and seed at least 0, not {count} and {seed}")
    record = {"generator": _GENERATOR, "version": GENERATOR_VERSION, "count": count, "seed": seed}
    if _holds_set(folder, record):
        return
    _check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        _write_set(Path(scratch) / "new", record, count=count, seed=seed)
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        (Path(scratch) / "new").rename(folder)


def _write_set(folder: Path, record: dict[str, object], *, count: int, seed: int) -> None:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        photo, plane = draw_picture(seed, index)
        _save_jpeg(photo, folder / "images" / f"{index}.jpg")
        mask = np.where(plane[..., None], np.array(_PLANE_COLOUR, np.uint8), np.uint8(0))
        _save_jpeg(mask, folder / "masks" / f"{index}.jpg")
    (folder / "labelmap.txt").write_text(_LABELMAP, encoding="utf-8")
    (folder / RECORD_NAME).write_text(json.dumps(record) + "\n", encoding="utf-8")


def _save_jpeg(pixels: NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(pixels).save(path, quality=75, subsampling=2)


def _read_record(folder: Path) -> dict[str, object] | None:
    """Returns the record of the generated set in `folder`, or None where it holds none."""
    try:
        record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(record, dict) and record.get("generator") == _GENERATOR
    return record if is_ours and isinstance(record.get("count"), int) else None


def _expected_files(count: int) -> set[str]:
    pictures = {f"{name}/{index}.jpg" for name in ("images", "masks") for index in range(count)}
    return pictures | {"labelmap.txt", RECORD_NAME}


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def _holds_set(folder: Path, record: dict[str, object]) -> bool:
    if _read_record(folder) != record:
        return False
    return _expected_files(int(str(record["count"]))) <= _files(folder)


def _check_replaceable(folder: Path) -> None:
    """Raises ValueError where writing to `folder` would lose something that was not generated."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    record = _read_record(folder) if folder.is_dir() else None
    if record is None:
        raise ValueError(f"{folder} exists and holds no generated sample data: choose another folder or remove it")
    foreign = sorted(_files(folder) - _expected_files(int(str(record["count"]))))
    if foreign:
        raise ValueError(f"{folder} holds files besides the generated sample data, such as {foreign[0]}")
