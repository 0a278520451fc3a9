"""What a run needs to know about its inputs before it begins: the folder, the classes, weights, fingerprints."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from components.image_mask_example_gen.listing import is_remote, printable
from components.image_mask_example_gen.settings import DataSettings
from components.settings import SettingError, nearest
from components.trainer.settings import WEIGHT_WORDS
from components.trainer.weights.source import content_fingerprint, find_source
from pipeline import fingerprint
from pipeline.config import Config
from schema.labelmap import LabelMap, LabelMapError, parse_labelmap, read_labelmap

SAMPLE_FOLDER = "sample_data"


@dataclass(frozen=True)
class DataFacts:
    """Facts of the data folder, and of the weights that a training starts from.

    Attributes:
        folder: The data folder, absolute.
        label_map: Classes and colours.
        fingerprint: Changes when a photo, a mask or the label map changes.
        file_count: Files in the folder of photos, for estimates.
        weights: The setting, with the newest version in place of a serving folder.
        weights_fingerprint: Changes with the bytes of the weights; empty where they come with the installation.
    """

    folder: str
    label_map: LabelMap
    fingerprint: str
    file_count: int
    weights: str = ""
    weights_fingerprint: str = ""


def look_at_data(config: Config) -> DataFacts:
    """Checks data folder and weights, local or remote; generates the sample set where no data is named.

    Raises:
        SettingError: A folder or the weights are missing; names what is there instead.
        LabelMapError: The label map is missing or wrong.
    """
    settings = config.data
    if is_remote(settings.data):
        return _look_at_remote(config)
    weights = _look_at_weights(config.network.weights)
    folder = Path(settings.data).expanduser().absolute() if settings.data else _sample(config)
    _check_folders(folder, settings)
    label_map_path = folder / settings.labelmap
    label_map = read_labelmap(label_map_path, ignored_names=settings.ignore_classes, background=settings.background)
    photos, count = fingerprint.of_files([folder / settings.images_folder])
    masks, _ = fingerprint.of_files([folder / settings.masks_folder])
    data = fingerprint.of_values(photos, masks, label_map.to_json())
    return DataFacts(str(folder), label_map, data, count, *weights)


def _look_at_weights(weights: str) -> tuple[str, str]:
    """The weights as the Trainer will look for them, and a fingerprint of what lies there."""
    if weights in WEIGHT_WORDS:
        return weights, ""
    source = find_source(weights)
    return source.path, content_fingerprint(source)


def _look_at_remote(config: Config) -> DataFacts:
    from tfx.dsl.io import fileio  # seconds to import, and of no use to local folders

    from components import object_store  # noqa: F401 - makes s3:// known

    settings = config.data
    folder = settings.data.rstrip("/")
    for name in ("images_folder", "masks_folder"):
        path = f"{folder}/{getattr(settings, name)}"
        if not fileio.isdir(path):
            raise SettingError(f"{name.replace('_', '-')}: there is no folder {path}")
    place = f"{folder}/{settings.labelmap}"
    if not fileio.exists(place):
        raise LabelMapError(
            f"{place}: there is no such file. It lists the classes, one a line, as name:red,green,blue::"
        )
    with fileio.open(place, "rb") as stream:
        text = stream.read().decode("utf-8-sig", "replace")
    label_map = parse_labelmap(text, place, ignored_names=settings.ignore_classes, background=settings.background)
    photos, count = fingerprint.of_files([f"{folder}/{settings.images_folder}"])
    masks, _ = fingerprint.of_files([f"{folder}/{settings.masks_folder}"])
    data = fingerprint.of_values(photos, masks, label_map.to_json())
    return DataFacts(settings.data, label_map, data, count, *_look_at_weights(config.network.weights))


def _sample(config: Config) -> Path:
    from components.sample_data import write_sample_data  # Pillow and numpy, only where they are needed

    folder = config.workspace / SAMPLE_FOLDER
    write_sample_data(folder, count=config.data.sample_count)
    return folder


def _check_folders(folder: Path, settings: DataSettings) -> None:
    if printable(str(folder)) != str(folder):
        raise SettingError(f"data: {printable(str(folder))} is not UTF-8, and no record of the run could name it")
    if not folder.is_dir():
        raise SettingError(f"data: there is no folder {folder}")
    if (folder / settings.images_folder).resolve() == (folder / settings.masks_folder).resolve():
        raise SettingError(f"masks-folder: {settings.masks_folder!r} is also the folder of the photos")
    for name, value in (("images-folder", settings.images_folder), ("masks-folder", settings.masks_folder)):
        if not (folder / value).is_dir():
            there = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
            close = nearest(value, there)
            meant = f"; did you mean --{name} {close}?" if close else ""
            found = f"there are {', '.join(there)}" if there else "it holds no folders"
            raise SettingError(f"{name}: there is no folder {value!r} in {folder}; {found}{meant}")
