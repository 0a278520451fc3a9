"""LatestBlessedModel: copies the baseline out of the serving folder, or says that there is none.

It stands in for TFX's Resolver, which open-source Kubeflow Pipelines cannot run; one behaviour everywhere.
"""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils, path_utils

from components.blessed_model.baseline import find_baseline
from schema.labelmap import LabelMap

_ABSENT = "absent"
PUSHED_VERSION = "pushed_version"
"""Custom property of the model: the version that it was pushed as."""


def is_absent(model: types.Artifact) -> bool:
    """Whether a model artifact only says that there is no model."""
    return model.get_int_custom_property(_ABSENT) == 1


class Executor(base_executor.BaseExecutor):
    """Copies the version into the component's own output: backends accept no artifact outside their root."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """Finds and copies the baseline."""
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(output_dict["model"])
        class_names = LabelMap.from_json(exec_properties["label_map"]).names
        version = find_baseline(exec_properties["serving_dir"], exec_properties["fingerprint"], class_names)
        model.set_int_custom_property(_ABSENT, int(not version))
        if version:
            model.set_string_custom_property(PUSHED_VERSION, version)
            source = os.path.join(exec_properties["serving_dir"], version)
            io_utils.copy_dir(source, path_utils.serving_model_dir(model.uri))


class LatestBlessedModelSpec(ComponentSpec):
    """Parameters and output."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        "serving_dir": ExecutionParameter(type=str),
        "fingerprint": ExecutionParameter(type=str),
        "label_map": ExecutionParameter(type=str),
        "expected_version": ExecutionParameter(type=str),
    }
    INPUTS: dict = {}  # noqa: RUF012
    OUTPUTS = {"model": ChannelParameter(type=standard_artifacts.Model)}  # noqa: RUF012


class LatestBlessedModel(base_component.BaseComponent):
    """Gives the newest pushed model that is not the candidate itself; only blessed models are pushed."""

    SPEC_CLASS = LatestBlessedModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, *, serving_dir: str, fingerprint: str, label_map: LabelMap, expected_version: str):
        """Takes the folder of pushed models, the fingerprint of the candidate's training and its classes.

        `expected_version` is what `find_baseline` gave when the run began. The executor looks again; the
        parameter makes the cache notice that another model went into service.
        """
        super().__init__(
            LatestBlessedModelSpec(
                serving_dir=serving_dir,
                fingerprint=fingerprint,
                label_map=label_map.to_json(),
                expected_version=expected_version,
                model=types.Channel(type=standard_artifacts.Model),
            )
        )
