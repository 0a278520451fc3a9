"""Settings of the cluster: where the steps run, what each of them gets, where results go.

The standard library is enough to read this module, so that `--help` answers at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from components.settings import Rule, SettingError, at_least, check, choice, nearest, setting
from pipeline.config import COMPONENTS

RUN_FACTS = "RunFacts"
"""The step that looks at data and pushed models before all others; the local runner does it by itself."""

VERDICT = "Verdict"
"""The step that fails where the gate refused the model; the local runner says so by its exit code."""

STEPS = (RUN_FACTS, *COMPONENTS, VERDICT)
ALL = "all"

QUANTITY = re.compile(r"\d+(\.\d+)?(m|[kMGTP]i?)?")
_NAME = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
VOLUME = re.compile(rf"(?P<claim>{_NAME})(?P<sub_path>/[^:]+)?:(?P<path>/[^:]*)")
SECRET_FILES = re.compile(rf"(?P<secret>{_NAME}):(?P<path>/[^:]*)")
SECRET_ENV = re.compile(rf"(?P<secret>{_NAME})/(?P<key>[-._a-zA-Z0-9]+):(?P<variable>[A-Za-z_][A-Za-z0-9_]*)")
LABEL = re.compile(r"(?P<key>[-._/a-zA-Z0-9]+)=(?P<value>[-._a-zA-Z0-9]*)")
TOLERATION = re.compile(
    r"(?P<key>[-._/a-zA-Z0-9]+)(=(?P<value>[-._a-zA-Z0-9]*))?(:(?P<effect>NoSchedule|PreferNoSchedule|NoExecute))?"
)


def _written(pattern: re.Pattern[str], example: str, *, optional: bool = True) -> Rule:
    def rule(value: str) -> str:
        right = pattern.fullmatch(value) or (optional and not value)
        return "" if right else f"{value!r} is not written as in {example}"

    return rule


def _each_written(pattern: re.Pattern[str], example: str) -> Rule:
    one = _written(pattern, example, optional=False)
    return lambda values: next((told for value in values if (told := one(value))), "")


@dataclass(frozen=True)
class StepSettings:
    """What the pod of a step gets."""

    image: str = setting("", "container image; empty: that of all steps")
    cpu: str = setting("1", "CPUs to reserve, as in 4 or 500m; empty: none", _written(QUANTITY, "4 or 500m"))
    memory: str = setting("4Gi", "memory, reserved and not to be exceeded", _written(QUANTITY, "8Gi"))
    gpus: int = setting(0, "GPUs", at_least(0))
    gpu_resource: str = setting(
        "nvidia.com/gpu",
        "the cluster's name for a GPU",
        _written(re.compile(r"[a-z0-9.-]+/[-._a-zA-Z0-9]+"), "nvidia.com/gpu", optional=False),
    )
    shared_memory: str = setting("", "size of /dev/shm, as in 2Gi; empty: the node's 64 MB", _written(QUANTITY, "2Gi"))
    volumes: tuple[str, ...] = setting(
        (), "claims to mount: CLAIM:/path or CLAIM/folder:/path", _each_written(VOLUME, "photos:/mnt/photos")
    )
    secret_env: tuple[str, ...] = setting(
        (),
        "secrets as environment: SECRET/key:VARIABLE",
        _each_written(SECRET_ENV, "minio/accesskey:AWS_ACCESS_KEY_ID"),
    )
    secret_files: tuple[str, ...] = setting(
        (), "secrets as files: SECRET:/path", _each_written(SECRET_FILES, "gcs-key:/secrets")
    )
    env: tuple[str, ...] = setting(
        (),
        "environment: NAME=value; no secrets, the values are part of the pipeline's file",
        _each_written(
            re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)"), "AWS_ENDPOINT_URL=http://minio:9000"
        ),
    )
    node_selector: tuple[str, ...] = setting(
        (), "labels of the nodes to run on: key=value", _each_written(LABEL, "pool=gpu")
    )
    tolerations: tuple[str, ...] = setting(
        (), "taints to bear: key=value:NoSchedule, key:NoSchedule or key", _each_written(TOLERATION, "gpu:NoSchedule")
    )
    pull_policy: str = setting("", "when to pull the image", choice("", "Always", "IfNotPresent", "Never"))
    pull_secrets: tuple[str, ...] = setting(
        (), "secrets to pull the image with", _each_written(re.compile(_NAME), "registry-key")
    )
    retries: int = setting(2, "further attempts after a failure", at_least(0))
    retry_wait: int = setting(30, "seconds before the first of them; doubled each time", at_least(0))
    time_limit: int = setting(0, "seconds until the pod is stopped; 0: none", at_least(0))
    cache: bool = setting(True, "take the result of an earlier run with the same inputs")


_OWN_DEFAULTS: dict[str, dict[str, Any]] = {
    # It looks at what may have changed since the last run: its answer is what the cache of the others goes by.
    RUN_FACTS: {"cache": False, "memory": "2Gi"},
    "ImageMaskExampleGen": {"cpu": "4", "memory": "8Gi"},
    "Transform": {"cpu": "4", "memory": "8Gi"},
    "Trainer": {"cpu": "4", "memory": "16Gi", "gpus": 1, "shared_memory": "2Gi"},
    "Evaluator": {"cpu": "4", "memory": "8Gi"},
    # To ask again would change nothing.
    VERDICT: {"retries": 0, "memory": "2Gi"},
}


@dataclass(frozen=True)
class ClusterSettings:
    """Images and storage as the cluster sees them."""

    image: str = setting("pspnet-tfx:latest", "container image of every step, see Dockerfile")
    pipeline_root: str = setting(
        "minio://mlpipeline/v2/artifacts",
        "where the steps' results go",
        _written(re.compile(r"(gs|s3|minio)://[^/].*"), "s3://bucket/folder", optional=False),
    )
    serving_dir: str = setting("/mnt/models/serving", "where blessed models are pushed")


@dataclass(frozen=True)
class Cluster:
    """Settings of the cluster, and what was said of single steps."""

    settings: ClusterSettings = field(default_factory=ClusterSettings)
    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            SettingError: Names the step, the setting, and the nearest one that there is.
        """
        check(self.settings)
        known = [one.name for one in fields(StepSettings)]
        for name, values in self.chosen.items():
            if name not in (ALL, *STEPS):
                raise SettingError(f"pod: there is no step {name!r}{_meant(name, (ALL, *STEPS))}")
            for key in values:
                if key not in known:
                    raise SettingError(f"pod {name}: there is no setting {key!r}{_meant(key, known)}")
        for name in STEPS:
            try:
                check(self.step(name))
            except SettingError as error:
                raise SettingError(f"pod {name}: {error}") from None
        if self.step(RUN_FACTS).cache:
            raise SettingError(f"pod {RUN_FACTS}: cache: true would hide changed data from every other step")

    def step(self, name: str) -> StepSettings:
        """Settings of a step: its own word over that on all steps, that over the defaults."""
        general = dict(self.chosen.get(ALL, {}))
        for key in {RUN_FACTS: ("cache",), VERDICT: ("retries",)}.get(name, ()):
            general.pop(key, None)
        layers = {**_OWN_DEFAULTS.get(name, {}), **general, **self.chosen.get(name, {})}
        made = StepSettings(**layers)
        return made if made.image else replace(made, image=self.settings.image)


def _meant(value: str, choices: Any) -> str:
    close = nearest(value, choices)
    return f"; did you mean {close}?" if close else f"; there are {', '.join(choices)}"
