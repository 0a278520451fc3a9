"""The Beam pipeline of ImageMaskExampleGen: list names, join them, only then read bytes."""

from __future__ import annotations

import json
import os
from typing import Any

import apache_beam as beam
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.image_mask_example_gen import steps
from components.image_mask_example_gen.duplicates import DuplicateGroup, tied, two_or_more
from components.image_mask_example_gen.outcome import COUNTS_FILE, DUPLICATES_FILE, REJECTIONS_FILE, record_outcome


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes TFRecords for training and evaluation, the list of rejected files and that of equal photos."""

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
        examples.split_names = artifact_utils.encode_split_names(list(steps.SPLITS))
        examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
        fileio.makedirs(rejections.uri)
        with self._make_beam_pipeline() as pipeline:
            _build(pipeline, examples.uri, rejections.uri, exec_properties)
        record_outcome(examples, rejections.uri, exec_properties)


def _build(pipeline: beam.Pipeline, examples_uri: str, rejections_uri: str, settings: dict[str, Any]) -> None:
    listed, pairs = _pairs(pipeline, settings)
    # Spread over the workers: what follows reads bytes.
    spread = pairs.pairs | "SpreadOverWorkers" >> beam.Reshuffle()
    ties = beam.pvalue.AsList(_ties(spread, settings))
    read = spread | "Read" >> beam.ParDo(steps.ReadPair(settings), ties).with_outputs(
        steps.REJECTED, steps.SEEN, steps.COUNTED, *steps.SPLITS
    )
    for split in steps.SPLITS:
        target = os.path.join(examples_uri, f"Split-{split}", "data_tfrecord")
        _ = read[split] | f"Write[{split}]" >> beam.io.WriteToTFRecord(target)
    rejected = (listed[steps.REJECTED], pairs[steps.REJECTED], read[steps.REJECTED]) | "Rejections" >> beam.Flatten()
    _ = (
        (
            rejected | "RejectionLines" >> beam.Map(lambda one: (REJECTIONS_FILE, one.to_json())),
            _duplicates(read[steps.SEEN]) | "DuplicateLines" >> beam.Map(lambda one: (DUPLICATES_FILE, one.to_json())),
            _counts(read[steps.COUNTED]) | "CountLines" >> beam.Map(lambda one: (COUNTS_FILE, json.dumps(one))),
        )
        | "Lines" >> beam.Flatten()
        | "LinesByFile" >> beam.GroupByKey()
        | "WriteLists" >> beam.ParDo(steps.WriteLines(rejections_uri))
    )


def _pairs(pipeline: beam.Pipeline, settings: dict[str, Any]) -> tuple[Any, Any]:
    """The files that were listed and the pairs that their names make, each with an output of rejections."""
    photos, masks = settings["images_folder"], settings["masks_folder"]
    listed = (
        pipeline
        | "Folders" >> beam.Create([("image", photos, masks), ("mask", masks, photos)])
        | "ListFiles" >> beam.ParDo(steps.ListFiles(settings["data"])).with_outputs(steps.REJECTED, main="files")
    )
    pairs = (
        listed.files
        | "JoinNames" >> beam.GroupByKey()
        | "Pair" >> beam.ParDo(steps.MakePairs()).with_outputs(steps.REJECTED, main="pairs")
    )
    return listed, pairs


def _ties(pairs: beam.PCollection, settings: dict[str, Any]) -> beam.PCollection:
    """Collections of split keys that equal photos tie together, see `duplicates.leaders`.

    Equal photos have equal sizes, so that only photos that share theirs are read a first time.
    """
    return (
        pairs
        | "Size" >> beam.ParDo(steps.SizeOfPhoto(settings["data"]))
        | "EqualSizes" >> beam.GroupByKey()
        | "PhotosOfOneSize" >> beam.FlatMap(lambda group: two_or_more(group[1]))
        | "SpreadPhotosOfOneSize" >> beam.Reshuffle()
        | "Digest" >> beam.ParDo(steps.DigestOfPhoto(settings["data"], settings["split_key"]))
        | "EqualDigests" >> beam.GroupByKey()
        | "Ties" >> beam.FlatMap(lambda group: tied(group[1]))
    )


def _duplicates(seen: beam.PCollection) -> beam.PCollection:
    """Groups of equal photos; only digests and names travel."""
    return (
        seen
        | "EqualPhotos" >> beam.GroupByKey()
        | "Duplicates" >> beam.FlatMap(lambda group: DuplicateGroup.among(group[1]))
    )


def _counts(words: beam.PCollection) -> beam.PCollection:
    """Dictionaries of a word and how often it came."""
    return words | "Count" >> beam.combiners.Count.PerElement() | "Counts" >> beam.Map(lambda one: dict([one]))
