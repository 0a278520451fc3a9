"""What the evaluation page is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        before: The same of the model in service; None also without one.
        wrong: Share of the pixels that are wrong; None where no pixel counts.
        group: Heading under which the photo stands; those of a group follow one another.
    """

    key: str
    photo: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    iou: float | None
    before: float | None = None
    wrong: float | None = None
    group: str = ""


@dataclass(frozen=True)
class PageContent:
    """Everything that the page shows.

    Attributes:
        title: Heading of the page.
        created: ISO time.
        summary: Verdict and scores.
        label_map: Classes.
        gallery: About a dozen photos, group by group.
        rejections: Files that were set aside.
        anomalies: What the data validation found, in words.
        history: Rows of the training log: step, loss, learning_rate, eval_mean_iou, eval_iou/<class>.
        facts: Lineage, settings and versions: value by name, by heading.
        splits: What was counted over the data, by split and feature.
        photo_iou: Mean IoU of the foreground classes of every photo; None where it holds none.
        photo_iou_before: The same of the model in service; empty without one.
        kept_step: Training step of the weights that were evaluated; None where it is not known.
        augmented_pairs: A JPEG of photos and masks as the training sees them; empty without one.
    """

    title: str
    created: str
    summary: EvaluationSummary
    label_map: LabelMap
    gallery: list[GalleryPhoto]
    rejections: list[Rejection]
    anomalies: list[str]
    history: list[dict[str, float]]
    facts: Mapping[str, Mapping[str, str]]
    splits: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)
    photo_iou: Sequence[float | None] = ()
    photo_iou_before: Sequence[float | None] = ()
    kept_step: int | None = None
    augmented_pairs: bytes = b""
