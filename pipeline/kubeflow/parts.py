"""Parts of a specification: a step's container, its parameters, its artifact types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.config import Config
from pipeline.kubeflow.platform import environment, resources, retry_policy
from pipeline.kubeflow.run_values import FACTS, KNOWN, SETTINGS, to_plain
from pipeline.kubeflow.settings import RUN_FACTS, Cluster

Json = dict[str, Any]

COMMAND = ("python", "-m", "pipeline.kubeflow.entrypoint")

_PARAMETER_TYPES = {str: "STRING", int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE"}
_TYPE_VERSION = "0.0.1"


@dataclass(frozen=True)
class Parts:
    """Makes the parts of one compilation.

    Attributes:
        config: All settings.
        cluster: Images, storage, resources.
        code: Fingerprint of the code, which steps compare with their own.
    """

    config: Config
    cluster: Cluster
    code: str

    def executor(self, step: str, beam_arguments: list[str] | None = None) -> Json:
        """An executor of the deployment specification."""
        pod = self.cluster.step(step)
        container: Json = {
            "image": pod.image,
            "command": list(COMMAND),
            "args": ["--step", step, "--code", self.code, "--executor-input", "{{$}}"],
            "resources": resources(pod),
        }
        if pod.gpus:
            container["args"] += ["--gpus", str(pod.gpus)]
        container["args"] += beam_arguments or []
        if pod.env:
            container["env"] = environment(pod)
        return {"container": container}

    def task_policies(self, step: str) -> Json:
        """Fields of a task on caching and retries."""
        pod = self.cluster.step(step)
        cached = pod.cache and self.config.run.cache
        policies: Json = {"cachingOptions": {"enableCache": True} if cached else {}}
        retry = retry_policy(pod)
        return policies | ({"retryPolicy": retry} if retry else {})

    def given(self, settings: Any, parameters: Any) -> Json:
        """Where the parameters of a task come from: fixed settings, the form, or the first step."""
        fixed = {SETTINGS: {"runtimeValue": {"constant": to_plain(self.config, sorted(settings))}}}
        return fixed | {name: _source(name) for name in sorted(parameters)}


def label(step: str) -> str:
    """Label of a step's executor."""
    return f"exec-{step}"


def declared(parameters: Any) -> Json:
    """Declarations of a component's parameters."""
    return {SETTINGS: {"parameterType": "STRUCT"}} | {name: declaration(name) for name in sorted(parameters)}


def declaration(parameter: str) -> Json:
    """Declaration of one parameter: of a setting's type, or text."""
    kind = type(KNOWN[parameter].default) if parameter in KNOWN else str
    return {"parameterType": _PARAMETER_TYPES[kind]}


def artifact_type(title: str) -> Json:
    """One of Kubeflow's own types."""
    return {"schemaTitle": title, "schemaVersion": _TYPE_VERSION}


def _source(parameter: str) -> Json:
    if parameter in FACTS:
        return {"taskOutputParameter": {"producerTask": RUN_FACTS, "outputParameterKey": parameter}}
    return {"componentInputParameter": parameter}
