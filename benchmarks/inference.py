"""Cost of one request to an exported model: CPU-seconds, wall seconds and memory, by photo and by settings.

    python benchmarks/inference.py [--classes 21] [--photos 500x400,4032x3024] [--settings whole,flip,...]

Every row is a process of its own that loads the default network, exported with a head that is not trained, and answers
one photo several times; the first answer is not timed. Memory is what the process reached beyond what it held when the
model was loaded, with all that the first request makes; Linux tells it. `network` is the bare network on a padded
photo, without decoding, resizing and encoding: the floor.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

SETTINGS: dict[str, dict[str, Any]] = {
    "network": {},
    "whole": {},
    "flip": {"flip_test": True},
    "scales": {"test_scales": (0.75, 1.0, 1.25)},
    "windows": {"photo_size": (448, 640)},
    "large windows": {"photo_size": (896, 1280)},
}
"""Rows by name: fields of `InferenceSettings`; the window is the network's default, 224x320."""

ROUNDS = 3


def main() -> int:
    """Measures every row and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=21, help="classes of the network (default: %(default)s)")
    parser.add_argument("--photos", default="500x400,4032x3024", help="width x height (default: %(default)s)")
    parser.add_argument("--settings", default=",".join(SETTINGS), help="rows (default: all)")
    parser.add_argument("--worker", nargs=3, metavar=("ROW", "MODEL", "PHOTO"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        row, model, photo = arguments.worker
        return _answer(_bare_network(arguments.classes) if row == "network" else _signature(model), photo)
    print(f"{'photo':<11}{'settings':<18}{'CPU s':>8}{'wall s':>8}{'MB beyond the loaded model':>29}")
    with tempfile.TemporaryDirectory() as folder:
        models = _export(arguments.settings.split(","), arguments.classes, folder)
        for size in arguments.photos.split(","):
            photo = Path(folder, f"{size}.jpg")
            photo.write_bytes(draw(*map(int, size.split("x"))))
            for row, model in models.items():
                cpu, wall, memory = _measure(row, model, str(photo), str(arguments.classes))
                print(f"{size:<11}{row:<18}{cpu:>8.3f}{wall:>8.3f}{memory:>29.0f}", flush=True)
    return 0


def draw(width: int, height: int) -> bytes:
    """A JPEG photo of soft coloured patches with some grain."""
    random = np.random.default_rng(1)
    small = random.integers(0, 256, (max(2, height // 40), max(2, width // 40), 3)).astype(np.uint8)
    photo = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    grain = Image.effect_noise((width, height), 12).convert("RGB").filter(ImageFilter.GaussianBlur(0.5))
    buffer = io.BytesIO()
    Image.blend(photo, grain, 0.15).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _export(rows: list[str], classes: int, folder: str) -> dict[str, str]:
    """Models by row."""
    from components.trainer.export import export_model
    from components.trainer.frame import InferenceSettings
    from components.trainer.pspnet.model import build_pspnet
    from components.trainer.settings import NetworkSettings

    network = build_pspnet(NetworkSettings(), classes)
    models = {row: os.path.join(folder, row.replace(" ", "_")) for row in rows}
    for row, model in models.items():
        export_model(network, model, InferenceSettings(**SETTINGS[row]))
    return models


def _measure(row: str, model: str, photo: str, classes: str) -> list[float]:
    command = [sys.executable, __file__, "--worker", row, model, photo, "--classes", classes]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return [float(figure) for figure in done.stdout.split()]


def _answer(answer: Callable[[Any], Any], photo: str) -> int:
    import tensorflow as tf

    content = tf.constant([Path(photo).read_bytes()])
    # Writing 5 makes the present the highest level so far.
    Path("/proc/self/clear_refs").write_text("5")
    before = _highest_level()
    answer(content)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(ROUNDS):
        answer(content)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(cpu / ROUNDS, wall / ROUNDS, _highest_level() - before)
    return 0


def _signature(model: str) -> Callable[[Any], Any]:
    import tensorflow as tf

    serve = tf.saved_model.load(model).signatures["serving_default"]
    return lambda content: serve(image_bytes=content)


def _bare_network(classes: int) -> Callable[[Any], Any]:
    import tensorflow as tf

    from components.trainer.pspnet.model import build_pspnet
    from components.trainer.settings import NetworkSettings

    network = build_pspnet(NetworkSettings(), classes)
    run, padded = tf.function(lambda photos: network(photos, training=False)), tf.zeros([1, *network.input_shape[1:]])
    return lambda _: run(padded)


def _highest_level() -> float:
    """Megabytes that the process held at most."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    sys.exit(main())
