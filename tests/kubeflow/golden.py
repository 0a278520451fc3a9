"""Writes golden.yaml anew: python tests/kubeflow/golden.py."""

from pathlib import Path

from pipeline.config import Config
from pipeline.kubeflow.settings import Cluster, ClusterSettings
from pipeline.kubeflow.specification import compile_pipeline, write_documents

FILE = Path(__file__).with_name("golden.yaml")

SETTINGS = {"data": "/mnt/photos/planes", "image_size": (192, 320), "split_key": "folder", "max_drop": 0.02}

PODS = {
    "all": {"volumes": ("photos:/mnt/photos", "models/planes:/mnt/models"), "retries": 1},
    "Trainer": {
        "gpus": 2,
        "node_selector": ("pool=gpu",),
        "tolerations": ("nvidia.com/gpu:NoSchedule",),
        "time_limit": 86400,
    },
    "Pusher": {
        "secret_env": ("minio/accesskey:AWS_ACCESS_KEY_ID",),
        "secret_files": ("registry:/secrets",),
        "env": ("AWS_ENDPOINT_URL=http://minio:9000",),
        "pull_policy": "Always",
        "pull_secrets": ("registry-key",),
    },
}


def compiled():
    """The documents; code changes all the time, so that its fingerprint is left out."""
    cluster = Cluster(ClusterSettings(image="registry.example/pspnet:1"), PODS)
    return compile_pipeline(Config.from_flat(SETTINGS), cluster, code="fingerprint-of-the-code")


if __name__ == "__main__":
    FILE.write_text(write_documents(compiled()), encoding="utf-8")
