"""The Beam pipeline of ImageMaskExampleGen: list names, join them, only then read bytes."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components import progress
from components.image_mask_example_gen import pairing
from components.image_mask_example_gen.record import make_record
from components.image_mask_example_gen.rejection import Rejected, Rejection
from schema.labelmap import LabelMap

REJECTED = "rejected"
REJECTIONS_FILE = "rejections.jsonl"
_SPLITS = (pairing.TRAIN, pairing.EVAL)


class DataError(ValueError):
    """A data folder that cannot be used as a whole."""


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes one TFRecord split each for training and evaluation, and the list of rejected files."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """Ingests the data folder.

        Raises:
            DataError: No usable pair, an empty split, or more rejected files than `max_rejected`.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        rejections = artifact_utils.get_single_instance(output_dict["rejections"])
        examples.split_names = artifact_utils.encode_split_names(list(_SPLITS))
        examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
        fileio.makedirs(rejections.uri)
        with self._make_beam_pipeline() as pipeline:
            _build(pipeline, examples.uri, rejections.uri, exec_properties)
        _check_outcome(examples, rejections.uri, exec_properties)


def read_rejections(uri: str) -> list[Rejection]:
    """Reads the rejections artifact at `uri`, sorted by path."""
    found = []
    for name in sorted(fileio.listdir(uri)):
        with fileio.open(os.path.join(uri, name), "r") as lines:
            found += [Rejection.from_json(line) for line in lines if line.strip()]
    return sorted(found, key=lambda one: (one.path, one.reason))


def _build(pipeline: beam.Pipeline, examples_uri: str, rejections_uri: str, settings: dict[str, Any]) -> None:
    pairs = (
        pipeline
        | "Folders" >> beam.Create([("image", settings["images_folder"]), ("mask", settings["masks_folder"])])
        | "ListFiles" >> beam.ParDo(_ListFiles(settings["data"]))
        | "JoinNames" >> beam.GroupByKey()
        | "Pair" >> beam.ParDo(_Pair()).with_outputs(REJECTED, main="pairs")
    )
    records = (
        pairs.pairs
        | "SpreadOverWorkers" >> beam.Reshuffle()
        | "Read" >> beam.ParDo(_Read(settings)).with_outputs(REJECTED, *_SPLITS)
    )
    for split in _SPLITS:
        target = os.path.join(examples_uri, f"Split-{split}", "data_tfrecord")
        _ = records[split] | f"Write[{split}]" >> beam.io.WriteToTFRecord(target)
    _ = (
        (pairs[REJECTED], records[REJECTED])
        | "AllRejections" >> beam.Flatten()
        | "RejectionToText" >> beam.Map(Rejection.to_json)
        | "WriteRejections" >> beam.io.WriteToText(os.path.join(rejections_uri, REJECTIONS_FILE), num_shards=1)
    )


def _walk(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
    try:
        yield from fileio.walk(top)
    except UnicodeDecodeError as error:
        raise DataError(f"{top}: a file name below it is not UTF-8 ({error.object!r}); rename it") from None


class _ListFiles(beam.DoFn):
    """(kind, folder) to (key, (kind, path relative to the data folder))."""

    def __init__(self, data: str):
        self._data = data

    def process(self, element: tuple[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
        kind, folder = element
        top = os.path.join(self._data, folder)
        for where, _, names in _walk(top):
            relative = os.path.relpath(where, top).replace(os.sep, "/")
            for name in names:
                path = name if relative == "." else posixpath.join(relative, name)
                if not pairing.is_system_file(path):
                    yield pairing.key_of(path), (kind, posixpath.join(folder, path))


class _Pair(beam.DoFn):
    """(key, files) to a pair, or to rejections of every file with that key."""

    def process(self, element: tuple[str, Iterable[tuple[str, str]]]) -> Iterator[Any]:
        key, grouped = element
        files = list(grouped)
        by_kind = {kind: [path for one, path in files if one == kind] for kind in ("image", "mask")}
        try:
            yield pairing.pair(key, by_kind["image"], by_kind["mask"])
        except Rejected as rejected:
            for _, path in files:
                yield _set_aside(path, rejected)


class _Read(beam.DoFn):
    """A pair to a serialized example in the output of its split, or to a rejection."""

    def __init__(self, settings: dict[str, Any]):
        self._data = settings["data"]
        self._label_map = LabelMap.from_json(settings["label_map"])
        self._uncertain = settings["uncertain"]
        self._eval_fraction = settings["eval_fraction"]

    def process(self, pair: pairing.Pair) -> Iterator[beam.pvalue.TaggedOutput]:
        progress.advance("photos")
        try:
            image, mask = self._bytes("image", pair.image), self._bytes("mask", pair.mask)
            example = make_record(pair.key, image, mask, self._label_map, uncertain=self._uncertain)
        except Rejected as rejected:
            yield _set_aside(pair.mask if rejected.reason.startswith("mask_") else pair.image, rejected)
            return
        split = pairing.split_of(pair.key, self._eval_fraction)
        yield beam.pvalue.TaggedOutput(split, example.SerializeToString(deterministic=True))

    def _bytes(self, kind: str, path: str) -> bytes:
        try:
            with fileio.open(os.path.join(self._data, path), "rb") as stream:
                return stream.read()
        except (OSError, tf.errors.OpError) as error:
            raise Rejected(f"{kind}_unreadable", str(error)) from None


def _set_aside(path: str, rejected: Rejected) -> beam.pvalue.TaggedOutput:
    beam.metrics.Metrics.counter("rejected", rejected.reason).inc()
    return beam.pvalue.TaggedOutput(REJECTED, Rejection(path, rejected.reason, rejected.detail))


def _check_outcome(examples: Any, rejections_uri: str, settings: dict[str, Any]) -> None:
    rejected = read_rejections(rejections_uri)
    counts = {split: _count(artifact_utils.get_split_uri([examples], split)) for split in _SPLITS}
    used = sum(counts.values())
    reasons = Counter(one.reason for one in rejected)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    examples_of = "; ".join(f"{one.path}: {one.detail}" for one in rejected[:5])
    where = f"{settings['data']} (photos in {settings['images_folder']}, masks in {settings['masks_folder']})"
    if not used:
        found = (
            f"all {len(rejected)} files were set aside ({told}): {examples_of}" if rejected else "there are no files"
        )
        raise DataError(f"{where}: no photo with a mask; {found}")
    share = len(rejected) / (len(rejected) + used)
    if share > settings["max_rejected"]:
        raise DataError(
            f"{where}: {len(rejected)} files set aside ({told}) beside {used} usable pairs: {share:.1%}, "
            f"more than max-rejected {settings['max_rejected']:.1%}. First ones: {examples_of}"
        )
    for split, count in counts.items():
        if not count:
            raise DataError(
                f"{where}: {used} pairs left the {split} split empty at eval-fraction "
                f"{settings['eval_fraction']}; add photos or change the fraction"
            )
    for name, value in {
        **{f"{split}_count": count for split, count in counts.items()},
        "rejected": len(rejected),
    }.items():
        examples.set_int_custom_property(name, value)


def _count(split_uri: str) -> int:
    files = [os.path.join(split_uri, name) for name in fileio.listdir(split_uri)]
    return sum(1 for _ in tf.data.TFRecordDataset(files))
