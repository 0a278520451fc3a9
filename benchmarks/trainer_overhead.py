"""What the Trainer spends outside the network's training step.

    python benchmarks/trainer_overhead.py [--steps 500] [-- any setting of local_runner.py]

Makes records of the generated sample data with `local_runner.py`, then calls the Trainer's own `run_fn` on them and
times its parts. The step by itself is the very function that trained, on a batch that is in memory already. Everything
else is overhead: building and tracing, reading and augmenting photos, scores, checkpoints, the export. CPU-seconds of
the process say more than wall time on a machine that does other work.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

_REPEATED = 30


def main() -> int:
    """Runs the Trainer and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=500, help="training steps (default: %(default)s)")
    parser.add_argument("settings", nargs="*", help="settings of local_runner.py, after --")
    arguments = parser.parse_args()
    settings = [*arguments.settings, "--steps", str(arguments.steps)]
    with tempfile.TemporaryDirectory() as workspace:
        command = [sys.executable, "local_runner.py", "--workspace", workspace, "--until", "Transform", *settings]
        subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        _measure(Path(workspace), settings, arguments.steps)
    return 0


class _Clock:
    """Wall and CPU time by part."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def timed(self, function: Any, part: str) -> Any:
        """The function, its time added to a part's."""

        def outer(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter(), time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                for number, now in enumerate((time.perf_counter(), time.process_time())):
                    self.spent[part][number] += now - began[number]

        return outer


def _measure(workspace: Path, settings: list[str], steps: int) -> None:
    from components.trainer import run, training
    from components.trainer.checkpoints import CheckpointStore

    clock = _Clock()
    caught: dict[str, Any] = {}
    make_step, make_scorer = training.make_step, training.make_scorer

    def catch_step(*args: Any, **kwargs: Any) -> Any:
        caught["step"] = step = make_step(*args, **kwargs)

        def first_apart(batch: Any) -> Any:
            if "batch" in caught:
                return step(batch)
            caught["batch"] = batch
            return clock.timed(step, "first step (tracing)")(batch)

        return first_apart

    for owner, name, wrapped in (
        (training, "make_step", catch_step),
        (training, "make_scorer", lambda *args, **more: clock.timed(make_scorer(*args, **more), "scores")),
        (training, "build_pspnet", clock.timed(training.build_pspnet, "network")),
        (training, "write_contact_sheet", clock.timed(training.write_contact_sheet, "contact sheet")),
        (CheckpointStore, "save", clock.timed(CheckpointStore.save, "checkpoints")),
        (run, "export_model", clock.timed(run.export_model, "export")),
    ):
        setattr(owner, name, wrapped)
    clock.timed(run.run_fn, "Trainer")(_arguments(workspace, settings))
    repeated = clock.timed(lambda: [float(caught["step"](caught["batch"]).loss) for _ in range(_REPEATED)], "repeated")
    repeated()
    _print(clock.spent, steps)


def _arguments(workspace: Path, settings: list[str]) -> Any:
    """What TFX would hand to run_fn."""
    from pipeline.command_line import Parser, add_settings, read_config
    from pipeline.create import trainer_config
    from pipeline.inputs import look_at_data

    parser = Parser()
    add_settings(parser)
    config = read_config(parser.parse_args(["--workspace", str(workspace), *settings]))
    (examples,) = (workspace / "artifacts" / "Transform" / "transformed_examples").iterdir()
    return SimpleNamespace(
        train_files=[str(examples / "Split-train" / "*")],
        eval_files=[str(examples / "Split-eval" / "*")],
        serving_model_dir=str(workspace / "model"),
        model_run_dir=str(workspace / "run"),
        custom_config=trainer_config(config, look_at_data(config), str(workspace)),
    )


def _print(spent: dict[str, list[float]], steps: int) -> None:
    repeated, total = spent.pop("repeated"), spent["Trainer"]
    pure = [seconds / _REPEATED * steps for seconds in repeated]
    spent[f"{steps} steps on one batch"] = pure
    spent["overhead"] = [whole - part for whole, part in zip(total, pure, strict=True)]
    print(f"{'':<26}{'wall s':>10}{'CPU s':>10}{'of CPU':>9}")
    for part, (wall, cpu) in spent.items():
        print(f"{part:<26}{wall:>10.1f}{cpu:>10.1f}{cpu / total[1]:>9.1%}")


if __name__ == "__main__":
    sys.exit(main())
