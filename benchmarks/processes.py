"""Rows of a benchmark measured each in a process of its own, so that none profits from another."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def run_worker(script: str, method: str, folder: str) -> tuple[float, float, float]:
    """Runs `script --worker METHOD FOLDER`: the CPU-seconds, wall seconds and peak MB that it ends its output with."""
    command = [sys.executable, script, "--worker", method, folder]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{method} failed:\n{done.stdout}{done.stderr}")
    cpu, wall, peak = map(float, done.stdout.split()[-3:])
    return cpu, wall, peak


def report(cpu: float, wall: float) -> None:
    """Ends a worker's output as `run_worker` reads it, with the peak memory of the process."""
    print(cpu, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
