"""The card beside a SavedModel: what its class numbers mean and which training made it."""

from __future__ import annotations

import json
import os
from typing import Any

from components.files import read_text, write_text
from schema.labelmap import LabelMap

CARD_FILE = "assets.extra/model_card.json"
"""Where TensorFlow Serving allows extra files beside a SavedModel."""


def write_card(directory: str, label_map: LabelMap, facts: dict[str, Any]) -> None:
    """Writes the model's card: classes with number, name and colour, background, and `facts`."""
    card = {
        "classes": [
            {"number": number, "name": one.name, "color": list(one.color)}
            for number, one in enumerate(label_map.classes)
        ],
        "background": label_map.background,
        **facts,
    }
    write_text(os.path.join(directory, CARD_FILE), json.dumps(card, ensure_ascii=False, indent=2))


def read_card(directory: str) -> dict[str, Any]:
    """Reads what `write_card` wrote beside a SavedModel."""
    return json.loads(read_text(os.path.join(directory, CARD_FILE)))
