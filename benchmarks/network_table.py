"""What networks cost: parameters, multiply-adds, CPU-seconds of a training step and of inference, a photo.

    python benchmarks/network_table.py [--backbones efficientnet_lite0,resnet18] [--output-strides 8,32]
        [--decoders bilinear,unet,fpn] [--sizes 224x320,288x384] [--width 1.0] [--head-channels 256]
        [--auxiliary] [--steps 3] [--count-only]

Every combination of the lists is a row. Networks start without weights, except efficientnet_lite0, whose folded batch
normalisation and frozen first stages are part of its price. A step is forward, backward and the update of SGD on a
batch of random photos, after one that is not counted. Seconds are CPU-seconds of the process, so the number of cores
and other work hardly matter. Multiply-adds are of convolutions, counted from the shapes of their layers.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if TYPE_CHECKING:
    import keras

    from components.trainer.settings import NetworkSettings

CLASSES = 11
HEAD = f"{'backbone':<19}{'stride':>7}  {'decoder':<9}{'size':>9}"
HEAD += f"{'M params':>10}{'G mul-adds':>12}{'train s':>9}{'infer s':>9}"


def main() -> int:
    """Prints the table, row by row as it is measured."""
    arguments = _arguments()
    print(HEAD, flush=True)
    for row in itertools.product(arguments.backbones, arguments.output_strides, arguments.decoders, arguments.sizes):
        print(_measure(*row, arguments), flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", type=_words, default=_words("efficientnet_lite0,resnet18,resnet50"))
    parser.add_argument("--output-strides", type=_numbers, default=[8, 16, 32])
    parser.add_argument("--decoders", type=_words, default=_words("bilinear,unet,fpn"))
    parser.add_argument("--sizes", type=_sizes, default=_sizes("224x320"))
    parser.add_argument("--finest-stride", type=int, default=4)
    parser.add_argument("--width", type=float, default=1.0, help="factor on a ResNet's channels (default: %(default)s)")
    parser.add_argument("--head-channels", type=int, default=256)
    parser.add_argument("--auxiliary", action="store_true", help="train with the auxiliary head")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3, help="steps to measure (default: %(default)s)")
    parser.add_argument("--count-only", action="store_true", help="count, and measure nothing")
    return parser.parse_args()


def _words(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _sizes(text: str) -> list[tuple[int, int]]:
    return [(int(height), int(width)) for height, width in (one.split("x") for one in text.split(","))]


def _measure(
    backbone: str, output_stride: int, decoder: str, size: tuple[int, int], arguments: argparse.Namespace
) -> str:
    import keras

    from components.trainer.pspnet.model import build_pspnet
    from components.trainer.settings import NetworkSettings

    is_lite0 = backbone == "efficientnet_lite0"
    settings = NetworkSettings(
        backbone=backbone,
        output_stride=output_stride,
        decoder=decoder,
        image_size=size,
        finest_stride=arguments.finest_stride,
        head_channels=arguments.head_channels,
        encoder_width=1.0 if is_lite0 else arguments.width,
        weights="imagenet" if is_lite0 else "none",
    )
    network = build_pspnet(settings, CLASSES)
    row = f"{backbone:<19}{output_stride:>7}  {decoder:<9}{size[0]:>5}x{size[1]}"
    row += f"{network.count_params() / 1e6:>10.2f}{multiply_adds(network) / 1e9:>12.2f}"
    if not arguments.count_only:
        train, infer = _seconds(network, settings, arguments)
        row += f"{train:>9.3f}{infer:>9.3f}"
    keras.backend.clear_session()
    return row


def multiply_adds(network: keras.Model) -> int:
    """Multiply-adds of a network's convolutions for one photo."""
    import keras

    total = 0
    for layer in network.layers:
        if not isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            continue
        # Each weight of the kernel is used once at every position of the output.
        _, height, width, _ = layer.output.shape
        total += layer.kernel.shape.num_elements() * height * width
    return total


def _seconds(network: keras.Model, settings: NetworkSettings, arguments: argparse.Namespace) -> tuple[float, float]:
    """CPU-seconds a photo of a training step and of inference."""
    import keras
    import numpy as np
    import tensorflow as tf

    from components.trainer.pspnet.model import with_auxiliary_head

    batch = arguments.batch_size
    rng = np.random.default_rng(0)
    photos = tf.constant(rng.uniform(0, 255, (batch, *settings.image_size, 3)), tf.float32)
    labels = tf.constant(rng.integers(0, CLASSES, (batch, *settings.image_size)), tf.int32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fitted: keras.Model = network
    truth: tf.Tensor | dict[str, tf.Tensor] = labels
    if arguments.auxiliary:
        fitted = with_auxiliary_head(network, settings, CLASSES)
        truth = dict.fromkeys(fitted.output, labels)
    fitted.compile(keras.optimizers.SGD(1e-3, momentum=0.9), loss, jit_compile=False)
    infer = tf.function(lambda: network(photos, training=False))
    return (
        _cpu_seconds(lambda: fitted.train_on_batch(photos, truth), arguments.steps) / batch,
        _cpu_seconds(infer, arguments.steps) / batch,
    )


def _cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """CPU-seconds of one call; the first one, which traces the graph, is not counted."""
    work()
    began = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - began) / repeats


if __name__ == "__main__":
    sys.exit(main())
