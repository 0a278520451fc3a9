"""What the evaluation page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from components.evaluator.summary import EvaluationSummary
from components.example_validator.figures import Figures
from components.image_mask_example_gen.rejection import Rejection
from schema.labelmap import LabelMap


@dataclass(frozen=True)
class GalleryPhoto:
    """One photo with what people drew and what the model predicts.

    Attributes:
        key: Names the photo; may hold any characters.
        photo: uint8 [height, width, 3], red, green, blue.
        truth: uint8 [height, width], class numbers; 255 marks pixels that do not count.
        prediction: uint8 [height, width], class numbers.
        iou: Mean IoU of the foreground classes in this photo; None where none is present.
    """

    key: str
    photo: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    iou: float | None


@dataclass(frozen=True)
class PageContent:
    """Everything that the page shows.

    Attributes:
        title: Heading of the page.
        created: ISO time.
        summary: Verdict and scores.
        label_map: Classes.
        gallery: About a dozen photos, sorted from worst to best.
        rejections: Files that were set aside.
        anomalies: What the data validation found, in words.
        history: Rows of the training log: step, loss, learning_rate, eval_mean_iou, eval_iou/<class>.
        facts: Settings, versions, fingerprints and lineage: value by name.
        splits: What was counted over the data, by split and feature.
    """

    title: str
    created: str
    summary: EvaluationSummary
    label_map: LabelMap
    gallery: list[GalleryPhoto]
    rejections: list[Rejection]
    anomalies: list[str]
    history: list[dict[str, float]]
    facts: dict[str, str]
    splits: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)
