"""ClassStatisticsGen: TFX's StatisticsGen with columns that are derived from the records."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import apache_beam as beam
import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.statistics_gen import executor as tfx_executor
from tfx.components.util import tfxio_utils
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from components.statistics_gen.derived import add_derived
from schema.labelmap import LabelMap


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes what TFX's own executor writes, in the same places; that one has no room for derived columns."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """Counts every split."""
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        statistics.split_names, statistics.span = examples.split_names, examples.span
        schema_uri = artifact_utils.get_single_uri(input_dict["schema"])
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri))
        names = LabelMap.from_json(exec_properties["label_map"]).names
        with self._make_beam_pipeline() as pipeline:
            for split in artifact_utils.decode_split_names(examples.split_names):
                records = tfxio_utils.get_split_tfxio([examples], split, telemetry_descriptors=["StatisticsGen"])
                target = os.path.join(artifact_utils.get_split_uri([statistics], split), tfx_executor.DEFAULT_FILE_NAME)
                _ = (
                    pipeline
                    | f"Read[{split}]" >> records.BeamSource()
                    | f"Derive[{split}]" >> beam.Map(partial(add_derived, class_names=names))
                    # The schema tells TFDV which features are pictures: their bytes are no values to count.
                    | f"Count[{split}]" >> tfdv.GenerateStatistics(tfdv.StatsOptions(schema=schema))
                    | f"Write[{split}]" >> tfdv.WriteStatisticsToBinaryFile(target)
                )


class ClassStatisticsGenSpec(ComponentSpec):
    """Inputs, output and parameters."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        "label_map": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {"statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics)}  # noqa: RUF012


class ClassStatisticsGen(base_beam_component.BaseBeamComponent):
    """Statistics of every split: the records' features, the photo's aspect, and each class's share."""

    SPEC_CLASS = ClassStatisticsGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self, *, examples: types.BaseChannel, schema: types.BaseChannel, label_map: LabelMap, code_fingerprint: str
    ):
        """Takes records and schema, and the classes in the order of the records' shares."""
        super().__init__(
            ClassStatisticsGenSpec(
                examples=examples,
                schema=schema,
                label_map=label_map.to_json(),
                code_fingerprint=code_fingerprint,
                statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
            )
        )
