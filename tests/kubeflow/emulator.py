"""An emulation of Kubeflow Pipelines' driver and launcher, as far as a step can tell the difference.

Each attempt of a step is a process of its own with the container's command and a fresh local disk; what lies in the
bucket is all that remains. Rules are those of the Go sources of version 2.17.
"""

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = {"minio://": "minio", "s3://": "s3", "gs://": "gcs"}


@dataclass
class Task:
    """A task of a run: SUCCEEDED, CACHED, FAILED, or SKIPPED for want of one before it."""

    state: str = "SKIPPED"
    attempts: int = 0
    log: str = ""
    artifacts: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=dict)


class Backend:
    """A cluster: a bucket, a record of finished tasks for the cache, and pods in folders."""

    def __init__(self, home: Path):
        self._home = home
        self._cache: dict[str, Task] = {}
        self._numbers = itertools.count()
        self.last = None

    def run(self, file: Path, parameters: dict, *, preempt: dict[str, int] | None = None) -> dict[str, Task]:
        """Runs a compiled file.

        Args:
            file: Two YAML documents.
            parameters: What was typed into the form.
            preempt: Number of attempts that lose their node after two seconds, by task.
        """
        specification, platform = yaml.safe_load_all(file.read_text(encoding="utf-8"))
        assert specification["schemaVersion"] == "2.1.0"
        form = specification["root"]["inputDefinitions"]["parameters"]
        assert parameters.keys() <= form.keys()
        values = {name: parameters.get(name, one["defaultValue"]) for name, one in form.items()}
        run = self.last = _Run(self, specification, platform, values, preempt or {})
        return run.execute()

    def stored(self, uri: str) -> Path:
        """Where the bucket keeps an artifact: a folder, or a file."""
        scheme = next(one for one in FOLDERS if uri.startswith(one))
        return self._home / "bucket" / uri.removeprefix(scheme)


class _Run:
    def __init__(self, backend, specification, platform, values, preempt):
        self.backend, self.specification, self.values, self.preempt = backend, specification, values, dict(preempt)
        self.pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        self.id = str(uuid.uuid4())
        self.tasks = {name: Task() for name in specification["root"]["dag"]["tasks"]}

    def execute(self):
        waiting = dict(self.specification["root"]["dag"]["tasks"])
        while ready := [name for name, one in waiting.items() if waiting.keys().isdisjoint(_before(one))]:
            for name in ready:
                task = waiting.pop(name)
                before = [self.tasks[one].state for one in _before(task)]
                if all(state in ("SUCCEEDED", "CACHED") for state in before):
                    self._one(name, task)
        assert not waiting, "tasks wait for each other"
        return self.tasks

    def _one(self, name, task):
        component = self.specification["components"][task["componentRef"]["name"]]
        container = self.specification["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        result = self.tasks[name]
        result.inputs = self._inputs(task)
        key = _cache_key(result.inputs, component, container)
        if task.get("cachingOptions", {}).get("enableCache") and key in self.backend._cache:
            earlier = self.backend._cache[key]
            result.state, result.artifacts, result.parameters = "CACHED", earlier.artifacts, earlier.parameters
            return
        outputs = self._outputs(name, component)
        for _ in range(1 + task.get("retryPolicy", {}).get("maxRetryCount", 0)):
            result.attempts += 1
            if self._attempt(name, component, container, outputs, result):
                result.state = "SUCCEEDED"
                self.backend._cache[key] = result
                return
            result.state = "FAILED"

    def _inputs(self, task):
        parameters, artifacts = {}, {}
        for name, one in task["inputs"].get("parameters", {}).items():
            if "taskOutputParameter" in one:
                source = one["taskOutputParameter"]
                parameters[name] = self.tasks[source["producerTask"]].parameters[source["outputParameterKey"]]
            elif "componentInputParameter" in one:
                parameters[name] = self.values[one["componentInputParameter"]]
            else:
                parameters[name] = one["runtimeValue"]["constant"]
        for name, one in task["inputs"].get("artifacts", {}).items():
            source = one["taskOutputArtifact"]
            found = self.tasks[source["producerTask"]].artifacts[source["outputArtifactKey"]]
            # The driver does not tell the type of an input.
            artifacts[name] = {"artifacts": [{**found, "type": {"instanceSchema": ""}}]}
        return {"parameterValues": parameters, "artifacts": artifacts}

    def _outputs(self, name, component):
        root, pipeline = self.specification["defaultPipelineRoot"], self.specification["pipelineInfo"]["name"]
        folder = f"{root}/{pipeline}/{self.id}/{name}/{uuid.uuid4()}"
        definitions = component.get("outputDefinitions", {})
        logs = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
        artifacts = {
            key: {
                "artifacts": [
                    {"uri": f"{folder}/{key}", "type": one["artifactType"], "metadata": one.get("metadata", {})}
                ]
            }
            for key, one in {**definitions.get("artifacts", {}), "executor-logs": logs}.items()
        }
        return {"artifacts": artifacts, "parameters": list(definitions.get("parameters", {}))}

    def _attempt(self, name, component, container, outputs, result):
        pod = self.backend._home / "pods" / f"{next(self.backend._numbers):03d}-{name}"
        pod.mkdir(parents=True)
        given = {
            "inputs": result.inputs,
            "outputs": {
                "artifacts": outputs["artifacts"],
                "parameters": {key: {"outputFile": str(pod / "outputs" / key)} for key in outputs["parameters"]},
                "outputFile": str(pod / "kfp_outputs" / "output_metadata.json"),
            },
        }
        json_format.ParseDict(given, pipeline_spec_pb2.ExecutorInput())
        for listed in result.inputs["artifacts"].values():
            _copy_files(self.backend.stored(listed["artifacts"][0]["uri"]), _local(pod, listed["artifacts"][0]["uri"]))
        for listed in outputs["artifacts"].values():
            _local(pod, listed["artifacts"][0]["uri"]).parent.mkdir(parents=True, exist_ok=True)
        # The driver marshals names and values in an order of its own; TFX must not depend on it.
        message = json.dumps(given, sort_keys=True)
        words = [word.replace("{{$}}", message) for word in (*container["command"], *container["args"])]
        assert words[0] == "python"
        words = [sys.executable, *words[1:], "--launcher-root", str(pod)]
        done, result.log = self._process(words, name, component, container, pod)
        if done:
            self._collect(given, outputs, pod, result)
            shutil.rmtree(pod)
        return done

    def _process(self, words, name, component, container, pod):
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            "PYTHONPATH": str(PROJECT),
            "TMPDIR": str(pod),
            **{one["name"]: one["value"] for one in container.get("env", [])},
            **{one["name"]: self.id for one in self.pods[component["executorLabel"]].get("fieldPathAsEnv", [])},
        }
        log = pod.parent / f"{pod.name}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(words, cwd=pod, env=environment, stdout=stream, stderr=subprocess.STDOUT)
            if self.preempt.get(name, 0) > 0:
                self.preempt[name] -= 1
                time.sleep(2)
                process.kill()
            code = process.wait()
        text = log.read_text(encoding="utf-8", errors="replace")
        log.rename(log.with_suffix(f".{code}.txt"))
        return code == 0, text

    def _collect(self, given, outputs, pod, result):
        file = Path(given["outputs"]["outputFile"])
        written = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        json_format.ParseDict(written, pipeline_spec_pb2.ExecutorOutput())
        result.parameters = {
            key: Path(one["outputFile"]).read_text(encoding="utf-8")
            for key, one in given["outputs"]["parameters"].items()
        }
        result.artifacts = {}
        for key, listed in outputs["artifacts"].items():
            one = dict(listed["artifacts"][0])
            for told in written.get("artifacts", {}).get(key, {}).get("artifacts", []):
                assert not told.get("uri"), "a URI of the executor's own is not uploaded"
                assert None not in told.get("metadata", {}).values(), "ML Metadata takes no null"
                one["metadata"] = {**one["metadata"], **told.get("metadata", {})}
            assert str(pod) not in json.dumps(one["metadata"]), "a path of the pod's disk means nothing elsewhere"
            _copy_files(_local(pod, one["uri"]), self.backend.stored(one["uri"]))
            # Recorded with a name of its own, and with what the launcher adds.
            one["name"] = str(uuid.uuid4())
            one["metadata"] = {**one["metadata"], "display_name": key, "store_session_info": "{}"}
            result.artifacts[key] = one


def _before(task):
    return task.get("dependentTasks", [])


def _cache_key(inputs, component, container):
    outputs = component.get("outputDefinitions", {})
    key = {
        "artifacts": {key: [one["name"] for one in listed["artifacts"]] for key, listed in inputs["artifacts"].items()},
        "parameters": inputs["parameterValues"],
        "outputs": outputs,
        "container": [container["image"], container["command"], container["args"], container.get("env", [])],
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _local(pod, uri):
    scheme = next(one for one in FOLDERS if uri.startswith(one))
    return pod / FOLDERS[scheme] / uri.removeprefix(scheme)


def _copy_files(source, target):
    """Object stores hold files; a folder without any is not there."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for file in source.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
