"""Which pushed model a new one is measured against."""

import json

import pytest

from components.blessed_model.baseline import find_baseline
from components.pusher.serving import pushed_versions

NAMES = ["sky", "plane"]


def push(serving, version, fingerprint="other", *, complete=True, names=NAMES):
    """Writes what Pusher leaves behind; half a push has its folders but no model."""
    card = serving / str(version) / "assets.extra" / "model_card.json"
    card.parent.mkdir(parents=True)
    card.write_text(
        json.dumps({"fingerprint": fingerprint, "classes": [{"name": name} for name in names]}), encoding="utf-8"
    )
    if complete:
        (serving / str(version) / "saved_model.pb").write_bytes(b"model")


def test_without_a_serving_folder_there_is_no_baseline(tmp_path):
    assert pushed_versions(str(tmp_path / "serving")) == []
    assert find_baseline(str(tmp_path / "serving"), "mine", NAMES) == ""


def test_an_empty_serving_folder_has_no_baseline(tmp_path):
    assert find_baseline(str(tmp_path), "mine", NAMES) == ""


def test_versions_are_ordered_as_numbers(tmp_path):
    for version in (1000, 999, 1700000000):
        push(tmp_path, version)
    assert pushed_versions(str(tmp_path)) == [999, 1000, 1700000000]
    assert find_baseline(str(tmp_path), "mine", NAMES) == "1700000000"


def test_half_a_push_and_foreign_folders_are_no_versions(tmp_path):
    push(tmp_path, 1)
    push(tmp_path, 2, complete=False)
    push(tmp_path, "backup")
    (tmp_path / "3").write_text("a file")
    push(tmp_path, "\u00b2")  # a digit to Python, but no number
    assert pushed_versions(str(tmp_path)) == [1]
    assert find_baseline(str(tmp_path), "mine", NAMES) == "1"


@pytest.mark.parametrize(
    ("fingerprints", "baseline"),
    [
        (["other", "mine"], "1"),
        (["mine", "other"], "2"),
        (["other", "third", "mine", "mine"], "2"),
        (["mine"], ""),
        (["mine", "mine"], ""),
    ],
)
def test_a_run_is_never_measured_against_its_own_model(tmp_path, fingerprints, baseline):
    for version, fingerprint in enumerate(fingerprints, start=1):
        push(tmp_path, version, fingerprint)
    assert find_baseline(str(tmp_path), "mine", NAMES) == baseline


def test_a_model_that_no_run_pushed_is_no_baseline(tmp_path):
    # Somebody may keep a model of another origin in the serving folder: it has no card, so no known classes.
    push(tmp_path, 1)
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "saved_model.pb").write_bytes(b"model")
    assert find_baseline(str(tmp_path), "mine", NAMES) == "1"


@pytest.mark.parametrize("names", [["plane", "sky"], ["sky"], ["sky", "plane", "bird"]])
def test_a_model_of_other_classes_is_no_baseline(tmp_path, names):
    push(tmp_path, 1)
    push(tmp_path, 2, names=names)
    assert find_baseline(str(tmp_path), "mine", NAMES) == "1"
