"""Which devices train together: one, the GPUs of a worker, or several workers."""

from __future__ import annotations

import json
import os

import tensorflow as tf

GPUS_VARIABLE = "PSPNET_GPUS"
"""Environment variable: how many GPUs were asked for; whoever asks for them sets it."""

_WORKERS = {"chief", "worker"}


class DeviceError(RuntimeError):
    """The devices are not those that were asked for, or cannot share the work."""


def require_gpus(wanted: int | None = None) -> None:
    """Refuses to train on the CPU of a machine that was paid for its GPUs.

    Args:
        wanted: GPUs that must be seen; `None` reads the environment variable `PSPNET_GPUS`, whose absence means 0.

    Raises:
        DeviceError: Fewer are seen; the message says how many.
    """
    if wanted is None:
        wanted = int(os.environ.get(GPUS_VARIABLE) or 0)
    seen = len(tf.config.list_physical_devices("GPU")) if wanted else 0
    if seen < wanted:
        raise DeviceError(
            f"{wanted} GPUs were asked for, but TensorFlow sees {seen}; "
            "look at the node's driver, at the image's CUDA libraries and at the resource limits of the step"
        )


def choose_strategy() -> tf.distribute.Strategy:
    """The strategy that uses all there is.

    Several workers where `TF_CONFIG` names them; else all GPUs of this machine, if there are several; else one
    device. CPU devices count as GPUs do where somebody split the CPU into several logical ones.

    Raises:
        DeviceError: `TF_CONFIG` names tasks that this training has no use for.
    """
    tasks = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
    if unknown := sorted(set(tasks) - _WORKERS):
        raise DeviceError(f"TF_CONFIG names tasks {', '.join(unknown)}; training knows {', '.join(sorted(_WORKERS))}")
    if sum(len(addresses) for addresses in tasks.values()) > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def worker(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """This worker's number and the number of workers; the chief has number 0."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return 0, 1
    chiefs = len(resolver.cluster_spec().as_dict().get("chief", []))
    number = resolver.task_id + (chiefs if resolver.task_type == "worker" else 0)
    return number, sum(len(addresses) for addresses in resolver.cluster_spec().as_dict().values())


def share_of_batch(batch_size: int, strategy: tf.distribute.Strategy) -> int:
    """Photos of each replica in a batch of `batch_size` photos.

    Raises:
        DeviceError: The batch does not share out evenly; the message names the nearest sizes that do.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas == 0:
        return batch_size // replicas
    below = batch_size // replicas * replicas
    nearest = [str(size) for size in (below, below + replicas) if size]
    raise DeviceError(
        f"batch-size {batch_size} does not share out over {replicas} replicas; what works next to it: "
        f"{' or '.join(nearest)}"
    )


def from_chief(value: int, strategy: tf.distribute.Strategy) -> int:
    """The chief's `value` on every worker."""
    number, workers = worker(strategy)
    if workers == 1:
        return value

    @tf.function
    def total() -> tf.Tensor:
        mine = strategy.run(lambda: tf.constant(value if number == 0 else 0, tf.int64))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, mine, axis=None)

    replicas_here = strategy.num_replicas_in_sync // workers
    return int(total()) // replicas_here


def wait_for_chief(strategy: tf.distribute.Strategy) -> None:
    """Holds every worker until the chief calls it too: a worker that leaves early takes the others down."""
    from_chief(0, strategy)
