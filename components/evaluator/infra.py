"""The infrastructure check: can the model be served at all, by somebody who has only TensorFlow?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.evaluator.survey import ExtremePhoto

_PROBE = Path(__file__).with_name("serving_probe.py")
_LOOKS_A_SECOND = 20
_OUTPUT_SHOWN = 300


@dataclass(frozen=True)
class InfraResult:
    """What a new process made of a model.

    Attributes:
        asked: Photos it was asked to answer.
        answered: Photos it answered well.
        seconds: From its start to its end, TensorFlow's import included; None where it did not end by itself.
        memory_mb: Its peak of physical memory; None likewise.
        problem: What went wrong, empty where nothing did.
    """

    asked: int
    answered: int
    seconds: float | None
    memory_mb: float | None
    problem: str = ""


def check_serving(model: str, photos: Sequence[ExtremePhoto], *, seconds: float, memory_mb: int) -> InfraResult:
    """Loads the model and answers photos one by one, in a process of its own without a GPU.

    Args:
        model: Folder of the SavedModel.
        photos: Of extreme sizes.
        seconds: After this time the process is ended.
        memory_mb: Above this peak of memory the process is ended.
    """
    if not photos:
        return InfraResult(0, 0, None, None, "there is no photo to answer")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        files = [place / str(number) for number in range(len(photos))]
        for file, photo in zip(files, photos, strict=True):
            file.write_bytes(photo.content)
        result, output = place / "result.json", place / "output"
        # Isolated: neither the project nor what the user has set for Python is found.
        command = [sys.executable, "-I", str(_PROBE), model, str(result), *map(str, files)]
        with output.open("wb") as log:
            # The Evaluator's own process may hold all memory of a GPU.
            environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
            began = time.monotonic()
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
            problem = _watch(process, began + seconds, memory_mb)
        took = time.monotonic() - began
        if problem:
            return InfraResult(len(photos), 0, None, None, problem)
        if not result.exists():
            said = output.read_text(encoding="utf-8", errors="replace").strip()[-_OUTPUT_SHOWN:]
            return InfraResult(len(photos), 0, None, None, f"it ended with code {process.returncode}: {said}")
        found = json.loads(result.read_text(encoding="utf-8"))
        return InfraResult(len(photos), found["answered"], took, found["memory_mb"], found["problem"])


def _watch(process: subprocess.Popen, deadline: float, memory_mb: int) -> str:
    """Waits for the end; ends the process itself where it takes too much, and says so."""
    problem = ""
    try:
        while process.poll() is None and not problem:
            if time.monotonic() > deadline:
                problem = "it was not done in time"
            elif _peak_mb(process.pid) > memory_mb:
                problem = "it took more memory than it may"
            else:
                time.sleep(1 / _LOOKS_A_SECOND)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    return problem


def _peak_mb(pid: int) -> float:
    # Linux counts the parent's memory into what wait4 tells of a child; this file does not.
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0.0)
