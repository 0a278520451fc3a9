import contextlib
import json

import keras
import numpy as np
import pytest

from components.trainer.checkpoints import STATE_FILE, CheckpointStore, training_key


def variables(value=0.0):
    return {
        "network": [keras.Variable(np.full((3, 2), value, np.float32)), keras.Variable(np.full(2, value, np.float32))],
        "optimizer": [keras.Variable(np.array(int(value)), dtype="int64")],
    }


def values(held):
    return [variable.numpy().ravel().tolist() for group in held.values() for variable in group]


@pytest.fixture
def saved(tmp_path):
    """A folder with checkpoints of steps 10, 20 and 30; the best is that of step 10."""
    for step in (10, 20, 30):
        CheckpointStore(str(tmp_path), variables(step)).save(step, {"rows": step}, best=10)
    return tmp_path


def folder(saved, step):
    return saved / f"step-{step:09d}"


def test_what_was_saved_comes_back(saved):
    held = variables()
    store = CheckpointStore(str(saved), held)
    assert store.newest_readable() == 30
    assert store.restore(30) == {"rows": 30}
    assert values(held) == values(variables(30))


def test_the_newest_two_and_the_best_are_kept(saved):
    store = CheckpointStore(str(saved), variables(40))
    store.save(40, {}, best=10)
    assert store.steps() == [40, 30, 10]
    store.save(50, {}, best=50)
    assert store.steps() == [50, 40]


def test_nothing_is_there_at_first(tmp_path):
    assert CheckpointStore(str(tmp_path / "none"), variables()).newest_readable() == 0


def test_a_checkpoint_that_was_being_written_does_not_count(saved):
    (folder(saved, 30) / STATE_FILE).unlink()
    store = CheckpointStore(str(saved), variables(30))
    assert store.newest_readable() == 20
    store.save(30, {"rows": "again"}, best=10)
    assert store.restore(30) == {"rows": "again"}


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "state"])
def test_a_damaged_checkpoint_is_named_and_passed_over(saved, caplog, damage):
    data = next(folder(saved, 30).glob("variables.data*"))
    if damage == "flipped":
        content = bytearray(data.read_bytes())
        content[5] ^= 255
        data.write_bytes(content)
    elif damage == "cut":
        data.write_bytes(data.read_bytes()[:7])
    elif damage == "gone":
        data.unlink()
    else:
        (folder(saved, 30) / STATE_FILE).write_text("{")
    held = variables(7)
    store = CheckpointStore(str(saved), held)
    assert store.newest_readable() == 20
    assert str(folder(saved, 30)) in caplog.text
    with contextlib.suppress(Exception):
        store.restore(30)
    assert values(held) == values(variables(7))


def test_variables_of_another_shape_are_refused_as_a_whole(saved):
    held = variables(7)
    held["network"][1] = keras.Variable(np.zeros(3, np.float32))
    store = CheckpointStore(str(saved), held)
    assert not store.is_readable(30)
    with pytest.raises(ValueError, match=r"network/1 has shape \(2,\), the network wants \(3,\)"):
        store.restore(30)
    assert held["network"][0].numpy().ravel().tolist() == [7.0] * 6


def test_workers_that_do_not_write_leave_no_trace_and_read(saved):
    silent = CheckpointStore(str(saved), variables(), writes=False)
    silent.save(40, {}, best=40)
    silent.delete()
    assert silent.steps() == [30, 20, 10]
    assert silent.restore(20) == {"rows": 20}


def test_all_is_gone_after_deletion(saved):
    CheckpointStore(str(saved), variables()).delete()
    assert not saved.exists()


def test_the_state_is_a_text_file(saved):
    assert json.loads((folder(saved, 20) / STATE_FILE).read_text()) == {"rows": 20}


def test_other_records_make_another_training(tmp_path):
    (tmp_path / "data-0").write_bytes(b"12345")
    patterns = [str(tmp_path / "*")]
    key = training_key("a", patterns)
    assert training_key("a", patterns) == key
    assert training_key("b", patterns) != key
    (tmp_path / "data-0").write_bytes(b"123456")
    assert training_key("a", patterns) != key
