"""Brings the pipeline that local_runner.py runs to Kubeflow Pipelines."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.settings import SettingError
from pipeline import fingerprint
from pipeline.command_line import Parser, add_settings, read_config
from pipeline.config import Config
from pipeline.console import output_to_log, quiet_libraries
from pipeline.kubeflow.flags import add_cluster_settings, read_cluster
from pipeline.kubeflow.settings import Cluster

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 3, 130

PIPELINE = "pspnet-segmentation"

EPILOG = """exit codes: 0 done; with --wait also 3 the run was sound but the gate refused the model; 1 failure"""


def main(arguments: list[str] | None = None) -> int:
    """Does what the command says and returns the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        config, cluster = read_config(parsed), read_cluster(parsed)
        if parsed.command == "compile":
            return _compile(config, cluster, parsed)
        return _on_cluster(config, cluster, parsed)
    except (ValueError, OSError) as error:
        print(f"kubeflow_runner: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(description=__doc__, epilog=EPILOG, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)

    def command(name: str, told: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=told, description=told, epilog=EPILOG, allow_abbrev=False)

    compile_ = command("compile", "write the pipeline's file; no cluster is asked")
    compile_.add_argument("--out", default=f"{PIPELINE}.yaml", help="file to write (default: %(default)s)")
    submit = command("submit", "start a run")
    submit.add_argument("--wait", action="store_true", help="follow the run, and exit as local_runner.py does")
    schedule = command("schedule", "start runs again and again")
    schedule.add_argument("--cron", default="", help="six fields, seconds first: '0 0 3 * * *' is 3:00 each day")
    schedule.add_argument("--every", type=int, default=0, metavar="SECONDS", help="instead of --cron: how often")
    upload = command("upload", "add a version of the pipeline, to be started from Kubeflow's page")
    upload.add_argument("--version", default="", help="the version's name (default: date and fingerprint of the code)")
    for one in (submit, schedule, upload):
        _add_connection(one)
    for one in (submit, schedule):
        one.add_argument("--experiment", default=PIPELINE, help="experiment of the runs (default: %(default)s)")
        one.add_argument("--name", default="", help="name of the run or schedule (default: with the date)")
        one.add_argument("--service-account", default="", help="account of the pods (default: the cluster's)")
    for one in (compile_, submit, schedule, upload):
        add_cluster_settings(one)
        add_settings(one)
    return parser


def _add_connection(parser: argparse.ArgumentParser) -> None:
    section = parser.add_argument_group(
        "connection", "Credentials are those of Kubeflow's own client: its context file, environment, or account."
    )
    section.add_argument("--host", default=None, help="address of Kubeflow Pipelines (default: what its client finds)")
    section.add_argument("--namespace", default="", help="namespace of a cluster with several users")
    section.add_argument("--ssl-ca-cert", default=None, metavar="FILE", help="certificate that signed the host's")


def _compile(config: Config, cluster: Cluster, parsed: argparse.Namespace) -> int:
    out = Path(parsed.out)
    if not out.parent.is_dir():
        raise SettingError(f"out: there is no folder {out.parent}")
    with _quiet(config):
        text, steps = _compiled(config, cluster)
    out.write_text(text, encoding="utf-8")
    print(f"Wrote {out} ({steps} steps, image {cluster.settings.image})")
    return DONE


def _compiled(config: Config, cluster: Cluster) -> tuple[str, int]:
    """The pipeline's file and its number of steps."""
    # TFX takes seconds to import and prints a lot: what can be refused at once has been by now.
    from pipeline.kubeflow.check import check_specification
    from pipeline.kubeflow.specification import compile_pipeline, write_documents

    documents = compile_pipeline(config, cluster, code=fingerprint.of_project())
    check_specification(*documents)
    return write_documents(documents), len(documents[0]["root"]["dag"]["tasks"])


def _on_cluster(config: Config, cluster: Cluster, parsed: argparse.Namespace) -> int:
    if parsed.command == "schedule" and bool(parsed.cron) == bool(parsed.every):
        raise SettingError("schedule: say either --cron or --every")
    if parsed.command != "upload" and not config.data.data:
        raise SettingError("data: name the folder of the data set as the cluster sees it")
    with _quiet(config) as stream, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{PIPELINE}.yaml"
        file.write_text(_compiled(config, cluster)[0], encoding="utf-8")

        def say(text: str) -> None:
            print(text, file=stream, flush=True)

        from kfp_server_api import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return _ask(config, cluster, parsed, str(file), say)
        except ApiException as error:
            raise ConnectionError(f"the cluster refused: {error.status} {error.reason} {error.body or ''}") from None
        except HTTPError as error:
            raise ConnectionError(f"the cluster does not answer: {error}") from None


def _ask(config: Config, cluster: Cluster, parsed: argparse.Namespace, file: str, say: Callable[[str], None]) -> int:
    import kfp

    from pipeline.kubeflow import submit

    given = {"host": parsed.host, "ssl_ca_cert": parsed.ssl_ca_cert}
    client = kfp.Client(**{name: value for name, value in given.items() if value})
    if parsed.command == "upload":
        version = parsed.version or f"{datetime.date.today()} {fingerprint.of_project()}"
        pipeline, made = submit.upload(client, file, pipeline=PIPELINE, version=version, namespace=parsed.namespace)
        say(f"Pipeline   {_link(parsed, 'pipelines', pipeline)}{'/version/' + made if made else ''}")
        return DONE
    request = submit.Request(
        file,
        submit.form_values(config, cluster),
        root=cluster.settings.pipeline_root,
        experiment=parsed.experiment,
        name=parsed.name or f"{PIPELINE} {datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
        namespace=parsed.namespace,
        service_account=parsed.service_account,
    )
    if parsed.command == "schedule":
        made = submit.schedule(client, request, cron=parsed.cron, every=parsed.every)
        say(f"Schedule   {_link(parsed, 'recurringrun', made)}")
        return DONE
    run_id = submit.submit(client, request)
    say(f"Run        {_link(parsed, 'runs', run_id)}")
    return _wait(client, run_id, say) if parsed.wait else DONE


def _wait(client: Any, run_id: str, say: Callable[[str], None]) -> int:
    from pipeline.kubeflow import submit

    try:
        ending = submit.follow(client, run_id, say)
    except KeyboardInterrupt:
        say("interrupted; the run goes on")
        return INTERRUPTED
    if ending.refused:
        say("Verdict: refused, not served; the page of EvaluationReport tells why")
        return REFUSED
    for step, told in ending.failed.items():
        say(f"{step} failed{': ' + told if told else ''}")
    say(f"The run {ending.state.lower()}")
    return DONE if ending.state == submit.SUCCEEDED else FAILED


def _link(parsed: argparse.Namespace, kind: str, identity: str) -> str:
    """A link to Kubeflow's page, by the words that its client goes by too; without an address, the path on it."""
    host = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or parsed.host or os.environ.get("KF_PIPELINES_ENDPOINT") or ""
    return f"{host.rstrip('/')}/#/{kind}/details/{identity}"


def _quiet(config: Config) -> Any:
    """Sends what libraries print to a log file."""
    manager = output_to_log(config.workspace / "logs" / "kubeflow.log")
    quiet_libraries()
    return manager


if __name__ == "__main__":
    sys.exit(main())
