"""A run of the whole pipeline that is killed while it trains, and started again."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 900
"""Seconds after which something hangs; a machine that does other work is slow."""

SETTINGS = (
    *("--sample-count", "20", "--eval-fraction", "0.3", "--image-size", "64x96", "--bins", "1,2"),
    *("--head-channels", "16", "--batch-size", "2", "--steps", "60", "--eval-every", "5", "--until", "Trainer"),
)

pytestmark = pytest.mark.end_to_end


def test_the_same_command_goes_on_where_training_was_killed(tmp_path):
    command = [sys.executable, "local_runner.py", "--workspace", str(tmp_path), *SETTINGS]
    checkpoints = tmp_path / "artifacts" / "checkpoints"
    killed = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while not list(checkpoints.glob("*/step-*/state.json")):
        assert killed.poll() is None, "the run ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    again = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert again.returncode == 0, again.stdout + again.stderr
    (step,) = [int(line.split()[-1]) for line in again.stdout.splitlines() if "continued at step" in line]
    assert 5 <= step < 60
    assert (
        next(line for line in again.stdout.splitlines() if line.startswith("Trainer "))
        .split("  ")[-1]
        .startswith("60 steps")
    )
    assert not list(checkpoints.iterdir())
