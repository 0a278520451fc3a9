"""Settings of the cluster from flags and files: what reaches a pod, and what is refused."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from components.settings import SettingError
from pipeline.command_line import Parser, add_settings, read_config
from pipeline.kubeflow.flags import add_cluster_settings, read_cluster
from pipeline.kubeflow.platform import environment, platform_document, resources, retry_policy
from pipeline.kubeflow.settings import Cluster, StepSettings

PROJECT = Path(__file__).resolve().parents[2]


def parsed(*flags: str) -> argparse.Namespace:
    parser = Parser()
    add_cluster_settings(parser)
    add_settings(parser)
    return parser.parse_args(flags)


def cluster(*flags: str) -> Cluster:
    return read_cluster(parsed(*flags))


def pod(*settings: str) -> dict:
    """The platform document's words on Trainer."""
    chosen = cluster(*(word for one in settings for word in ("--pod", f"Trainer.{one}")))
    document = platform_document({"exec-Trainer": "Trainer"}, chosen)
    return document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-Trainer"]


def test_without_settings_the_trainer_alone_has_a_gpu_and_room():
    steps = cluster()
    assert (steps.step("Trainer").gpus, steps.step("Evaluator").gpus) == (1, 0)
    assert steps.step("Trainer").image == steps.step("Pusher").image == "pspnet-tfx:latest"


def test_a_word_on_one_pod_wins_over_a_word_on_all_and_that_over_defaults():
    steps = cluster(
        "--pod", "all.memory=5Gi", "--pod", "Trainer.memory=32Gi", "--image", "a:1", "--pod", "Trainer.image=b:1"
    )
    assert steps.step("Trainer").memory == "32Gi"
    assert steps.step("Transform").memory == "5Gi"
    assert (steps.step("Trainer").image, steps.step("Transform").image) == ("b:1", "a:1")


def test_flags_win_over_the_file_and_the_local_runner_skips_the_section(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text(
        "steps: 9\nkubeflow:\n  image: file:1\n  serving_dir: s3://models/serving\n  pods:\n    all: {retries: 0}\n"
        "    Trainer: {gpus: 4, cpu: 16, volumes: [photos:/mnt/photos], shared-memory: 8Gi}\n"
    )
    arguments = parsed("--config", str(file), "--image", "flag:1", "--pod", "Trainer.gpus=2")
    chosen = read_cluster(arguments)
    assert (chosen.settings.image, chosen.settings.serving_dir) == ("flag:1", "s3://models/serving")
    trainer = chosen.step("Trainer")
    assert (trainer.gpus, trainer.cpu, trainer.volumes) == (2, "16", ("photos:/mnt/photos",))
    assert (trainer.shared_memory, trainer.retries) == ("8Gi", 0)
    assert read_config(arguments).training.steps == 9


def test_resources_of_a_pod():
    assert resources(StepSettings(cpu="500m", memory="2Gi", gpus=2, gpu_resource="amd.com/gpu")) == {
        "resourceCpuRequest": "500m",
        "resourceMemoryRequest": "2Gi",
        "resourceMemoryLimit": "2Gi",
        "accelerator": {"resourceType": "amd.com/gpu", "resourceCount": "2"},
    }
    assert resources(StepSettings(cpu="", memory="")) == {}


def test_retries_wait_longer_each_time():
    policy = {"maxRetryCount": 3, "backoffDuration": "10s", "backoffFactor": 2.0}
    assert retry_policy(StepSettings(retries=3, retry_wait=10)) == policy
    assert retry_policy(StepSettings(retries=0)) == {}


@pytest.mark.parametrize(
    ("setting", "key", "expected"),
    [
        ("volumes=photos:/mnt/photos", "pvcMount", [{"constant": "photos", "mountPath": "/mnt/photos"}]),
        (
            "volumes=photos/2026/may:/mnt/photos",
            "pvcMount",
            [{"constant": "photos", "mountPath": "/mnt/photos", "subPath": "2026/may"}],
        ),
        (
            "secret_env=minio/accesskey:AWS_ACCESS_KEY_ID",
            "secretAsEnv",
            [
                {
                    "secretName": "minio",
                    "keyToEnv": [{"secretKey": "accesskey", "envVar": "AWS_ACCESS_KEY_ID"}],
                    "optional": False,
                }
            ],
        ),
        (
            "secret_files=gcs-key:/secrets",
            "secretAsVolume",
            [{"secretName": "gcs-key", "mountPath": "/secrets", "optional": False}],
        ),
        ("node_selector=pool=gpu,disk=ssd", "nodeSelector", {"labels": {"pool": "gpu", "disk": "ssd"}}),
        ("tolerations=gpu:NoSchedule", "tolerations", [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]),
        (
            "tolerations=team=vision:NoExecute",
            "tolerations",
            [{"key": "team", "operator": "Equal", "value": "vision", "effect": "NoExecute"}],
        ),
        ("tolerations=spot", "tolerations", [{"key": "spot", "operator": "Exists"}]),
        ("shared_memory=4Gi", "enabledSharedMemory", {"volumeName": "shared-memory", "size": "4Gi"}),
        ("pull_policy=IfNotPresent", "imagePullPolicy", "IfNotPresent"),
        ("pull_secrets=registry-key", "imagePullSecret", [{"secretName": "registry-key"}]),
        ("time_limit=3600", "activeDeadlineSeconds", "3600"),
    ],
)
def test_a_setting_becomes_what_kubeflow_understands(setting, key, expected):
    found = pod(setting)[key]
    if isinstance(found, list):
        # Newer backends read names from a field beside the old one; both must say the same.
        for one in found:
            for new in [name for name in one if name.endswith("Parameter")]:
                constant = one.pop(new)["runtimeValue"]["constant"]
                assert constant in one.values()
    assert found == expected


def test_environment_values_may_hold_anything():
    assert environment(StepSettings(env=("URL=http://a?b=c", "EMPTY="))) == [
        {"name": "URL", "value": "http://a?b=c"},
        {"name": "EMPTY", "value": ""},
    ]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--pod", "Trainor.gpus=2"], "did you mean Trainer?"),
        (["--pod", "Trainer.gpu=2"], "did you mean gpus?"),
        (["--pod", "Trainer.gpus"], "is not written as in Trainer.gpus=2"),
        (["--pod", "gpus=2"], "is not written as in Trainer.gpus=2"),
        (["--pod", "Trainer.gpus=two"], "'two' is not a whole number"),
        (["--pod", "Trainer.gpus=-1"], "-1 is too small"),
        (["--pod", "Trainer.memory=16GB"], "'16GB' is not written as in 8Gi"),
        (["--pod", "Trainer.volumes=photos"], "'photos' is not written as in photos:/mnt/photos"),
        (["--pod", "Trainer.secret_env=minio:KEY"], "is not written as in minio/accesskey:AWS_ACCESS_KEY_ID"),
        (["--pod", "Trainer.gpu_resource=NVIDIA_TESLA_T4"], "is not written as in nvidia.com/gpu"),
        (["--pod", "Trainer.pull_policy=Sometimes"], "'Sometimes' is not one of"),
        (["--pod", "Trainer.cache=maybe"], "'maybe' is not true or false"),
        (["--pod", "RunFacts.cache=true"], "would hide changed data"),
        (["--pipeline-root", "/mnt/results"], "'/mnt/results' is not written as in s3://bucket/folder"),
    ],
)
def test_what_cannot_be_is_refused_with_the_right_spelling(flags, told):
    with pytest.raises(SettingError) as caught:
        cluster(*flags)
    assert told in str(caught.value)


def test_an_unknown_name_in_the_file_is_refused(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("kubeflow: {imag: a}\n")
    with pytest.raises(SettingError, match="did you mean image"):
        cluster("--config", str(file))
    file.write_text("kubeflow: [a]\n")
    with pytest.raises(SettingError, match="does not hold settings by name"):
        cluster("--config", str(file))


def test_no_cache_for_all_leaves_the_first_step_as_it_is():
    assert not cluster("--pod", "all.cache=false").step("Trainer").cache
    assert not cluster("--pod", "all.cache=true").step("RunFacts").cache


def test_help_and_refusals_need_no_heavy_library(tmp_path):
    asked = (
        "import sys, kubeflow_runner\n"
        "try:\n    kubeflow_runner.main(['submit', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert kubeflow_runner.main(['compile', '--pod', 'Trainer.gpus=x']) == 1\n"
        "heavy = {'numpy', 'tensorflow', 'tfx', 'kfp', 'apache_beam', 'yaml', 'PIL', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
