"""Settings of the pusher."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import at_least, setting


@dataclass(frozen=True)
class PushSettings:
    """What becomes of models that passed the gate."""

    # Two: the one before the model in service is what servers still answer with while they load, and the way back.
    keep_versions: int = setting(5, "pushed versions to keep; older ones are removed", at_least(2))
