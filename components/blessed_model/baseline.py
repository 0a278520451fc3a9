"""Which pushed model is the baseline. Pure functions of a serving folder."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tfx.dsl.io import fileio

from components.trainer.card import CARD_FILE, read_card

_SAVED_MODEL = "saved_model.pb"


def pushed_versions(serving_dir: str) -> list[int]:
    """Complete versions in a serving folder, oldest first; without its last file a folder is half a push."""
    if not fileio.isdir(serving_dir):
        return []
    names = (name.rstrip("/") for name in fileio.listdir(serving_dir))
    return sorted(int(name) for name in names if _is_complete(serving_dir, name))


def find_baseline(serving_dir: str, fingerprint: str, class_names: Sequence[str]) -> str:
    """The newest pushed version that another training made for the same classes.

    A run that is repeated meets its own model in the serving folder. Comparing a model with itself says
    nothing, and the repeated run would not be the same run any more: nothing would come from the cache. A
    model of other classes counts other things: its figures cannot be compared.

    Args:
        serving_dir: The folder that Pusher writes.
        fingerprint: Identifies the training of the candidate, see the model's card.
        class_names: The candidate's classes by class number.

    Returns:
        The version's name, or an empty string if there is none.
    """
    for version in reversed(pushed_versions(serving_dir)):
        card = read_card(os.path.join(serving_dir, str(version)))
        same_classes = [one["name"] for one in card["classes"]] == list(class_names)
        if same_classes and card["fingerprint"] != fingerprint:
            return str(version)
    return ""


def _is_complete(serving_dir: str, name: str) -> bool:
    # "²" is a digit to Python, but no number.
    is_number = name.isascii() and name.isdigit()
    return is_number and all(fileio.exists(os.path.join(serving_dir, name, one)) for one in (_SAVED_MODEL, CARD_FILE))
