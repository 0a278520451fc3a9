"""Which pushed model is the baseline. Pure functions of a serving folder."""

from __future__ import annotations

import os

from tfx.dsl.io import fileio

from components.trainer.card import CARD_FILE, read_card

_SAVED_MODEL = "saved_model.pb"


def pushed_versions(serving_dir: str) -> list[int]:
    """Complete versions in a serving folder, oldest first; a folder without saved_model.pb is half a push."""
    if not fileio.isdir(serving_dir):
        return []
    names = (name.rstrip("/") for name in fileio.listdir(serving_dir))
    return sorted(
        int(name)
        for name in names
        if name.isascii()
        and name.isdigit()
        and all(fileio.exists(os.path.join(serving_dir, name, one)) for one in (_SAVED_MODEL, CARD_FILE))
    )


def find_baseline(serving_dir: str, fingerprint: str) -> str:
    """The newest pushed version that another training made.

    A run that is repeated meets its own model in the serving folder. Comparing a model with itself says
    nothing, and the repeated run would not be the same run any more: nothing would come from the cache.

    Args:
        serving_dir: The folder that Pusher writes.
        fingerprint: Identifies the training of the candidate, see the model's card.

    Returns:
        The version's name, or an empty string if there is none.
    """
    for version in reversed(pushed_versions(serving_dir)):
        if read_card(os.path.join(serving_dir, str(version)))["fingerprint"] != fingerprint:
            return str(version)
    return ""
