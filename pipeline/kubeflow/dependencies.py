"""Which step depends on which setting: found out by building the graph, so that no list can be out of date.

Kubeflow's cache compares a step's parameters. A step that got a setting it does not use would run again for nothing;
a step that missed one would run with a default in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from components.settings import SettingError
from pipeline.config import GROUPS, Config
from pipeline.earlier import Earlier
from pipeline.kubeflow.run_values import FACTS, FORM, KNOWN, SERVING_DIR, RunValues
from schema.labelmap import LabelClass, LabelMap

_OTHER = "another"
_OTHER_CLASSES = LabelMap(tuple(LabelClass(f"{_OTHER} {n}", (n, n, n)) for n in range(3)), (), f"{_OTHER} 0")


@dataclass
class Needs:
    """What a step depends on.

    Attributes:
        settings: Names of settings that are fixed when the pipeline is compiled and differ from their defaults.
        parameters: Names of what changes from run to run.
    """

    settings: set[str]
    parameters: set[str]


def find_needs(values: RunValues) -> dict[str, Needs]:
    """Needs of every step of the graph."""
    base, flat = _properties(values), values.config.flat()
    fixed = {name for name in chosen_settings(values.config) if name not in FORM}
    needs = {step: Needs(set(), set()) for step in base}
    for name in fixed:
        for step in _changed(base, values, {name: KNOWN[name].default}):
            needs[step].settings.add(name)
    for name in FORM:
        for step in _changed(base, values, {name: _other(flat[name])}):
            needs[step].parameters.add(name)
    for name, other in _other_facts(values).items():
        for step in _different(base, _properties(other)):
            needs[step].parameters.add(name)
    _complete(base, values, needs, fixed)
    return needs


def chosen_settings(config: Config) -> list[str]:
    """Settings that differ from their defaults and that say what is made, not how a runner goes about it."""
    groups = [kind for group, kind in GROUPS.items() if group != "run"]
    values, names = config.flat(), {name for kind in groups for name in kind.__dataclass_fields__}
    return [name for name in values if name in names and values[name] != KNOWN[name].default]


def _properties(values: RunValues) -> dict[str, dict[str, Any]]:
    return {node.id: node.exec_properties for node in values.pipeline().components}


def _changed(base: dict[str, Any], values: RunValues, settings: dict[str, Any]) -> Iterable[str]:
    try:
        config = Config.from_flat({**values.config.flat(), **settings})
    except SettingError:
        # Not possible beside the others: to give it to every step is always right, only less often cached.
        return base
    return _different(base, _properties(replace(values, config=config)))


def _different(base: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [step for step, properties in base.items() if properties != other[step]]


def _other(value: Any) -> Any:
    if isinstance(value, str):
        return f"{value}-{_OTHER}"
    return value + 1 if isinstance(value, int) else value / 2 or 0.5


def _other_facts(values: RunValues) -> dict[str, RunValues]:
    others = (
        replace(values, label_map=_OTHER_CLASSES),
        replace(values, data_fingerprint=_OTHER),
        replace(values, weights_path=_OTHER),
        replace(values, weights_fingerprint=_OTHER),
        replace(values, earlier=Earlier(baseline=_OTHER)),
        replace(values, earlier=Earlier(reference=_OTHER)),
    )
    return {**dict(zip(FACTS, others, strict=True)), SERVING_DIR: replace(values, serving_dir=f"/{_OTHER}/{_OTHER}")}


def _complete(base: dict[str, Any], values: RunValues, needs: dict[str, Needs], fixed: set[str]) -> None:
    """Gives a step all settings where those found one by one do not make it what it is."""
    flat = values.config.flat()
    for step, need in needs.items():
        try:
            config = Config.from_flat({name: flat[name] for name in (*FORM, *need.settings)})
            whole = _properties(replace(values, config=config))[step] == base[step]
        except SettingError:
            whole = False
        if not whole:
            need.settings |= fixed
