"""What a training is told: its settings, and where it reads and writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from components.trainer.frame import InferenceSettings
from components.trainer.settings import NetworkSettings, TrainingSettings
from schema.labelmap import LabelMap


@dataclass(frozen=True)
class Recipe:
    """All that decides what a training brings, besides the data."""

    network: NetworkSettings
    training: TrainingSettings
    inference: InferenceSettings
    label_map: LabelMap

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width that photos are fitted into, pixels."""
        return self.inference.frame(self.network.image_size)

    @property
    def class_count(self) -> int:
        """Number of classes."""
        return len(self.label_map.classes)

    def steps(self, photos: int) -> int:
        """Steps of a training on a number of photos; `epochs` decide where they are given, rounded up."""
        told = self.training
        return math.ceil(told.epochs * photos / told.batch_size) if told.epochs else told.steps


@dataclass(frozen=True)
class Files:
    """Where a training reads and writes.

    Attributes:
        train: File patterns of the training split's records.
        evaluate: File patterns of the eval split's records.
        logs: Folder of TensorBoard logs and of the contact sheet.
        checkpoints: Folder of this training's checkpoints, which a killed run leaves and the next one finds.
    """

    train: Sequence[str]
    evaluate: Sequence[str]
    logs: str
    checkpoints: str
