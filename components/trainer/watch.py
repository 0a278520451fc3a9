"""Looks at what training steps told, seldom enough for a GPU to run ahead, and names the photos of a bad one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from components.trainer.step import Outcome

SECONDS_BETWEEN_LOOKS = 0.5
STEPS_BETWEEN_LOOKS = 50
"""A bound on how far Python runs ahead of the device."""

KEYS_SHOWN = 32

Keys = Callable[[Sequence[int]], list[str]]


class TrainingDivergedError(RuntimeError):
    """The loss or the gradient is no longer a number; the message names the photos of that batch."""


class LabelError(ValueError):
    """Masks hold labels that are neither a class nor the ignore label; the message names their photos."""


class StepWatch:
    """Collects outcomes of steps, and checks them in their order when it looks."""

    def __init__(self, keys: Keys, *, class_count: int, gradients_may_overflow: bool = False):
        """Watches a training.

        Args:
            keys: Gives the photos' keys of rows.
            class_count: Number of classes, for the message about labels.
            gradients_may_overflow: A dynamic loss scale makes an infinite gradient now and then, and skips the step.
        """
        self._keys = keys
        self._class_count = class_count
        self._gradients_may_overflow = gradients_may_overflow
        self._pending: list[tuple[int, Outcome]] = []
        self._losses: list[float] = []
        self._looked = time.monotonic()

    def add(self, step: int, outcome: Outcome) -> bool:
        """Takes the outcome of a step; returns whether it was time to look.

        Raises:
            TrainingDivergedError: A loss or a gradient is not finite.
            LabelError: A batch holds labels out of range.
        """
        self._pending.append((step, outcome))
        if len(self._pending) < STEPS_BETWEEN_LOOKS and time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
            return False
        self.look()
        return True

    def look(self) -> None:
        """Checks all outcomes that it has not looked at."""
        pending, self._pending = self._pending, []
        for step, outcome in pending:
            self._check(step, outcome)
        self._looked = time.monotonic()

    @property
    def mean_loss(self) -> float:
        """Mean over the steps looked at since `forget`; NaN if there are none."""
        return float(np.mean(self._losses)) if self._losses else math.nan

    def forget(self) -> None:
        """Begins a new mean."""
        self._losses = []

    def _check(self, step: int, outcome: Outcome) -> None:
        strange = outcome.strange.numpy()
        if strange.any():
            raise LabelError(
                f"labels of {self._named(outcome.rows.numpy()[strange])} are neither one of the {self._class_count} "
                f"classes nor the ignore label (step {step})"
            )
        loss, norm = float(outcome.loss), float(outcome.gradient_norm)
        wrong = {"loss": loss} if self._gradients_may_overflow else {"loss": loss, "gradient": norm}
        for what, value in wrong.items():
            if not math.isfinite(value):
                raise TrainingDivergedError(
                    f"the {what} became {value} at step {step}; a lower learning-rate is the usual cure, else look "
                    f"at the photos of this batch: {self._named(outcome.rows.numpy())}"
                )
        self._losses.append(loss)

    def _named(self, rows: np.ndarray) -> str:
        keys = list(dict.fromkeys(self._keys([int(row) for row in rows])))
        more = f" and {len(keys) - KEYS_SHOWN} more" if len(keys) > KEYS_SHOWN else ""
        return ", ".join(keys[:KEYS_SHOWN]) + more
