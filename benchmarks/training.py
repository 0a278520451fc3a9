"""Networks of this project beside the PSPNet of the Keras package `segmentation-models`: one data set, one budget.

    python benchmarks/training.py --data FOLDER [--minutes 6] [--contenders default,peer]

All contenders see the same split, the same augmentation and batches of 8, train for the same wall time one after the
other, and are scored by the same code at the photos' own sizes. The package gets an environment of its own (pip, with
the hashes of `benchmarks/comparison/requirements.lock`), its own network and Dice loss beside cross-entropy, and Adam
with this project's schedule. No package index has its ImageNet weights, so it starts from none; `default-anew` is this
project's default without weights, for the sake of that comparison.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

COMPARISON = PROJECT / "benchmarks" / "comparison"
PEER = "peer"

NETWORKS: dict[str, dict[str, Any]] = {
    "default": {},
    "default-anew": {"weights": "none"},
    "resnet50-trimmed": {
        "backbone": "resnet50",
        "weights": "none",
        "encoder_width": 0.25,
        "encoder_blocks": [2, 2, 2, 2],
        "output_stride": 16,
    },
    "resnet50": {"backbone": "resnet50", "weights": "none", "decoder": "bilinear", "head_channels": 512},
}
"""Settings of this project's contenders that differ from the defaults."""

PEER_MULTIPLE = 48
"""The package's PSPNet takes sides that are multiples of this."""


def main() -> int:
    """Trains all contenders and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="data folder")
    parser.add_argument("--minutes", type=float, default=6, help="wall time to aim at (default: %(default)s)")
    parser.add_argument("--image-size", default="224x288", help="height x width (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--peer-rate", type=float, default=1e-3, help="the package's learning rate")
    parser.add_argument(
        "--contenders", default=",".join([*NETWORKS, PEER]), help="comma-separated (default: %(default)s)"
    )
    arguments = parser.parse_args()
    size = tuple(map(int, arguments.image_size.split("x")))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.contenders.split(","):
            python = _peer_python(Path(folder)) if name == PEER else sys.executable
            seen = tuple(-(-side // PEER_MULTIPLE) * PEER_MULTIPLE for side in size) if name == PEER else size
            job = {
                **_records(Path(folder), arguments.data, seen),
                "folder": folder,
                "size": seen,
                "seconds": arguments.minutes * 60,
                "seed": arguments.seed,
                "network": NETWORKS.get(name, {}),
                "learning_rate": arguments.peer_rate,
            }
            results[name] = _train(name, Path(folder), python, job)
            _print_row(name, results[name])
    _print_curves(results)
    return 0


def _records(folder: Path, data: str, size: tuple[int, ...]) -> dict[str, Any]:
    """Makes the records for a size, and says where they are."""
    workspace = folder / "x".join(map(str, size))
    # Records follow from the size alone. The default backbone would refuse the package's, which this one takes.
    shape = ["--image-size", "x".join(map(str, size)), "--backbone", "resnet18", "--output-stride", "16"]
    if not workspace.exists():
        command = ["--data", data, "--workspace", str(workspace), "--until", "Transform", "--weights", "none", *shape]
        subprocess.run([sys.executable, "local_runner.py", *command], cwd=PROJECT, check=True, capture_output=True)
    transformed = _newest(workspace / "artifacts" / "Transform" / "transformed_examples")
    examples = _newest(workspace / "artifacts" / "ImageMaskExampleGen" / "examples")
    from pipeline.config import Config
    from pipeline.inputs import look_at_data

    label_map = look_at_data(Config.from_flat({"data": data})).label_map
    return {
        "train": str(transformed / "Split-train" / "*"),
        "evaluate": str(transformed / "Split-eval" / "*"),
        "examples": str(examples / "Split-eval" / "*"),
        "classes": len(label_map.classes),
        "label_map": label_map.to_json(),
    }


def _newest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda path: int(path.name))


def _peer_python(folder: Path) -> str:
    """Builds the package's environment, once."""
    home = folder / "peer"
    python = str(home / "bin" / "python")
    if not home.exists():
        venv.create(home, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r"]
        subprocess.run([python, *install, str(COMPARISON / "requirements.lock")], check=True)
    return python


def _train(name: str, folder: Path, python: str, job: dict[str, Any]) -> dict[str, Any]:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    script = COMPARISON / ("peer.py" if name == PEER else "ours.py")
    done = subprocess.run([python, str(script), str(path)], cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(path.with_suffix(".result.json").read_text(encoding="utf-8"))


def _print_row(name: str, result: dict[str, Any]) -> None:
    iou = ", ".join(f"{value:.3f}" for value in result["iou"])
    mean = sum(result["iou"]) / len(result["iou"])
    print(
        f"{name:<18} mean IoU {mean:.3f} ({iou}), {result['steps']} steps in {result['wall_seconds'] / 60:.1f} min, "
        f"{result['cpu_seconds'] / result['photos']:.3f} CPU-s a training photo, "
        f"{result['cpu_per_inference']:.3f} CPU-s an inference, {result['peak_mb']:,.0f} MB, "
        f"{result['parameters'] / 1e6:.1f} M parameters",
        flush=True,
    )


def _print_curves(results: dict[str, dict[str, Any]]) -> None:
    print("\neval mean IoU at training size after minutes of training")
    for name, result in results.items():
        points = "  ".join(f"{row['seconds'] / 60:.1f}: {row['mean_iou']:.3f}" for row in result["curve"])
        print(f"{name:<18} {points}")


if __name__ == "__main__":
    sys.exit(main())
