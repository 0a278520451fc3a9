import json
from types import SimpleNamespace

import pytest
import tensorflow as tf

from components.trainer import distribution
from components.trainer.distribution import (
    DeviceError,
    choose_strategy,
    from_chief,
    require_gpus,
    share_of_batch,
    worker,
)


def strategy_of(*, replicas=1, task=None, cluster=None):
    """What a strategy tells of itself, without its devices."""
    resolver = None
    if task:
        spec = tf.train.ClusterSpec(cluster)
        resolver = SimpleNamespace(task_type=task[0], task_id=task[1], cluster_spec=lambda: spec)
    return SimpleNamespace(num_replicas_in_sync=replicas, cluster_resolver=resolver)


@pytest.mark.parametrize(("wanted", "seen", "fails"), [(0, 0, False), (1, 0, True), (4, 3, True), (2, 2, False)])
def test_gpus_that_were_asked_for_must_be_seen(monkeypatch, wanted, seen, fails):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind] * seen)
    monkeypatch.setenv(distribution.GPUS_VARIABLE, str(wanted))
    if fails:
        with pytest.raises(DeviceError, match=f"{wanted} GPUs were asked for, but TensorFlow sees {seen}"):
            require_gpus()
    else:
        require_gpus()


def test_nobody_asked_for_gpus(monkeypatch):
    monkeypatch.delenv(distribution.GPUS_VARIABLE, raising=False)
    require_gpus()
    with pytest.raises(DeviceError, match="1 GPUs were asked for"):
        require_gpus(10**6 if tf.config.list_physical_devices("GPU") else 1)


@pytest.mark.parametrize(
    "config", [None, {}, {"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}]
)
def test_a_worker_of_its_own_trains_alone(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config) if config is not None else "")
    strategy = choose_strategy()
    assert strategy.num_replicas_in_sync == 1
    assert worker(strategy) == (0, 1)
    assert from_chief(12, strategy) == 12


def test_tasks_without_a_use_are_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1"], "ps": ["b:1"], "evaluator": ["c:1"]}}))
    with pytest.raises(DeviceError, match="tasks evaluator, ps; training knows chief, worker"):
        choose_strategy()


@pytest.mark.parametrize(
    ("cluster", "task", "expected"),
    [
        ({"worker": ["a:1", "b:1"]}, ("worker", 0), (0, 2)),
        ({"worker": ["a:1", "b:1"]}, ("worker", 1), (1, 2)),
        ({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, ("chief", 0), (0, 3)),
        ({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, ("worker", 0), (1, 3)),
        ({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, ("worker", 1), (2, 3)),
    ],
)
def test_workers_are_numbered_from_the_chief(cluster, task, expected):
    assert worker(strategy_of(task=task, cluster=cluster)) == expected


def test_a_batch_is_shared_evenly_or_refused():
    assert share_of_batch(8, strategy_of(replicas=4)) == 2
    for batch, replicas, nearest in ((8, 3, "6 or 9"), (2, 4, "4")):
        with pytest.raises(DeviceError, match=f"batch-size {batch} does not share out.* {nearest}$"):
            share_of_batch(batch, strategy_of(replicas=replicas))
