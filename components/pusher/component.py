"""TFX's Pusher, whose push servers see wholly or not at all, and which writes down what it pushed."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.pusher import executor as tfx_executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils, proto_utils

from components.artifacts import EvaluationPage, place_of
from components.evaluator.summary import EvaluationSummary, read_summary
from components.image_mask_example_gen.listing import is_remote
from components.pusher import atomic, object_store
from components.pusher.settings import PushSettings

RUN_ID_VARIABLE = "KUBEFLOW_RUN_ID"
"""Environment variable that tells a cluster's step which run it belongs to; TFX knows only its own."""

NEW = "new_version"
"""Custom property of the pushed model: 0 where the same model was in service already."""


class Executor(tfx_executor.Executor):
    """Keeps the contract of TFX's executor: blessings, `pushed`, destination, version, a copy for the archive."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """Pushes a blessed model."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        model = self.GetModelPath(input_dict)
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties["push_destination"], destination)
        serving_dir = destination.filesystem.base_directory
        record = push_record(
            run=(self._context and self._context.pipeline_run_id) or os.environ.get(RUN_ID_VARIABLE, ""),
            model=model,
            place=place_of(artifact_utils.get_single_instance(input_dict["model"])),
            summary=read_summary(artifact_utils.get_single_uri(input_dict["evaluation"])),
            page=_seen_from(serving_dir, place_of(artifact_utils.get_single_instance(input_dict["page"]))),
            facts=json.loads(exec_properties["facts"]),
        )
        version, new = push(model, serving_dir, record, keep=exec_properties["keep_versions"])
        _archive(model, pushed.uri)
        pushed.set_int_custom_property(NEW, int(new))
        self._MarkPushed(
            pushed, pushed_destination=os.path.join(serving_dir, str(version)), pushed_version=str(version)
        )


class PusherSpec(standard_component_specs.PusherSpec):
    """TFX's specification, with what the record of a push tells."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        **standard_component_specs.PusherSpec.PARAMETERS,
        "keep_versions": ExecutionParameter(type=int),
        "facts": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        **standard_component_specs.PusherSpec.INPUTS,
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "page": ChannelParameter(type=EvaluationPage),
    }


class Pusher(base_component.BaseComponent):
    """Puts a blessed model into service."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        evaluation: types.BaseChannel,
        page: types.BaseChannel,
        serving_dir: str,
        settings: PushSettings,
        facts: dict[str, str],
    ):
        """Takes the model, the verdict on it with its page, the folder that servers watch, and facts by name."""
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                evaluation=evaluation,
                page=page,
                push_destination=pusher_pb2.PushDestination(
                    filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=serving_dir)
                ),
                keep_versions=settings.keep_versions,
                facts=json.dumps(facts, ensure_ascii=False),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )


def push(model: str, serving_dir: str, record: dict[str, Any], *, keep: int) -> tuple[int, bool]:
    """Puts a model into service, unless it is; returns the version and whether it is a new one."""
    if is_remote(serving_dir) or is_remote(model):
        return object_store.push(model, serving_dir, record, keep=keep)
    return atomic.push(Path(model), Path(serving_dir), record, keep=keep)


def push_record(
    *, run: str, model: str, place: str, summary: EvaluationSummary, page: str, facts: dict[str, str]
) -> dict[str, Any]:
    """What is written beside a pushed model: when, by which run, from which data and settings, with which scores.

    Args:
        run: The pipeline run's id, which names its records and its log.
        model: The model's folder.
        place: Where the model's artifact is for good.
        summary: Its evaluation.
        page: Where the evaluation page lies, relative to the folder around the serving folder.
        facts: Data, data fingerprint and settings.
    """
    whole = summary.candidate[0]
    return {
        "pushed": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "run": run,
        "model": place,
        "digest": digest_of(model),
        "page": page,
        "evaluation": {
            "mean_iou": whole.mean_iou,
            "pixel_accuracy": whole.pixel_accuracy,
            "iou": whole.iou,
            "photos": whole.photos,
        },
        "facts": facts,
    }


def digest_of(folder: str) -> str:
    """SHA-256 over the names and contents of all files of a folder, local or remote."""
    digest = hashlib.sha256()
    files = [os.path.join(where, name) for where, _, names in fileio.walk(folder) for name in names]
    for path in sorted(files):
        digest.update(f"{os.path.relpath(path, folder)}\0{fileio.stat(path).length}\0".encode())
        with fileio.open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _archive(model: str, uri: str) -> None:
    if is_remote(model) or is_remote(uri):
        io_utils.copy_dir(model, uri)
    else:
        # Artifacts never change: both may be the same files, and a push that finds its model in service costs nothing.
        atomic.copy_tree(Path(model), Path(uri), link=True)


def _seen_from(serving_dir: str, path: str) -> str:
    # Relative to the workspace, so that it can be moved.
    workspace = os.path.dirname(serving_dir.rstrip("/"))
    return path if is_remote(path) or is_remote(serving_dir) else os.path.relpath(path, workspace)
