"""What differs from run to run: settings on Kubeflow's form, and facts that are known when a run begins.

The compiler declares them as parameters of steps; a step turns its parameters back into a config and builds the
same graph as the compiler, so that every step computes what it must do from the run's own values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from tfx.orchestration.pipeline import Pipeline

from components.settings import SettingError
from pipeline.command_line import convert
from pipeline.config import GROUPS, SIZES, Config, as_text
from pipeline.create import create_pipeline
from pipeline.earlier import Earlier
from pipeline.inputs import DataFacts
from schema.labelmap import LabelClass, LabelMap

FORM = ("data", "steps", "learning_rate", "min_mean_iou", "min_class_iou", "max_drop")
"""Settings that Kubeflow's page offers on a form when a run is started."""

SERVING_DIR = "serving_dir"
SETTINGS = "settings"
"""Parameter of a step that holds the settings which are fixed when the pipeline is compiled."""

FACTS = ("label_map", "data_fingerprint", "weights_path", "weights_fingerprint", "baseline", "reference")
"""What the first step of a run finds out for the others."""

KNOWN: dict[str, Field] = {one.name: one for kind in GROUPS.values() for one in fields(kind)}

_PLAIN_FACTS = ("data_fingerprint", "weights_path", "weights_fingerprint")
"""Facts that are kept as they are told."""

_UNKNOWN_CLASSES = LabelMap((LabelClass("class 0", (0, 0, 0)), LabelClass("class 1", (1, 1, 1))), (), "class 0")


@dataclass(frozen=True)
class RunValues:
    """A run's settings and facts; facts that nobody found out yet have stand-ins."""

    config: Config
    serving_dir: str
    label_map: LabelMap = _UNKNOWN_CLASSES
    data_fingerprint: str = ""
    weights_path: str = ""
    weights_fingerprint: str = ""
    earlier: Earlier = field(default_factory=Earlier)

    @property
    def data(self) -> DataFacts:
        """Facts of the data, as the graph wants them."""
        weights = {"weights": self.weights_path, "weights_fingerprint": self.weights_fingerprint}
        return DataFacts(self.config.data.data, self.label_map, self.data_fingerprint, 0, **weights)

    def pipeline(self) -> Pipeline:
        """The graph. Results go where Kubeflow says; the root is where the Trainer keeps checkpoints."""
        root = checkpoints_root(self.serving_dir)
        return create_pipeline(self.config, self.data, self.earlier, root=root, serving_dir=self.serving_dir)

    def with_parameters(self, given: Mapping[str, Any]) -> RunValues:
        """The values with a step's parameters in them.

        Raises:
            SettingError: A value that was typed into the form cannot be used.
        """
        settings = {**given.get(SETTINGS, {}), **{name: given[name] for name in FORM if name in given}}
        return replace(
            self,
            config=Config.from_flat({**self.config.flat(), **from_plain(settings)}),
            serving_dir=given.get(SERVING_DIR, self.serving_dir),
            label_map=LabelMap.from_json(given["label_map"]) if "label_map" in given else self.label_map,
            **{name: given.get(name, getattr(self, name)) for name in _PLAIN_FACTS},
            earlier=Earlier(
                given.get("baseline", self.earlier.baseline), given.get("reference", self.earlier.reference)
            ),
        )


def checkpoints_root(serving_dir: str) -> str:
    """Around the pushed models, so that the pod of a further attempt finds what a lost one left.

    TensorFlow writes no checkpoints to `s3://`: there a further attempt begins anew, on the pod's own disk.
    """
    return "" if serving_dir.startswith("s3://") else os.path.dirname(serving_dir.rstrip("/"))


def to_plain(config: Config, names: Any) -> dict[str, Any]:
    """Settings as JSON can hold them without loss: text, true and false, lists of text."""
    values = config.flat()
    return {name: _plain(name, values[name]) for name in names}


def from_plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Restores what `to_plain` wrote, and what a form gives.

    Raises:
        SettingError: A name that this version of the project does not know, or a value of another type.
    """
    unknown = next((name for name in values if name not in KNOWN), None)
    if unknown is not None:
        raise SettingError(f"there is no setting {unknown!r}")
    return {name: convert(KNOWN[name], value) for name, value in values.items()}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, tuple) and name not in SIZES:
        return [str(one) for one in value]
    return as_text(name, value)
