"""ExampleValidator with teeth: an anomaly of severity ERROR ends the run and says what is wrong."""

from __future__ import annotations

import os
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components import ExampleValidator
from tfx.components.example_validator import executor as tfx_executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils


class DataAnomalyError(ValueError):
    """The data breaks the schema; the message names every broken rule."""


class Executor(tfx_executor.Executor):
    """Writes the anomalies as TFX does, then refuses those of severity ERROR."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> Any:
        """Validates the statistics against the schema.

        Raises:
            DataAnomalyError: At least one anomaly of severity ERROR.
        """
        result = super().Do(input_dict, output_dict, exec_properties)
        errors = [
            told
            for split, anomalies in read_anomalies(output_dict["anomalies"][0]).items()
            for told in describe(split, anomalies, anomalies_pb2.AnomalyInfo.ERROR)
        ]
        if errors:
            raise DataAnomalyError("the data breaks the schema (schema/schema.pbtxt):\n  " + "\n  ".join(errors))
        return result


class SchemaGuard(ExampleValidator):
    """TFX's ExampleValidator with an executor that stops the run."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def read_anomalies(artifact: Any) -> dict[str, anomalies_pb2.Anomalies]:
    """Reads the anomalies of every split from an ExampleAnomalies artifact."""
    found = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), tfx_executor.DEFAULT_FILE_NAME)
        with fileio.open(path, "rb") as stream:
            found[split] = anomalies_pb2.Anomalies.FromString(stream.read())
    return found


def describe(split: str, anomalies: anomalies_pb2.Anomalies, least_severity: int) -> list[str]:
    """One line for each anomaly that is at least that severe."""
    lines = [
        f"{split} split, feature {name}: {info.description}"
        for name, info in sorted(anomalies.anomaly_info.items())
        if info.severity >= least_severity
    ]
    whole = anomalies.dataset_anomaly_info
    if anomalies.HasField("dataset_anomaly_info") and whole.severity >= least_severity:
        lines.append(f"{split} split: {whole.description}")
    return lines
