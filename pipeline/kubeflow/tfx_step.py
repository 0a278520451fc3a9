"""A node of the graph as TFX's own compiler describes it, and TFX's way to run it in a container."""

from __future__ import annotations

import argparse
import inspect
import json
from dataclasses import dataclass
from typing import Any

from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Artifact

from components import artifacts
from pipeline.kubeflow.specification import compile_graph


@dataclass(frozen=True)
class TfxStep:
    """A node.

    Attributes:
        component: Its inputs and outputs with TFX's types.
        properties: Execution properties by name, as JSON.
        executor: Dotted path of its executor's class.
    """

    component: dict[str, Any]
    properties: dict[str, Any]
    executor: str

    def run(self, prepared: dict[str, Any], beam_arguments: list[str]) -> None:
        """Runs the executor as TFX does in a container; it writes its outputs' metadata where `prepared` says."""
        _introduce_artifact_types()
        arguments = argparse.Namespace(
            executor_class_path=self.executor,
            json_serialized_invocation_args=json.dumps(prepared),
            json_serialized_inputs_spec_args=json.dumps(self.component.get("inputDefinitions", {})),
        )
        kubeflow_v2_run_executor.main((arguments, beam_arguments))


def find(pipeline: Pipeline, name: str) -> TfxStep:
    """A node of a graph by its id."""
    specification = compile_graph(pipeline)
    component = specification["components"][name]
    container = specification["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    given = specification["root"]["dag"]["tasks"][name].get("inputs", {}).get("parameters", {})
    return TfxStep(
        component=component,
        properties={key: one["runtimeValue"]["constant"] for key, one in given.items()},
        executor=container["args"][container["args"].index("--executor_class_path") + 1],
    )


def _introduce_artifact_types() -> None:
    """Tells TFX where the project's artifact types are; it takes a title that it does not know for an import path."""
    kinds: list[Any] = [kind for _, kind in inspect.getmembers(artifacts, inspect.isclass)]
    for kind in kinds:
        if issubclass(kind, Artifact) and kind is not Artifact:
            compiler_utils.TITLE_TO_CLASS_PATH[kind.TYPE_NAME] = f"{kind.__module__}.{kind.__qualname__}"
