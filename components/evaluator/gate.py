"""TFMA's configuration: models, metric, and the floors of the gate.

TFMA refuses what is below a floor, what is no number and what is not there. The rules that it cannot express (drops on
slices, drops within noise, numbers of photos, a model that does not serve) are in `rules`; a model must pass both.
"""

from __future__ import annotations

import json

from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import metric, names
from components.evaluator.settings import GateSettings
from components.trainer.export import EVALUATION_SIGNATURE
from schema.labelmap import LabelMap


def eval_config(label_map: LabelMap, gate: GateSettings) -> config_pb2.EvalConfig:
    """The configuration; its slices are made by `prediction.predict_and_slice`, which cuts numbers into ranges."""
    thresholds = {names.MEAN_IOU: _threshold(gate.min_mean_iou)}
    # Where a class may be absent from the eval split, it must not fail for having no value.
    if gate.require_all_classes:
        thresholds |= {names.class_iou(name): _threshold(gate.min_class_iou) for name in label_map.foreground}
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
        slicing_specs=[config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[one]) for one in gate.slices)],
        metrics_specs=[spec],
    )


def _model_spec(name: str, batch_size: int, *, is_baseline: bool) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        signature_name=EVALUATION_SIGNATURE,
        is_baseline=is_baseline,
        inference_batch_size=batch_size,
    )


def _threshold(floor: float) -> config_pb2.PerSliceMetricThresholds:
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(lower_bound=wrappers_pb2.DoubleValue(value=floor))
    )
    # An empty slicing specification is the whole split; without one TFMA applies a threshold to every slice.
    return config_pb2.PerSliceMetricThresholds(
        thresholds=[config_pb2.PerSliceMetricThreshold(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)]
    )
