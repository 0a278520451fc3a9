"""Runs the whole pipeline on one machine: photos and JPEG masks in, a trained, checked, served PSPNet out."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import traceback

from components.settings import SettingError
from pipeline.command_line import Parser, add_settings, read_config
from pipeline.config import Config
from pipeline.console import Console, output_to_log, quiet_libraries
from pipeline.inputs import DataFacts, look_at_data
from pipeline.runs.commands import add_commands, command_of
from pipeline.runs.index import INDEX_FILE
from pipeline.runs.record import FAILED as FAILED_RUN
from pipeline.runs.record import RunRecord
from pipeline.runs.recording import recording

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
    add_commands(parser)
    add_settings(parser)
    try:
        parsed = parser.parse_args(arguments)
        config = read_config(parsed)
    except SettingError as error:
        print(f"local_runner: {error}", file=sys.stderr)
        return FAILED
    command = command_of(parsed)
    return command(config.workspace) if command else run(config)


def run(config: Config) -> int:
    """Runs a config; what libraries print goes to a log file in the workspace."""
    run_id = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"
    log = config.workspace / "logs" / f"{run_id}.log"
    try:
        data = look_at_data(config)
    except (ValueError, OSError) as error:
        where = f"workspace {config.workspace}: " if isinstance(error, OSError) else ""
        print(f"local_runner: {where}{error}", file=sys.stderr)
        return FAILED
    try:
        with output_to_log(log) as stream, recording(config, data, run_id, log) as record:
            return _run_logged(config, data, record, Console(stream))
    except KeyboardInterrupt:
        print("\nlocal_runner: interrupted; the same command goes on where this run ended", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"local_runner: workspace {config.workspace}: {error}", file=sys.stderr)
        return FAILED


def _run_logged(config: Config, data: DataFacts, record: RunRecord, console: Console) -> int:
    console.say(f"Data       {data.folder} ({data.file_count} photos)")
    console.say(f"Classes    {', '.join(data.label_map.names)}")
    console.say(f"Workspace  {config.workspace}\n")
    console.begin("Loading TFX")
    quiet_libraries()
    # TFX takes seconds to import: what can be refused at once has been by now.
    from pipeline.local_run import ComponentError, run_local
    from pipeline.runs.outcome import describe
    from pipeline.verdict import tell

    console.end()
    try:
        outcome = run_local(config, data, console, record.run)
    except ComponentError as error:
        traceback.print_exception(error.cause)
        record.verdict, record.reason = FAILED_RUN, str(error)
        console.say(f"\n{error.component} failed: {error.cause}\nLog        {config.workspace / record.log}")
        return FAILED
    describe(outcome, config.workspace, record, data.label_map)
    blessed = tell(outcome, console)
    console.say(f"All runs   {config.workspace / INDEX_FILE}")
    console.say(f"Log        {config.workspace / record.log}")
    return PUSHED if blessed else REFUSED


if __name__ == "__main__":
    sys.exit(main())
