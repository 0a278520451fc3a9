"""Evaluator: scores a model by TFMA, applies the gate, and says why."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils, path_utils

from components.blessed_model.component import is_absent
from components.evaluator import graph, names
from components.evaluator.gate import eval_config
from components.evaluator.infra import check_serving
from components.evaluator.rules import judge
from components.evaluator.scoring import changes, scores_by_model
from components.evaluator.settings import GateSettings
from components.evaluator.summary import EvaluationSummary, write_summary
from components.settings import with_tuples
from schema.labelmap import LabelMap

EVAL_SPLIT = "eval"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs TFMA and the gate; stands in for TFX's executor, which has no place for counts of photos or for rules."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """Evaluates the candidate, and the baseline where there is one."""
        self._log_startup(input_dict, output_dict, exec_properties)
        label_map = LabelMap.from_json(exec_properties["label_map"])
        gate = GateSettings(**with_tuples(json.loads(exec_properties["gate"])))
        models = {
            name: artifact_utils.get_single_instance(input_dict[key])
            for name, key in ((names.CANDIDATE, "model"), (names.BASELINE, "baseline_model"))
            if input_dict.get(key) and not is_absent(input_dict[key][0])
        }
        files = io_utils.all_files_pattern(artifact_utils.get_split_uri(input_dict["examples"], EVAL_SPLIT))
        uri = artifact_utils.get_single_uri(output_dict["evaluation"])
        fileio.makedirs(uri)
        summary = self._evaluate({name: _path(one) for name, one in models.items()}, files, label_map, gate, uri)
        write_summary(uri, summary)
        _bless(artifact_utils.get_single_instance(output_dict["blessing"]), summary, models)

    def _evaluate(
        self, models: dict[str, str], files: str, label_map: LabelMap, gate: GateSettings, uri: str
    ) -> EvaluationSummary:
        config = tfma.utils.update_eval_config_with_defaults(
            eval_config(label_map, gate), has_baseline=names.BASELINE in models, rubber_stamp=True
        )
        with self._make_beam_pipeline() as pipeline:
            graph.evaluate(pipeline, files, models, config, gate, len(label_map.classes), uri)
        noise = graph.read_noise(uri)
        candidate, baseline = scores_by_model(tfma.load_metrics(uri), label_map.names, noise)
        differences = changes(candidate, baseline, noise)
        infra = check_serving(
            models[names.CANDIDATE],
            graph.read_extreme_photos(uri),
            seconds=gate.infra_seconds,
            memory_mb=gate.infra_memory_mb,
        )
        checks = judge(candidate, differences, infra, label_map, gate)
        validation = tfma.load_validation_result(uri)
        missing = [f"slices by {feature}: no photo has this feature" for feature in graph.read_missing(uri)]
        missing += [str(one).strip() for one in validation.missing_slices]
        return EvaluationSummary(
            blessed=bool(validation.validation_ok) and not missing and all(check.passed for check in checks),
            checks=checks,
            candidate=candidate,
            baseline=baseline,
            missing=missing,
            changes=differences,
            resamples=gate.resamples,
        )


class IoUEvaluatorSpec(ComponentSpec):
    """Inputs, outputs and parameters."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        "label_map": ExecutionParameter(type=str),
        "gate": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {  # noqa: RUF012
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
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
                label_map=label_map.to_json(),
                gate=json.dumps(vars(gate)),
                code_fingerprint=code_fingerprint,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )


def _path(model: types.Artifact) -> str:
    return path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))


def _bless(blessing: types.Artifact, summary: EvaluationSummary, models: dict[str, types.Artifact]) -> None:
    """Writes the verdict as TFX's Pusher reads it, with every rule as a sentence and what is missing."""
    marker, value = (
        (constants.BLESSED_FILE_NAME, constants.BLESSED_VALUE)
        if summary.blessed
        else (constants.NOT_BLESSED_FILE_NAME, constants.NOT_BLESSED_VALUE)
    )
    io_utils.write_string_file(os.path.join(blessing.uri, marker), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    for key, name in (("current_model", names.CANDIDATE), ("baseline_model", names.BASELINE)):
        if name in models:
            blessing.set_string_custom_property(key, models[name].uri)
            blessing.set_int_custom_property(f"{key}_id", models[name].id)
    for number, check in enumerate(summary.checks, start=1):
        blessing.set_string_custom_property(f"check_{number}", str(check))
    for number, missing in enumerate(summary.missing, start=1):
        blessing.set_string_custom_property(f"missing_{number}", missing)
