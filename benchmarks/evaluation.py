"""Cost of the Evaluator beside a bare loop of the same network's prediction and `np.bincount`.

    python benchmarks/evaluation.py [--counts 200,800]

Photos are the generated aeroplanes (320x176); beyond the first 200 they repeat under other names. Each measurement
is a process of its own, methods take turns, and the quickest run of each counts. Imports are left out of the seconds
and counted in the memory; loading the model counts, and so does everything else that the component does: slices,
intervals, and the infrastructure check, whose process is in the CPU-seconds and not in the memory. The bare loop
decodes photos and masks, predicts in batches of the same size, scales to each photo's own size and counts; its network
is already there, it writes nothing, and knows neither slices nor intervals. The last lines tell what a photo more
costs, from the smallest and the largest count, and the rest: the fixed costs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from processes import cpu_seconds, report, run_worker

DISTINCT = 200
METHODS = ("bare loop", "evaluator", "evaluator, baseline")


def main() -> int:
    """Measures every method for every count and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="200,800", help="photos, comma-separated (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, of which the quickest counts")
    parser.add_argument("--methods", default=";".join(METHODS), help="what to measure (default: all)")
    parser.add_argument("--worker", nargs=2, metavar=("METHOD", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return _work(*arguments.worker)
    methods, counts = arguments.methods.split(";"), [int(count) for count in arguments.counts.split(",")]
    print(f"{'photos':>7}  {'method':<20}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
    found: dict[str, list[tuple[float, float]]] = {method: [] for method in methods}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            run_worker(__file__, "prepare", f"{folder}:{count}")
            rounds = [
                {method: run_worker(__file__, method, folder) for method in methods} for _ in range(arguments.repeats)
            ]
        for method in methods:
            cpu, wall, peak = (min(one[method][part] for one in rounds) for part in range(3))
            found[method].append((wall, cpu))
            print(f"{count:>7}  {method:<20}{wall:>9.2f}{cpu:>9.2f}{peak:>9.0f}", flush=True)
    if len(counts) > 1:
        print(f"{'':>7}  {'method':<20}{'wall ms a photo more':>22}{'fixed s':>9}{'CPU ms':>9}{'fixed s':>9}")
        for method, measured in found.items():
            wall_slope, cpu_slope = (_slope(counts, [one[part] for one in measured]) for part in range(2))
            figures = (1e3 * wall_slope[0], wall_slope[1], 1e3 * cpu_slope[0], cpu_slope[1])
            print(f"{'':>7}  {method:<20}{figures[0]:>22.1f}" + "".join(f"{one:>9.1f}" for one in figures[1:]))
    return 0


def _slope(counts: list[int], seconds: list[float]) -> tuple[float, float]:
    """Seconds a photo more, and those that no photo explains."""
    each = (seconds[-1] - seconds[0]) / (counts[-1] - counts[0])
    return each, seconds[0] - counts[0] * each


def _work(method: str, folder: str) -> int:
    if method == "prepare":
        place, count = folder.rsplit(":", 1)
        _prepare(Path(place), int(count))
        report(0, 0)
        return 0
    run = _bare_loop(Path(folder)) if method == "bare loop" else _evaluator(Path(folder), "baseline" in method)
    began = cpu_seconds(), time.perf_counter()
    run()
    cpu, wall = cpu_seconds() - began[0], time.perf_counter() - began[1]
    report(cpu, wall)
    return 0


def _network() -> Any:
    from components.trainer.pspnet.model import build_pspnet
    from components.trainer.settings import NetworkSettings

    return build_pspnet(NetworkSettings(), 2)


def _label_map() -> Any:
    from schema.labelmap import LabelClass, LabelMap

    return LabelMap((LabelClass("background", (0, 0, 0)), LabelClass("plane", (255, 0, 0))), (), "background")


def _prepare(folder: Path, count: int) -> None:
    """Writes `count` records as ExampleGen does, and an untrained model: its speed is that of a trained one."""
    import tensorflow as tf

    from components.image_mask_example_gen.record import make_record
    from components.image_mask_example_gen.settings import NEAREST
    from components.sample_data import write_sample_data
    from components.trainer.export import export_model
    from components.trainer.frame import InferenceSettings

    write_sample_data(folder / "data", count=min(DISTINCT, count))
    records = []
    for number in range(min(DISTINCT, count)):
        photo, mask = ((folder / "data" / kind / f"{number}.jpg").read_bytes() for kind in ("images", "masks"))
        records.append(make_record(str(number), photo, mask, _label_map(), cleaning=NEAREST))
    split = folder / "examples" / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data_tfrecord-00000-of-00001")) as writer:
        for number in range(count):
            record = records[number % DISTINCT]
            record.features.feature["image/key"].bytes_list.value[0] = f"{number % 3}/{number}".encode()
            writer.write(record.SerializeToString())
    export_model(_network(), str(folder / "model" / "Format-Serving"), InferenceSettings())


def _bare_loop(folder: Path) -> Any:
    import numpy as np
    import tensorflow as tf

    from components.evaluator.settings import GateSettings
    from components.transform import picture

    network = _network()
    size = network.input_shape[1:3]
    wanted = {name: tf.io.FixedLenFeature([], tf.string) for name in ("image/encoded", "mask/encoded")}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def predict(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def prepare(one: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            photo = picture.decode_photo(one)
            return picture.pad_photo(picture.fit_photo(photo, size), size), tf.shape(photo)[:2]

        signature = (tf.TensorSpec([*size, 3], tf.float32), tf.TensorSpec([2], tf.int32))
        padded, shapes = tf.map_fn(prepare, encoded, fn_output_signature=signature, parallel_iterations=2)
        return network(padded, training=False), shapes

    @tf.function(reduce_retracing=True)
    def at_own_size(logits: tf.Tensor, shape: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        fitted = picture.fitted_size(shape[0], shape[1], size)
        scaled = tf.image.resize(logits[: fitted[0], : fitted[1]], shape)
        return picture.decode_mask(mask)[:, :, 0], tf.cast(tf.argmax(scaled, -1), tf.uint8)

    def run() -> None:
        counts = np.zeros(256 * 256, np.int64)
        files = [str(path) for path in (folder / "examples" / "Split-eval").iterdir()]
        for batch in tf.data.TFRecordDataset(files).batch(GateSettings().eval_batch_size):
            parsed = tf.io.parse_example(batch, wanted)
            logits, shapes = predict(parsed["image/encoded"])
            for number, mask in enumerate(parsed["mask/encoded"]):
                truth, prediction = at_own_size(logits[number], shapes[number], mask)
                joined = (truth.numpy().ravel().astype(np.uint16) << 8) | prediction.numpy().ravel()
                counts += np.bincount(joined, minlength=256 * 256)

    return run


def _evaluator(folder: Path, with_baseline: bool) -> Any:
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import artifact_utils, standard_artifacts

    from components.evaluator.component import Executor
    from components.evaluator.settings import GateSettings

    out = Path(tempfile.mkdtemp(dir=folder))

    def artifact(kind: Any, place: Path) -> Any:
        made = kind()
        made.uri = str(place)
        return made

    examples = artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = artifact_utils.encode_split_names(["eval"])
    inputs = {
        "examples": [examples],
        "model": [artifact(standard_artifacts.Model, folder / "model")],
    }
    if with_baseline:
        inputs["baseline_model"] = [artifact(standard_artifacts.Model, folder / "model")]
    outputs = {
        "evaluation": [artifact(standard_artifacts.ModelEvaluation, out / "evaluation")],
        "blessing": [artifact(standard_artifacts.ModelBlessing, out / "blessing")],
    }
    properties = {
        "label_map": _label_map().to_json(),
        "gate": json.dumps(vars(GateSettings())),
    }
    context = base_beam_executor.BaseBeamExecutor.Context(tmp_dir=str(out / "temp"), unique_id="1")
    return lambda: Executor(context).Do(inputs, outputs, properties)


if __name__ == "__main__":
    sys.exit(main())
