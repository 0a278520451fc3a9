"""Settings of evaluation and gate."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import at_least, between, nearest, setting
from schema.features import OBJECT_SIZE, SLICE_FEATURES


def slice_features_rule(values: tuple[str, ...]) -> str:
    """The rule for a list of features to slice by."""
    for value in values:
        if value not in SLICE_FEATURES:
            close = nearest(value, SLICE_FEATURES)
            meant = f"did you mean {close}?" if close else f"there are {', '.join(SLICE_FEATURES)}"
            return f"{value!r} is no feature that photos can be sliced by; {meant}"
        if values.count(value) > 1:
            return f"{value!r} is listed twice"
    return ""


@dataclass(frozen=True)
class GateSettings:
    """What a model must reach on the eval split before it is served, and how that is found out."""

    min_mean_iou: float = setting(0.5, "least mean IoU", between(0, 1))
    min_class_iou: float = setting(0.1, "least IoU of each class but the background", between(0, 1))
    max_drop: float = setting(0.01, "largest drop of mean IoU against the model in service, absolute", between(0, 1))
    max_slice_drop: float = setting(
        0.05, "largest drop of mean IoU on any slice against the model in service, absolute", between(0, 1)
    )
    slice_min_photos: int = setting(20, "photos that a slice must have before its drop is judged", at_least(1))
    drop_beyond_noise: bool = setting(
        False, "a drop is refused only where its 95 % interval excludes 0; without, the figures alone decide"
    )
    min_eval_photos: int = setting(10, "least number of photos in the eval split", at_least(1))
    require_all_classes: bool = setting(
        True, "refuse where the eval split lacks a class (but the background): nothing is known of it then"
    )
    infra_seconds: float = setting(
        120.0, "time in which a new process must load the model and answer a few photos", between(1, 86400)
    )
    infra_memory_mb: int = setting(4096, "memory that this process may take, MB", at_least(256))
    slices: tuple[str, ...] = setting(
        (OBJECT_SIZE, "image/brightness", "image/folder"),
        "features by which photos are scored apart; numbers are cut into four ranges of as many photos each",
        slice_features_rule,
    )
    slice_values: int = setting(12, "values of a feature that get a slice; rarer ones share one", at_least(1))
    resamples: int = setting(1000, "resamples of the photos for 95 % intervals", at_least(100))
    eval_batch_size: int = setting(8, "photos that Evaluator holds and predicts at a time", at_least(1))
