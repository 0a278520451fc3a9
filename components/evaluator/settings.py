"""Settings of the gate."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import at_least, between, setting


@dataclass(frozen=True)
class GateSettings:
    """What a model must reach on the whole eval split before it is served."""

    min_mean_iou: float = setting(0.5, "least mean IoU", between(0, 1))
    min_class_iou: float = setting(0.1, "least IoU of each class but the background", between(0, 1))
    max_drop: float = setting(0.01, "largest drop of mean IoU against the model in service, absolute", between(0, 1))
    eval_batch_size: int = setting(8, "photos that Evaluator predicts at a time", at_least(1))
