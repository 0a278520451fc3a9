"""Predicts photos with a pushed model: class maps, overlays, shares of the classes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.prediction.find_model import ModelError, find_model
from components.prediction.tasks import Task, TaskError, check_outputs, list_tasks
from pipeline.command_line import Parser
from pipeline.console import Console, output_to_log, quiet_libraries

PREDICTED, FAILED, INTERRUPTED = 0, 1, 130

EPILOG = """written for every photo, below its path inside the folder that was named:
  <photo>.png          class map: pixel values are class numbers, the palette shows the masks' colours
  <photo>_overlay.jpg  the photo with the classes' colours over it
and for all of them: shares.csv (share of pixels of each class, mean confidence), skipped.csv (photos that could not be
used, and why), predict.log. Photos are read and written upright.

exit codes: 0 at least one photo was predicted, 1 none was or the command is wrong"""

LOG_FILE = "predict.log"


def main(arguments: list[str] | None = None) -> int:
    """Predicts as the command says and returns the exit code."""
    parsed = _parser().parse_args(arguments)
    out = Path(parsed.out)
    try:
        model = find_model(Path(parsed.model))
        tasks = list_tasks(parsed.photos, out)
        check_outputs(tasks, out, overlay=parsed.overlay, overwrite=parsed.overwrite)
        with output_to_log(out / LOG_FILE) as stream:
            return _predict(model, tasks, parsed, Console(stream))
    except (ModelError, TaskError) as error:
        print(f"predict: {error}", file=sys.stderr)
    except OSError as error:
        print(f"predict: {out}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\npredict: interrupted; what is done is in the folder", file=sys.stderr)
        return INTERRUPTED
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", help="SavedModel, or a folder of versions: the newest is taken")
    parser.add_argument("photos", metavar="PHOTO_OR_FOLDER", nargs="+", help="photos, or folders of them, any depth")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the answers; made where it is missing")
    parser.add_argument("--batch", type=_batch, default=4, metavar="N", help="photos a call (default: %(default)s)")
    parser.add_argument(
        "--overlay", action=argparse.BooleanOptionalAction, default=True, help="write overlays (default: yes)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace answers of an earlier run; never photos")
    return parser


def _batch(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _predict(path: Path, tasks: list[Task], parsed: argparse.Namespace, console: Console) -> int:
    console.begin("Loading the model")
    quiet_libraries()
    # TensorFlow takes seconds to import: what can be refused at once has been by now.
    from components import progress
    from components.prediction.model import Model
    from components.prediction.run import SHARES_FILE, SKIPPED_FILE, predict_photos

    model, out = Model(path), Path(parsed.out)
    console.end(str(path))
    console.begin("Predicting", expected=len(tasks))
    progress.listen(console.progress)
    try:
        predicted = predict_photos(
            model,
            tasks,
            out,
            batch=parsed.batch,
            overlay=parsed.overlay,
            tell=lambda skipped: console.say(f"  skipped {skipped.path}: {skipped.reason}: {skipped.detail}"),
        )
    finally:
        progress.listen(None)
    skipped = len(tasks) - predicted
    console.end(f"{predicted} photos predicted, {skipped} skipped")
    console.say(f"Answers    {out / SHARES_FILE}" + (f"\nSkipped    {out / SKIPPED_FILE}" if skipped else ""))
    return PREDICTED if predicted else FAILED


if __name__ == "__main__":
    sys.exit(main())
