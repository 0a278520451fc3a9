"""What an ingestion brought: read back from its artifacts, judged, and told on the artifact of examples."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from tfx.dsl.io import fileio

from components.image_mask_example_gen.duplicates import DuplicateGroup
from components.image_mask_example_gen.rejection import Rejection
from components.image_mask_example_gen.settings import PATH
from components.image_mask_example_gen.steps import SPLIT_KEY_UNMATCHED, SPLITS, UNEXPECTED

REJECTIONS_FILE = "rejections.jsonl"
DUPLICATES_FILE = "duplicates.jsonl"
COUNTS_FILE = "counts.json"

_NAMED = 5
"""Files that a message names."""


class DataError(ValueError):
    """A data folder that cannot be used as a whole."""


def read_rejections(uri: str) -> list[Rejection]:
    """Reads the rejected files from the rejections artifact at `uri`, sorted by path."""
    found = [Rejection.from_json(line) for line in _lines(uri, REJECTIONS_FILE)]
    return sorted(found, key=lambda one: (one.path, one.reason))


def read_duplicates(uri: str) -> list[DuplicateGroup]:
    """Reads the groups of equal photos from the rejections artifact at `uri`, sorted by their first key."""
    found = [DuplicateGroup.from_json(line) for line in _lines(uri, DUPLICATES_FILE)]
    return sorted(found, key=lambda one: one.keys)


def record_outcome(examples: Any, rejections_uri: str, settings: dict[str, Any]) -> None:
    """Judges an ingestion and writes its figures to custom properties of the examples artifact.

    Args:
        examples: The artifact: `train_count`, `eval_count`, `rejected`, `duplicate_groups` and
            `split_key_unmatched` are set.
        rejections_uri: Where the lists are.
        settings: The executor's parameters.

    Raises:
        DataError: No usable pair, an empty split, or more rejected files than `max_rejected`.
    """
    rejected, duplicates = read_rejections(rejections_uri), read_duplicates(rejections_uri)
    counts: Counter[str] = Counter()
    for line in _lines(rejections_uri, COUNTS_FILE):
        counts.update(json.loads(line))
    used = sum(counts[split] for split in SPLITS)
    where = f"{settings['data']} (photos in {settings['images_folder']}, masks in {settings['masks_folder']})"
    if not used:
        raise DataError(f"{where}: no photo with a mask; {_why_none(rejected, settings)}")
    _check_share(where, rejected, used, settings["max_rejected"])
    for split in SPLITS:
        if not counts[split]:
            raise DataError(f"{where}: {_why_empty(split, used, duplicates, settings)}")
        examples.set_int_custom_property(f"{split}_count", counts[split])
    examples.set_int_custom_property("rejected", len(rejected))
    examples.set_int_custom_property("duplicate_groups", len(duplicates))
    examples.set_int_custom_property(SPLIT_KEY_UNMATCHED, counts[SPLIT_KEY_UNMATCHED])


def _check_share(where: str, rejected: list[Rejection], used: int, limit: float) -> None:
    share = len(rejected) / (len(rejected) + used)
    if share > limit:
        raise DataError(
            f"{where}: {len(rejected)} files set aside ({_reasons(rejected)}) beside {used} usable pairs: {share:.1%}, "
            f"more than max-rejected {limit:.1%}. First ones: {_first(rejected)}"
        )


def _why_none(rejected: list[Rejection], settings: dict[str, Any]) -> str:
    if not rejected:
        return "there are no files"
    told = f"all {len(rejected)} files were set aside ({_reasons(rejected)}): {_first(rejected)}"
    reasons = {one.reason for one in rejected}
    if reasons == {UNEXPECTED}:
        return f"{told}. The same for every file: the fault is in the program or its libraries, not in the data"
    if reasons == {"no_mask"}:
        return f"{told}. There are no files in {settings['masks_folder']}"
    if reasons == {"no_image"}:
        return f"{told}. There are no files in {settings['images_folder']}"
    if reasons == {"no_mask", "no_image"}:
        return f"{told}. A mask must have its photo's folder and name; the extension may differ"
    return told


def _why_empty(split: str, used: int, duplicates: list[DuplicateGroup], settings: dict[str, Any]) -> str:
    told = f"{used} pairs left the {split} split empty at eval-fraction {settings['eval_fraction']}"
    if settings["split_key"] != PATH:
        told += f"; what split-key {settings['split_key']!r} joins stays together, and there are too few such groups"
    if duplicates:
        told += f"; equal photos stay together, with all that they are joined to (groups: {len(duplicates)})"
    return f"{told}; add photos or change the fraction"


def _reasons(rejected: list[Rejection]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in Counter(one.reason for one in rejected).most_common())


def _first(rejected: list[Rejection]) -> str:
    return "; ".join(f"{one.path}: {one.detail}" for one in rejected[:_NAMED])


def _lines(uri: str, name: str) -> list[str]:
    path = os.path.join(uri, name)
    if not fileio.exists(path):
        return []
    with fileio.open(path, "r") as lines:
        return [line for line in lines if line.strip()]
