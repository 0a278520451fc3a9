"""What docs/kubeflow.md shows works as it is written there."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

import kubeflow_runner
from pipeline.command_line import read_config
from pipeline.kubeflow.flags import read_cluster
from pipeline.kubeflow.settings import StepSettings

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "kubeflow.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python (kubeflow_runner\.py .+)$", TEXT, re.MULTILINE)
SETTINGS = re.findall(r"^```yaml\n(.+?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_files_are_understood(tmp_path, settings):
    file = tmp_path / "cluster.yaml"
    file.write_text(settings)
    parsed = kubeflow_runner._parser().parse_args(["compile", "--config", str(file)])
    assert read_config(parsed)
    cluster = read_cluster(parsed)
    assert cluster.settings.image == "registry.example/pspnet-tfx:1"
    assert cluster.step("Pusher").volumes or cluster.step("Pusher").secret_env


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    Path("cluster.yaml").write_text(SETTINGS[0])
    parsed = kubeflow_runner._parser().parse_args(shlex.split(command)[1:])
    assert read_config(parsed)
    assert read_cluster(parsed)


def test_every_setting_of_a_pod_is_in_the_table():
    rows = re.findall(r"^\| (`.+?) \|", TEXT, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert {one.name for one in fields(StepSettings)} <= named


def test_manifests_are_yaml():
    manifests = re.findall(r"<<'END'\n(.+?)^END$", TEXT, re.MULTILINE | re.DOTALL)
    kinds = [document["kind"] for one in manifests for document in yaml.safe_load_all(one)]
    assert kinds == ["PersistentVolumeClaim", "Pod", "Deployment"]


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (Path(__file__).resolve().parents[2] / "docs" / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
