"""The rules of the gate. Pure functions of scores: every rule becomes a check with its number, passed or failed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.evaluator.infra import InfraResult
from components.evaluator.settings import GateSettings
from components.evaluator.summary import ALL_PHOTOS, Check, SliceChange, SliceScores
from schema.labelmap import LabelMap

CHANGE = "change of mean IoU against the model in service"


def judge(
    candidate: Sequence[SliceScores],
    changes: Sequence[SliceChange],
    infra: InfraResult,
    label_map: LabelMap,
    gate: GateSettings,
) -> list[Check]:
    """Applies every rule.

    Args:
        candidate: Scores of the new model by slice; without photos there are none.
        changes: Its difference to the model in service by slice; empty without one, and then floors alone decide.
        infra: What a new process made of the model.
        label_map: Classes.
        gate: The thresholds.
    """
    whole = next((row for row in candidate if row.name == ALL_PHOTOS), None)
    return [
        *_enough(whole, label_map, gate),
        *_floors(whole, label_map, gate),
        *_drops(changes, gate),
        *_serves(infra, gate),
    ]


def _enough(whole: SliceScores | None, label_map: LabelMap, gate: GateSettings) -> list[Check]:
    photos = whole.photos if whole else 0
    found = [
        Check("photos in the eval split", gate.min_eval_photos, photos, photos >= gate.min_eval_photos, digits=0),
    ]
    if gate.require_all_classes:
        absent = _absent(whole, label_map)
        needed = len(label_map.foreground)
        note = f"no pixel of {', '.join(absent)}" if absent else ""
        found.append(Check("classes in the eval split", needed, needed - len(absent), not absent, digits=0, note=note))
    return found


def _floors(whole: SliceScores | None, label_map: LabelMap, gate: GateSettings) -> list[Check]:
    found = [_at_least("mean IoU", gate.min_mean_iou, whole.mean_iou if whole else None)]
    absent = [] if gate.require_all_classes else _absent(whole, label_map)
    for name in label_map.foreground:
        value = whole.iou[name] if whole else None
        if name not in absent:
            found.append(_at_least(f"IoU of {name}", gate.min_class_iou, value))
    return found


def _absent(whole: SliceScores | None, label_map: LabelMap) -> list[str]:
    """Classes but the background without a pixel in the truth."""
    pixels = np.sum(whole.confusion, axis=1) if whole else np.zeros(len(label_map.names))
    return [
        name for name, count in zip(label_map.names, pixels, strict=True) if not count and name in label_map.foreground
    ]


def _drops(changes: Sequence[SliceChange], gate: GateSettings) -> list[Check]:
    found = []
    for change in changes:
        if change.name == ALL_PHOTOS:
            found.append(_drop(CHANGE, gate.max_drop, change, gate))
        elif change.photos >= gate.slice_min_photos and change.mean_iou is not None:
            found.append(_drop(f"{CHANGE} where {change.name}", gate.max_slice_drop, change, gate))
    return found


def _drop(what: str, allowed: float, change: SliceChange, gate: GateSettings) -> Check:
    check = _at_least(what, -allowed, change.mean_iou)
    interval = change.mean_iou_interval
    if check.passed or check.value is None or not gate.drop_beyond_noise or interval is None:
        return check
    low, high = interval
    within = f"95 % interval {low:.4f} to {high:.4f}"
    if high >= 0:
        return Check(what, -allowed, check.value, passed=True, note=f"{within} holds 0: may be chance")
    return Check(what, -allowed, check.value, passed=False, note=f"{within}: more than chance")


def _serves(infra: InfraResult, gate: GateSettings) -> list[Check]:
    asked = max(infra.asked, 1)
    answered = infra.asked > 0 and infra.answered == infra.asked and not infra.problem
    return [
        Check("photos answered in a new process", asked, infra.answered, answered, digits=0, note=infra.problem),
        _at_most("seconds of that process", gate.infra_seconds, infra.seconds, digits=1),
        _at_most("MB of memory of that process", gate.infra_memory_mb, infra.memory_mb, digits=0),
    ]


def _at_least(what: str, required: float, value: float | None) -> Check:
    # NaN is at least nothing: comparing with it is never true.
    return Check(what, required, value, passed=value is not None and value >= required)


def _at_most(what: str, required: float, value: float | None, *, digits: int) -> Check:
    return Check(what, required, value, value is not None and value <= required, at_most=True, digits=digits)
