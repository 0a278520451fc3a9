"""EvaluationReport: one page on which people see whether a model may be served, and why."""

from __future__ import annotations

import datetime
import json
import os
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from components.artifacts import ConfusionMatrix, EvaluationPage, EvaluationScores, Rejections
from components.blessed_model.component import PUSHED_VERSION, is_absent
from components.evaluator.summary import read_summary
from components.example_validator.component import describe, read_anomalies
from components.example_validator.figures import Figures, figures_of
from components.image_mask_example_gen import duplicates
from components.image_mask_example_gen.outcome import read_duplicates, read_rejections
from components.report.figures_for_kubeflow import CONFUSION_PROPERTY, confusion_matrix, scores
from components.report.lineage import model_facts, settings_by_difference, versions
from components.report.page import PageContent, render_page
from components.report.photo_scores import read_photo_scores
from components.report.selection import choose, predict_chosen
from components.trainer.card import read_card
from components.trainer.run import HISTORY_FILE
from components.trainer.training import CONTACT_SHEET_FILE
from schema.labelmap import LabelMap

PAGE_FILE = "index.html"


class Executor(base_executor.BaseExecutor):
    """Gathers what other components found and renders it."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """Writes the page, and the figures as artifacts that Kubeflow's own page shows."""
        self._log_startup(input_dict, output_dict, exec_properties)
        label_map = LabelMap.from_json(exec_properties["label_map"])
        model_path = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        serve = tf.saved_model.load(model_path).signatures["serving_default"]
        files = _files(input_dict["examples"], "eval")
        set_aside = artifact_utils.get_single_uri(input_dict["rejections"])
        evaluation = artifact_utils.get_single_uri(input_dict["evaluation"])
        summary = read_summary(evaluation)
        model_run = artifact_utils.get_single_uri(input_dict["model_run"])
        scored = list(read_photo_scores(evaluation, label_map))
        compared = any(one.before is not None for one in scored)
        card = read_card(model_path)
        content = PageContent(
            title="Evaluation of a PSPNet",
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            summary=summary,
            label_map=label_map,
            gallery=predict_chosen(choose(scored), files, serve),
            rejections=read_rejections(set_aside),
            anomalies=[
                *_anomalies(input_dict["anomalies"][0]),
                *duplicates.describe(read_duplicates(set_aside)),
            ],
            history=_history(model_run),
            facts=self._facts(input_dict, exec_properties, card),
            splits=_figures(artifact_utils.get_single_instance(input_dict["statistics"])),
            photo_iou=[one.iou for one in scored],
            photo_iou_before=[one.before for one in scored] if compared else [],
            kept_step=card.get("kept_step"),
            augmented_pairs=_read_if_there(os.path.join(model_run, CONTACT_SHEET_FILE)),
        )
        page_dir = artifact_utils.get_single_uri(output_dict["page"])
        fileio.makedirs(page_dir)
        with fileio.open(os.path.join(page_dir, PAGE_FILE), "w") as stream:
            stream.write(render_page(content))
        for name, value in scores(summary).items():
            artifact_utils.get_single_instance(output_dict["scores"]).set_float_custom_property(name, value)
        matrix = artifact_utils.get_single_instance(output_dict["confusion_matrix"])
        matrix.set_json_value_custom_property(CONFUSION_PROPERTY, confusion_matrix(summary, label_map.names))

    def _facts(
        self, input_dict: dict[str, list], exec_properties: dict[str, Any], card: dict[str, Any]
    ) -> dict[str, dict[str, str]]:
        """Lineage, settings and versions by heading."""
        baseline = artifact_utils.get_single_instance(input_dict["baseline_model"])
        version = baseline.get_string_custom_property(PUSHED_VERSION)
        return {
            "Lineage": {
                **json.loads(exec_properties["lineage"]),
                "run": (self._context and self._context.pipeline_run_id) or "",
                "examples": artifact_utils.get_single_uri(input_dict["examples"]),
                "model": artifact_utils.get_single_uri(input_dict["model"]),
                **model_facts(card),
                "evaluation": artifact_utils.get_single_uri(input_dict["evaluation"]),
                "compared with": "no other model" if is_absent(baseline) else f"pushed version {version}",
            },
            **settings_by_difference(json.loads(exec_properties["facts"]), json.loads(exec_properties["defaults"])),
            "Versions": versions(),
        }


class EvaluationReportSpec(ComponentSpec):
    """Inputs, output and parameters."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        "label_map": ExecutionParameter(type=str),
        "lineage": ExecutionParameter(type=str),
        "facts": ExecutionParameter(type=str),
        "defaults": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "rejections": ChannelParameter(type=Rejections),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
    }
    OUTPUTS = {  # noqa: RUF012
        "page": ChannelParameter(type=EvaluationPage),
        "scores": ChannelParameter(type=EvaluationScores),
        "confusion_matrix": ChannelParameter(type=ConfusionMatrix),
    }


class EvaluationReport(base_component.BaseComponent):
    """Renders the evaluation of a model as one self-contained HTML page."""

    SPEC_CLASS = EvaluationReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        label_map: LabelMap,
        lineage: dict[str, str],
        facts: dict[str, str],
        defaults: dict[str, str],
        code_fingerprint: str,
        **inputs: types.BaseChannel,
    ):
        """Takes the channels named in the specification, where all came from, and the settings with their defaults."""
        super().__init__(
            EvaluationReportSpec(
                label_map=label_map.to_json(),
                lineage=json.dumps(lineage, ensure_ascii=False),
                facts=json.dumps(facts, ensure_ascii=False),
                defaults=json.dumps(defaults, ensure_ascii=False),
                code_fingerprint=code_fingerprint,
                page=types.Channel(type=EvaluationPage),
                scores=types.Channel(type=EvaluationScores),
                confusion_matrix=types.Channel(type=ConfusionMatrix),
                **inputs,
            )
        )


def _files(examples: list[types.Artifact], split: str) -> list[str]:
    uri = artifact_utils.get_split_uri(examples, split)
    return [os.path.join(uri, name) for name in sorted(fileio.listdir(uri))]


def _anomalies(artifact: types.Artifact) -> list[str]:
    return [
        told
        for split, anomalies in read_anomalies(artifact).items()
        for told in describe(split, anomalies, anomalies_pb2.AnomalyInfo.UNKNOWN)
    ]


def _figures(artifact: types.Artifact) -> dict[str, dict[str, Figures]]:
    splits = artifact_utils.decode_split_names(artifact.split_names)
    return {one: figures_of(stats_artifact_utils.load_statistics(artifact, one).proto()) for one in splits}


def _history(uri: str) -> list[dict[str, float]]:
    with fileio.open(os.path.join(uri, HISTORY_FILE), "r") as stream:
        return json.loads(stream.read())


def _read_if_there(path: str) -> bytes:
    if not fileio.exists(path):
        return b""
    with fileio.open(path, "rb") as stream:
        return stream.read()
