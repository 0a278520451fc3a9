"""Which data, code, model and run an evaluation comes from, as named facts for people."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

_PACKAGES = ("tensorflow", "keras", "tfx", "tensorflow-model-analysis", "apache-beam", "numpy", "pillow")

Facts = dict[str, str]


def settings_by_difference(settings: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, Facts]:
    """Settings that differ from their defaults first, each with its default; then the others."""
    differing = {name for name, value in settings.items() if value != defaults.get(name, value)}
    changed = {name: f"{settings[name] or 'none'} (default: {defaults[name] or 'none'})" for name in sorted(differing)}
    others = {name: value for name, value in settings.items() if name not in differing}
    return {"Settings that differ from their defaults": changed, "Settings left at their defaults": others}


def model_facts(card: Mapping[str, Any]) -> Facts:
    """What the model's card tells of the training."""
    facts = {
        "training fingerprint": str(card["fingerprint"]),
        "parameters": f"{card['parameters']:,}",
        "seconds of training": f"{card['train_seconds']:,.0f}",
    }
    if card.get("kept_step") is not None:
        facts["step of the weights"] = f"{card['kept_step']:,}"
    if started_from := _weights(card.get("weights")):
        facts["weights at the start"] = started_from
    return facts


def versions() -> Facts:
    """Python and the packages that make the figures, as they are installed here."""
    return {"Python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}}


def _weights(told: Any) -> str:
    return str(told.get("source") or "none") if isinstance(told, Mapping) else str(told or "")
