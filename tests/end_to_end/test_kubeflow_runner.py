"""The Kubeflow file comes from the same graph as a local run."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.config import COMPONENTS
from pipeline.kubeflow.settings import RUN_FACTS, VERDICT

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.end_to_end


def test_compile_writes_every_component_of_the_local_run(tmp_path):
    out = tmp_path / "pipeline.yaml"
    done = subprocess.run(
        [
            *(
                sys.executable,
                "kubeflow_runner.py",
                "compile",
                "--out",
                str(out),
                "--image",
                "registry.example/pspnet:1",
            ),
            *("--workspace", str(tmp_path / "workspace"), "--steps", "123"),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    specification, _ = yaml.safe_load_all(out.read_text())
    assert specification["schemaVersion"] == "2.1.0"
    assert set(specification["root"]["dag"]["tasks"]) == {*COMPONENTS, RUN_FACTS, VERDICT}
    executors = specification["deploymentSpec"]["executors"]
    assert {one["container"]["image"] for one in executors.values()} == {"registry.example/pspnet:1"}
    assert specification["root"]["inputDefinitions"]["parameters"]["steps"]["defaultValue"] == 123
