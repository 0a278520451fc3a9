"""Between Kubeflow's messages and TFX's: pure functions of JSON.

Kubeflow's driver describes a step as an ExecutorInput: artifacts by remote URI, inputs without their types. Its
launcher has copied the inputs to local paths that follow from the URIs, and uploads what it finds at those of the
outputs.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from components.artifacts import REMOTE_URI

SCHEMES = {"gs://": "gcs", "s3://": "s3", "minio://": "minio"}
"""Folder in which the launcher keeps its copies, by scheme."""

KUBEFLOW_KEYS = frozenset({"display_name", "store_session_info", "tfx_type", REMOTE_URI})
"""Metadata that Kubeflow, or the compiler for people, adds to artifacts; TFX would carry it on as its own."""

TFX_KEYS = frozenset({"tfx_version"})
"""Metadata that TFX adds to every output; Kubeflow's page would show it as one of the scores."""

SINGLE_FILE_TYPES = {"system.HTML": "index.html", "system.Markdown": "index.md"}
"""Types whose artifact is one file to Kubeflow's page and a folder to components, with the file's name in there."""

Json = dict[str, Any]


def local_path(uri: str, root: str) -> str:
    """Where the launcher keeps its copy of a remote URI; other URIs are paths of mounted volumes and stay."""
    for scheme, folder in SCHEMES.items():
        if uri.startswith(scheme):
            return os.path.join(root, folder, uri.removeprefix(scheme))
    return uri


def remote_uri(path: str, root: str) -> str:
    """The inverse of `local_path`."""
    for scheme, folder in SCHEMES.items():
        prefix = os.path.join(root, folder) + "/"
        if path.startswith(prefix):
            return scheme + path.removeprefix(prefix)
    return path


def for_tfx(given: Json, component: Json, properties: Json, root: str) -> Json:
    """What TFX's executor wants, from what Kubeflow gives.

    Args:
        given: Kubeflow's ExecutorInput.
        component: The step in TFX's own specification, which knows the types.
        properties: The step's execution properties.
        root: Where the launcher keeps its copies.
    """
    made = copy.deepcopy(given)
    inputs, outputs = made.setdefault("inputs", {}), made.setdefault("outputs", {})
    inputs["parameterValues"] = properties
    _type(inputs, component.get("inputDefinitions", {}), root)
    for _, one in _artifacts(inputs):
        one["metadata"][REMOTE_URI] = remote_uri(one["uri"], root)
    _type(outputs, component.get("outputDefinitions", {}), root)
    for key, one in _artifacts(outputs):
        if file_name := SINGLE_FILE_TYPES.get(title(component["outputDefinitions"]["artifacts"][key])):
            one["uri"] = folder_of_single_file(one["uri"], file_name)
    return made


def folder_of_single_file(path: str, file_name: str) -> str:
    """The folder in which a component writes what Kubeflow wants as one file."""
    return f"{path}.{file_name}.d"


def for_kubeflow(written: Json, root: str) -> Json:
    """What Kubeflow's launcher wants, from what TFX's executor wrote.

    A URI would override Kubeflow's own, and a local one would not be uploaded; null values are errors.
    """
    artifacts = {}
    for key, listed in written.get("artifacts", {}).items():
        metadata = {
            name: _each_text(value, lambda text: remote_uri(text, root))
            for one in listed["artifacts"]
            for name, value in one.get("metadata", {}).items()
            if value is not None and name not in KUBEFLOW_KEYS | TFX_KEYS
        }
        artifacts[key] = {"artifacts": [{"metadata": metadata}]}
    return {**written, "artifacts": artifacts}


def title(definition: Json) -> str:
    """TFX's name of an artifact's type, as in `tfx.Examples`."""
    return yaml.safe_load(definition["artifactType"]["instanceSchema"])["title"]


def artifact_paths(message: Json) -> list[str]:
    """Paths of all artifacts, inputs and outputs, of an ExecutorInput that `for_tfx` made."""
    return [one["uri"] for side in ("inputs", "outputs") for _, one in _artifacts(message[side])]


def _type(side: Json, definitions: Json, root: str) -> None:
    """Gives types and local paths to the artifacts of one side; others, as the driver's logs, are left out."""
    known = definitions.get("artifacts", {})
    side["artifacts"] = {key: listed for key, listed in side.get("artifacts", {}).items() if key in known}
    for key, one in _artifacts(side):
        one["type"] = known[key]["artifactType"]
        # TFX tells artifacts apart by their names, which Kubeflow gives to inputs only.
        one["name"] = one.get("name") or one["uri"]
        one["uri"] = local_path(one["uri"], root)
        metadata = one.get("metadata", {})
        one["metadata"] = {
            name: _each_text(value, lambda text: local_path(text, root))
            for name, value in metadata.items()
            if name not in KUBEFLOW_KEYS
        }


def _artifacts(side: Json) -> list[tuple[str, Json]]:
    return [(key, one) for key, listed in side.get("artifacts", {}).items() for one in listed.get("artifacts", [])]


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each_text(one, change) for key, one in value.items()}
    if isinstance(value, list):
        return [_each_text(one, change) for one in value]
    return value
