"""What a step's pod gets: resources in its container's specification, the rest in the platform document."""

from __future__ import annotations

import re
from typing import Any

from components.pusher.component import RUN_ID_VARIABLE
from pipeline.kubeflow.settings import (
    LABEL,
    SECRET_ENV,
    SECRET_FILES,
    TOLERATION,
    VOLUME,
    Cluster,
    StepSettings,
)

# Kubeflow's API server puts this label on every pod of a run.
_RUN_ID_LABEL = "metadata.labels['pipeline/runid']"


def resources(step: StepSettings) -> dict[str, Any]:
    """The `resources` of a container: CPU is reserved, memory and GPUs are reserved and limited."""
    found: dict[str, Any] = {}
    if step.cpu:
        found["resourceCpuRequest"] = step.cpu
    if step.memory:
        found["resourceMemoryRequest"] = found["resourceMemoryLimit"] = step.memory
    if step.gpus:
        found["accelerator"] = {"resourceType": step.gpu_resource, "resourceCount": str(step.gpus)}
    return found


def environment(step: StepSettings) -> list[dict[str, str]]:
    """The `env` of a container."""
    return [dict(zip(("name", "value"), one.split("=", 1), strict=True)) for one in step.env]


def retry_policy(step: StepSettings) -> dict[str, Any]:
    """The `retryPolicy` of a task; empty where a failure is final."""
    if not step.retries:
        return {}
    return {"maxRetryCount": step.retries, "backoffDuration": f"{step.retry_wait}s", "backoffFactor": 2.0}


def platform_document(executors: dict[str, str], cluster: Cluster) -> dict[str, Any]:
    """The second document of the pipeline's file.

    Args:
        executors: The step's name by executor label.
        cluster: Settings.
    """
    configured = {label: _executor_config(cluster.step(name)) for label, name in executors.items()}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": configured}}}}


def _executor_config(step: StepSettings) -> dict[str, Any]:
    config: dict[str, Any] = {"fieldPathAsEnv": [{"name": RUN_ID_VARIABLE, "fieldPath": _RUN_ID_LABEL}]}
    config["pvcMount"] = [_volume(one) for one in step.volumes]
    config["secretAsEnv"] = [_secret_env(one) for one in step.secret_env]
    config["secretAsVolume"] = [_secret_files(one) for one in step.secret_files]
    config["tolerations"] = [_toleration(one) for one in step.tolerations]
    config["imagePullSecret"] = [
        {"secretName": one, **_constant("secretNameParameter", one)} for one in step.pull_secrets
    ]
    if step.node_selector:
        config["nodeSelector"] = {"labels": {one["key"]: one["value"] for one in _parts(LABEL, step.node_selector)}}
    if step.shared_memory:
        config["enabledSharedMemory"] = {"volumeName": "shared-memory", "size": step.shared_memory}
    if step.time_limit:
        config["activeDeadlineSeconds"] = str(step.time_limit)
    config["imagePullPolicy"] = step.pull_policy
    return {key: value for key, value in config.items() if value}


def _volume(text: str) -> dict[str, Any]:
    (one,) = _parts(VOLUME, (text,))
    mount = {"constant": one["claim"], **_constant("pvcNameParameter", one["claim"]), "mountPath": one["path"]}
    return mount | ({"subPath": one["sub_path"].strip("/")} if one["sub_path"] else {})


def _secret_env(text: str) -> dict[str, Any]:
    (one,) = _parts(SECRET_ENV, (text,))
    mapping = [{"secretKey": one["key"], "envVar": one["variable"]}]
    # Without this word a missing secret would only show as a refused login.
    return {
        "secretName": one["secret"],
        **_constant("secretNameParameter", one["secret"]),
        "keyToEnv": mapping,
        "optional": False,
    }


def _secret_files(text: str) -> dict[str, Any]:
    (one,) = _parts(SECRET_FILES, (text,))
    return {
        "secretName": one["secret"],
        **_constant("secretNameParameter", one["secret"]),
        "mountPath": one["path"],
        "optional": False,
    }


def _toleration(text: str) -> dict[str, str]:
    (one,) = _parts(TOLERATION, (text,))
    found = {"key": one["key"], "operator": "Exists" if one["value"] is None else "Equal"}
    return found | {name: one[name] for name in ("value", "effect") if one[name]}


def _parts(pattern: re.Pattern[str], texts: tuple[str, ...]) -> list[dict[str, Any]]:
    return [match.groupdict() for text in texts if (match := pattern.fullmatch(text))]


def _constant(key: str, value: str) -> dict[str, Any]:
    """Newer backends read this field, older ones the plain name beside it."""
    return {key: {"runtimeValue": {"constant": value}}}
