"""What an evaluation says, in a form that the console and the page share."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import MetricsForSlice, MetricValue, SliceKey
from tensorflow_model_analysis.proto.validation_result_pb2 import ValidationResult
from tfx.dsl.io import fileio

from components.evaluator import names
from components.evaluator.settings import GateSettings
from schema.labelmap import LabelMap

SUMMARY_FILE = "summary.json"
ALL_PHOTOS = "all photos"


@dataclass(frozen=True)
class SliceScores:
    """Scores of one model on one slice; None stands for a class that is absent from truth and prediction.

    Attributes:
        name: `all photos`, or `feature = value`.
        photos: Number of photos.
        mean_iou: Mean over the classes that are present.
        pixel_accuracy: Share of pixels that are right.
        iou: IoU by class name.
        confusion: Pixels by true class (row) and predicted class (column).
    """

    name: str
    photos: int
    mean_iou: float | None
    pixel_accuracy: float | None
    iou: dict[str, float | None]
    confusion: list[list[int]]


@dataclass(frozen=True)
class Check:
    """One threshold of the gate: what is asked, what was found, whether it holds.

    Attributes:
        what: In words: "mean IoU", "IoU of plane", "change of mean IoU against the model in service".
        required: The least value that passes.
        value: What was found; None where there is no value.
        passed: Whether the threshold holds.
    """

    what: str
    required: float
    value: float | None
    passed: bool

    def __str__(self) -> str:
        """The check as a sentence."""
        if self.value is None:
            return f"{self.what}: no value, at least {self.required:g} is required"
        margin = self.value - self.required
        return (
            f"{self.what} {self.value:.4f}, at least {self.required:g} is required: "
            f"{'passed' if self.passed else 'failed'} by {abs(margin):.4f}"
        )


@dataclass(frozen=True)
class EvaluationSummary:
    """Everything that the console and the page tell about an evaluation.

    Attributes:
        blessed: TFMA's verdict.
        checks: The thresholds, one by one.
        candidate: Scores of the new model by slice, all photos first.
        baseline: Scores of the model in service by slice; empty without one.
        missing: Slices or metrics that a threshold needs and that the data does not have.
    """

    blessed: bool
    checks: list[Check]
    candidate: list[SliceScores]
    baseline: list[SliceScores] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Serialises for `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @staticmethod
    def from_json(text: str) -> EvaluationSummary:
        """Restores what `to_json` wrote."""
        values = json.loads(text)
        for key in ("candidate", "baseline"):
            values[key] = [SliceScores(**row) for row in values[key]]
        values["checks"] = [Check(**row) for row in values["checks"]]
        return EvaluationSummary(**values)


def read_summary(uri: str) -> EvaluationSummary:
    """Reads the summary beside TFMA's results in an evaluation artifact."""
    with fileio.open(os.path.join(uri, SUMMARY_FILE), "r") as stream:
        return EvaluationSummary.from_json(stream.read())


def write_summary(uri: str, summary: EvaluationSummary) -> None:
    """Writes the summary into an evaluation artifact."""
    with fileio.open(os.path.join(uri, SUMMARY_FILE), "w") as stream:
        stream.write(summary.to_json())


def summarise(
    results: Iterable[MetricsForSlice], validation: ValidationResult, label_map: LabelMap, gate: GateSettings
) -> EvaluationSummary:
    """Turns TFMA's results into a summary.

    Args:
        results: What `tfma.load_metrics` reads.
        validation: What `tfma.load_validation_result` reads.
        label_map: Classes.
        gate: The thresholds that were set.
    """
    by_model: dict[str, list[SliceScores]] = {names.CANDIDATE: [], names.BASELINE: []}
    for result in results:
        for model, values in _values_by_model(result).items():
            by_model[model].append(_one_slice(result.slice_key, values, label_map.names))
    candidate, baseline = (
        sorted(rows, key=lambda row: (row.name != ALL_PHOTOS, row.name)) for rows in by_model.values()
    )
    return EvaluationSummary(
        blessed=bool(validation.validation_ok),
        checks=_checks(candidate, baseline, label_map, gate),
        candidate=candidate,
        baseline=baseline,
        missing=[str(one).strip() for one in validation.missing_slices],
    )


def _values_by_model(result: MetricsForSlice) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for pair in result.metric_keys_and_values:
        if not pair.key.is_diff:
            # With a single model TFMA drops its name.
            found.setdefault(pair.key.model_name or names.CANDIDATE, {})[pair.key.name] = _value(pair.value)
    return found


def _value(value: MetricValue) -> Any:
    if value.WhichOneof("type") == "array_value":
        return np.array(value.array_value.int64_values).reshape(value.array_value.shape)
    return value.double_value.value


def _one_slice(key: SliceKey, values: Mapping[str, Any], class_names: Sequence[str]) -> SliceScores:
    pairs = [f"{one.column} = {one.bytes_value.decode('utf-8', 'replace')}" for one in key.single_slice_keys]
    return SliceScores(
        name=", ".join(pairs) or ALL_PHOTOS,
        photos=int(values[names.PHOTOS]),
        mean_iou=_known(values[names.MEAN_IOU]),
        pixel_accuracy=_known(values[names.PIXEL_ACCURACY]),
        iou={name: _known(values[names.class_iou(name)]) for name in class_names},
        confusion=values[names.CONFUSION].tolist(),
    )


def _checks(
    candidate: list[SliceScores], baseline: list[SliceScores], label_map: LabelMap, gate: GateSettings
) -> list[Check]:
    whole = candidate[0] if candidate and candidate[0].name == ALL_PHOTOS else None
    found = {"mean IoU": (gate.min_mean_iou, whole.mean_iou if whole else None)}
    for name in label_map.foreground:
        found[f"IoU of {name}"] = (gate.min_class_iou, whole.iou[name] if whole else None)
    if baseline and whole:
        before, now = baseline[0].mean_iou, whole.mean_iou
        change = None if before is None or now is None else now - before
        found["change of mean IoU against the model in service"] = (-gate.max_drop, change)
    return [
        Check(what, required, value, passed=value is not None and value >= required)
        for what, (required, value) in found.items()
    ]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
