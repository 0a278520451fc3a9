"""TFX's Evaluator, made to work without a baseline on every backend and to say what it found."""

from __future__ import annotations

import json
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components.evaluator import executor as tfx_executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import json_utils

from components.blessed_model.component import is_absent
from components.evaluator.gate import eval_config
from components.evaluator.settings import GateSettings
from components.evaluator.summary import EvaluationSummary, summarise, write_summary
from schema.labelmap import LabelMap


class Executor(tfx_executor.Executor):
    """Runs TFMA, then writes the summary and puts the verdict's reasons into the blessing."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """Evaluates the candidate, and the baseline where there is one."""
        inputs = dict(input_dict)
        if inputs.get("baseline_model") and is_absent(inputs["baseline_model"][0]):
            del inputs["baseline_model"]
        super().Do(inputs, output_dict, exec_properties)
        uri = artifact_utils.get_single_uri(output_dict["evaluation"])
        summary = summarise(
            tfma.load_metrics(uri),
            tfma.load_validation_result(uri),
            LabelMap.from_json(exec_properties["label_map"]),
            GateSettings(**json.loads(exec_properties["gate"])),
        )
        write_summary(uri, summary)
        _explain(artifact_utils.get_single_instance(output_dict["blessing"]), summary)


class IoUEvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's specification, with what the summary needs."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "label_map": ExecutionParameter(type=str),
        "gate": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }


class IoUEvaluator(base_beam_component.BaseBeamComponent):
    """Scores a model on the eval split by summed counts, and blesses it if it passes the gate."""

    SPEC_CLASS = IoUEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        schema: types.BaseChannel,
        label_map: LabelMap,
        gate: GateSettings,
        code_fingerprint: str,
    ):
        """Takes ExampleGen's examples, so that photos are scored at their own size, through the serving path."""
        super().__init__(
            IoUEvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                schema=schema,
                eval_config=eval_config(label_map, gate),
                example_splits=json_utils.dumps(["eval"]),
                fairness_indicator_thresholds=json_utils.dumps(None),
                label_map=label_map.to_json(),
                gate=json.dumps(vars(gate)),
                code_fingerprint=code_fingerprint,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )


def _explain(blessing: types.Artifact, summary: EvaluationSummary) -> None:
    for number, check in enumerate(summary.checks, start=1):
        blessing.set_string_custom_property(f"check_{number}", str(check))
