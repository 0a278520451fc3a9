"""The TFMA metric: sums confusion matrices that the model's evaluation signature counted, and scores the sum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import metrics as tfma_metrics

from components.evaluator import names
from components.metrics.iou import score


class SegmentationScores(tfma_metrics.Metric):
    """Mean IoU, IoU of each class, pixel accuracy, the confusion matrix and the number of photos.

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
                    combiner=_SumConfusion(len(class_names), class_names, model_name, keys),
                )
            )
    return computations


class _SumConfusion(beam.CombineFn):
    """Accumulates (confusion int64 [classes * classes], number of photos)."""

    def __init__(self, class_count: int, class_names: list[str], model_name: str, keys: dict[str, Any]):
        self._class_count = class_count
        self._class_names = class_names
        self._model_name = model_name
        self._keys = keys

    def create_accumulator(self) -> tuple[np.ndarray, int]:
        return np.zeros(self._class_count**2, np.int64), 0

    def add_input(self, accumulator: tuple[np.ndarray, int], element: Any) -> tuple[np.ndarray, int]:
        # Without the model's name this works until the first run that has a baseline.
        predictions = element.get_predictions(self._model_name)
        counted = np.asarray(predictions[names.CONFUSION], np.int64).reshape(-1)
        return accumulator[0] + counted, accumulator[1] + 1

    def merge_accumulators(self, accumulators: Iterable[tuple[np.ndarray, int]]) -> tuple[np.ndarray, int]:
        confusion, photos = self.create_accumulator()
        for more, count in accumulators:
            confusion, photos = confusion + more, photos + count
        return confusion, photos

    def extract_output(self, accumulator: tuple[np.ndarray, int]) -> dict[Any, Any]:
        confusion, photos = accumulator
        matrix = confusion.reshape(self._class_count, self._class_count)
        values = names.metric_values(self._class_names, score(matrix), matrix, photos)
        return {self._keys[metric]: value for metric, value in values.items()}
