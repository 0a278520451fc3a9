"""The gate: floors and the largest allowed drop, as TFMA's configuration."""

from __future__ import annotations

import json

from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import metric, names
from components.evaluator.settings import GateSettings
from components.trainer.export import EVALUATION_SIGNATURE
from schema import features
from schema.labelmap import LabelMap

_HIGHER_IS_BETTER = config_pb2.MetricDirection.HIGHER_IS_BETTER


def eval_config(label_map: LabelMap, gate: GateSettings) -> config_pb2.EvalConfig:
    """TFMA's configuration: model and baseline, slices, the metric, and the thresholds on the whole split."""
    thresholds = {names.MEAN_IOU: _threshold(gate.min_mean_iou, max_drop=gate.max_drop)}
    for name in label_map.foreground:
        thresholds[names.class_iou(name)] = _threshold(gate.min_class_iou)
    spec = config_pb2.MetricsSpec(
        metrics=[
            config_pb2.MetricConfig(
                class_name=metric.SegmentationScores.__name__,
                module=metric.SegmentationScores.__module__,
                config=json.dumps({"class_names": label_map.names}),
            )
        ],
        per_slice_thresholds=thresholds,
    )
    return config_pb2.EvalConfig(
        model_specs=[
            _model_spec(names.CANDIDATE, gate.eval_batch_size, is_baseline=False),
            _model_spec(names.BASELINE, gate.eval_batch_size, is_baseline=True),
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[features.OBJECT_SIZE]),
        ],
        metrics_specs=[spec],
    )


def _model_spec(name: str, batch_size: int, *, is_baseline: bool) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        signature_name=EVALUATION_SIGNATURE,
        is_baseline=is_baseline,
        inference_batch_size=batch_size,
    )


def _threshold(floor: float, *, max_drop: float | None = None) -> config_pb2.PerSliceMetricThresholds:
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(lower_bound=wrappers_pb2.DoubleValue(value=floor))
    )
    if max_drop is not None:
        # Absolute: a relative threshold can never be met by a baseline of 0.
        threshold.change_threshold.CopyFrom(
            config_pb2.GenericChangeThreshold(
                absolute=wrappers_pb2.DoubleValue(value=-max_drop), direction=_HIGHER_IS_BETTER
            )
        )
    # An empty slicing specification is the whole split; without one TFMA applies a threshold to every slice.
    return config_pb2.PerSliceMetricThresholds(
        thresholds=[config_pb2.PerSliceMetricThreshold(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)]
    )
