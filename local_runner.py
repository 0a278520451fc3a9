"""Runs the whole pipeline on one machine: photos and JPEG masks in, a trained, checked, served PSPNet out."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import traceback
from pathlib import Path

from components.settings import SettingError
from pipeline.command_line import Parser, add_settings, read_config
from pipeline.config import Config
from pipeline.console import Console, output_to_log, quiet_libraries
from pipeline.inputs import DataFacts, look_at_data

PUSHED, FAILED, REFUSED, INTERRUPTED = 0, 1, 3, 130

EPILOG = """exit codes: 0 the model was pushed (or the run ended at --until), 3 the run was sound but the gate
refused the model, 1 failure"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the pipeline as the flags say and returns the exit code."""
    parser = Parser(
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_settings(parser)
    try:
        config = read_config(parser.parse_args(arguments))
    except SettingError as error:
        print(f"local_runner: {error}", file=sys.stderr)
        return FAILED
    return run(config)


def run(config: Config) -> int:
    """Runs a config; what libraries print goes to a log file in the workspace."""
    log = config.workspace / "logs" / f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    try:
        data = look_at_data(config)
    except (ValueError, OSError) as error:
        where = f"workspace {config.workspace}: " if isinstance(error, OSError) else ""
        print(f"local_runner: {where}{error}", file=sys.stderr)
        return FAILED
    try:
        with output_to_log(log) as stream:
            return _run_logged(config, data, log, Console(stream))
    except KeyboardInterrupt:
        print("\nlocal_runner: interrupted; the same command goes on where this run ended", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"local_runner: workspace {config.workspace}: {error}", file=sys.stderr)
        return FAILED


def _run_logged(config: Config, data: DataFacts, log: Path, console: Console) -> int:
    console.say(f"Data       {data.folder} ({data.file_count} photos)")
    console.say(f"Classes    {', '.join(data.label_map.names)}")
    console.say(f"Workspace  {config.workspace}\n")
    console.begin("Loading TFX")
    quiet_libraries()
    # TFX takes seconds to import: what can be refused at once has been by now.
    from pipeline.local_run import ComponentError, run_local
    from pipeline.verdict import tell

    console.end()
    try:
        outcome = run_local(config, data, console)
    except ComponentError as error:
        traceback.print_exception(error.cause)
        console.say(f"\n{error.component} failed: {error.cause}\nLog        {log}")
        return FAILED
    blessed = tell(outcome, console)
    console.say(f"Log        {log}")
    return PUSHED if blessed else REFUSED


if __name__ == "__main__":
    sys.exit(main())
