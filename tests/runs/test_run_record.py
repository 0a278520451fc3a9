"""Records of runs: whole or not there, and harmless where damaged."""

import contextlib
import dataclasses
import json

import pytest
import workspaces

from pipeline.config import Config
from pipeline.inputs import DataFacts
from pipeline.runs import recording as recording_module
from pipeline.runs.outcome import sampled
from pipeline.runs.record import DamagedRecordError, RunRecord, read_records, write_record
from pipeline.runs.recording import recording
from schema.labelmap import LabelClass, LabelMap

DATA = DataFacts("/data/horses", LabelMap((LabelClass("sky", (0, 0, 0)),), (), "sky"), "abc", 9)


def recorded(tmp_path, action=None, error=None):
    config = Config.from_flat({"workspace": str(tmp_path)})
    expected = pytest.raises(type(error)) if error else contextlib.nullcontext()
    with expected, recording(config, DATA, "run 1", config.workspace / "logs" / "run 1.log") as record:
        if action:
            action(record)
        if error:
            raise error
    (found,), damaged = read_records(tmp_path)
    assert not damaged
    return found


def test_a_record_survives_its_file(tmp_path):
    made = workspaces.record(3, reason="Самолёт < 1", page="a/b.html")
    write_record(tmp_path, made)
    assert read_records(tmp_path) == ([made], 0)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [f"{made.run}.json"]


def test_newest_first(tmp_path):
    for number in (2, 9, 4):
        write_record(tmp_path, workspaces.record(number))
    assert [one.version for one in read_records(tmp_path)[0]] == [9, 4, 2]


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "good"},
        {"metrics": {"mean IoU": "high"}},
        {"metrics": {"mean IoU": float("nan")}},
        {"photo_iou": [1]},
        {"settings": {"steps": 3}},
        {"version": "3"},
        {"seconds": None},
        {"page": 7},
    ],
)
def test_a_damaged_record_is_counted_and_left_out(tmp_path, change):
    values = {**dataclasses.asdict(workspaces.record(1)), **change}
    with pytest.raises(DamagedRecordError, match=next(iter(change))):
        RunRecord.from_json(json.dumps(values))
    write_record(tmp_path, workspaces.record(2))
    (tmp_path / "runs" / "damaged.json").write_text(json.dumps(values))
    (tmp_path / "runs" / "half.json").write_bytes(b'{"run": "\xff')
    found, damaged = read_records(tmp_path)
    assert ([one.version for one in found], damaged) == ([2], 2)


def test_fields_of_other_releases_do_no_harm():
    values = {**dataclasses.asdict(workspaces.record(1)), "later": 1}
    del values["slices"]
    assert RunRecord.from_json(json.dumps(values)) == workspaces.record(1, slices={})


def test_the_record_is_there_while_the_run_lasts_and_tells_its_end(tmp_path):
    seen = []

    def action(record):
        seen.extend(read_records(tmp_path)[0])
        record.verdict = "pushed"

    found = recorded(tmp_path, action)
    assert [one.verdict for one in seen] == ["unfinished"]
    assert (found.verdict, found.data, found.photos) == ("pushed", "/data/horses", 9)
    assert found.settings["image-size"] == "224x320"
    assert found.log == "logs/run 1.log"
    assert (tmp_path / "index.html").is_file()


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (KeyboardInterrupt(), "interrupted", ""),
        (RuntimeError("disk gone"), "failed", "disk gone"),
        (SystemExit(3), "failed", "3"),
    ],
)
def test_runs_that_end_badly_are_recorded_and_shown(tmp_path, error, verdict, reason):
    found = recorded(tmp_path, error=error)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert verdict.capitalize() in (tmp_path / "index.html").read_text()


def test_what_goes_wrong_with_the_page_or_the_record_ends_no_run(tmp_path, monkeypatch):
    def broken(_):
        raise ValueError

    monkeypatch.setattr(recording_module, "write_index", broken)
    assert recorded(tmp_path).run == "run 1"
    (tmp_path / "file").write_text("no folder")
    write_record(tmp_path / "file", workspaces.record(1))


def test_of_many_photos_every_run_keeps_the_same():
    names = [f"images/{number}.jpg" for number in range(5000)]
    first = sampled(((name, 0.123456) for name in names), 100)
    second = sampled(((name, None) for name in reversed(names)), 100)
    assert len(first) == 100
    assert set(first) == set(second)
    assert (set(first.values()), set(second.values())) == ({0.1235}, {None})
    assert sampled([("a" * 5000 + ".jpg", 1.0)], 9) == {"a" * 296 + ".jpg": 1.0}
