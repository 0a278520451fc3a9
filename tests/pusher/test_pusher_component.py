"""The component: TFX's contract, the record of a push, and the order on object stores."""

import json
import os

import pushed_models as models
import pytest
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import io_utils, proto_utils

from components.artifacts import EvaluationPage
from components.evaluator.summary import EvaluationSummary, SliceScores, write_summary
from components.pusher import object_store
from components.pusher.component import NEW, Executor, digest_of
from components.pusher.serving import pushed_versions, read_pushed

SCORES = SliceScores("all photos", 48, 0.88, 0.97, {"sky": 0.97, "plane": 0.79}, [[9, 1], [1, 9]])


class Run:
    """A workspace with a model that was judged; `push` runs the executor on it."""

    def __init__(self, workspace, *, blessed=True):
        self.serving = workspace / "serving"
        self.workspace = workspace
        self.inputs = {}
        for key, kind in (
            ("model", standard_artifacts.Model),
            ("model_blessing", standard_artifacts.ModelBlessing),
            ("evaluation", standard_artifacts.ModelEvaluation),
            ("page", EvaluationPage),
        ):
            artifact = kind()
            artifact.uri = str(workspace / "artifacts" / key)
            os.makedirs(artifact.uri)
            self.inputs[key] = [artifact]
        self.model = models.model(workspace / "artifacts" / "model" / "Format-Serving", "a")
        self.inputs["model_blessing"][0].set_int_custom_property("blessed", int(blessed))
        write_summary(self.inputs["evaluation"][0].uri, EvaluationSummary(blessed, [], [SCORES]))

    def push(self, name="pushed"):
        pushed = standard_artifacts.PushedModel()
        pushed.uri = str(self.workspace / "artifacts" / name)
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(self.serving))
        )
        Executor(BaseExecutor.Context(pipeline_run_id="run 7")).Do(
            self.inputs,
            {"pushed_model": [pushed]},
            {
                "push_destination": proto_utils.proto_to_json(destination),
                "keep_versions": 5,
                "facts": json.dumps({"data fingerprint": "abc", "steps": "60"}),
            },
        )
        return pushed


def test_a_blessed_model_is_pushed_as_tfx_tells_it(tmp_path):
    run = Run(tmp_path)
    pushed = run.push()
    (version,) = models.numbers(run.serving)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == str(version)
    assert pushed.get_string_custom_property("pushed_destination") == str(run.serving / str(version))
    assert pushed.get_int_custom_property(NEW) == 1
    assert digest_of(pushed.uri) == digest_of(str(run.model))
    assert not os.path.samefile(run.model / "saved_model.pb", run.serving / str(version) / "saved_model.pb")


def test_a_refused_model_is_not(tmp_path):
    run = Run(tmp_path, blessed=False)
    assert run.push().get_int_custom_property("pushed") == 0
    assert not run.serving.exists()


def test_the_record_leads_from_a_version_to_its_run_its_data_and_its_page(tmp_path):
    run = Run(tmp_path)
    run.push()
    (version,) = models.numbers(run.serving)
    record = read_pushed(str(run.serving), version).record
    assert record["run"] == "run 7"
    assert record["facts"] == {"data fingerprint": "abc", "steps": "60"}
    assert record["evaluation"] == {
        "mean_iou": 0.88,
        "pixel_accuracy": 0.97,
        "iou": {"sky": 0.97, "plane": 0.79},
        "photos": 48,
    }
    assert (tmp_path / record["page"]).samefile(run.inputs["page"][0].uri)


def test_the_same_model_again_makes_no_second_version(tmp_path):
    run = Run(tmp_path)
    first, second = run.push(), run.push("pushed again")
    assert len(models.numbers(run.serving)) == 1
    assert second.get_int_custom_property("pushed") == 1
    assert second.get_int_custom_property(NEW) == 0
    for name in ("pushed_version", "pushed_destination"):
        assert second.get_string_custom_property(name) == first.get_string_custom_property(name)


def test_what_was_removed_by_hand_is_pushed_again(tmp_path):
    run = Run(tmp_path)
    run.push()
    io_utils.delete_dir(str(run.serving))
    assert run.push("pushed again").get_int_custom_property(NEW) == 1
    assert len(models.numbers(run.serving)) == 1


@pytest.mark.parametrize("change", ["content", "name"])
def test_the_digest_follows_every_file(tmp_path, change):
    one = models.model(tmp_path / "one", "a")
    before = digest_of(str(one))
    assert before == digest_of(str(models.model(tmp_path / "two", "a")))
    path = one / "variables" / "variables.data"
    if change == "content":
        path.write_text(path.read_text().replace("a", "b"))
    else:
        path.rename(path.with_name("variables.date"))
    assert digest_of(str(one)) != before


def test_on_an_object_store_the_model_comes_last_and_goes_first(tmp_path, monkeypatch):
    """At every write and removal, what counts as a version is whole."""
    serving = str(tmp_path / "serving")
    whole = {name: digest_of(str(models.model(tmp_path / name, name))) for name in "abcd"}
    looks = []

    def looking(function):
        def call(*arguments, **named):
            function(*arguments, **named)
            folders = [os.path.join(serving, str(version)) for version in pushed_versions(serving)]
            looks.extend(sum(len(names) for _, _, names in fileio.walk(one)) for one in folders)

        return call

    for module, name in ((fileio, "copy"), (fileio, "remove"), (fileio, "rmtree")):
        monkeypatch.setattr(module, name, looking(getattr(module, name)))
    made = [object_store.push(str(tmp_path / name), serving, {"digest": whole[name]}, keep=2)[0] for name in "abcd"]
    assert pushed_versions(serving) == made[-2:]
    assert looks
    assert set(looks) == {5}  # files of a whole version
    assert object_store.push(str(tmp_path / "d"), serving, {"digest": whole["d"]}, keep=2) == (made[-1], False)
