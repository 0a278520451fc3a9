"""The compiled file: what changes when the pipeline changes, and what each step is given."""

import dataclasses
import json

import golden
import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes import kubernetes_executor_config_pb2

from pipeline.config import COMPONENTS, Config
from pipeline.kubeflow.check import check_specification
from pipeline.kubeflow.dependencies import find_needs
from pipeline.kubeflow.run_values import FORM, KNOWN, RunValues, from_plain, to_plain
from pipeline.kubeflow.settings import RUN_FACTS, VERDICT, Cluster
from pipeline.kubeflow.specification import compile_pipeline, write_documents


@pytest.fixture(scope="module")
def documents():
    return golden.compiled()


@pytest.fixture(scope="module")
def tasks(documents):
    return documents[0]["root"]["dag"]["tasks"]


def compiled(cluster=None, **settings):
    return compile_pipeline(Config.from_flat({"data": "/mnt/photos", **settings}), cluster or Cluster(), code="0")


def test_the_compiled_file_is_the_one_that_was_looked_at(documents):
    """A change of the pipeline shows here; python tests/kubeflow/golden.py writes the file anew."""
    assert write_documents(documents) == golden.FILE.read_text(encoding="utf-8")


def test_the_compiled_file_passes_the_check(documents):
    check_specification(*documents)


def test_the_newest_client_loads_the_file():
    loaded = components.load_component_from_file(str(golden.FILE))
    assert loaded.pipeline_spec.schema_version == "2.1.0"
    assert set(loaded.component_spec.inputs) == {*FORM, "serving_dir"}
    assert all(one.default is not None for one in loaded.component_spec.inputs.values())
    assert set(loaded.platform_spec.platforms) == {"kubernetes"}


def test_the_platform_document_is_one_of_kubeflow(documents):
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for config in executors.values():
        json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    assert set(executors) == {f"exec-{name}" for name in (*COMPONENTS, RUN_FACTS, VERDICT)}


def test_every_component_of_the_local_run_is_a_task_after_the_one_that_finds_out(tasks):
    assert set(tasks) == {*COMPONENTS, RUN_FACTS, VERDICT}
    assert "dependentTasks" not in tasks[RUN_FACTS]


def test_the_verdict_comes_last_and_is_not_asked_twice(tasks):
    assert set(tasks[VERDICT]["dependentTasks"]) == {"Evaluator", "EvaluationReport", "Pusher"}
    assert "retryPolicy" not in tasks[VERDICT]


def test_a_shorter_run_has_fewer_tasks():
    specification, _ = compiled(until="StatisticsGen")
    names = {RUN_FACTS, "ImageMaskExampleGen", "ImportSchemaGen", "StatisticsGen"}
    assert set(specification["root"]["dag"]["tasks"]) == names
    assert set(specification["components"]) == names


def test_steps_get_what_they_depend_on_and_no_more(tasks):
    given = {name: set(task["inputs"].get("parameters", {})) - {"settings"} for name, task in tasks.items()}
    assert given[VERDICT] == set()
    assert given["ImportSchemaGen"] == set()
    assert given["StatisticsGen"] == {"label_map"}
    assert given["Trainer"] == {
        *("data", "steps", "learning_rate", "label_map", "data_fingerprint"),
        *("weights_path", "weights_fingerprint", "serving_dir"),
    }
    assert given["Evaluator"] == {"label_map", "min_mean_iou", "min_class_iou", "max_drop"}
    assert given["LatestBlessedModel"] == given["Trainer"] | {"baseline"}
    assert "reference" in given["ExampleValidator"]


def test_fixed_settings_go_where_they_matter(tasks):
    parameters = {name: task["inputs"]["parameters"] for name, task in tasks.items() if name != VERDICT}
    fixed = {name: given["settings"]["runtimeValue"]["constant"] for name, given in parameters.items()}
    assert fixed["Transform"] == {"image_size": "192x320"}
    assert fixed["ImageMaskExampleGen"] == {"split_key": "folder"}
    assert fixed["Evaluator"] == {}
    assert fixed["Trainer"] == fixed[RUN_FACTS] == {"image_size": "192x320", "split_key": "folder"}


def test_settings_that_make_sense_only_together_are_given_together():
    config = Config.from_flat({"backbone": "resnet50", "weights": "none"})
    needs = find_needs(RunValues(config, "/mnt/models/serving"))
    assert needs["Trainer"].settings == {"backbone", "weights"}
    # One of the two alone is refused, so that every step is told.
    assert needs["Transform"].settings == {"weights"}


def test_settings_survive_the_way_to_a_step():
    changed = {
        "bins": (1, 2),
        "flip": False,
        "learning_rate": 0.1 + 0.2,
        "image_size": (224, 224),
        "ignore_classes": (),
        "split_key": r"(.*),_\d+$",
        "decoder_channels": (9, 8, 7, 6),
        "steps": 7,
    }
    config = Config.from_flat(changed)
    assert from_plain(to_plain(config, list(KNOWN))) == config.flat()


def test_a_form_gives_numbers_as_json_has_them():
    values = RunValues(Config(), "/mnt/models/serving").with_parameters(
        {"steps": 12.0, "learning_rate": 1, "data": "/x"}
    )
    assert (values.config.training.steps, values.config.training.learning_rate, values.config.data.data) == (
        12,
        1.0,
        "/x",
    )
    assert isinstance(values.config.training.steps, int)


def test_the_form_tells_what_its_fields_mean(documents):
    form = documents[0]["root"]["inputDefinitions"]["parameters"]
    assert form["max_drop"]["defaultValue"] == 0.02
    assert form["steps"] == {"parameterType": "NUMBER_INTEGER", "defaultValue": 500, "description": "training steps"}
    assert form["data"]["defaultValue"] == "/mnt/photos/planes"


def test_only_the_step_that_looks_around_is_never_cached(tasks):
    cached = {name: bool(task["cachingOptions"]) for name, task in tasks.items()}
    assert [name for name, one in cached.items() if not one] == [RUN_FACTS]
    specification, _ = compiled(Cluster(chosen={"Trainer": {"cache": False}, "all": {"cache": True}}))
    assert specification["root"]["dag"]["tasks"]["Trainer"]["cachingOptions"] == {}
    specification, _ = compiled(cache=False)
    assert not any(task["cachingOptions"] for task in specification["root"]["dag"]["tasks"].values())


def test_gpus_go_to_the_trainer_alone_by_default():
    executors = compiled()[0]["deploymentSpec"]["executors"]
    asking = {label: one["container"]["resources"].get("accelerator") for label, one in executors.items()}
    assert {label: one for label, one in asking.items() if one} == {
        "exec-Trainer": {"resourceType": "nvidia.com/gpu", "resourceCount": "1"}
    }


@pytest.mark.parametrize(
    ("serving_dir", "root"),
    [("/mnt/models/serving/", "/mnt/models"), ("gs://b/serving", "gs://b"), ("s3://b/serving", "")],
)
def test_checkpoints_outlive_a_pod_where_tensorflow_can_write_them(serving_dir, root):
    nodes = {node.id: node for node in RunValues(Config(), serving_dir).pipeline().components}
    told = json.loads(nodes["Trainer"].exec_properties["custom_config"])
    assert told["checkpoints"] == (f"{root}/checkpoints" if root else "checkpoints")


def test_beam_arguments_reach_the_steps(tmp_path):
    specification, _ = compiled(beam_workers=3)
    arguments = specification["deploymentSpec"]["executors"]["exec-Transform"]["container"]["args"]
    assert "--direct_num_workers=3" in arguments
    assert arguments[:2] == ["--step", "Transform"]


def test_no_path_of_this_machine_is_in_the_file(documents):
    text = write_documents(documents)
    assert str(golden.FILE.parents[2]) not in text
    assert "schema.pbtxt" not in text


def test_what_people_look_at_has_kubeflow_s_own_types(documents):
    outputs = documents[0]["components"]["EvaluationReport"]["outputDefinitions"]["artifacts"]
    assert {key: one["artifactType"]["schemaTitle"] for key, one in outputs.items()} == {
        "page": "system.HTML",
        "scores": "system.Metrics",
        "confusion_matrix": "system.ClassificationMetrics",
    }
    # Kubeflow's page would list metadata among the scores.
    assert not any("metadata" in one for one in outputs.values())


def test_tfx_types_are_kept_beside_kubeflow_s(documents):
    outputs = documents[0]["components"]["Transform"]["outputDefinitions"]["artifacts"]
    assert {key: one["metadata"]["tfx_type"] for key, one in outputs.items()} == {
        "transform_graph": "TransformGraph",
        "transformed_examples": "Examples",
        "updated_analyzer_cache": "TransformCache",
    }
    assert outputs["transformed_examples"]["artifactType"] == {
        "schemaTitle": "system.Dataset",
        "schemaVersion": "0.0.1",
    }


def test_the_file_is_plain_yaml_of_two_documents():
    assert len(list(yaml.safe_load_all(golden.FILE.read_text(encoding="utf-8")))) == 2


def test_a_new_setting_is_never_lost_on_the_way():
    """Whatever groups of settings get: each differs from its default in a config, and the graph comes out the same."""
    config = Config.from_flat({"image_size": (96, 160), "bins": (1, 2), "seed": 3, "flip": False, "eval_batch_size": 2})
    values = RunValues(config, "/mnt/models/serving")
    whole = {node.id: node.exec_properties for node in values.pipeline().components}
    for name, need in find_needs(values).items():
        given = {"settings": to_plain(config, need.settings), **{one: config.flat()[one] for one in FORM}}
        step = RunValues(Config(), "").with_parameters(given)
        step = dataclasses.replace(step, serving_dir="/mnt/models/serving")
        again = {node.id: node.exec_properties for node in step.pipeline().components}
        assert again[name] == whole[name], name
