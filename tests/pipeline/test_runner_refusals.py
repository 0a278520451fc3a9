"""What local_runner answers before TFX is loaded: one line on stderr, exit code 1, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def run(tmp_path, *flags):
    workspace = () if "--workspace" in flags else ("--workspace", str(tmp_path / "workspace"))
    return subprocess.run(
        [sys.executable, str(PROJECT / "local_runner.py"), *flags, *workspace],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )


def data_folder(tmp_path, labelmap):
    for name in ("images", "masks"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "labelmap.txt").write_text(labelmap, encoding="utf-8")
    return str(tmp_path / "data")


def foreign_sample_folder(tmp_path):
    (tmp_path / "workspace" / "sample_data").mkdir(parents=True)
    (tmp_path / "workspace" / "sample_data" / "mine.jpg").write_bytes(b"")
    return ()


def file_as_workspace(tmp_path):
    (tmp_path / "file").write_text("")
    return ("--workspace", str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (lambda _: ("--stesp", "3"), ("did you mean --steps?",)),
        (lambda _: ("--config", "none.yaml"), ("none.yaml", "No such file")),
        (lambda _: ("--data", "nowhere"), ("data: there is no folder", "nowhere")),
        (lambda tmp: ("--data", data_folder(tmp, "sky:0,0,0\nplane:300,0,0")), ("labelmap.txt, line 2", "300,0,0")),
        (foreign_sample_folder, ("sample_data", "another folder")),
        (file_as_workspace, ("workspace", "file")),
    ],
    ids=["typo", "config", "data", "labelmap", "sample-folder", "workspace"],
)
def test_refusals_are_one_line_with_code_1(tmp_path, flags, told):
    done = run(tmp_path, *flags(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("local_runner: ")
    assert done.stderr.count("\n") == 1
    for expected in told:
        assert expected in done.stderr
