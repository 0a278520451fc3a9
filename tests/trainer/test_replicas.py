"""Two devices of one process, and two processes: the same training as on one device."""

import json
import socket

import pytest
from processes import finish, kill_after_a_checkpoint, start
from tiny_training import answers_of, card_of, fn_args, history_of

pytestmark = pytest.mark.end_to_end

# Without anything that is drawn for each replica, and with normalisation over all of them. AdamW and higher rates
# make much of the last bit. The gradient is longer than what clipping leaves of it.
SETTINGS = {
    "optimizer": "sgd",
    "learning_rate": 0.002,
    "clip_norm": 5.0,
    "steps": 8,
    "batch_size": 4,
    "eval_every": 2,
    "dropout": 0,
    "batch_norm": "synchronized",
    "auxiliary_weight": 0.4,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Records, and a training on one device."""
    folder = tmp_path_factory.mktemp("replicas")
    fn_args(folder)
    finish(folder, start(folder, "one", **SETTINGS))
    return folder


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_workers(folder, output):
    """Two workers that find each other on this machine; the first notes the rows."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    return [
        start(
            folder,
            output,
            *(("--rows", folder / f"{output}.rows") if index == 0 else ()),
            task={"cluster": cluster, "task": {"type": "worker", "index": index}},
            **SETTINGS,
        )
        for index in range(2)
    ]


@pytest.fixture(scope="module")
def two_devices(folder):
    finish(folder, start(folder, "devices", "--devices", 2, "--rows", folder / "devices.rows", **SETTINGS))
    return "devices"


@pytest.fixture(scope="module")
def two_workers(folder):
    """Two workers that are killed on the way and started again."""
    kill_after_a_checkpoint(folder, "workers", *start_workers(folder, "workers"))
    (folder / "workers.rows").unlink()
    finish(folder, *start_workers(folder, "workers"))
    return "workers"


@pytest.mark.parametrize("output", ["two_devices", "two_workers"])
def test_the_result_is_that_of_one_device(folder, output, request):
    output = request.getfixturevalue(output)
    one, two = fn_args(folder, "one"), fn_args(folder, output)
    assert card_of(two)["replicas"] == 2
    assert card_of(two)["kept_step"] == card_of(one)["kept_step"]
    for expected, row in zip(history_of(one), history_of(two), strict=True):
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-3)
    assert answers_of(two) == pytest.approx(answers_of(one), abs=1e-3)


@pytest.mark.parametrize("output", ["two_devices", "two_workers"])
def test_no_photo_is_seen_twice_in_an_epoch(folder, output, request):
    output = request.getfixturevalue(output)
    rows = json.loads((folder / f"{output}.rows").read_text())
    assert len(rows) == 8 - card_of(fn_args(folder, output))["continued_at"]
    # Batches of four of eight photos; a restart comes after an even number of them.
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        assert sorted(first + second) == list(range(8))


def test_workers_go_on_after_a_kill(folder, two_workers):
    card = card_of(fn_args(folder, two_workers))
    assert 2 <= card["continued_at"] <= 8
    for index in range(2):
        assert f"continued at step {card['continued_at']}" in (folder / f"workers-{index}.log").read_text()


def test_only_the_chief_writes(folder, two_workers):
    assert len(list((folder / "workers" / "run").glob("events.out.tfevents.*"))) == 2
    assert sorted(path.name for path in (folder / "workers").iterdir()) == ["checkpoints", "model", "run"]
