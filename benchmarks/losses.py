"""CPU-milliseconds a photo of every loss and its gradient, at the size of the network's input.

python benchmarks/losses.py [--classes 2,11]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

SHAPE = (8, 224, 320)
LOSSES: dict[str, dict[str, Any]] = {
    "cross_entropy+0.5*dice": {},
    "cross_entropy": {"loss": "cross_entropy"},
    "cross_entropy, smoothed": {"loss": "cross_entropy", "label_smoothing": 0.1},
    "cross_entropy, hardest quarter": {"loss": "cross_entropy", "hard_pixels": 0.25},
    "focal": {"loss": "focal"},
    "dice": {"loss": "dice"},
    "lovasz": {"loss": "lovasz"},
}


def main() -> int:
    """Prints a row for every loss, a column for every number of classes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", default="2,11", help="numbers of classes (default: %(default)s)")
    counts = [int(count) for count in parser.parse_args().classes.split(",")]
    for name, settings in LOSSES.items():
        cells = [f"{_milliseconds(count, settings):6.1f} ms with {count} classes" for count in counts]
        print(f"{name:<32}{', '.join(cells)}", flush=True)
    return 0


def _milliseconds(classes: int, changes: dict[str, Any]) -> float:
    import tensorflow as tf

    from components.trainer.losses import make_loss
    from components.trainer.settings import TrainingSettings

    random = np.random.default_rng(0)
    labels = tf.constant(random.integers(0, classes, SHAPE).astype(np.uint8))
    logits = tf.constant(random.normal(0, 3, (*SHAPE, classes)).astype(np.float32))
    loss = make_loss(TrainingSettings(**changes), np.ones(classes, np.float32))

    @tf.function
    def gradient(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits)
        return tape.gradient(value, logits)

    gradient(labels, logits)
    rounds = []
    for _ in range(5):
        began = time.process_time()
        gradient(labels, logits).numpy()
        rounds.append(time.process_time() - began)
    return min(rounds) / SHAPE[0] * 1e3


if __name__ == "__main__":
    sys.exit(main())
