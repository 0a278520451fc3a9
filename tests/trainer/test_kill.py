"""A training that is killed and started again, as the operating system kills: without a word."""

import pytest
from processes import finish, kill_after_a_checkpoint, start
from tiny_training import answers_of, card_of, fn_args, history_of

pytestmark = pytest.mark.end_to_end

SETTINGS = {"steps": 60, "eval_every": 5, "dropout": 0.3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    fn_args(folder)
    finish(folder, start(folder, "whole", **SETTINGS))
    killed = start(folder, "resumed", **SETTINGS)
    kill_after_a_checkpoint(folder, "resumed", killed)
    finish(folder, start(folder, "resumed", **SETTINGS))
    return folder


def test_training_goes_on_from_its_checkpoint(folder):
    card = card_of(fn_args(folder, "resumed"))
    assert 5 <= card["continued_at"] < 60
    assert f"continued at step {card['continued_at']}" in (folder / "resumed-0.log").read_text()
    assert card_of(fn_args(folder, "whole"))["continued_at"] == 0


def test_the_outcome_is_that_of_a_training_that_nobody_killed(folder):
    whole, resumed = fn_args(folder, "whole"), fn_args(folder, "resumed")
    assert len(history_of(whole)) == len(history_of(resumed)) == 12
    for expected, row in zip(history_of(whole), history_of(resumed), strict=True):
        assert row == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert card_of(resumed)["kept_step"] == card_of(whole)["kept_step"]
    assert answers_of(resumed) == pytest.approx(answers_of(whole), abs=1e-3)


def test_checkpoints_go_when_the_model_is_there(folder):
    for output in ("whole", "resumed"):
        assert not list((folder / output / "checkpoints").iterdir())
