"""Which pushed model is the baseline. Pure functions of a serving folder."""

from __future__ import annotations

import os
from collections.abc import Sequence

from components.pusher.serving import history
from components.trainer.card import read_card


def find_baseline(serving_dir: str, fingerprint: str, class_names: Sequence[str]) -> str:
    """The newest pushed version that another training made for the same classes.

    A run that is repeated meets its own model in the serving folder. Comparing a model with itself says
    nothing, and the repeated run would not be the same run any more: nothing would come from the cache. A
    model of other classes counts other things: its figures cannot be compared. What a rollback undid is no
    baseline.

    Args:
        serving_dir: The folder that Pusher writes.
        fingerprint: Identifies the training of the candidate, see the model's card.
        class_names: The candidate's classes by class number.

    Returns:
        The version's name, or an empty string if there is none.
    """
    for pushed in history(serving_dir):
        card = read_card(os.path.join(serving_dir, str(pushed.version)))
        same_classes = [one["name"] for one in card["classes"]] == list(class_names)
        if same_classes and card["fingerprint"] != fingerprint:
            return str(pushed.version)
    return ""
