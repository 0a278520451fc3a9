"""Settings of the cluster from flags and from the `kubeflow` section of the settings file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from components.settings import SettingError, nearest
from pipeline.command_line import CLUSTER_SECTION, add_flag, convert, read_file
from pipeline.kubeflow.settings import ALL, Cluster, ClusterSettings, StepSettings

_CLUSTER = {one.name: one for one in fields(ClusterSettings)}
_STEP = {one.name: one for one in fields(StepSettings)}

_POD_HELP = (
    "what a step's pod gets, or that of all steps, as in --pod Trainer.gpus=2 --pod all.volumes=photos:/mnt/photos; "
    "may be given several times. Settings: "
)


def add_cluster_settings(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every setting of the cluster, and `--pod` for those of pods."""
    section = parser.add_argument_group(CLUSTER_SECTION, (ClusterSettings.__doc__ or "").splitlines()[0])
    for one in _CLUSTER.values():
        add_flag(section, one)
    told = "; ".join(f"{name}: {one.metadata['help']}" for name, one in _STEP.items())
    section.add_argument(
        "--pod",
        action="append",
        default=[],
        metavar="STEP.SETTING=VALUE",
        help=(_POD_HELP + told).replace("%", "%%"),
    )


def read_cluster(arguments: argparse.Namespace) -> Cluster:
    """Builds the cluster's settings from parsed arguments; flags win over the file.

    Raises:
        SettingError: A setting is unknown or its value impossible.
    """
    section = _mapping(CLUSTER_SECTION, read_file(arguments).get(CLUSTER_SECTION))
    pods = _mapping("pods", section.pop("pods", None))
    values = section | {name: given for name in _CLUSTER if (given := getattr(arguments, name)) is not None}
    for name in values:
        if name not in _CLUSTER:
            close = nearest(name, (*_CLUSTER, "pods"))
            meant = f"; did you mean {close}?" if close else ""
            raise SettingError(f"{CLUSTER_SECTION}: there is no setting {name!r}{meant}")
    chosen = {str(name): _mapping(str(name), value) for name, value in pods.items()}
    for flag in arguments.pod:
        name, key, value = _split(flag)
        chosen.setdefault(name, {})[key] = value
    settings = ClusterSettings(**{name: convert(_CLUSTER[name], value) for name, value in values.items()})
    return Cluster(settings, {name: _converted(name, one) for name, one in chosen.items()})


def _converted(step: str, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {key: _typed(_STEP[key], value) if key in _STEP else value for key, value in values.items()}
    except SettingError as error:
        raise SettingError(f"pod {step}: {error}") from None


def _typed(one: Field, value: Any) -> Any:
    if isinstance(one.default, bool) and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    # YAML reads cpu: 4 as a number.
    return convert(one, str(value) if isinstance(one.default, str) and isinstance(value, int | float) else value)


def _split(flag: str) -> tuple[str, str, str]:
    where, assigned, value = flag.partition("=")
    name, dot, key = where.partition(".")
    if not (assigned and dot):
        raise SettingError(f"pod: {flag!r} is not written as in Trainer.gpus=2 or {ALL}.memory=8Gi")
    return name, key.replace("-", "_"), value


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingError(f"{name}: {value!r} does not hold settings by name")
    return {str(key).replace("-", "_"): one for key, one in value.items()}
