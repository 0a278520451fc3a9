"""Cost of ExampleGen and Transform a photo, beside a plain script and beside the bare codecs.

    python benchmarks/ingest.py [--counts 500,2000,5000]

Photos of 500x400 (some 50 kB) and masks of 5 colours are generated once and repeated under other names. Each
measurement is a process of its own; imports are left out of the seconds and counted in the memory. The plain
script does the same work in one thread: read, check, clean the mask, encode it, resize both, encode both, write
records twice. The floor is four codec calls and a resize: decode both, encode both.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from processes import cpu_seconds, report, run_worker

SIZE = (500, 400)
TRAINING_SIZE = (320, 224)
DISTINCT = 40
COLORS = ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128))
METHODS = ("pipeline", "2 processes", "plain script", "pipeline nearest", "script nearest", "codec floor")


def main() -> int:
    """Measures every method for every count and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="500,2000,5000", help="photos, comma-separated (default: %(default)s)")
    parser.add_argument("--methods", default=",".join(METHODS), help="what to measure (default: all)")
    parser.add_argument("--worker", nargs=2, metavar=("METHOD", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return _work(*arguments.worker)
    print(f"{'photos':>7}  {'method':<18}{'CPU ms/photo':>13}{'wall ms/photo':>14}{'peak MB':>9}")
    for count in map(int, arguments.counts.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            write_photos(Path(folder), count)
            for method in arguments.methods.split(","):
                cpu, wall, peak = run_worker(__file__, method, folder)
                print(
                    f"{count:>7}  {method:<18}{1e3 * cpu / count:>13.2f}{1e3 * wall / count:>14.2f}{peak:>9.0f}",
                    flush=True,
                )
    return 0


def write_photos(folder: Path, count: int) -> None:
    """Writes a data folder of `count` photos and masks."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    names = [f"c{number}:{','.join(map(str, color))}::" for number, color in enumerate(COLORS)]
    (folder / "labelmap.txt").write_text("\n".join(names), encoding="utf-8")
    pairs = [draw(seed) for seed in range(min(DISTINCT, count))]
    for number in range(count):
        photo, mask = pairs[number % len(pairs)]
        # A comment at the end of a JPEG changes the file, not the picture: no two photos are duplicates.
        (folder / "images" / f"{number}.jpg").write_bytes(photo + str(number).encode())
        (folder / "masks" / f"{number}.jpg").write_bytes(mask)


def draw(seed: int) -> tuple[bytes, bytes]:
    """A photo of 500x400 and its mask of five colours, both as JPEG."""
    rng = np.random.default_rng(seed)
    low = Image.fromarray(rng.integers(0, 255, (8, 10, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 9, (SIZE[1], SIZE[0], 3))
    photo = Image.fromarray((np.asarray(low) + grain).clip(0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(0.6)
    )
    zones = Image.fromarray(rng.integers(0, 255, (4, 5), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    classes = np.asarray(zones).astype(int) * len(COLORS) // 256
    mask = Image.fromarray(np.array(COLORS, np.uint8)[classes])
    return encoded(photo, "JPEG", quality=92), encoded(mask, "JPEG", quality=75, subsampling=2)


def encoded(picture: Image.Image, file_format: str, **options: int) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def _work(method: str, folder: str) -> int:
    cleaning = "nearest" if method.endswith("nearest") else "exact"
    if method == "codec floor":
        meter = _codec_floor(Path(folder))
    elif "script" in method:
        meter = _plain_script(Path(folder), cleaning)
    else:
        meter = _pipeline(Path(folder), cleaning, workers=2 if method == "2 processes" else 1)
    report(meter.cpu, meter.wall)
    return 0


class _Meter:
    """Adds up the seconds between `start` and `stop`."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def start(self) -> None:
        self._began = cpu_seconds(), time.perf_counter()

    def stop(self) -> None:
        self.cpu += cpu_seconds() - self._began[0]
        self.wall += time.perf_counter() - self._began[1]


def _pipeline(folder: Path, cleaning: str, workers: int) -> _Meter:
    """Runs the pipeline up to Transform; the clock runs during ExampleGen and Transform only."""
    from pipeline.config import Config
    from pipeline.console import Console
    from pipeline.inputs import look_at_data
    from pipeline.local_run import run_local

    meter = _Meter()

    class Stopwatch(Console):
        def begin(self, label: str, expected: int = 0) -> None:
            super().begin(label, expected)
            self.measured = label in ("ImageMaskExampleGen", "Transform")
            if self.measured:
                meter.start()

        def end(self, note: str = "") -> None:
            if self.measured:
                meter.stop()
            super().end(note)

    workspace = folder / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    settings = {"data": str(folder), "workspace": str(workspace), "until": "Transform"}
    config = Config.from_flat({**settings, "mask_cleaning": cleaning, "beam_workers": workers})
    shown = io.StringIO()
    run_local(config, look_at_data(config), Stopwatch(shown), "ingest")
    print(shown.getvalue())
    return meter


def _pairs(folder: Path) -> Iterator[tuple[str, bytes, bytes]]:
    for path in sorted((folder / "images").iterdir()):
        yield path.stem, path.read_bytes(), (folder / "masks" / path.name).read_bytes()


def _plain_script(folder: Path, cleaning: str) -> _Meter:
    import tensorflow as tf

    from components.image_mask_example_gen.record import make_record
    from schema.labelmap import read_labelmap

    label_map = read_labelmap(folder / "labelmap.txt")
    out = str(folder / "plain.tfrecord")
    meter = _Meter()
    meter.start()
    with tf.io.TFRecordWriter(out) as checked, tf.io.TFRecordWriter(out + ".training") as training:
        for key, image, mask in _pairs(folder):
            example = make_record(key, image, mask, label_map, cleaning=cleaning)
            checked.write(example.SerializeToString())
            feature = example.features.feature
            photo, classes = (feature[name].bytes_list.value[0] for name in ("image/encoded", "mask/encoded"))
            row = {"image": _resized(photo), "mask": _resized_mask(classes)}
            values = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for name, value in row.items()
            }
            training.write(tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString())
    meter.stop()
    return meter


def _resized(photo: bytes) -> bytes:
    picture = Image.open(io.BytesIO(photo))
    picture.thumbnail(TRAINING_SIZE, Image.Resampling.BILINEAR)
    return encoded(picture, "JPEG", quality=95, subsampling=0)


def _resized_mask(mask: bytes) -> bytes:
    picture = Image.open(io.BytesIO(mask))
    picture.thumbnail(TRAINING_SIZE, Image.Resampling.NEAREST)
    return encoded(picture, "PNG", compress_level=1)


def _codec_floor(folder: Path) -> _Meter:
    meter = _Meter()
    meter.start()
    for _, image, mask in _pairs(folder):
        photo = Image.open(io.BytesIO(image)).convert("RGB").resize(TRAINING_SIZE, Image.Resampling.BILINEAR)
        classes = Image.open(io.BytesIO(mask)).convert("L").resize(TRAINING_SIZE, Image.Resampling.NEAREST)
        encoded(photo, "JPEG", quality=95, subsampling=0)
        encoded(classes, "PNG", compress_level=1)
    meter.stop()
    return meter


if __name__ == "__main__":
    sys.exit(main())
