"""A data folder that tests may spoil, and what the validator says of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import standard_artifacts

from components.artifacts import Rejections
from components.example_validator.component import DataAnomalyError, Executor, describe, read_anomalies
from components.image_mask_example_gen.executor import Executor as Ingest
from components.image_mask_example_gen.pairing import split_of
from components.image_mask_example_gen.settings import DataSettings
from components.statistics_gen.component import Executor as Count
from schema.features import SCHEMA_FILE
from schema.labelmap import read_labelmap

COUNT, EVAL_FRACTION = 60, 0.4
SIZE = (96, 56)


@dataclass(frozen=True)
class Told:
    """What came of a validation: the error that stopped it, and every line."""

    stopped: str
    lines: list[str]

    def about(self, split: str, *words: str) -> list[str]:
        """Lines about a split that hold all the words."""
        return [line for line in self.lines if line.startswith(split) and all(word in line for word in words)]


@dataclass(frozen=True)
class Counted:
    """Statistics of a data folder and its classes."""

    statistics: standard_artifacts.ExampleStatistics
    label_map: str


class Photos:
    """A data folder that a test may spoil."""

    def __init__(self, folder: Path):
        self.folder = folder

    def change(self, kind: str, how: Callable[[np.ndarray], np.ndarray], only: Callable[[str], bool] = bool) -> None:
        """Writes photos or masks anew; `only` takes the file's key."""
        for path in sorted((self.folder / kind).iterdir()):
            if only(path.stem):
                pixels = how(np.asarray(Image.open(path).convert("RGB")))
                Image.fromarray(pixels).save(path, quality=95, subsampling=0)


def validate(photos: Photos, where: Path, **how: Any) -> Told:
    """Ingests, counts and judges a folder."""
    return judge(count(photos.folder, where), where, **how)


def in_eval(key: str) -> bool:
    return split_of(key, EVAL_FRACTION) == "eval"


def count(folder: Path, where: Path) -> Counted:
    """Runs ImageMaskExampleGen and StatisticsGen."""
    label_map = read_labelmap(folder / "labelmap.txt").to_json()
    examples, rejections = standard_artifacts.Examples(), Rejections()
    examples.uri, rejections.uri = str(where / "examples"), str(where / "rejections")
    settings = asdict(DataSettings(data=str(folder), eval_fraction=EVAL_FRACTION, max_rejected=0.0))
    Ingest().Do({}, {"examples": [examples], "rejections": [rejections]}, {**settings, "label_map": label_map})
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(where / "statistics")
    inputs = {"examples": [examples], "schema": [schema_artifact(where)]}
    Count().Do(inputs, {"statistics": [statistics]}, {"label_map": label_map, "code_fingerprint": ""})
    return Counted(statistics, label_map)


def schema_artifact(where: Path) -> standard_artifacts.Schema:
    schema = standard_artifacts.Schema()
    schema.uri = str(where / "schema")
    Path(schema.uri).mkdir(exist_ok=True)
    shutil.copy(SCHEMA_FILE, schema.uri)
    return schema


def judge(counted: Counted, where: Path, *, data: str = "this", references: Path | None = None) -> Told:
    """Runs the guard."""
    anomalies = standard_artifacts.ExampleAnomalies()
    anomalies.uri = str(where / f"anomalies of {data}")
    parameters = {"data_fingerprint": data, "reference_dir": str(references or where / "references")}
    inputs = {"statistics": [counted.statistics], "schema": [schema_artifact(where)]}
    stopped = ""
    try:
        Executor().Do(inputs, {"anomalies": [anomalies]}, {**parameters, "label_map": counted.label_map})
    except DataAnomalyError as error:
        stopped = str(error)
    found = read_anomalies(anomalies)
    lines = [line for split in found for line in describe(split, found[split], anomalies_pb2.AnomalyInfo.UNKNOWN)]
    return Told(stopped, lines)
