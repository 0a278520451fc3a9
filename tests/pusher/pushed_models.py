"""Small stand-ins for models, and serving folders full of them."""

import json
from pathlib import Path
from typing import Any

CARD = {"fingerprint": "training", "classes": [{"name": "sky"}, {"name": "plane"}]}


def model(folder: Path, text: str, **card: Any) -> Path:
    """A folder laid out as a SavedModel with a card; `text` is in every file."""
    for path in ("variables/variables.data", "variables/variables.index", "saved_model.pb"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{text} {path}")
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "model_card.json").write_text(json.dumps({**CARD, "text": text, **card}))
    return folder


def served(folder: Path, text: str, record: dict | None = None, **card: Any) -> Path:
    """A pushed version; without a record it is one that TFX's own Pusher made."""
    model(folder, text, **card)
    if record is not None:
        (folder / "assets.extra" / "push.json").write_text(json.dumps(record))
    return folder


def numbers(serving: Path) -> list[int]:
    """What a server sees."""
    return sorted(int(one.name) for one in serving.iterdir() if one.name.isdigit())
