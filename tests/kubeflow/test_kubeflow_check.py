"""Every rule of the check finds a planted violation and names it."""

import copy

import golden
import pytest

from pipeline.kubeflow.check import SpecificationError, check_specification


@pytest.fixture(scope="module")
def sound():
    return golden.compiled()


def task(specification, name):
    return specification["root"]["dag"]["tasks"][name]


def container(specification, name):
    return specification["deploymentSpec"]["executors"][f"exec-{name}"]["container"]


def outputs(specification, name):
    return specification["components"][name]["outputDefinitions"]["artifacts"]


def as_a_job(one):
    inside = dict(one)
    one.clear()
    one.update({"pipelineSpec": inside, "runtimeConfig": {}})


def older_schema(one):
    one["schemaVersion"] = "2.0.0"


def unknown_field(one):
    one["root"]["dag"]["taskz"] = {}


def bad_pipeline_name(one):
    one["pipelineInfo"]["name"] = "PSPNet_segmentation"


def local_root(one):
    one["defaultPipelineRoot"] = "/mnt/artifacts"


def too_large(one):
    container(one, "Trainer")["args"].append("x" * 1_000_000)


def task_name(one):
    tasks = one["root"]["dag"]["tasks"]
    tasks["Statistics_Gen"] = copy.deepcopy(tasks["StatisticsGen"])


def executor_name(one):
    one["deploymentSpec"]["executors"]["exec.Trainer"] = copy.deepcopy(
        one["deploymentSpec"]["executors"]["exec-Trainer"]
    )


def parameter_name(one):
    one["root"]["inputDefinitions"]["parameters"]["learning rate"] = {"parameterType": "STRING", "defaultValue": ""}


def resolver(one):
    one["deploymentSpec"]["executors"]["exec-Trainer"] = {"resolver": {"outputArtifactQueries": {}}}


def no_image(one):
    container(one, "Trainer")["image"] = ""


def no_command(one):
    del container(one, "Trainer")["command"]


def lifecycle(one):
    container(one, "Trainer")["lifecycle"] = {"preCacheCheck": {"command": ["true"]}}


def equal_containers(one):
    one["deploymentSpec"]["executors"]["exec-Pusher"] = copy.deepcopy(
        one["deploymentSpec"]["executors"]["exec-Trainer"]
    )


def odd_quantity(one):
    container(one, "Trainer")["resources"]["resourceMemoryLimit"] = "16 GB"


def gpu_model(one):
    container(one, "Trainer")["resources"]["accelerator"] = {"type": "NVIDIA_TESLA_T4", "count": "1"}


def foreign_type(one):
    outputs(one, "Trainer")["model"]["artifactType"] = {"schemaTitle": "tfx.Model", "schemaVersion": "0.0.1"}


def instance_schema(one):
    outputs(one, "Trainer")["model"]["artifactType"] = {"instanceSchema": "title: tfx.Model\ntype: object\n"}


def no_type_version(one):
    del outputs(one, "Trainer")["model"]["artifactType"]["schemaVersion"]


def reserved_output(one):
    outputs(one, "Trainer")["executor-logs"] = outputs(one, "Trainer")["model_run"]


def no_default(one):
    del one["root"]["inputDefinitions"]["parameters"]["steps"]["defaultValue"]


def no_parameter_type(one):
    del one["root"]["inputDefinitions"]["parameters"]["steps"]["parameterType"]


def no_component(one):
    task(one, "Trainer")["componentRef"]["name"] = "Trainor"


def no_executor(one):
    one["components"]["Trainer"]["executorLabel"] = "exec-Trainor"


def unknown_dependency(one):
    task(one, "Trainer")["dependentTasks"].append("Tuner")


def circle(one):
    task(one, "RunFacts")["dependentTasks"] = ["Pusher"]


def input_not_given(one):
    del task(one, "Trainer")["inputs"]["artifacts"]["examples"]


def input_not_declared(one):
    task(one, "Trainer")["inputs"]["parameters"]["momentum"] = {"runtimeValue": {"constant": 0.9}}


def input_from_nowhere(one):
    task(one, "Trainer")["inputs"]["artifacts"]["examples"]["taskOutputArtifact"]["outputArtifactKey"] = "records"


def null_input(one):
    task(one, "Trainer")["inputs"]["parameters"]["settings"] = {"runtimeValue": {}}


def unknown_form_field(one):
    task(one, "Trainer")["inputs"]["parameters"]["steps"] = {"componentInputParameter": "epochs"}


def input_without_waiting(one):
    task(one, "Trainer")["dependentTasks"].remove("Transform")


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (as_a_job, "only the pipelineSpec inside"),
        (older_schema, "schemaVersion is 2.0.0"),
        (unknown_field, "taskz"),
        (bad_pipeline_name, "'PSPNet_segmentation'"),
        (local_root, "'/mnt/artifacts'"),
        (too_large, "bytes"),
        (task_name, "task 'Statistics_Gen'"),
        (executor_name, "executor 'exec.Trainer'"),
        (parameter_name, "'learning rate'"),
        (resolver, "exec-Trainer is a resolver"),
        (no_image, "exec-Trainer has no image"),
        (no_command, "exec-Trainer has no command"),
        (lifecycle, "lifecycle"),
        (equal_containers, "equal containers"),
        (odd_quantity, "'16 GB'"),
        (gpu_model, "'NVIDIA_TESLA_T4'"),
        (foreign_type, "'tfx.Model'"),
        (instance_schema, "'title: tfx.Model'"),
        (no_type_version, "schemaVersion"),
        (reserved_output, "executor-logs"),
        (no_default, "steps has no default"),
        (no_parameter_type, "steps has no parameterType"),
        (no_component, "task Trainer refers to no component"),
        (no_executor, "task Trainer has no executor"),
        (unknown_dependency, "Tuner, which is not there"),
        (circle, "wait for each other"),
        (input_not_given, "input examples of Trainer is declared and not given"),
        (input_not_declared, "input momentum of Trainer is given and not declared"),
        (input_from_nowhere, "input examples of Trainer comes from nowhere"),
        (null_input, "input settings of Trainer comes from nowhere"),
        (unknown_form_field, "input steps of Trainer comes from nowhere"),
        (input_without_waiting, "input examples of Trainer comes from nowhere"),
    ],
)
def test_a_planted_violation_is_named(sound, plant, told):
    specification, platform = copy.deepcopy(sound)
    plant(specification)
    with pytest.raises(SpecificationError, match="would refuse") as caught:
        check_specification(specification, platform)
    assert told in str(caught.value)


def test_a_platform_document_about_nobody_is_refused(sound):
    specification, platform = copy.deepcopy(sound)
    platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-Tuner"] = {}
    with pytest.raises(SpecificationError, match="exec-Tuner"):
        check_specification(specification, platform)


def test_what_tfx_compiles_for_vertex_is_refused(tmp_path):
    from pipeline.config import Config
    from pipeline.kubeflow.run_values import RunValues
    from pipeline.kubeflow.specification import compile_graph

    specification = compile_graph(RunValues(Config(), "/mnt/models/serving").pipeline())
    with pytest.raises(SpecificationError, match=r"artifact examples of .* has the type 'title: tfx\.Examples'"):
        check_specification(specification, {})
