"""The compiled file runs from end to end in the emulation of Kubeflow's driver and launcher."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from emulator import PROJECT, Backend

from components.pusher.serving import pushed_versions, read_pushed
from components.sample_data import write_sample_data
from components.trainer.card import read_card

pytestmark = pytest.mark.end_to_end

SETTINGS = {
    "eval-fraction": "0.3",
    "image-size": "64x96",
    "bins": "1,2",
    "head-channels": "32",
    "eval-every": "4",
    "batch-size": "4",
    "min-mean-iou": "0",
    "min-class-iou": "0",
    "min-eval-photos": "1",
}
STEPS = 6
ADDED = ("display_name", "store_session_info")
"""Metadata that the launcher adds to every artifact."""


@dataclass
class Cluster:
    """A cluster with a mounted volume of data and models, and the compiled file."""

    home: Path

    def __post_init__(self):
        self.data, self.serving, self.file = self.home / "data", self.home / "models" / "serving", self.home / "p.yaml"
        write_sample_data(self.data, count=24)
        call("kubeflow_runner.py", "compile", "--out", self.file, "--serving-dir", self.serving, *self.flags())
        self.backend = Backend(self.home)

    def flags(self):
        pods = ("--pod", "Trainer.gpus=0", "--pod", "all.retries=1", "--workspace", self.home / "compile")
        return (*flags(), *pods)

    def run(self, *, preempt=None, **form):
        return self.backend.run(self.file, {"data": str(self.data), "steps": STEPS, **form}, preempt=preempt)

    def versions(self):
        return [self.serving / str(number) for number in pushed_versions(str(self.serving))]

    def stored(self, run, task, key):
        return self.backend.stored(run[task].artifacts[key]["uri"])


def flags():
    return [word for name, value in SETTINGS.items() for word in (f"--{name}", value)]


def call(*words):
    done = subprocess.run([sys.executable, *map(str, words)], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def states(run):
    return {name: task.state for name, task in run.items()}


def whole(run):
    """Everything that the pods of a run printed, for a failed assertion."""
    return "\n".join(f"== {name}\n{task.log[-2000:]}" for name, task in run.items() if task.state == "FAILED")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    return Cluster(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def first(cluster):
    """A first run, whose StatisticsGen loses its node once."""
    run = cluster.run(preempt={"StatisticsGen": 1})
    cluster.first_id = cluster.backend.last.id
    assert set(states(run).values()) == {"SUCCEEDED"}, whole(run)
    return run


@pytest.fixture(scope="module")
def again(cluster, first):
    return cluster.run()


@pytest.fixture(scope="module")
def refused(cluster, again):
    """Another training, with a floor that it cannot reach."""
    run = cluster.run(steps=1, min_mean_iou=0.999)
    assert [name for name, state in states(run).items() if state == "FAILED"] == ["Verdict"], whole(run)
    return run


@pytest.fixture(scope="module")
def local(cluster, first):
    workspace = cluster.home / "workspace"
    call("local_runner.py", "--data", cluster.data, "--workspace", workspace, "--steps", STEPS, *flags())
    return workspace / "artifacts"


def local_output(local, component, key):
    return max((local / component / key).iterdir(), key=lambda path: int(path.name))


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def variables(folder):
    """Shape and content of each; the names that SavedModel gives differ from export to export."""
    reader = tf.train.load_checkpoint(str(folder / "Format-Serving" / "variables" / "variables"))
    values = (reader.get_tensor(name) for name in reader.get_variable_to_shape_map())
    return sorted((one.shape, one.tobytes()) for one in values if isinstance(one, np.ndarray))


def test_a_lost_node_costs_an_attempt_and_not_the_run(first):
    assert {name: task.attempts for name, task in first.items() if task.attempts != 1} == {"StatisticsGen": 2}


def test_the_model_is_pushed_with_the_facts_of_its_training(cluster, first):
    (version,) = cluster.versions()
    pushed = first["Pusher"].artifacts["pushed_model"]["metadata"]
    assert pushed["pushed_destination"] == str(version)
    assert read_card(str(version))["training"]["steps"] == STEPS
    pushed_by = read_pushed(str(cluster.serving), int(version.name)).record
    assert pushed_by["run"] == cluster.first_id
    assert pushed_by["page"] == first["EvaluationReport"].artifacts["page"]["uri"]
    assert pushed_by["model"] == first["Trainer"].artifacts["model"]["uri"]
    assert pushed_by["facts"]["data fingerprint"] == first["RunFacts"].parameters["data_fingerprint"]
    assert pushed_by["facts"]["steps"] == str(STEPS)
    assert tf.saved_model.load(str(version)).signatures["serving_default"] is not None


def test_no_baseline_is_found_before_anything_was_pushed(first):
    assert first["RunFacts"].parameters["baseline"] == ""
    assert first["LatestBlessedModel"].artifacts["model"]["metadata"]["absent"] == 1


def test_the_model_equals_the_local_runner_s(cluster, first, local):
    here = variables(local_output(local, "Trainer", "model"))
    assert len(here) > 100
    assert here == variables(cluster.stored(first, "Trainer", "model"))


def test_the_metrics_equal_the_local_runner_s(cluster, first, local):
    there = summary(cluster.stored(first, "Evaluator", "evaluation"))
    here = summary(local_output(local, "Evaluator", "evaluation"))
    # Among the checks are seconds and bytes of the serving process, which no two runs share.
    assert {key: one for key, one in there.items() if key != "checks"} == {
        key: one for key, one in here.items() if key != "checks"
    }
    assert there["candidate"][0]["photos"] > 0


def test_scores_and_confusion_are_what_kubeflow_s_page_shows(cluster, first):
    whole_split = summary(cluster.stored(first, "Evaluator", "evaluation"))["candidate"][0]
    outputs = first["EvaluationReport"].artifacts
    shown = {key: outputs[key]["metadata"] for key in ("scores", "confusion_matrix")}
    assert shown["scores"]["IoU of plane"] == whole_split["iou"]["plane"]
    assert all(isinstance(value, float) for key, value in shown["scores"].items() if key not in ADDED)
    matrix = shown["confusion_matrix"]["confusionMatrix"]
    assert [one["displayName"] for one in matrix["annotationSpecs"]] == ["background", "plane"]
    assert [one["row"] for one in matrix["rows"]] == whole_split["confusion"]


def test_the_page_is_one_file(cluster, first):
    page = cluster.stored(first, "EvaluationReport", "page")
    assert page.is_file()
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_same_run_again_only_looks_around(cluster, again):
    assert {name for name, state in states(again).items() if state != "CACHED"} == {"RunFacts"}
    assert len(cluster.versions()) == 1


def test_another_training_reuses_what_does_not_depend_on_it(refused):
    fresh = {name for name, state in states(refused).items() if state == "SUCCEEDED"}
    assert fresh == {"RunFacts", "Trainer", "LatestBlessedModel", "Evaluator", "EvaluationReport", "Pusher"}


def test_another_training_meets_the_pushed_model(cluster, first, refused):
    (version,) = cluster.versions()
    assert refused["RunFacts"].parameters["baseline"] == version.name
    assert refused["LatestBlessedModel"].artifacts["model"]["metadata"]["pushed_version"] == version.name
    before = summary(cluster.stored(first, "Evaluator", "evaluation"))["candidate"][0]
    assert summary(cluster.stored(refused, "Evaluator", "evaluation"))["baseline"][0]["iou"] == before["iou"]


def test_the_gate_refuses_and_nothing_is_pushed(cluster, refused):
    verdict = summary(cluster.stored(refused, "Evaluator", "evaluation"))
    assert not verdict["blessed"]
    assert {one["what"]: one["required"] for one in verdict["checks"]}["mean IoU"] == 0.999
    assert refused["Pusher"].artifacts["pushed_model"]["metadata"]["pushed"] == 0
    assert len(cluster.versions()) == 1


def test_a_refusal_is_told_by_the_last_step_alone(refused):
    assert refused["Verdict"].attempts == 1
    assert "Verdict: refused, not served" in refused["Verdict"].log
    assert "0.999 is required: failed" in refused["Verdict"].log
    assert refused["EvaluationReport"].artifacts["scores"]["metadata"]["blessed"] == 0


def test_a_step_that_cannot_succeed_ends_the_run_with_its_reason(cluster):
    run = cluster.run(data=str(cluster.home / "nowhere"))
    assert run["RunFacts"].state == "FAILED"
    assert run["RunFacts"].attempts == 2
    assert f"data: there is no folder {cluster.home / 'nowhere'}" in run["RunFacts"].log
    assert run["Trainer"].state == "SKIPPED"


def test_a_step_of_other_code_is_refused(cluster):
    text = cluster.file.read_text(encoding="utf-8")
    code = text.split("- --code\n")[1].split()[1]
    stale = cluster.home / "stale.yaml"
    stale.write_text(text.replace(code, "0123456789abcdef"), encoding="utf-8")
    run = cluster.backend.run(stale, {"data": str(cluster.data)})
    assert "the image holds other code" in run["RunFacts"].log
