"""The image's recipe, as far as it can be checked without building it; and the code that it installs."""

import fnmatch
import importlib.metadata
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipeline.kubeflow.parts import COMMAND

PROJECT = Path(__file__).resolve().parents[2]


def instructions():
    """Name and words of every instruction, by stage."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines.splitlines() if line.strip()]


def last_stage():
    found = instructions()
    return found[max(number for number, (name, _) in enumerate(found) if name == "FROM") :]


def copied():
    """Sources of every COPY out of the checkout."""
    words = [shlex.split(rest) for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    return [source for one in words for source in one[:-1]]


def sent(path):
    """Whether .dockerignore lets a file through to the builder; the last pattern that fits decides."""
    verdict = True
    for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        parents = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 2)]
        names = [pattern, pattern.removeprefix("**/")]
        if any(fnmatch.fnmatch(one, name) for one in parents for name in names):
            verdict = line.startswith("!")
    return verdict


def test_everything_that_is_copied_exists_and_is_sent():
    assert copied()
    for source in copied():
        assert (PROJECT / source).exists(), source
        files = [PROJECT / source] if (PROJECT / source).is_file() else (PROJECT / source).rglob("*.py")
        for file in files:
            assert sent(str(file.relative_to(PROJECT))), file


@pytest.mark.parametrize(
    "path", [".git/config", "workspace/metadata.sqlite", "tests/conftest.py", ".env", "settings.yaml"]
)
def test_nothing_else_is_sent(path):
    assert not sent(path)


def test_pods_may_not_run_as_root():
    (user,) = [rest for name, rest in last_stage() if name == "USER"]
    assert re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", user)


def test_nothing_is_fetched_without_a_hash_and_no_secret_is_kept():
    for name, rest in instructions():
        assert name != "ADD"
        assert not re.search(r"(?i)secret|token|password|credential", rest)
        for command in re.findall(r"pip install [^&;]*", rest):
            assert "--no-deps" in command
            assert "--require-hashes" in command or command.split()[-1] == "/source"


def test_the_base_has_a_version_and_the_project_s_python():
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert set(bases) == {"python:${PYTHON_VERSION}-slim-bookworm"}
    (version,) = [rest.partition("=")[2] for name, rest in instructions() if rest.startswith("PYTHON_VERSION=")]
    assert version == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_image_has_the_command_that_the_compiler_writes():
    (command,) = [rest for name, rest in last_stage() if name == "CMD"]
    assert [*COMMAND, "--help"] == eval(command)


def test_the_gpu_variant_holds_what_tensorflow_asks_for():
    lock = (PROJECT / "requirements" / "gpu.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", lock, re.MULTILINE))
    asked = [Requirement(one) for one in importlib.metadata.requires("tensorflow") if "and-cuda" in one]
    assert {one.name for one in asked} == set(locked)
    for one in asked:
        assert one.specifier.contains(locked[one.name]), one


def test_installed_code_is_the_code_that_compiles(tmp_path):
    """Steps compare fingerprints: a file that the wheel leaves out would stop every one of them."""
    source, target = tmp_path / "source", tmp_path / "site-packages"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "local_runner.py", "kubeflow_runner.py"):
        (source / name).write_bytes((PROJECT / name).read_bytes())
    for name in ("components", "pipeline", "schema"):
        for file in (PROJECT / name).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                copy = source / file.relative_to(PROJECT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([sys.executable, *install, "--target", str(target), str(source)], check=True, cwd=tmp_path)
    ask = "from pipeline import fingerprint; print(fingerprint.PROJECT, fingerprint.of_project())"
    told = [
        subprocess.run(
            [sys.executable, "-c", ask], env={"PYTHONPATH": str(one)}, cwd=tmp_path, check=True, capture_output=True
        )
        .stdout.decode()
        .split()
        for one in (PROJECT, target)
    ]
    assert [one[0] for one in told] == [str(PROJECT), str(target)]
    assert told[0][1] == told[1][1]
