"""Runs the pipeline on this machine, component by component, and tells the outcome."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.types import Artifact
from tfx.utils import path_utils

from components import progress
from components.evaluator.summary import EvaluationSummary, read_summary
from components.example_validator.wording import findings
from components.pusher.component import NEW
from components.report.component import PAGE_FILE
from components.trainer.card import read_card
from components.trainer.run import HISTORY_FILE
from pipeline.config import Config
from pipeline.console import Console
from pipeline.create import create_pipeline, training_fingerprint
from pipeline.earlier import look_back
from pipeline.inputs import DataFacts

_NOTED = {"duplicate_groups": "groups of equal photos", "split_key_unmatched": "not matched by split-key"}
"""Custom properties of the examples that a person should see where they are not 0."""

_FINDINGS_SHOWN = 5

Outputs = Mapping[str, list[Artifact]]


class ComponentError(RuntimeError):
    """A component failed.

    Attributes:
        component: Its id.
        cause: What it raised.
    """

    def __init__(self, component: str, cause: BaseException):
        super().__init__(f"{component}: {cause}")
        self.component = component
        self.cause = cause


@dataclass
class Outcome:
    """What a run brought.

    Attributes:
        outputs: Output artifacts by component id and key.
        cached: Ids of the components whose outputs came from an earlier run.
    """

    outputs: dict[str, Outputs] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)

    def uri(self, component: str, key: str) -> str:
        """Where the one artifact of an output is; empty if the component did not run."""
        return self.outputs[component][key][0].uri if component in self.outputs else ""

    @property
    def summary(self) -> EvaluationSummary | None:
        """The evaluation, if the run went that far."""
        uri = self.uri("Evaluator", "evaluation")
        return read_summary(uri) if uri else None

    @property
    def page(self) -> str:
        """Path of the evaluation page; empty if there is none."""
        uri = self.uri("EvaluationReport", "page")
        return os.path.join(uri, PAGE_FILE) if uri else ""

    @property
    def pushed_to(self) -> str:
        """Where the model was pushed; empty if it was not."""
        if "Pusher" not in self.outputs:
            return ""
        pushed = self.outputs["Pusher"]["pushed_model"][0]
        return (
            pushed.get_string_custom_property("pushed_destination") if pushed.get_int_custom_property("pushed") else ""
        )


def run_local(config: Config, data: DataFacts, console: Console, run_id: str) -> Outcome:
    """Runs every component of the config through TFX's LocalDagRunner; `run_id` names the run in TFX's metadata.

    Raises:
        ComponentError: A component failed; those before it are kept for the next run.
    """
    connection = metadata.sqlite_metadata_connection_config(str(config.workspace / "metadata.sqlite"))
    config.workspace.mkdir(parents=True, exist_ok=True)
    serving_dir = str(config.serving_dir)
    pipeline = create_pipeline(
        config,
        data,
        look_back(serving_dir, training_fingerprint(config, data), data),
        root=str(config.workspace / "artifacts"),
        serving_dir=serving_dir,
        metadata_connection_config=connection,
    )
    whole = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(whole, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    outcome = Outcome()
    for node in whole.nodes:
        name = node.pipeline_node.node_info.id
        if name == "Pusher":
            # Records cannot know what happened to the serving folder since. A push of what is in service does nothing.
            node.pipeline_node.execution_options.caching_options.enable_cache = False
        expected = data.file_count if name == "ImageMaskExampleGen" else 0
        console.begin(name, expected)
        progress.listen(console.progress, lambda text: console.say(f"  {text}"))
        try:
            # One node at a time, so that each can be told and timed; TFX passes artifacts through its metadata.
            LocalDagRunner().run_with_ir(_only(whole, node))
        except Exception as error:
            console.end("failed")
            raise ComponentError(name, error) from error
        finally:
            progress.listen(None)
        _record(connection, run_id, name, outcome)
        console.end(_note(name, outcome))
    return outcome


def _only(whole: Any, node: Any) -> Any:
    single = copy.deepcopy(whole)
    del single.nodes[:]
    single.nodes.append(node)
    return single


def _record(connection: Any, run_id: str, name: str, outcome: Outcome) -> None:
    with metadata.Metadata(connection) as handle:
        context = handle.store.get_context_by_type_and_name("pipeline_run", run_id)
        executions = handle.store.get_executions_by_context(context.id)
        for execution in executions:
            nodes = [c.name for c in handle.store.get_contexts_by_execution(execution.id)]
            if any(one.endswith(f".{name}") for one in nodes):
                outcome.outputs[name] = execution_lib.get_output_artifacts(handle, execution.id)
                if execution.last_known_state == execution.CACHED:
                    outcome.cached.add(name)


def _note(name: str, outcome: Outcome) -> str:
    parts = ["from an earlier run"] if name in outcome.cached else []
    if name == "ImageMaskExampleGen":
        facts = outcome.outputs[name]["examples"][0]
        train, held, rejected = (
            facts.get_int_custom_property(key) for key in ("train_count", "eval_count", "rejected")
        )
        parts.append(f"{train} photos to train, {held} to evaluate, {rejected} files set aside")
        for key, words in _NOTED.items():
            if count := facts.get_int_custom_property(key):
                parts.append(f"{count} {words}")
    if name == "ExampleValidator":
        parts.append(_findings_note(outcome.outputs[name]["anomalies"][0]))
    if name == "Trainer":
        parts.append(_training_note(outcome.uri(name, "model_run"), outcome.uri(name, "model")))
    if name == "LatestBlessedModel":
        version = outcome.outputs[name]["model"][0].get_string_custom_property("pushed_version")
        parts.append(f"baseline: version {version}" if version else "no other model was pushed yet")
    if name == "Pusher":
        parts.append(_push_note(outcome.outputs[name]["pushed_model"][0]))
    return ", ".join(part for part in parts if part)


def _push_note(pushed: Artifact) -> str:
    if not pushed.get_int_custom_property("pushed"):
        return ""
    version = pushed.get_string_custom_property("pushed_version")
    return f"version {version}" + ("" if pushed.get_int_custom_property(NEW) else ", in service already")


def _findings_note(anomalies: Artifact) -> str:
    found = findings(anomalies)
    shown = "".join(f"\n  {one}" for one in found[:_FINDINGS_SHOWN])
    return f"{len(found)} worth a look:{shown}" if found else ""


def _training_note(run_uri: str, model_uri: str) -> str:
    history = json.loads((Path(run_uri) / HISTORY_FILE).read_text(encoding="utf-8"))
    kept, last = read_card(path_utils.serving_model_dir(model_uri))["kept_step"], history[-1]
    earlier = f", weights of step {kept}" if kept != last["step"] else ""
    return f"{last['step']} steps, loss {last['loss']:.3f}{earlier}"
