"""Back to an earlier model: at once, for every reader, and for the next run's baseline."""

import json
import os

import breaking
import pushed_models as models
import pytest

from components.blessed_model.baseline import find_baseline
from components.pusher import atomic
from components.pusher.rollback import RollbackError, roll_back
from components.pusher.serving import history, in_service

NAMES = ["sky", "plane"]


@pytest.fixture
def serving(tmp_path):
    for number, name in ((10, "a"), (20, "b"), (30, "c")):
        models.served(tmp_path / str(number), name, {"run": f"run {name}", "digest": name}, fingerprint=name)
    return tmp_path


def text_in_service(serving):
    highest = serving / str(models.numbers(serving)[-1])
    return json.loads((highest / "assets.extra" / "model_card.json").read_text())["text"]


def test_without_a_version_the_one_before_comes_back(serving):
    pushed, new = roll_back(serving)
    assert new
    assert pushed.version == models.numbers(serving)[-1]
    assert text_in_service(serving) == "b"
    old, repeated = (breaking.contents(serving / str(one)) for one in (20, pushed.version))
    record = json.loads(repeated.pop("assets.extra/push.json"))
    old.pop("assets.extra/push.json")
    assert repeated == old
    assert (record["run"], record["rolled_back"]) == ("run b", {"from": 30, "to": 20})
    assert in_service(str(serving)).record == record


def test_files_are_shared_with_the_earlier_version(serving):
    pushed, _ = roll_back(serving)
    for name in ("saved_model.pb", "variables/variables.data"):
        assert os.path.samefile(serving / "20" / name, serving / str(pushed.version) / name)


def test_where_files_cannot_be_shared_they_are_copied(serving, monkeypatch):
    def refuse(*_):
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    roll_back(serving)
    assert text_in_service(serving) == "b"


def test_again_and_again_leads_further_back(serving):
    assert [text_in_service(serving) for _ in range(2) if roll_back(serving)] == ["b", "a"]
    with pytest.raises(RollbackError, match=r"no version before .* there are 10, 20, 30, "):
        roll_back(serving)


def test_what_was_rolled_back_can_be_named_and_comes_back(serving):
    roll_back(serving, 10)
    assert text_in_service(serving) == "a"
    pushed, _ = roll_back(serving, 30)
    assert text_in_service(serving) == "c"
    assert pushed.origin == 30
    assert [one.origin for one in history(str(serving))] == [30, 20, 10]


def test_a_rollback_to_a_rollback_goes_to_its_origin(serving):
    to_a, _ = roll_back(serving, 10)
    roll_back(serving, 30)
    pushed, _ = roll_back(serving, to_a.version)
    assert (pushed.origin, text_in_service(serving)) == (10, "a")
    assert [one.origin for one in history(str(serving))] == [10]


def test_what_is_in_service_stays_as_it_is(serving):
    for version in (30, 30):
        pushed, new = roll_back(serving, version)
        assert (pushed.version, new) == (30, False)
    repeated, _ = roll_back(serving, 20)
    assert roll_back(serving, 20) == (repeated, False)
    assert models.numbers(serving) == [10, 20, 30, repeated.version]


def test_an_unknown_version_is_told_with_those_that_exist(serving):
    (serving / "40").mkdir()  # no model
    for version in (25, 40):
        with pytest.raises(RollbackError, match=rf"no version {version} in .*; there are 10, 20, 30$"):
            roll_back(serving, version)
    assert models.numbers(serving) == [10, 20, 30, 40]


def test_without_any_push_there_is_nothing_to_go_back_to(tmp_path):
    for folder in (tmp_path, tmp_path / "serving"):
        with pytest.raises(RollbackError, match="nothing was pushed to"):
            roll_back(folder)


def test_versions_of_tfx_own_pusher_can_come_back(tmp_path):
    models.served(tmp_path / "1", "a")
    models.served(tmp_path / "2", "b")
    pushed, _ = roll_back(tmp_path)
    assert (text_in_service(tmp_path), pushed.origin) == ("a", 1)


def test_a_damaged_record_is_no_record(serving):
    for damaged in ("{", "[]", '{"rolled_back": {"to": "x"}}', '{"rolled_back": 3}'):
        (serving / "30" / "assets.extra" / "push.json").write_text(damaged)
        assert [one.version for one in history(str(serving))] == [30, 20, 10]


@pytest.mark.parametrize(
    ("rollbacks", "candidate", "baseline"),
    [
        ([], "new", "c"),
        ([20], "new", "b"),
        ([10], "new", "a"),
        # The candidate's own model is in service again: what lies before it counts, not what was rolled back.
        ([20], "b", "a"),
        ([10], "a", ""),
        ([20], "c", "b"),
        ([10, 30], "new", "c"),
    ],
)
def test_the_next_run_is_measured_against_what_is_in_service(serving, rollbacks, candidate, baseline):
    for version in rollbacks:
        roll_back(serving, version)
    found = find_baseline(str(serving), candidate, NAMES)
    text = json.loads((serving / found / "assets.extra/model_card.json").read_text())["text"] if found else ""
    assert text == baseline


def test_a_push_after_a_rollback_goes_into_service(serving, tmp_path_factory):
    roll_back(serving)
    source = models.model(tmp_path_factory.mktemp("model") / "c", "c", fingerprint="c")
    version, new = atomic.push(source, serving, {"digest": "c"}, keep=3)
    assert new
    assert (text_in_service(serving), models.numbers(serving)[-1]) == ("c", version)
