"""Every setting of a run, in one frozen object that is checked once and handed down.

Each group is declared beside the code that uses it. The standard library is enough to read this module, so
that `--help` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from components.evaluator.settings import GateSettings
from components.image_mask_example_gen.settings import DataSettings
from components.pusher.settings import PushSettings
from components.settings import SettingError, at_least, check, choice, nearest, setting
from components.trainer.frame import FrameError, InferenceSettings, check_frame
from components.trainer.pspnet.rules import check_network
from components.trainer.settings import NetworkSettings, TrainingSettings

COMPONENTS = (
    "ImageMaskExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "Transform",
    "Trainer",
    "LatestBlessedModel",
    "Evaluator",
    "EvaluationReport",
    "Pusher",
)
"""Every component's id, in the order in which they run."""


@dataclass(frozen=True)
class RunSettings:
    """Where a run writes, and how far it goes."""

    workspace: str = setting("workspace", "folder for records, models, pages and logs")
    until: str = setting("", "last component to run; empty: all of them", choice("", *COMPONENTS))
    cache: bool = setting(True, "take the results of components whose inputs did not change from earlier runs")
    beam_workers: int = setting(1, "processes of Beam's local runner; more pay from some 1,000 photos", at_least(1))
    beam_args: tuple[str, ...] = setting((), "further arguments for Beam's runner")


GROUPS: dict[str, Any] = {
    "data": DataSettings,
    "network": NetworkSettings,
    "training": TrainingSettings,
    "inference": InferenceSettings,
    "gate": GateSettings,
    "push": PushSettings,
    "run": RunSettings,
}
"""The groups of settings, by the name of their field in `Config`."""


SIZES = frozenset({"image_size", "photo_size"})
"""Settings that are a height and a width, written as in 224x320."""


def as_text(name: str, value: Any) -> str:
    """A setting's value as one would write it on the command line."""
    if name in SIZES:
        return "x".join(map(str, value))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Config:
    """All settings, in groups."""

    data: DataSettings = field(default_factory=DataSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    inference: InferenceSettings = field(default_factory=InferenceSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    push: PushSettings = field(default_factory=PushSettings)
    run: RunSettings = field(default_factory=RunSettings)

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
            SettingError: Names the setting, its value and the nearest valid choice.
        """
        for group in GROUPS:
            check(getattr(self, group))
        check_network(self.network)
        try:
            check_frame(self.inference.photo_size, self.network.image_size)
        except FrameError as error:
            raise SettingError(str(error)) from None

    @staticmethod
    def from_flat(values: Mapping[str, Any]) -> Config:
        """Builds a config from settings by name; what is not named has its default.

        Raises:
            SettingError: A name is unknown, or a value breaks its rule.
        """
        owner = {one.name: name for name, kind in GROUPS.items() for one in fields(kind)}
        chosen: dict[str, dict[str, Any]] = {name: {} for name in GROUPS}
        for name, value in values.items():
            if name not in owner:
                close = nearest(name, owner)
                meant = f"; did you mean {close.replace('_', '-')}?" if close else ""
                raise SettingError(f"there is no setting {name.replace('_', '-')!r}{meant}")
            chosen[owner[name]][name] = value
        return Config(**{name: kind(**chosen[name]) for name, kind in GROUPS.items()})

    def flat(self) -> dict[str, Any]:
        """All settings by name."""
        return {
            one.name: getattr(getattr(self, group), one.name) for group, kind in GROUPS.items() for one in fields(kind)
        }

    @property
    def workspace(self) -> Path:
        """The workspace, absolute."""
        return Path(self.run.workspace).expanduser().absolute()

    @property
    def serving_dir(self) -> Path:
        """Where pushed models go, one folder a version."""
        return self.workspace / "serving"

    @property
    def components(self) -> tuple[str, ...]:
        """Ids of the components of this run."""
        return COMPONENTS[: COMPONENTS.index(self.run.until) + 1] if self.run.until else COMPONENTS
