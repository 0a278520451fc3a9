"""Two steps that the local runner needs no component for: what it does before a run, and its exit code after it."""

from __future__ import annotations

from typing import Any

from pipeline.kubeflow.dependencies import chosen_settings
from pipeline.kubeflow.parts import Parts, artifact_type, declared, label
from pipeline.kubeflow.run_values import FACTS, FORM, SERVING_DIR
from pipeline.kubeflow.settings import RUN_FACTS, VERDICT


def add_run_facts(specification: dict[str, Any], parts: Parts) -> None:
    """Adds the step that looks at the data and at pushed models, and tells the others what it found."""
    parameters = (*FORM, SERVING_DIR)
    settings = [name for name in chosen_settings(parts.config) if name not in FORM]
    component = {
        "inputDefinitions": {"parameters": declared(parameters)},
        "outputDefinitions": {"parameters": {name: {"parameterType": "STRING"} for name in FACTS}},
    }
    _add(specification, parts, RUN_FACTS, component, {"inputs": {"parameters": parts.given(settings, parameters)}})


def add_verdict(specification: dict[str, Any], parts: Parts) -> None:
    """Adds the last step, which fails where the gate refused the model.

    Kubeflow knows no other way for a run to say so, to people, to whoever waits for it, and to a schedule.
    """
    tasks = specification["root"]["dag"]["tasks"]
    after = [name for name in ("Evaluator", "EvaluationReport", "Pusher") if name in tasks]
    if "Evaluator" not in after:
        return
    source = {"taskOutputArtifact": {"producerTask": "Evaluator", "outputArtifactKey": "evaluation"}}
    component = {"inputDefinitions": {"artifacts": {"evaluation": {"artifactType": artifact_type("system.Artifact")}}}}
    task = {"inputs": {"artifacts": {"evaluation": source}}, "dependentTasks": sorted(after)}
    _add(specification, parts, VERDICT, component, task)


def _add(
    specification: dict[str, Any], parts: Parts, name: str, component: dict[str, Any], task: dict[str, Any]
) -> None:
    whole = {"componentRef": {"name": name}, "taskInfo": {"name": name}, **parts.task_policies(name), **task}
    specification["root"]["dag"]["tasks"][name] = whole
    specification["components"][name] = {"executorLabel": label(name), **component}
    specification["deploymentSpec"]["executors"][label(name)] = parts.executor(name)
