"""The TFMA metric: sums confusion matrices that the model's evaluation signature counted, and scores the sum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import metrics as tfma_metrics

from components.evaluator import names

_Sums = tuple[np.ndarray, np.ndarray, int]


class SegmentationScores(tfma_metrics.Metric):
    """IoU of each class, means of IoU and its kin, the confusion matrix, boundary counts and the number of photos.

    IoU is intersection over union of the summed counts, never a mean over batches or photos. Class names
    are part of the metrics' names: TFMA cannot put a threshold on metrics that are told apart by class_id.
    """

    def __init__(self, class_names: list[str], name: str = "segmentation_scores"):
        """Takes the class names by class number; TFMA builds the metric from its JSON configuration."""
        super().__init__(_computations, class_names=class_names, name=name)


def _computations(
    class_names: list[str],
    name: str,
    eval_config: Any = None,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
    **_: Any,
) -> list[tfma_metrics.MetricComputation]:
    del name, eval_config
    computations = []
    for model_name in model_names or [""]:
        for output_name in output_names or [""]:
            keys = {
                # Thresholds look for keys whose weighting is None; the key's own default is False.
                metric: tfma_metrics.MetricKey(
                    metric, model_name=model_name, output_name=output_name, example_weighted=None
                )
                for metric in names.all_metrics(class_names)
            }
            computations.append(
                tfma_metrics.MetricComputation(
                    keys=list(keys.values()),
                    preprocessors=None,
                    combiner=_SumCounts(class_names, model_name, keys),
                )
            )
    return computations


class _SumCounts(beam.CombineFn):
    """Accumulates (confusion int64 [classes * classes], boundary int64 [3 * classes], number of photos)."""

    def __init__(self, class_names: list[str], model_name: str, keys: dict[str, Any]):
        self._class_names = class_names
        self._model_name = model_name
        self._keys = keys

    def create_accumulator(self) -> _Sums:
        classes = len(self._class_names)
        return np.zeros(classes**2, np.int64), np.zeros(3 * classes, np.int64), 0

    def add_input(self, accumulator: _Sums, element: Any) -> _Sums:
        # Without the model's name this works until the first run that has a baseline.
        counted = element.get_predictions(self._model_name)
        confusion, boundary, photos = accumulator
        confusion = confusion + np.asarray(counted[names.CONFUSION], np.int64).reshape(-1)
        # A model in service may be older than its boundary counts; all else can be compared.
        if names.BOUNDARY in counted:
            boundary = boundary + np.asarray(counted[names.BOUNDARY], np.int64).reshape(-1)
        return confusion, boundary, photos + 1

    def merge_accumulators(self, accumulators: Iterable[_Sums]) -> _Sums:
        merged = self.create_accumulator()
        for one in accumulators:
            merged = merged[0] + one[0], merged[1] + one[1], merged[2] + one[2]
        return merged

    def extract_output(self, accumulator: _Sums) -> dict[Any, Any]:
        confusion, boundary, photos = accumulator
        classes = len(self._class_names)
        values = names.metric_values(
            self._class_names, confusion.reshape(classes, classes), boundary.reshape(3, classes), photos
        )
        return {self._keys[metric]: value for metric, value in values.items()}
