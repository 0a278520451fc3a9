"""A pushed model as its users have it: a SavedModel, and the card that says what its class numbers mean."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from components.prediction.find_model import ModelError
from components.prediction.pictures import Legend
from components.trainer.card import CARD_FILE, read_card

SIGNATURE = "serving_default"


@dataclass(frozen=True)
class Prediction:
    """What the model says about one photo.

    Attributes:
        class_map: uint8 [height, width], class numbers.
        confidence: Mean probability of the chosen class, 0 to 1.
    """

    class_map: np.ndarray
    confidence: float


class Model:
    """A loaded model."""

    def __init__(self, directory: Path):
        """Loads a SavedModel's folder.

        Raises:
            ModelError: It has no card or no such signature: it comes from somewhere else.
        """
        self.legend = _legend(directory)
        try:
            # What the signature runs is freed with the object that it was loaded with.
            self._loaded = tf.saved_model.load(str(directory))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f"model: {directory} cannot be loaded: {error}") from None
        if SIGNATURE not in self._loaded.signatures:
            there = ", ".join(self._loaded.signatures) or "none"
            raise ModelError(f"model: {directory} has no signature {SIGNATURE}; there are: {there}")
        self._serve = self._loaded.signatures[SIGNATURE]

    def predict(self, encoded: Sequence[bytes]) -> list[Prediction]:
        """Predicts photos.

        Args:
            encoded: Upright photos, JPEG or PNG.

        Raises:
            tf.errors.InvalidArgumentError: TensorFlow cannot decode one of them; none is predicted.
        """
        answer: dict[str, Any] = self._serve(image_bytes=tf.constant(list(encoded), tf.string))
        maps, confidences = (answer[name].numpy() for name in ("class_map_bytes", "confidence_bytes"))
        return [
            Prediction(_pixels(class_map), float(_pixels(confidence).mean()) / 255)
            for class_map, confidence in zip(maps, confidences, strict=True)
        ]


def _legend(directory: Path) -> Legend:
    try:
        card = read_card(str(directory))
        classes = sorted(card["classes"], key=lambda one: one["number"])
        names = tuple(one["name"] for one in classes)
        colors = tuple((int(red), int(green), int(blue)) for red, green, blue in (one["color"] for one in classes))
        return Legend(names, colors, names.index(card["background"]))
    except FileNotFoundError:
        raise ModelError(f"model: {directory} has no {CARD_FILE}, so that nobody knows its classes") from None
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"model: {directory / CARD_FILE} is no model card: {error!r}") from None


def _pixels(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)))
