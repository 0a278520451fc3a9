"""What an evaluation says, in a form that the console and the page share.

`summary.json` of the evaluation artifact is an `EvaluationSummary` as nested JSON objects; every attribute below is a
key there. Scores are from 0 to 1, not percent; a value that does not exist is null, never NaN. Keys are only added.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from tfx.dsl.io import fileio

SUMMARY_FILE = "summary.json"
ALL_PHOTOS = "all photos"

Interval = tuple[float, float]
ByClass = dict[str, float | None]
IntervalByClass = dict[str, Interval | None]


@dataclass(frozen=True)
class SliceScores:
    """Scores of one model on one slice; None stands for a value that does not exist.

    A class that neither truth nor prediction holds has no IoU and no Dice, one that is never predicted no precision,
    one that the truth does not hold no recall. Means are over the classes that have a value.

    Attributes:
        name: `all photos`, or `feature = value`.
        photos: Number of photos.
        mean_iou: Mean over the classes that are present.
        pixel_accuracy: Share of pixels that are right.
        iou: IoU by class name.
        confusion: Pixels by true class (row) and predicted class (column).
        feature: The feature that makes the slice; empty for all photos.
        value: Its value or range, in words; empty for all photos.
        frequency_weighted_iou: Mean IoU, each class weighted by its pixels in truth.
        mean_dice: Mean of `dice`.
        mean_precision: Mean of `precision`.
        mean_recall: Mean of `recall`.
        mean_boundary_iou: Mean of `boundary_iou`; None for a model in service that is older than these counts.
        dice: Dice (F1 of pixels) by class name.
        precision: By class name.
        recall: By class name.
        boundary_iou: IoU of the pixels near contours by class name, see `components.metrics.counts`.
        mean_iou_interval: 95 % interval of `mean_iou` over photos, (low, high); None for fewer than two photos.
        iou_interval: 95 % intervals of `iou` by class name.
    """

    name: str
    photos: int
    mean_iou: float | None
    pixel_accuracy: float | None
    iou: ByClass
    confusion: list[list[int]]
    feature: str = ""
    value: str = ""
    frequency_weighted_iou: float | None = None
    mean_dice: float | None = None
    mean_precision: float | None = None
    mean_recall: float | None = None
    mean_boundary_iou: float | None = None
    dice: ByClass = field(default_factory=dict)
    precision: ByClass = field(default_factory=dict)
    recall: ByClass = field(default_factory=dict)
    boundary_iou: ByClass = field(default_factory=dict)
    mean_iou_interval: Interval | None = None
    iou_interval: IntervalByClass = field(default_factory=dict)


@dataclass(frozen=True)
class SliceChange:
    """The new model's scores less those of the model in service, on the same photos of one slice.

    Attributes:
        name: The slice, as in `SliceScores`.
        photos: Number of photos.
        mean_iou: Change of mean IoU; positive is better.
        iou: Change of IoU by class name.
        mean_iou_interval: 95 % interval of the change, paired by photo, (low, high).
        iou_interval: The same by class name.
    """

    name: str
    photos: int
    mean_iou: float | None
    iou: ByClass
    mean_iou_interval: Interval | None = None
    iou_interval: IntervalByClass = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One rule of the gate: what is asked, what was found, whether it holds.

    Attributes:
        what: In words: "mean IoU", "IoU of plane", "change of mean IoU against the model in service".
        required: The least value that passes, or the largest where `at_most`.
        value: What was found; None where there is no value.
        passed: Whether the rule holds.
        at_most: Whether `required` is the largest value that passes.
        digits: Digits after the point that are worth showing.
        note: What the numbers do not say; empty, or a phrase without a full stop.
    """

    what: str
    required: float
    value: float | None
    passed: bool
    at_most: bool = False
    digits: int = 4
    note: str = ""

    @property
    def bound(self) -> str:
        """The side of `required` that passes, in words."""
        return "at most" if self.at_most else "at least"

    @property
    def margin(self) -> float | None:
        """How far the value lies on the side that passes; negative on the other one, None without a value."""
        if self.value is None:
            return None
        return self.required - self.value if self.at_most else self.value - self.required

    def __str__(self) -> str:
        """The check as a sentence."""
        noted = f" ({self.note})" if self.note else ""
        if self.value is None or self.margin is None:
            return f"{self.what}: no value, {self.bound} {self.required:g} is required{noted}"
        verdict = "passed" if self.passed else "failed"
        # A rule may hold although its number does not, or fail although it does: then the note says why.
        by = f" by {abs(self.margin):.{self.digits}f}" if self.passed == (self.margin >= 0) else ""
        found = f"{self.what} {self.value:.{self.digits}f}, {self.bound} {self.required:g} is required"
        return f"{found}: {verdict}{by}{noted}"


@dataclass(frozen=True)
class EvaluationSummary:
    """Everything that the console and the page tell about an evaluation.

    Attributes:
        blessed: Whether the model may be served: every check passed, nothing is missing, and TFMA agrees.
        checks: The rules, one by one.
        candidate: Scores of the new model by slice, all photos first.
        baseline: Scores of the model in service by slice; empty without one.
        missing: What a rule or the settings need and the data does not have, in words.
        changes: The difference of both models by slice, all photos first; empty without a baseline.
        resamples: Resamples of the photos that the 95 % intervals come from; 0 where there are no intervals.
    """

    blessed: bool
    checks: list[Check]
    candidate: list[SliceScores]
    baseline: list[SliceScores] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    changes: list[SliceChange] = field(default_factory=list)
    resamples: int = 0

    def to_json(self) -> str:
        """Serialises for `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> EvaluationSummary:
        """Restores what `to_json` wrote."""
        values = json.loads(text)
        for key in ("candidate", "baseline"):
            values[key] = [SliceScores(**_with_intervals(row)) for row in values[key]]
        values["changes"] = [SliceChange(**_with_intervals(row)) for row in values["changes"]]
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


def _with_intervals(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists only; intervals are pairs."""
    by_class = {name: _pair(one) for name, one in row["iou_interval"].items()}
    return {**row, "mean_iou_interval": _pair(row["mean_iou_interval"]), "iou_interval": by_class}


def _pair(values: list[float] | None) -> Interval | None:
    return None if values is None else (values[0], values[1])
