"""Submission by Kubeflow's own client to a small server of its API: what is sent, what is told, how it ends."""

import json

import pytest
from cluster_server import run, serve

import kubeflow_runner
from pipeline.kubeflow import submit

PARAMETERS = {
    "data": "/mnt/photos",
    "steps": 9,
    "learning_rate": 0.002,
    "min_mean_iou": 0.5,
    "min_class_iou": 0.1,
    "max_drop": 0.01,
    "serving_dir": "/mnt/models/serving",
}


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(submit, "_SECONDS_BETWEEN_LOOKS", 0.0)
    with serve() as state:
        yield state


def call(cluster, tmp_path, command, *flags):
    return kubeflow_runner.main(
        [
            *(command, "--host", cluster.address, "--workspace", str(tmp_path / "workspace")),
            *("--data", "/mnt/photos", "--steps", "9", *flags),
        ]
    )


def test_a_run_is_sent_whole(cluster, tmp_path, capfd):
    flags = ("--experiment", "planes", "--pipeline-root", "s3://bucket/runs", "--service-account", "pipeline-runner")
    assert call(cluster, tmp_path, "submit", "--name", "first", *flags) == 0
    (experiment,) = cluster.posted["/experiments"]
    assert experiment["display_name"] == "planes"
    (body,) = cluster.posted["/runs"]
    assert body["experiment_id"] == "experiment-1"
    assert (body["display_name"], body["service_account"]) == ("first", "pipeline-runner")
    assert body["runtime_config"] == {"parameters": PARAMETERS, "pipeline_root": "s3://bucket/runs"}
    assert set(body["pipeline_spec"]) == {"pipeline_spec", "platform_spec"}
    assert body["pipeline_spec"]["pipeline_spec"]["schemaVersion"] == "2.1.0"
    assert "Verdict" in body["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    executors = body["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["exec-Trainer"]["enabledSharedMemory"]["size"] == "2Gi"
    assert f"Run        {cluster.address}/#/runs/details/run-1" in capfd.readouterr().out


def test_a_run_is_followed_to_its_end(cluster, tmp_path, capfd):
    cluster.looks = [
        run("PENDING"),
        run("RUNNING", **{"RunFacts-driver": "SUCCEEDED", "RunFacts": "SUCCEEDED", "Trainer": "RUNNING"}),
        run("RUNNING", RunFacts="SUCCEEDED", Trainer="RUNNING"),
        run("SUCCEEDED", RunFacts="SUCCEEDED", Trainer="SUCCEEDED", Verdict="SUCCEEDED", root="SUCCEEDED"),
    ]
    assert call(cluster, tmp_path, "submit", "--wait") == 0
    told = [line.split() for line in capfd.readouterr().out.splitlines() if "details" not in line]
    assert told == [
        ["RunFacts", "succeeded"],
        ["Trainer", "running"],
        ["Trainer", "succeeded"],
        ["Verdict", "succeeded"],
        ["The", "run", "succeeded"],
    ]


def test_a_refusal_is_no_failure(cluster, tmp_path, capfd):
    cluster.looks = [run("FAILED", Trainer="SUCCEEDED", Verdict=("FAILED", "exit code 3"))]
    assert call(cluster, tmp_path, "submit", "--wait") == 3
    assert "Verdict: refused, not served" in capfd.readouterr().out


def test_a_failure_names_its_step(cluster, tmp_path, capfd):
    nodes = {"Trainer": ("FAILED", "OOMKilled"), "Trainer(0)": "FAILED", "Trainer(1)": "FAILED"}
    cluster.looks = [run("FAILED", Transform="SUCCEEDED", **nodes)]
    assert call(cluster, tmp_path, "submit", "--wait") == 1
    assert "Trainer failed: OOMKilled" in capfd.readouterr().out


def test_an_attempt_that_failed_is_not_the_step_s_last_word(cluster, tmp_path):
    cluster.looks = [run("SUCCEEDED", **{"Trainer(0)": "FAILED", "Trainer": "SUCCEEDED", "Trainer(1)": "SUCCEEDED"})]
    assert call(cluster, tmp_path, "submit", "--wait") == 0


def test_a_canceled_run_ends_the_waiting(cluster, tmp_path):
    cluster.looks = [run("RUNNING", Trainer="RUNNING"), run("CANCELED", Trainer="FAILED")]
    assert call(cluster, tmp_path, "submit", "--wait") == 1


def test_a_server_that_is_away_for_a_while_is_waited_for(cluster, tmp_path):
    cluster.looks = [503, 502, run("RUNNING"), 500, run("SUCCEEDED")]
    assert call(cluster, tmp_path, "submit", "--wait") == 0


def test_a_refused_look_ends_the_waiting(cluster, tmp_path, capfd):
    cluster.looks = [run("RUNNING"), 403]
    assert call(cluster, tmp_path, "submit", "--wait") == 1
    assert "the cluster does not answer, the run goes on: 403" in capfd.readouterr().err


def test_an_interruption_leaves_the_run_alone(cluster, tmp_path, capfd, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(submit, "follow", interrupt)
    assert call(cluster, tmp_path, "submit", "--wait") == 130
    assert "the run goes on" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("flags", "trigger"),
    [
        (("--cron", "0 0 3 * * *"), {"cron_schedule": {"cron": "0 0 3 * * *"}}),
        (("--every", "86400"), {"periodic_schedule": {"interval_second": 86400}}),
    ],
)
def test_a_schedule_runs_one_at_a_time_and_catches_up_on_nothing(cluster, tmp_path, flags, trigger):
    assert call(cluster, tmp_path, "schedule", *flags) == 0
    (body,) = cluster.posted["/recurringruns"]
    assert {key: one for key, one in body["trigger"].items() if one} == trigger
    assert (int(body["max_concurrency"]), body["no_catchup"], body["mode"]) == (1, True, "ENABLE")
    assert body["runtime_config"]["parameters"] == PARAMETERS


def test_the_first_upload_makes_a_pipeline_and_the_next_a_version(cluster, tmp_path, capfd):
    assert call(cluster, tmp_path, "upload") == 0
    ((query, body),) = cluster.posted["/pipelines/upload"]
    assert query["name"] == ["pspnet-segmentation"]
    assert b"schemaVersion: 2.1.0" in body
    assert b"platforms:" in body
    cluster.pipelines["pspnet-segmentation"] = "pipeline-1"
    assert call(cluster, tmp_path, "upload", "--version", "second") == 0
    ((query, _),) = cluster.posted["/pipelines/upload_version"]
    assert (query["name"], query["pipelineid"]) == (["second"], ["pipeline-1"])
    assert "/#/pipelines/details/pipeline-1/version/version-2" in capfd.readouterr().out


def test_credentials_are_the_client_s_own(cluster, tmp_path):
    context = tmp_path / "context.json"
    context.write_text(
        json.dumps(
            {
                "namespace": "planes",
                "client_authentication_header_name": "authorization",
                "client_authentication_header_value": "Bearer of-the-context-file",
            }
        )
    )
    import kfp

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(context))
        assert call(cluster, tmp_path, "submit") == 0
    assert cluster.authorization == "Bearer of-the-context-file"
    assert cluster.posted["/experiments"][0]["namespace"] == "planes"


def test_a_namespace_is_the_experiment_s(cluster, tmp_path):
    assert call(cluster, tmp_path, "submit", "--namespace", "team-a") == 0
    assert cluster.posted["/experiments"][0]["namespace"] == "team-a"


@pytest.mark.parametrize(
    ("command", "flags", "told"),
    [
        ("schedule", (), "say either --cron or --every"),
        ("schedule", ("--cron", "0 0 3 * * *", "--every", "9"), "say either --cron or --every"),
        ("submit", ("--data", ""), "data: name the folder"),
        ("submit", ("--pod", "Trainer.gpus=x"), "'x' is not a whole number"),
        ("compile", ("--out", "/nowhere/p.yaml"), "there is no folder /nowhere"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(tmp_path, capsys, command, flags, told):
    arguments = [command, "--workspace", str(tmp_path), "--data", "/mnt/photos", *flags]
    assert kubeflow_runner.main(arguments) == 1
    assert told in capsys.readouterr().err
