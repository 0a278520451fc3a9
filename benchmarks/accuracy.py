"""IoU and training time of the whole pipeline over several seeds.

    python benchmarks/accuracy.py --seeds 1,2,3 -- --data FOLDER [any setting of local_runner.py]

Every seed is a run of `local_runner.py` in one workspace, so that records are made once. The gate's verdict does
not matter here: the candidate's scores on the eval split are read from the evaluation.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
_SOUND = (0, 3)


def main() -> int:
    """Runs all seeds and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1,2,3", help="seeds, comma-separated (default: %(default)s)")
    parser.add_argument("settings", nargs="*", help="settings of local_runner.py, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as workspace:
        rows = [_run(Path(workspace), seed, arguments.settings) for seed in arguments.seeds.split(",")]
    names = list(rows[0])
    for name in names:
        values = [row[name] for row in rows]
        spread = f"{statistics.mean(values):8.4f} mean, {min(values):.4f} to {max(values):.4f}"
        print(f"{name:<20} {spread}   ({', '.join(f'{value:.4f}' for value in values)})")
    return 0


def _run(workspace: Path, seed: str, settings: list[str]) -> dict[str, float]:
    command = [sys.executable, "local_runner.py", "--workspace", str(workspace), "--seed", seed, *settings]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode not in _SOUND:
        sys.exit(f"seed {seed} failed:\n{done.stdout}{done.stderr}")
    summary = _read(_newest(workspace, "Evaluator/evaluation") / "summary.json")
    card = _read(_newest(workspace, "Trainer/model") / "Format-Serving" / "assets.extra" / "model_card.json")
    whole = summary["candidate"][0]
    scores = {f"IoU {name}": value for name, value in whole["iou"].items() if value is not None}
    figures = {**scores, "mean IoU": whole["mean_iou"], "training minutes": card["train_seconds"] / 60}
    print(f"seed {seed}: " + ", ".join(f"{name} {value:.4f}" for name, value in figures.items()), flush=True)
    return figures


def _newest(workspace: Path, output: str) -> Path:
    return max((workspace / "artifacts" / output).iterdir(), key=lambda path: int(path.name))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
