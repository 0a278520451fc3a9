"""The Beam graph of an evaluation.

    records | survey ----------------------------------------.-> extreme photos
    records | batches | predict, slice (rules of the survey) | TFMA: sums by slice, floors -> metrics, validations
                                                             | one record a photo          -> photos-*
                                                             | resamples                   -> intervals.json

Nothing is held for longer than a batch but sums: memory does not grow with the number of photos.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.proto import config_pb2
from tfx.dsl.io import fileio

from components.evaluator.noise import Resample, SliceIntervals, read_intervals
from components.evaluator.photo_counts import FILE_PREFIX, to_record
from components.evaluator.prediction import PHOTO, predict_and_slice, to_extracts
from components.evaluator.settings import GateSettings
from components.evaluator.survey import ExtremePhoto, Survey, TakeSurvey

_SURVEY_FILE = "survey.json"
_EXTREMES_FILE = "extreme_photos.tfrecord"
_INTERVALS_FILE = "intervals.json"
_ONE_FILE: dict[str, Any] = {"num_shards": 1, "shard_name_template": ""}


def evaluate(
    pipeline: beam.Pipeline,
    files: str,
    models: Mapping[str, str],
    config: config_pb2.EvalConfig,
    gate: GateSettings,
    class_count: int,
    output: str,
) -> None:
    """Builds the graph.

    Args:
        pipeline: Where it is built.
        files: Pattern of TFRecord files of ImageMaskExampleGen.
        models: Folders of SavedModels by their names in TFMA.
        config: TFMA's configuration, of these models.
        gate: Slices, resamples, size of a batch.
        class_count: Number of classes.
        output: Folder of the evaluation artifact.
    """
    survey = _read(pipeline, "ReadForSurvey", files) | "Survey" >> beam.CombineGlobally(TakeSurvey(gate.slices))
    _write_survey(survey, gate, output)
    rules = beam.pvalue.AsSingleton(survey | "SliceRules" >> beam.Map(lambda one: one.rules(gate.slice_values)))
    batches = (
        _read(pipeline, "Read", files)
        | "Batch" >> beam.BatchElements(min_batch_size=gate.eval_batch_size, max_batch_size=gate.eval_batch_size)
        | "ToExtracts" >> beam.Map(to_extracts)
    )
    evaluation = batches | "Evaluate" >> tfma.ExtractAndEvaluate(
        extractors=[predict_and_slice(models, gate.slices, rules, class_count)],
        evaluators=[*tfma.default_evaluators(eval_config=config), _photo_evaluator()],
    )
    writers = tfma.default_writers(output_path=output, eval_config=config)
    _ = {key: one for key, one in evaluation.items() if key != PHOTO} | "WriteResults" >> tfma.WriteResults(writers)
    photos = evaluation[PHOTO]
    _ = (
        photos
        | "ToRecord" >> beam.Map(to_record)
        | "WritePhotos" >> beam.io.WriteToTFRecord(os.path.join(output, FILE_PREFIX))
    )
    resampled = photos | "Resample" >> beam.CombineGlobally(Resample(gate.resamples))
    _write_text(resampled, "WriteIntervals", os.path.join(output, _INTERVALS_FILE))


def read_noise(output: str) -> dict[str, SliceIntervals]:
    """Intervals by the name of the slice, from the folder that `evaluate` wrote."""
    with fileio.open(os.path.join(output, _INTERVALS_FILE), "r") as stream:
        return read_intervals(stream.read())


def read_missing(output: str) -> list[str]:
    """Features to slice by that no photo has, from the folder that `evaluate` wrote."""
    with fileio.open(os.path.join(output, _SURVEY_FILE), "r") as stream:
        return json.loads(stream.read())["missing"]


def read_extreme_photos(output: str) -> list[ExtremePhoto]:
    """The photos of extreme sizes, each once, from the folder that `evaluate` wrote."""
    records = tf.data.TFRecordDataset(os.path.join(output, _EXTREMES_FILE)).as_numpy_iterator()
    return list({photo.key: photo for photo in map(ExtremePhoto.from_record, records)}.values())


def _read(pipeline: beam.Pipeline, label: str, files: str) -> beam.PCollection:
    # Read twice rather than once for both: between two stages Beam would keep all photos in memory. Without
    # validation, since a split without records may have no files.
    return pipeline | label >> beam.io.ReadFromTFRecord(files, validate=False)


def _write_survey(survey: beam.PCollection, gate: GateSettings, output: str) -> None:
    def as_json(one: Survey) -> str:
        return json.dumps({"photos": one.photos, "missing": one.missing(gate.slices)})

    _write_text(survey | "SurveyAsJson" >> beam.Map(as_json), "WriteSurvey", os.path.join(output, _SURVEY_FILE))
    _ = (
        survey
        | "Extremes" >> beam.FlatMap(lambda one: [photo.to_record() for photo in one.extremes.values()])
        | "WriteExtremes" >> beam.io.WriteToTFRecord(os.path.join(output, _EXTREMES_FILE), **_ONE_FILE)
    )


def _write_text(lines: beam.PCollection, label: str, path: str) -> None:
    _ = lines | label >> beam.io.WriteToText(path, **_ONE_FILE)


def _photo_evaluator() -> Any:
    """Hands on what TFMA's metrics do not keep: the counts of each photo."""
    return tfma.evaluators.Evaluator(
        stage_name="PhotoCounts",
        run_after=slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME,
        ptransform=_TakePhotos(),
    )


class _TakePhotos(beam.PTransform):
    def expand(self, extracts: beam.PCollection) -> dict[str, beam.PCollection]:
        return {PHOTO: extracts | beam.Map(lambda one: one[PHOTO])}
