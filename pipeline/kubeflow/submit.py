"""Brings a compiled pipeline to a cluster through Kubeflow's own client, and follows its runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import kfp_server_api
import urllib3

from pipeline.config import Config
from pipeline.kubeflow.run_values import FORM, SERVING_DIR
from pipeline.kubeflow.settings import STEPS, VERDICT, Cluster

SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"
_ENDS = (SUCCEEDED, FAILED, "CANCELED", "SKIPPED")
_SECONDS_BETWEEN_LOOKS = 10.0
_LOST_LOOKS = 30
"""Looks in a row that may fail, as while the cluster's server starts anew, before following is given up."""

# Argo's nodes: Trainer, Trainer(0) for an attempt, Trainer-driver for what Kubeflow does before it.
_ATTEMPT = re.compile(r"(?P<step>[A-Za-z]+)(\(\d+\))?")


@dataclass
class Ending:
    """How a run ended.

    Attributes:
        state: Kubeflow's word for it.
        failed: Steps that failed, with what Kubeflow says about them.
    """

    state: str
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether the run was sound, and the gate refused the model."""
        return self.state == FAILED and list(self.failed) == [VERDICT]


def form_values(config: Config, cluster: Cluster) -> dict[str, Any]:
    """What the run's form is filled with."""
    flat = config.flat()
    return {**{name: flat[name] for name in FORM}, SERVING_DIR: cluster.settings.serving_dir}


@dataclass(frozen=True)
class Request:
    """What is asked of a cluster.

    Attributes:
        file: The compiled file.
        values: What the form is filled with.
        root: Where results go.
        experiment: Name of the experiment; it is made where there is none.
        name: Name of the run or schedule.
        namespace: Namespace of a cluster with several users; empty otherwise.
        service_account: Kubernetes account of the pods; empty for the cluster's default.
    """

    file: str
    values: Mapping[str, Any]
    root: str
    experiment: str
    name: str
    namespace: str = ""
    service_account: str = ""

    def arguments(self, client: Any) -> dict[str, Any]:
        """What runs and schedules have in common, as Kubeflow's client calls it."""
        experiment = client.create_experiment(self.experiment, namespace=self.namespace or None)
        return {
            "experiment_id": experiment.experiment_id,
            "job_name": self.name,
            "pipeline_package_path": self.file,
            "params": dict(self.values),
            "pipeline_root": self.root,
            "service_account": self.service_account or None,
        }


def submit(client: Any, request: Request) -> str:
    """Starts a run and returns its id."""
    return client.run_pipeline(**request.arguments(client)).run_id


def schedule(client: Any, request: Request, *, cron: str, every: int) -> str:
    """Starts runs again and again and returns the schedule's id.

    One run at a time, and none for times that were missed: a run looks at the data as it is.

    Args:
        client: A `kfp.Client`.
        request: What to run.
        cron: Six fields, seconds first; empty where `every` is given.
        every: Seconds between two starts; 0 where `cron` is given.
    """
    made = client.create_recurring_run(
        **request.arguments(client),
        cron_expression=cron or None,
        interval_second=every or None,
        max_concurrency=1,
        no_catchup=True,
    )
    return made.recurring_run_id


def upload(client: Any, file: str, *, pipeline: str, version: str, namespace: str = "") -> tuple[str, str]:
    """Adds the file as a version of a pipeline, or as a new pipeline; returns the pipeline's and the version's id."""
    known = client.get_pipeline_id(pipeline)
    if known is None:
        return client.upload_pipeline(file, pipeline_name=pipeline, namespace=namespace or None).pipeline_id, ""
    made = client.upload_pipeline_version(file, version, pipeline_id=known)
    return known, made.pipeline_version_id


def follow(client: Any, run_id: str, say: Callable[[str], None], pause: Callable[[float], None] = time.sleep) -> Ending:
    """Tells every change of a step's state until the run ends.

    Raises:
        ConnectionError: The cluster does not answer any more; the run goes on.
    """
    known: dict[str, str] = {}
    lost = 0
    while True:
        try:
            run = client.get_run(run_id)
            lost = 0
        except (kfp_server_api.ApiException, urllib3.exceptions.HTTPError) as error:
            lost += 1
            if lost > _LOST_LOOKS or _is_refusal(error):
                raise ConnectionError(f"the cluster does not answer, the run goes on: {_told(error)}") from error
            pause(_SECONDS_BETWEEN_LOOKS)
            continue
        states = _states(run)
        for step, (state, _) in states.items():
            if known.get(step) != state:
                say(f"{step:<26}{state.lower()}")
                known[step] = state
        if run.state in _ENDS:
            failed = {step: told for step, (state, told) in states.items() if state == FAILED}
            return Ending(run.state, failed)
        pause(_SECONDS_BETWEEN_LOOKS)


def _states(run: Any) -> dict[str, tuple[str, str]]:
    """State of every step and what went wrong, in the pipeline's order; a further attempt stands for the step."""
    found: dict[str, tuple[str, str]] = {}
    details = run.run_details.task_details if run.run_details else None
    for one in details or []:
        match = _ATTEMPT.fullmatch(one.display_name or "")
        if match and match["step"] in STEPS and one.state:
            before = found.get(match["step"], ("", ""))[0]
            # The node around the attempts has the step's own name and the last word.
            if not before or match[0] == match["step"]:
                found[match["step"]] = (one.state, one.error.message or "" if one.error else "")
    return {step: found[step] for step in STEPS if step in found}


def _is_refusal(error: Exception) -> bool:
    status = getattr(error, "status", None)
    return status is not None and 400 <= int(status) < 500 and int(status) != 429


def _told(error: Exception) -> str:
    status = getattr(error, "status", None)
    return f"{status} {getattr(error, 'reason', '')}".strip() if status else str(error)
