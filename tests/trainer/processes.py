"""Tiny trainings in processes of their own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import tiny_training

PROGRAM = Path(tiny_training.__file__)
PATIENCE = 600
"""Seconds after which something hangs; a machine that does other work is slow."""


def start(folder, output, *flags, task=None, **settings):
    """Starts a training; `task` is its TF_CONFIG."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("TF_CONFIG", None)
    if task:
        environment["TF_CONFIG"] = json.dumps(task)
    environment["PYTHONPATH"] = os.pathsep.join([str(PROGRAM.parents[2]), environment.get("PYTHONPATH", "")])
    command = [sys.executable, str(PROGRAM), str(folder), "--output", output, "--settings", json.dumps(settings)]
    log = Path(folder) / f"{output}-{task['task']['index'] if task else 0}.log"
    with log.open("ab") as sink:
        return subprocess.Popen([*command, *map(str, flags)], env=environment, stdout=sink, stderr=sink)


def finish(folder, *processes):
    """Waits for trainings, which must succeed."""
    codes = [process.wait(PATIENCE) for process in processes]
    told = "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in Path(folder).glob("*.log"))
    assert not any(codes), told


def kill_after_a_checkpoint(folder, output, *processes):
    """Kills trainings as soon as one of them has written a checkpoint."""
    deadline = time.monotonic() + PATIENCE
    while not list((Path(folder) / output / "checkpoints").glob("*/step-*/state.json")):
        assert all(process.poll() is None for process in processes), "a training ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for process in processes:
        process.kill()
        process.wait()
