"""The training loop: steps, and now and then a score of the eval split and a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from components import progress
from components.trainer.checkpoints import CheckpointStore
from components.trainer.history import MEAN_IOU, Row, ScalarLog, best_step, is_patient, last_step
from components.trainer.step import Batch, Outcome
from components.trainer.watch import StepWatch


class TrainingLoop:
    """Runs a training to its end, from wherever a killed one had come.

    Attributes:
        history: A row of figures for every evaluation, those before a restart included.
        continued_at: Step from which a checkpoint let this run go on; 0 if it began anew.
    """

    def __init__(
        self,
        *,
        step: Callable[[Batch], Outcome],
        batches_after: Callable[[int], Iterable[Batch]],
        evaluate: Callable[[int, float], Row],
        watch: StepWatch,
        store: CheckpointStore,
        log: ScalarLog | None,
    ):
        """Puts a loop together.

        Args:
            step: Trains on a batch.
            batches_after: Gives the batches that follow after a number of steps.
            evaluate: Makes the history's row of a step, given the mean loss since the last row.
            watch: Checks the outcomes of steps.
            store: Where checkpoints are.
            log: TensorBoard scalars; `None` on workers that do not write.
        """
        self._step = step
        self._batches_after = batches_after
        self._evaluate = evaluate
        self._watch = watch
        self._store = store
        self._log = log
        self.history: list[Row] = []
        self.continued_at = 0

    def resume(self, step: int) -> None:
        """Goes on after the checkpoint of a step, if that is not 0."""
        if not step:
            return
        self.history = self._store.restore(step)
        self.continued_at = step
        progress.note(f"continued at step {step}")
        if self._log:
            self._log.write(*self.history)

    def run(self, steps: int, *, evaluate_every: int, patience: int) -> None:
        """Trains until step `steps`, or until `patience` evaluations brought no better IoU (0: however many)."""
        done = last_step(self.history)
        batches = iter(self._batches_after(done)) if done < steps else iter(())
        while done < steps and is_patient(self.history, patience):
            done += 1
            if self._watch.add(done, self._step(next(batches))):
                self._show(done, steps)
            if done % evaluate_every == 0 or done == steps:
                self._watch.look()
                self._record(self._evaluate(done, self._watch.mean_loss))
                self._show(done, steps)
                self._watch.forget()

    def _record(self, row: Row) -> None:
        self.history.append(row)
        if self._log:
            self._log.write(row)
        self._store.save(last_step(self.history), self.history, best=best_step(self.history))

    def _show(self, step: int, steps: int) -> None:
        last = self.history[-1] if self.history else {}
        iou = f", eval mean IoU {last[MEAN_IOU]:.3f}" if MEAN_IOU in last else ""
        progress.report(step, steps, f"steps, loss {self._watch.mean_loss:.3f}{iou}")
