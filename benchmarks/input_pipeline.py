"""Photos a CPU-second of the training input, beside a bare loop that only decodes and resizes.

    python benchmarks/input_pipeline.py [--count 400] [--batches 100]

Records are what Transform writes: photos fitted into 224x320 as JPEG, masks as PNG. The bare loop reads the same
records with TensorFlow's reader, decodes both with Pillow and resizes a crop of each, as a random crop does; it neither
flips nor recolours nor batches. Seconds are CPU-seconds of the process, so the number of cores does not matter.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

SIZE = (224, 320)
BATCH = 8
CHANGES: dict[str, dict[str, Any]] = {
    "training input without change of colour": {"color": False},
    "training input": {},
    "... with blur up to 1.5 pixels": {"blur": 1.5},
    "... with rotation up to 10 degrees": {"rotation": 10.0},
}
"""What the rows of the table change about the default augmentation."""


def main() -> int:
    """Measures all and prints photos a CPU-second and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="records (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=100, help="batches of 8 to measure (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "records")
        _write(path, arguments.count)
        photos = arguments.batches * BATCH
        rounds = [
            (_bare_loop(path, photos), *(_pipeline(path, arguments.batches, **changes) for changes in CHANGES.values()))
            for _ in range(3)
        ]
    bare, *inputs = (min(seconds) for seconds in zip(*rounds, strict=True))
    for name, seconds in zip(("bare loop", *CHANGES), (bare, *inputs), strict=True):
        print(f"{name:<38}{photos / seconds:6.0f} photos a CPU-second, {bare / seconds:.2f} of the bare loop")
    return 0


def _write(path: str, count: int) -> None:
    import tensorflow as tf

    from benchmarks.ingest import draw, encoded

    with tf.io.TFRecordWriter(path) as writer:
        for seed in range(count):
            photo, mask = (Image.open(io.BytesIO(file)).resize(SIZE[::-1]) for file in draw(seed % 40))
            classes = Image.fromarray((np.asarray(mask.convert("L")) > 40).astype(np.uint8))
            row = {"image": encoded(photo, "JPEG", quality=95, subsampling=0), "mask": encoded(classes, "PNG")}
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for name, value in row.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def _pipeline(path: str, batches: int, **changes: Any) -> float:
    from components.trainer.augmentation import Augmentation
    from components.trainer.input_pipeline import training_batches

    dataset = training_batches([path], SIZE, batch_size=BATCH, seed=1, augmentation=Augmentation(**changes))
    iterator = iter(dataset)
    for _ in range(5):
        next(iterator)
    began = time.process_time()
    for _ in range(batches):
        next(iterator)
    return time.process_time() - began


def _bare_loop(path: str, photos: int) -> float:
    import tensorflow as tf

    began = time.process_time()
    for record in tf.data.TFRecordDataset(path).repeat().take(photos):
        feature = tf.train.Example.FromString(record.numpy()).features.feature
        for name, method in (("image", Image.Resampling.BILINEAR), ("mask", Image.Resampling.NEAREST)):
            picture = Image.open(io.BytesIO(feature[name].bytes_list.value[0]))
            crop = picture.crop((20, 10, 20 + SIZE[1] * 3 // 4, 10 + SIZE[0] * 3 // 4))
            np.asarray(crop.resize(SIZE[::-1], method))
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
