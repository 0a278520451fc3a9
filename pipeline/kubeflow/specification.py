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
from pipeline.kubeflow.dependencies import Needs, find_needs
from pipeline.kubeflow.own_steps import add_run_facts, add_verdict
from pipeline.kubeflow.parts import Parts, artifact_type, declaration, declared, label
from pipeline.kubeflow.platform import platform_document
from pipeline.kubeflow.run_values import FACTS, FORM, KNOWN, SERVING_DIR, RunValues
from pipeline.kubeflow.settings import RUN_FACTS, Cluster

TFX_TYPE = "tfx_type"
"""Metadata key under which TFX's type is kept beside Kubeflow's."""

_KUBEFLOW_TYPES = {"Examples": "system.Dataset", "Model": "system.Model", "PushedModel": "system.Model"}
_SHOWN = ("system.HTML", "system.Metrics", "system.ClassificationMetrics")
"""Types that Kubeflow's page shows; it shows their metadata too, so that none is added."""


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

    Raises:
        SpecificationError: A component cannot be run by an open-source backend.
    """
    values, parts = RunValues(config, cluster.settings.serving_dir), Parts(config, cluster, code)
    specification = compile_graph(values.pipeline())
    needs = find_needs(values)
    compiled = specification["deploymentSpec"]["executors"]
    executors = specification["deploymentSpec"]["executors"] = {}
    for name, task in specification["root"]["dag"]["tasks"].items():
        component = specification["components"][name]
        executors[label(name)] = parts.executor(name, _beam_arguments(name, compiled[component["executorLabel"]]))
        _rewrite_component(component, name, needs[name])
        _rewrite_task(task, name, needs[name], parts)
    add_run_facts(specification, parts)
    add_verdict(specification, parts)
    specification["root"]["inputDefinitions"] = {"parameters": _form(values)}
    specification["defaultPipelineRoot"] = cluster.settings.pipeline_root
    labels = {label(name): name for name in specification["root"]["dag"]["tasks"]}
    return specification, platform_document(labels, cluster)


def write_documents(documents: Iterable[dict[str, Any]]) -> str:
    """The file that Kubeflow's page, its client and `kfp` read."""
    return yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=120)


def _rewrite_component(component: dict[str, Any], name: str, needs: Needs) -> None:
    component["executorLabel"] = label(name)
    inputs = component.setdefault("inputDefinitions", {})
    inputs["parameters"] = declared(needs.parameters)
    for one in inputs.get("artifacts", {}).values():
        one["artifactType"] = artifact_type(_kubeflow_type(one))
    for one in component.get("outputDefinitions", {}).get("artifacts", {}).values():
        kubeflow_type = _kubeflow_type(one)
        if kubeflow_type not in _SHOWN:
            one.setdefault("metadata", {})[TFX_TYPE] = _tfx_type(one).rpartition(".")[2]
        one["artifactType"] = artifact_type(kubeflow_type)


def _rewrite_task(task: dict[str, Any], name: str, needs: Needs, parts: Parts) -> None:
    task.setdefault("inputs", {})["parameters"] = parts.given(needs.settings, needs.parameters)
    if needs.parameters & set(FACTS):
        task["dependentTasks"] = sorted({RUN_FACTS, *task.get("dependentTasks", [])})
    task.pop("cachingOptions", None)
    task.update(parts.task_policies(name))


def _beam_arguments(name: str, executor: dict[str, Any]) -> list[str]:
    """What TFX's compiler adds behind its own arguments."""
    if "container" not in executor:
        raise SpecificationError(f"{name} is a {next(iter(executor))}, which open-source Kubeflow Pipelines cannot run")
    arguments = executor["container"]["args"]
    return arguments[arguments.index("--json_serialized_inputs_spec_args") + 2 :]


def _form(values: RunValues) -> dict[str, Any]:
    flat = values.config.flat()
    found = {
        name: {**declaration(name), "defaultValue": flat[name], "description": KNOWN[name].metadata["help"]}
        for name in FORM
    }
    found["data"]["description"] = "folder of the data set, as the cluster sees it"
    found[SERVING_DIR] = {
        **declaration(SERVING_DIR),
        "defaultValue": values.serving_dir,
        "description": "where blessed models are pushed, as the cluster sees it",
    }
    return found


def _kubeflow_type(definition: dict[str, Any]) -> str:
    title = _tfx_type(definition)
    return title if title in _SHOWN else _KUBEFLOW_TYPES.get(title.rpartition(".")[2], "system.Artifact")


def _tfx_type(definition: dict[str, Any]) -> str:
    """`tfx.Examples` of `title: tfx.Examples`."""
    return yaml.safe_load(definition["artifactType"]["instanceSchema"])["title"]
