"""Statistics of earlier sound data, in a plain folder: backends without a metadata query have them too."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

Statistics = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]

_NAME = re.compile(r"(\d+)-(\S+)")
_FILE = "{split}.pb"


def find_reference(folder: str, data_fingerprint: str) -> str:
    """The newest reference that other data made.

    A run that is repeated finds its own statistics in the folder. To compare data with itself says nothing,
    and the repeated run would not be the same run any more: nothing would come from the cache.

    Args:
        folder: The folder of references; it may be missing.
        data_fingerprint: Identifies the data of this run.

    Returns:
        The reference's name, or an empty string if there is none.
    """
    others = [(number, name) for number, fingerprint, name in _references(folder) if fingerprint != data_fingerprint]
    return max(others)[1] if others else ""


def read_reference(folder: str, name: str) -> Statistics:
    """Reads the statistics of a reference, by split."""
    found = {}
    for file_name in fileio.listdir(os.path.join(folder, name)):
        split, extension = os.path.splitext(file_name)
        if extension == ".pb":
            with fileio.open(os.path.join(folder, name, file_name), "rb") as stream:
                found[split] = statistics_pb2.DatasetFeatureStatisticsList.FromString(stream.read())
    return found


def keep_reference(folder: str, data_fingerprint: str, statistics: Statistics) -> None:
    """Adds the statistics of this run's data; data that is there already keeps its place."""
    there = _references(folder)
    if any(fingerprint == data_fingerprint for _, fingerprint, _ in there):
        return
    number = max((number for number, _, _ in there), default=0) + 1
    # Under a name that nobody reads until all is written.
    unfinished = os.path.join(folder, f".{data_fingerprint}.tmp")
    if fileio.exists(unfinished):
        fileio.rmtree(unfinished)
    fileio.makedirs(unfinished)
    for split, one in statistics.items():
        with fileio.open(os.path.join(unfinished, _FILE.format(split=split)), "wb") as stream:
            stream.write(one.SerializeToString(deterministic=True))
    fileio.rename(unfinished, os.path.join(folder, f"{number:06d}-{data_fingerprint}"))


def _references(folder: str) -> list[tuple[int, str, str]]:
    """Number, data fingerprint and name of each complete reference."""
    if not fileio.isdir(folder):
        return []
    matches = [_NAME.fullmatch(name.rstrip("/")) for name in fileio.listdir(folder)]
    return [(int(one[1]), one[2], one[0]) for one in matches if one]
