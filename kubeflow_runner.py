"""Brings the pipeline that local_runner.py runs to Kubeflow Pipelines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from components.settings import SettingError
from pipeline import fingerprint
from pipeline.command_line import Parser, add_settings, read_config
from pipeline.config import Config
from pipeline.console import output_to_log, quiet_libraries
from pipeline.kubeflow.flags import add_cluster_settings, read_cluster
from pipeline.kubeflow.settings import Cluster

DONE, FAILED = 0, 1

DEFAULT_FILE = "pspnet-segmentation.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Does what the command says and returns the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        config, cluster = read_config(parsed), read_cluster(parsed)
        return _compile(config, cluster, parsed)
    except ValueError as error:
        print(f"kubeflow_runner: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    compile_ = commands.add_parser("compile", help="write the pipeline's file; no cluster is asked", allow_abbrev=False)
    compile_.add_argument("--out", default=DEFAULT_FILE, help="file to write (default: %(default)s)")
    for command in (compile_,):
        add_cluster_settings(command)
        add_settings(command)
    return parser


def _compile(config: Config, cluster: Cluster, parsed: argparse.Namespace) -> int:
    out = Path(parsed.out)
    if not out.parent.is_dir():
        raise SettingError(f"out: there is no folder {out.parent}")
    documents = compiled(config, cluster)
    from pipeline.kubeflow.specification import write_documents

    out.write_text(write_documents(documents), encoding="utf-8")
    print(f"Wrote {out} ({len(documents[0]['root']['dag']['tasks'])} steps, image {cluster.settings.image})")
    return DONE


def compiled(config: Config, cluster: Cluster) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pipeline's specification and its platform document; what libraries print goes to a log file."""
    # TFX takes seconds to import and prints a lot: what can be refused at once has been by now.
    with output_to_log(config.workspace / "logs" / "kubeflow-compile.log"):
        quiet_libraries()
        from pipeline.kubeflow.check import check_specification
        from pipeline.kubeflow.specification import compile_pipeline

        documents = compile_pipeline(config, cluster, code=fingerprint.of_project())
    check_specification(*documents)
    return documents


if __name__ == "__main__":
    sys.exit(main())
