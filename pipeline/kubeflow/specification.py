"""The same pipeline as a specification that open-source Kubeflow Pipelines runs.

TFX's compiler gives the graph: steps, order, artifacts. What it writes besides is shaped for Vertex AI: artifact
types and an entry point of its own, every execution property as a constant. Here a step gets only the settings that
it depends on, and works out its execution properties from the run's values when it runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline

from pipeline.config import Config
from pipeline.kubeflow.check import SpecificationError
from pipeline.kubeflow.dependencies import Needs, chosen_settings, find_needs
from pipeline.kubeflow.platform import environment, platform_document, resources, retry_policy
from pipeline.kubeflow.run_values import FACTS, FORM, KNOWN, SERVING_DIR, SETTINGS, RunValues, to_plain
from pipeline.kubeflow.settings import RUN_FACTS, Cluster

COMMAND = ("python", "-m", "pipeline.kubeflow.entrypoint")
TFX_TYPE = "tfx_type"
"""Metadata key under which TFX's type is kept beside Kubeflow's."""

_KUBEFLOW_TYPES = {
    "Examples": "system.Dataset",
    "Model": "system.Model",
    "PushedModel": "system.Model",
    "HTML": "system.HTML",
    "Metrics": "system.Metrics",
    "ClassificationMetrics": "system.ClassificationMetrics",
}
_TYPE_VERSION = "0.0.1"
_PARAMETER_TYPES = {str: "STRING", int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE"}


def compile_graph(pipeline: Pipeline, image: str = "") -> dict[str, Any]:
    """TFX's own specification of a graph (schema 2.1.0), without the job around it."""
    runner = KubeflowV2DagRunner(KubeflowV2DagRunnerConfig(default_image=image or "none", use_pipeline_spec_2_1=True))
    return runner.run(pipeline, write_out=False)["pipelineSpec"]


def compile_pipeline(config: Config, cluster: Cluster, *, code: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compiles the pipeline.

    Args:
        config: All settings; those of `FORM` become defaults on Kubeflow's form.
        cluster: Images, storage, resources.
        code: What `fingerprint.of_project` gives; steps refuse to run other code.

    Returns:
        The pipeline's specification and its platform document.
    """
    values = RunValues(config, cluster.settings.serving_dir)
    specification = compile_graph(values.pipeline())
    needs = find_needs(values)
    compiled = specification["deploymentSpec"]["executors"]
    executors = specification["deploymentSpec"]["executors"] = {}
    for name, task in specification["root"]["dag"]["tasks"].items():
        component = specification["components"][name]
        beam_arguments = _beam_arguments(compiled[component["executorLabel"]])
        executors[_label(name)] = _executor(name, code, beam_arguments, cluster)
        _rewrite_component(component, name, needs[name])
        _rewrite_task(task, name, needs[name], config, cluster)
    _add_run_facts(specification, config, code, cluster)
    specification["root"]["inputDefinitions"] = {"parameters": _form(values)}
    specification["defaultPipelineRoot"] = cluster.settings.pipeline_root
    labels = {_label(name): name for name in specification["root"]["dag"]["tasks"]}
    return specification, platform_document(labels, cluster)


def write_documents(documents: Iterable[dict[str, Any]]) -> str:
    """The file that Kubeflow's page, its client and `kfp` read."""
    return yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=120)


def _label(name: str) -> str:
    return f"exec-{name}"


def _rewrite_component(component: dict[str, Any], name: str, needs: Needs) -> None:
    component["executorLabel"] = _label(name)
    inputs = component.setdefault("inputDefinitions", {})
    inputs["parameters"] = {SETTINGS: {"parameterType": "STRUCT"}} | {
        parameter: _declaration(parameter) for parameter in sorted(needs.parameters)
    }
    for one in inputs.get("artifacts", {}).values():
        one["artifactType"] = _kubeflow_type(_tfx_type(one))
    for one in component.get("outputDefinitions", {}).get("artifacts", {}).values():
        tfx_type = _tfx_type(one)
        one["artifactType"] = _kubeflow_type(tfx_type)
        one.setdefault("metadata", {})[TFX_TYPE] = tfx_type


def _rewrite_task(task: dict[str, Any], name: str, needs: Needs, config: Config, cluster: Cluster) -> None:
    inputs = task.setdefault("inputs", {})
    settings = to_plain(config, sorted(needs.settings))
    inputs["parameters"] = {SETTINGS: {"runtimeValue": {"constant": settings}}}
    for parameter in sorted(needs.parameters):
        inputs["parameters"][parameter] = _source(parameter)
    if needs.parameters & set(FACTS):
        task["dependentTasks"] = sorted({RUN_FACTS, *task.get("dependentTasks", [])})
    _apply_step(task, name, config, cluster)


def _apply_step(task: dict[str, Any], name: str, config: Config, cluster: Cluster) -> None:
    step = cluster.step(name)
    task["cachingOptions"] = {"enableCache": True} if step.cache and config.run.cache else {}
    if policy := retry_policy(step):
        task["retryPolicy"] = policy


def _executor(name: str, code: str, beam_arguments: list[str], cluster: Cluster) -> dict[str, Any]:
    step = cluster.step(name)
    container: dict[str, Any] = {
        "image": step.image,
        "command": list(COMMAND),
        "args": ["--step", name, "--code", code, "--executor-input", "{{$}}"],
        "resources": resources(step),
    }
    if step.gpus:
        container["args"] += ["--gpus", str(step.gpus)]
    container["args"] += beam_arguments
    if step.env:
        container["env"] = environment(step)
    return {"container": container}


def _beam_arguments(executor: dict[str, Any]) -> list[str]:
    """What TFX's compiler adds behind its own arguments.

    Raises:
        SpecificationError: The step is no container: an open-source backend runs nothing else.
    """
    if "container" not in executor:
        raise SpecificationError(f"a step is a {next(iter(executor))}, which open-source Kubeflow Pipelines cannot run")
    arguments = executor["container"]["args"]
    return arguments[arguments.index("--json_serialized_inputs_spec_args") + 2 :]


def _add_run_facts(specification: dict[str, Any], config: Config, code: str, cluster: Cluster) -> None:
    parameters = (*FORM, SERVING_DIR)
    inputs = {SETTINGS: {"runtimeValue": {"constant": to_plain(config, _fixed(config))}}}
    task: dict[str, Any] = {
        "componentRef": {"name": RUN_FACTS},
        "taskInfo": {"name": RUN_FACTS},
        "inputs": {"parameters": inputs | {name: _source(name) for name in parameters}},
    }
    _apply_step(task, RUN_FACTS, config, cluster)
    specification["root"]["dag"]["tasks"][RUN_FACTS] = task
    specification["components"][RUN_FACTS] = {
        "executorLabel": _label(RUN_FACTS),
        "inputDefinitions": {
            "parameters": {SETTINGS: {"parameterType": "STRUCT"}} | {name: _declaration(name) for name in parameters}
        },
        "outputDefinitions": {"parameters": {name: {"parameterType": "STRING"} for name in FACTS}},
    }
    specification["deploymentSpec"]["executors"][_label(RUN_FACTS)] = _executor(RUN_FACTS, code, [], cluster)


def _fixed(config: Config) -> list[str]:
    return [name for name in chosen_settings(config) if name not in FORM]


def _form(values: RunValues) -> dict[str, Any]:
    flat = values.config.flat()
    found = {
        name: {**_declaration(name), "defaultValue": flat[name], "description": KNOWN[name].metadata["help"]}
        for name in FORM
    }
    found["data"]["description"] = "folder of the data set, as the cluster sees it"
    found[SERVING_DIR] = {
        **_declaration(SERVING_DIR),
        "defaultValue": values.serving_dir,
        "description": "where blessed models are pushed, as the cluster sees it",
    }
    return found


def _declaration(parameter: str) -> dict[str, Any]:
    kind = type(KNOWN[parameter].default) if parameter in KNOWN else str
    return {"parameterType": _PARAMETER_TYPES[kind]}


def _source(parameter: str) -> dict[str, Any]:
    if parameter in FACTS:
        return {"taskOutputParameter": {"producerTask": RUN_FACTS, "outputParameterKey": parameter}}
    return {"componentInputParameter": parameter}


def _tfx_type(definition: dict[str, Any]) -> str:
    """`Examples` of `title: tfx.Examples`."""
    title = yaml.safe_load(definition["artifactType"]["instanceSchema"])["title"]
    return title.rpartition(".")[2]


def _kubeflow_type(tfx_type: str) -> dict[str, str]:
    return {"schemaTitle": _KUBEFLOW_TYPES.get(tfx_type, "system.Artifact"), "schemaVersion": _TYPE_VERSION}
