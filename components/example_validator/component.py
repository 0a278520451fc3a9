"""ExampleValidator with teeth: an anomaly of severity ERROR ends the run and says what is wrong."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
from absl import logging
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import executor as tfx_executor
from tfx.components.example_validator import labels
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import writer_utils

from components.example_validator.reference import Statistics, find_reference, keep_reference, read_reference
from components.example_validator.validation import validate
from components.example_validator.wording import describe, read_anomalies
from schema.labelmap import LabelMap

__all__ = ["DataAnomalyError", "Executor", "SchemaGuard", "describe", "read_anomalies"]

_UNREADABLE = (OSError, DecodeError, tf.errors.OpError)


class DataAnomalyError(ValueError):
    """The data breaks the schema; the message names every broken rule."""


class Executor(tfx_executor.Executor):
    """Writes the anomalies as TFX does, then refuses those of severity ERROR."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> Any:
        """Validates the statistics of every split; those of sound data become the next run's reference.

        Raises:
            DataAnomalyError: At least one anomaly of severity ERROR.
        """
        artifact = artifact_utils.get_single_instance(input_dict["statistics"])
        splits = artifact_utils.decode_split_names(artifact.split_names)
        self._statistics = {one: stats_artifact_utils.load_statistics(artifact, one).proto() for one in splits}
        self._label_map = LabelMap.from_json(exec_properties["label_map"])
        folder, fingerprint = exec_properties["reference_dir"], exec_properties["data_fingerprint"]
        self._previous = _read_previous(folder, fingerprint)
        result = super().Do(input_dict, output_dict, exec_properties)
        errors = [
            told
            for split, anomalies in read_anomalies(output_dict["anomalies"][0]).items()
            for told in describe(split, anomalies, anomalies_pb2.AnomalyInfo.ERROR)
        ]
        if errors:
            raise DataAnomalyError(
                "the data breaks the schema (docs/validation.md tells why):\n  " + "\n  ".join(errors)
            )
        _keep(folder, fingerprint, self._statistics)
        return result

    def _Validate(  # noqa: N802 - TFX's name
        self, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> anomalies_pb2.Anomalies:
        """Stands in for TFX's call of TFDV, which knows one split at a time and neither rules nor earlier data."""
        target = outputs[labels.SCHEMA_DIFF_PATH]
        split = os.path.basename(target.rstrip("/")).removeprefix("Split-")
        anomalies = validate(split, self._statistics, self._previous, inputs["schema"], self._label_map)
        writer_utils.write_anomalies(os.path.join(target, tfx_executor.DEFAULT_FILE_NAME), anomalies)
        return anomalies


class SchemaGuardSpec(ComponentSpec):
    """Inputs, output and parameters."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        "label_map": ExecutionParameter(type=str),
        "data_fingerprint": ExecutionParameter(type=str),
        "reference_dir": ExecutionParameter(type=str),
        "expected_reference": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {"anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies)}  # noqa: RUF012


class SchemaGuard(base_component.BaseComponent):
    """TFX's ExampleValidator with rules about masks and photos, and with an executor that stops the run."""

    SPEC_CLASS = SchemaGuardSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, *, label_map: LabelMap, **given: Any):
        """Takes the classes, and the channels and parameters named in the specification.

        `expected_reference` is what `find_reference` gave when the run began. The executor looks again; the
        parameter makes the cache notice that other data went through.
        """
        super().__init__(
            SchemaGuardSpec(
                label_map=label_map.to_json(),
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
                **given,
            )
        )


def _read_previous(folder: str, fingerprint: str) -> Statistics:
    """The last other data's statistics; what cannot be read costs the comparison, not the run."""
    try:
        name = find_reference(folder, fingerprint)
        return read_reference(folder, name) if name else {}
    except _UNREADABLE as error:
        logging.warning("no comparison with earlier data: %s cannot be read: %s", folder, error)
        return {}


def _keep(folder: str, fingerprint: str, statistics: Statistics) -> None:
    try:
        keep_reference(folder, fingerprint, statistics)
    except _UNREADABLE as error:
        logging.warning("later runs cannot compare with this data: %s cannot be written: %s", folder, error)
