"""Review, versions and rollback as one types them: seconds, without TFX, with answers that help."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import workspaces

PROJECT = Path(__file__).resolve().parents[2]
DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def run(tmp_path, *flags, **variables):
    kept = {name: value for name, value in os.environ.items() if name not in DISPLAY}
    return subprocess.run(
        [sys.executable, str(PROJECT / "local_runner.py"), *flags, "--workspace", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**kept, "PYTHONPATH": str(PROJECT), **variables},
    )


@pytest.fixture
def workspace(tmp_path):
    workspaces.three_runs(tmp_path)
    for version, run_of in ((2, 2), (3, 3)):
        pushed = f"2026-11-0{run_of}T19:40:00+00:00"
        workspaces.serve(tmp_path, version, run=f"run {run_of}", pushed=pushed, evaluation={"mean_iou": 0.5234})
    return tmp_path


def test_review_opens_the_newest_page(workspace):
    browser = workspace / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {workspace}/opened\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    done = run(workspace, "--review", BROWSER=f"{browser} %s")
    assert done.returncode == 0, done.stderr
    page = workspace / "artifacts" / "EvaluationReport" / "page" / "3" / "index.html"
    assert (workspace / "opened").read_text().strip() == page.as_uri()
    assert str(page) in done.stdout


def test_review_without_a_browser_tells_where_the_page_is(workspace):
    done = run(workspace, "--review")
    assert done.returncode == 0, done.stderr
    page = workspace / "artifacts" / "EvaluationReport" / "page" / "3" / "index.html"
    assert f"Page       {page}\nAddress    {page.as_uri()}\n" in done.stdout
    assert "No browser could be opened here" in done.stdout


def test_review_takes_the_newest_run_whose_page_is_still_there(workspace):
    (workspace / "artifacts" / "EvaluationReport" / "page" / "3" / "index.html").unlink()
    assert "page/2/index.html" in run(workspace, "--review").stdout


def test_review_without_a_page_says_what_makes_one(tmp_path):
    done = run(tmp_path, "--review")
    assert done.returncode == 1
    assert re.fullmatch(r"local_runner: there is no evaluation page in .*; a run makes one: .*\n", done.stderr)


def test_versions_are_listed_with_what_became_of_them(workspace):
    assert run(workspace, "--rollback").returncode == 0
    done = run(workspace, "--versions")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[2:]
    found = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert [row[-1] for row in found] == [
        "in service, version 2 again",
        "rolled back",
        "its model is in service",
        workspaces.record(1).run,
    ]
    assert [row[2] for row in found] == ["52.3", "52.3", "52.3", "51.0"]
    assert found[1][:2] == ["3", "2026-11-03 19:40"]


def test_rollback_puts_an_earlier_version_into_service_and_brings_the_page_up_to_date(workspace):
    done = run(workspace, "--rollback", "1")
    assert done.returncode == 0, done.stderr
    newest = max(int(one.name) for one in (workspace / "serving").iterdir())
    assert f"In service: version {newest} in " in done.stdout
    assert "version 1 again" in done.stdout
    assert (workspace / "serving" / str(newest) / "saved_model.pb").read_text() == "model 1"
    assert "this is version 1 again, after 3" in (workspace / "index.html").read_text()
    again = run(workspace, "--rollback", "1")
    assert (again.returncode, "In service already" in again.stdout) == (0, True)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--rollback", "7"), "there is no version 7 in {}/serving; there are 1, 2, 3"),
        (("--rollback", "best"), "'best' is not a version, which is a number; --versions lists them"),
        (("--rollback=-1",), "'-1' is not a version, which is a number; --versions lists them"),
        (
            ("--rollback", "--review"),
            "argument --review: not allowed with argument --rollback; --help lists every setting",
        ),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(workspace, flags, told):
    done = run(workspace, *flags)
    assert (done.returncode, done.stderr) == (1, f"local_runner: {told.format(workspace)}\n")


@pytest.mark.parametrize("flag", ["--rollback", "--versions"])
def test_without_a_push_there_are_no_versions(tmp_path, flag):
    done = run(tmp_path, flag)
    assert (done.returncode, done.stderr) == (1, f"local_runner: nothing was pushed to {tmp_path}/serving\n")


def test_commands_need_neither_tfx_nor_the_data(workspace):
    code = (
        "import sys, local_runner\n"
        f"codes = [local_runner.main([flag, '--workspace', {str(workspace)!r}]) "
        "for flag in ('--versions', '--rollback', '--review')]\n"
        "print(codes, [one for one in ('tensorflow', 'tfx', 'numpy', 'PIL', 'keras') if one in sys.modules])"
    )
    kept = {name: value for name, value in os.environ.items() if name not in DISPLAY}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60, env=kept
    )
    assert done.stdout.splitlines()[-1] == "[0, 0, 0] []", done.stderr
