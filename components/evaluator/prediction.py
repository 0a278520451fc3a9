"""From records to TFMA's extracts: both models count every photo, batch by batch.

TFMA's own extractors would decode each record into columns, all of its features in batches of up to 1,000, carry them
to the metrics and take the batches apart through pandas. What is needed here are the counts and the slices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_model_analysis as tfma
from apache_beam.utils.shared import Shared
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.slicer import slicer_lib

from components import progress
from components.evaluator import names
from components.evaluator.photo_counts import PhotoCounts
from components.evaluator.slices import SliceRules, photo_key, slice_values
from components.trainer.export import EVALUATION_SIGNATURE

PHOTO = "photo"
"""Where an extract holds the photo's counts."""


class ModelError(ValueError):
    """A model that cannot be evaluated; the message names it and says what it lacks."""


def to_extracts(records: Sequence[bytes]) -> tfma.types.Extracts:
    """A batch of serialized records in the one form whose size TFMA can tell; of any other it complains in the log."""
    column = pa.array(records, pa.large_binary())
    return {constants.ARROW_RECORD_BATCH_KEY: pa.RecordBatch.from_arrays([column], ["records"])}


def predict_and_slice(
    models: Mapping[str, str], slice_by: Sequence[str], rules: beam.pvalue.AsSingleton, class_count: int
) -> Any:
    """TFMA's extractor: batches of serialized records to one extract a photo.

    Args:
        models: Folders of SavedModels by their names in TFMA.
        slice_by: Features to slice by.
        rules: `SliceRules`, as a side input.
        class_count: Number of classes.
    """
    step = beam.ParDo(_Predict(dict(models), tuple(slice_by), class_count), rules)
    # TFMA's evaluators run after the stage of this name, whatever it does.
    return tfma.extractors.Extractor(
        stage_name=slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME, ptransform="Predict" >> step
    )


@beam.typehints.with_output_types(tfma.types.Extracts)
class _Predict(beam.DoFn):
    def __init__(self, models: dict[str, str], slice_by: tuple[str, ...], class_count: int):
        self._models = models
        self._slice_by = slice_by
        self._class_count = class_count
        self._shared = {name: Shared() for name in models}
        self._loaded: dict[str, Any] = {}

    def setup(self) -> None:
        """Loads each model once in a process, however many threads work in it."""
        self._loaded = {
            name: self._shared[name].acquire(lambda path=path: _Loaded(path), tag=path)
            for name, path in self._models.items()
        }

    def process(self, extracts: tfma.types.Extracts, rules: SliceRules) -> Iterator[tfma.types.Extracts]:
        """Counts one batch."""
        records = extracts[constants.ARROW_RECORD_BATCH_KEY].column(0).to_pylist()
        batch = tf.constant(records)
        counted = {name: model(batch) for name, model in self._loaded.items()}
        for number, record in enumerate(records):
            of_photo = {name: {key: one[number] for key, one in found.items()} for name, found in counted.items()}
            yield self._extract(tf.train.Example.FromString(record), rules, of_photo)
            progress.advance("photos")

    def _extract(
        self, example: tf.train.Example, rules: SliceRules, counted: dict[str, dict[str, np.ndarray]]
    ) -> tfma.types.Extracts:
        slices = rules.of(slice_values(example, self._slice_by))
        candidate = self._matrix(counted[names.CANDIDATE])
        baseline = self._matrix(counted[names.BASELINE]) if names.BASELINE in counted else None
        return {
            tfma.SLICE_KEY_TYPES_KEY: slicer_lib.slice_keys_to_numpy_array([(), *((one,) for one in slices)]),
            # TFMA insists on labels; here they are counted already.
            tfma.LABELS_KEY: np.empty(0),
            # With a single model TFMA wants its outputs without its name.
            tfma.PREDICTIONS_KEY: counted if len(counted) > 1 else counted[names.CANDIDATE],
            PHOTO: PhotoCounts(photo_key(example), slices, candidate, baseline),
        }

    def _matrix(self, counted: dict[str, np.ndarray]) -> np.ndarray:
        return counted[names.CONFUSION].reshape(self._class_count, self._class_count)


class _Loaded:
    """A SavedModel's evaluation signature, from serialized records to numpy arrays of counts."""

    def __init__(self, path: str):
        loaded = tf.saved_model.load(path)
        if EVALUATION_SIGNATURE not in loaded.signatures:
            raise ModelError(f"{path} has no signature {EVALUATION_SIGNATURE!r}; it was not made by this pipeline")
        self._keep = loaded  # a signature alone does not keep its variables alive
        self._signature = loaded.signatures[EVALUATION_SIGNATURE]

    def __call__(self, records: tf.Tensor) -> dict[str, np.ndarray]:
        return {name: value.numpy() for name, value in self._signature(examples=records).items()}
