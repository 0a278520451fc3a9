"""What an open-source Kubeflow Pipelines backend refuses, told before anything is submitted.

The rules are those of version 2.17's API server, driver and launcher, and of Argo and Kubernetes below them. Most of
them show on a cluster as a run that hangs or fails late, with a message about something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.settings import QUANTITY

SCHEMA_VERSION = "2.1.0"
TYPES = frozenset(
    f"system.{name}"
    for name in (
        *("Artifact", "Dataset", "Model", "Metrics", "ClassificationMetrics", "SlicedClassificationMetrics"),
        *("HTML", "Markdown"),
    )
)
RESERVED_OUTPUT = "executor-logs"
"""The driver adds an output of this name to every step."""

MAX_BYTES = 1_000_000
"""etcd holds objects of 1.5 MB; Argo's workflow repeats a part of the specification and keeps its state beside it."""

_PIPELINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_ARGO_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ROOT = re.compile(r"(gs|s3|minio)://[^/]+.*")
_RESOURCE_NAME = re.compile(r"[a-z0-9.-]+\.[a-z]+/[-._a-zA-Z0-9]+")


class SpecificationError(ValueError):
    """A pipeline that no open-source backend would run; the message lists every reason."""


def check_specification(specification: dict[str, Any], platform: dict[str, Any]) -> None:
    """Applies every rule.

    Raises:
        SpecificationError: At least one rule is broken.
    """
    found = [told for rule in RULES for told in rule(specification)]
    found += list(_platform(specification, platform))
    if found:
        raise SpecificationError("open-source Kubeflow Pipelines would refuse this pipeline:\n  " + "\n  ".join(found))


def _shape(specification: dict[str, Any]) -> Iterator[str]:
    if "pipelineSpec" in specification:
        yield "it is a job, as Vertex AI takes it; only the pipelineSpec inside runs"
        return
    try:
        json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
        deployment = pipeline_spec_pb2.PipelineDeploymentConfig()
        json_format.ParseDict(specification.get("deploymentSpec", {}), deployment)
    except json_format.ParseError as error:
        yield f"it is not a pipeline specification: {error}"


def _head(specification: dict[str, Any]) -> Iterator[str]:
    version = specification.get("schemaVersion")
    if version != SCHEMA_VERSION:
        yield f"schemaVersion is {version}; the only one that runs is {SCHEMA_VERSION}"
    name = specification.get("pipelineInfo", {}).get("name", "")
    if not _PIPELINE_NAME.fullmatch(name):
        yield f"pipelineInfo.name {name!r} is not of lower-case letters, digits and -, 128 at most"
    root = specification.get("defaultPipelineRoot", "")
    if root and not _ROOT.fullmatch(root):
        yield f"defaultPipelineRoot {root!r} is not a place in gs://, s3:// or minio://"
    size = len(json.dumps(specification))
    if size > MAX_BYTES:
        yield f"it has {size} bytes; a cluster's database takes about {MAX_BYTES}"


def _names(specification: dict[str, Any]) -> Iterator[str]:
    for kind, names in (
        ("task", _tasks(specification)),
        ("component", specification.get("components", {})),
        ("executor", _executors(specification)),
    ):
        for name in names:
            if not _ARGO_NAME.fullmatch(name):
                yield f"{kind} {name!r}: Argo takes letters, digits and -, 63 at most"
    for name, component in _components(specification).items():
        for key in component.get("inputDefinitions", {}).get("parameters", {}):
            if not _PARAMETER_NAME.fullmatch(key):
                yield f"parameter {key!r} of {name}: letters, digits, _ and - are taken"


def _executors_run(specification: dict[str, Any]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for label, executor in _executors(specification).items():
        kinds = set(executor)
        if not kinds <= {"container", "importer"}:
            yield f"executor {label} is a {', '.join(sorted(kinds))}; only containers and importers run"
            continue
        container = executor.get("container")
        if container is None:
            continue
        yield from _container(label, container)
        same = json.dumps(container, sort_keys=True)
        if same in seen:
            # Argo's workflow keeps components by a hash of their container: the second would get the first's interface.
            yield f"executors {seen[same]} and {label} have equal containers; the backend would mix up their components"
        seen[same] = label


def _container(label: str, container: dict[str, Any]) -> Iterator[str]:
    if not container.get("image"):
        yield f"executor {label} has no image"
    if not container.get("command"):
        yield f"executor {label} has no command; the launcher does not know the image's entry point"
    if "lifecycle" in container:
        yield f"executor {label} has a lifecycle hook, which is never called"
    resources = container.get("resources", {})
    for key, value in resources.items():
        if key.startswith("resource") and not QUANTITY.fullmatch(str(value)):
            yield f"executor {label}: {key} {value!r} is not a quantity such as 500m or 8Gi"
    accelerator = resources.get("accelerator")
    if accelerator is not None:
        kind = accelerator.get("resourceType") or accelerator.get("type", "")
        if not _RESOURCE_NAME.fullmatch(kind):
            yield f"executor {label}: accelerator {kind!r} is no name that clusters use; try nvidia.com/gpu"


def _types(specification: dict[str, Any]) -> Iterator[str]:
    for name, component in _components(specification).items():
        for side in ("inputDefinitions", "outputDefinitions"):
            for key, one in component.get(side, {}).get("artifacts", {}).items():
                kind = one.get("artifactType", {})
                title = kind.get("schemaTitle")
                if title not in TYPES:
                    told = title or kind.get("instanceSchema", "no type").splitlines()[0]
                    yield f"artifact {key} of {name} has the type {told!r}; {', '.join(sorted(TYPES))} are known"
                elif not kind.get("schemaVersion"):
                    yield f"artifact {key} of {name} has no schemaVersion"
        if RESERVED_OUTPUT in component.get("outputDefinitions", {}).get("artifacts", {}):
            yield f"{name} has an output {RESERVED_OUTPUT}, which the driver adds by itself"


def _parameters(specification: dict[str, Any]) -> Iterator[str]:
    root = specification.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    for name, one in root.items():
        if "defaultValue" not in one and not one.get("isOptional"):
            yield f"parameter {name} has no default: every run would have to give it"
        if one.get("parameterType", "PARAMETER_TYPE_ENUM_UNSPECIFIED") == "PARAMETER_TYPE_ENUM_UNSPECIFIED":
            yield f"parameter {name} has no parameterType"


def _wiring(specification: dict[str, Any]) -> Iterator[str]:
    tasks, components = _tasks(specification), specification.get("components", {})
    root = specification.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    for name, task in tasks.items():
        component = components.get(task.get("componentRef", {}).get("name"))
        if component is None:
            yield f"task {name} refers to no component"
            continue
        if component.get("executorLabel") not in _executors(specification):
            yield f"task {name} has no executor"
        for dependency in task.get("dependentTasks", []):
            if dependency not in tasks:
                yield f"task {name} waits for {dependency}, which is not there"
        for kind in ("parameters", "artifacts"):
            declared = component.get("inputDefinitions", {}).get(kind, {})
            given = task.get("inputs", {}).get(kind, {})
            for key in declared.keys() - given.keys():
                yield f"input {key} of {name} is declared and not given"
            for key, source in given.items():
                if key not in declared:
                    yield f"input {key} of {name} is given and not declared"
                if not _has_source(source, tasks, components, root, task):
                    yield f"input {key} of {name} comes from nowhere: {json.dumps(source)}"
    yield from _circles(tasks)


def _has_source(source: dict[str, Any], tasks: Any, components: Any, root: Any, task: dict[str, Any]) -> bool:
    if "runtimeValue" in source:
        return source["runtimeValue"].get("constant") is not None
    if "componentInputParameter" in source:
        return source["componentInputParameter"] in root
    for key, kind, output in (
        ("taskOutputParameter", "parameters", "outputParameterKey"),
        ("taskOutputArtifact", "artifacts", "outputArtifactKey"),
    ):
        if key in source:
            producer = source[key]["producerTask"]
            definition = components.get(tasks.get(producer, {}).get("componentRef", {}).get("name"), {})
            there = definition.get("outputDefinitions", {}).get(kind, {})
            return source[key][output] in there and producer in task.get("dependentTasks", [])
    return False


def _circles(tasks: dict[str, Any]) -> Iterator[str]:
    waiting = {name: set(task.get("dependentTasks", [])) & tasks.keys() for name, task in tasks.items()}
    while ready := [name for name, needed in waiting.items() if not needed]:
        for name in ready:
            del waiting[name]
        for needed in waiting.values():
            needed.difference_update(ready)
    if waiting:
        yield f"tasks wait for each other: {', '.join(sorted(waiting))}"


def _platform(specification: dict[str, Any], platform: dict[str, Any]) -> Iterator[str]:
    configured = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    for label in configured.keys() - _executors(specification).keys():
        yield f"the platform document speaks of {label}, which is no executor"


def _tasks(specification: dict[str, Any]) -> dict[str, Any]:
    return specification.get("root", {}).get("dag", {}).get("tasks", {})


def _executors(specification: dict[str, Any]) -> dict[str, Any]:
    return specification.get("deploymentSpec", {}).get("executors", {})


def _components(specification: dict[str, Any]) -> dict[str, Any]:
    return {**specification.get("components", {}), "root": specification.get("root", {})}


RULES: tuple[Callable[[dict[str, Any]], Iterator[str]], ...] = (
    _shape,
    _head,
    _names,
    _executors_run,
    _types,
    _parameters,
    _wiring,
)
