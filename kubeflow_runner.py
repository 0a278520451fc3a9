"""Compiles the pipeline that local_runner.py runs into a file for Kubeflow Pipelines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.settings import SettingError
from pipeline.command_line import Parser, add_settings, read_config
from pipeline.console import output_to_log, quiet_libraries
from pipeline.inputs import look_at_data
from schema.labelmap import LabelMapError

FAILED = 1


def main(arguments: list[str] | None = None) -> int:
    """Does what the command says and returns the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        return _compile(parsed)
    except (SettingError, LabelMapError) as error:
        print(f"kubeflow_runner: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    compile_ = commands.add_parser("compile", help="write the pipeline's specification", allow_abbrev=False)
    cluster = compile_.add_argument_group("cluster", "Where the steps run and keep what they make.")
    cluster.add_argument("--out", default="pspnet-segmentation.yaml", help="file to write (default: %(default)s)")
    cluster.add_argument(
        "--image", default="pspnet-tfx:latest", help="container image of every step (default: %(default)s)"
    )
    cluster.add_argument(
        "--pipeline-root", default="minio://mlpipeline/v2/artifacts", help="where artifacts go (default: %(default)s)"
    )
    cluster.add_argument(
        "--serving-dir", default="/mnt/serving", help="where blessed models are pushed (default: %(default)s)"
    )
    add_settings(compile_)
    return parser


def _compile(parsed: argparse.Namespace) -> int:
    config = read_config(parsed)
    data = look_at_data(config)
    out = Path(parsed.out)
    if not out.parent.is_dir():
        raise SettingError(f"out: there is no folder {out.parent}")
    # TFX takes seconds to import and prints a lot: what can be refused at once has been by now.
    import yaml

    with output_to_log(config.workspace / "logs" / "kubeflow-compile.log"):
        quiet_libraries()
        from pipeline.kubeflow import pipeline_specification

        specification = pipeline_specification(
            config, data, image=parsed.image, root=parsed.pipeline_root, serving_dir=parsed.serving_dir
        )
    out.write_text(yaml.safe_dump(specification, sort_keys=True, allow_unicode=True), encoding="utf-8")
    print(f"Wrote {out} ({len(specification['root']['dag']['tasks'])} steps, image {parsed.image})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
