"""Photos in, class maps, overlays and figures out; photos that cannot be used are named and left out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from components import progress
from components.image_mask_example_gen.files import read_file
from components.image_mask_example_gen.photo import Photo, read_photo
from components.image_mask_example_gen.rejection import Rejected, Rejection
from components.prediction.model import Model, Prediction
from components.prediction.pictures import Legend, class_map_picture, overlay_picture
from components.prediction.tasks import MAP_SUFFIX, OVERLAY_SUFFIX, Task

SHARES_FILE, SKIPPED_FILE = "shares.csv", "skipped.csv"
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class Answer:
    """A photo, upright, and what the model says about it."""

    photo: Photo
    prediction: Prediction


def predict_photos(
    model: Model,
    tasks: Sequence[Task],
    out: Path,
    *,
    batch: int,
    overlay: bool,
    tell: Callable[[Rejection], None],
) -> int:
    """Predicts photos and writes `<stem>.png`, `<stem>_overlay.jpg`, `shares.csv` and `skipped.csv` into a folder.

    Rows are written as photos are done, so that an interrupted run keeps what it has.

    Args:
        model: The model.
        tasks: Photos and the names of their answers.
        out: The folder; made where it is missing.
        batch: Photos that the model looks at in one call.
        overlay: Whether overlays are written.
        tell: Hears of every photo that is skipped.

    Returns:
        The number of photos that were predicted.
    """
    out.mkdir(parents=True, exist_ok=True)
    legend, predicted = model.legend, 0
    with _open_table(out / SHARES_FILE) as shares_file, _open_table(out / SKIPPED_FILE) as skipped_file:
        shares, skipped = csv.writer(shares_file), csv.writer(skipped_file)
        columns = [f"share {name}" for name in legend.names]
        shares.writerow(["photo", "class_map", "width", "height", *columns, "mean_confidence"])
        skipped.writerow(["photo", "reason", "detail"])
        for done, (task, answer) in enumerate(answers(model, tasks, batch), start=1):
            try:
                if isinstance(answer, Rejected):
                    raise answer
                write_pictures(task, answer, legend, out, overlay=overlay)
                shares.writerow(_row(task, answer, legend))
                predicted += 1
            except Rejected as refusal:
                skipped.writerow([task.photo, refusal.reason, refusal.detail])
                tell(Rejection(task.photo, refusal.reason, refusal.detail))
            progress.report(done, len(tasks), "photos")
    return predicted


def answers(model: Model, tasks: Sequence[Task], batch: int) -> Iterator[tuple[Task, Answer | Rejected]]:
    """Every task with its answer, or with the reason why it has none, in order; `batch` photos a call."""
    for start in range(0, len(tasks), batch):
        some = tasks[start : start + batch]
        photos = [_read(task) for task in some]
        found = iter(_predict(model, [photo for photo in photos if isinstance(photo, Photo)]))
        for task, photo in zip(some, photos, strict=True):
            yield task, photo if isinstance(photo, Rejected) else next(found)


def write_pictures(task: Task, answer: Answer, legend: Legend, out: Path, *, overlay: bool) -> None:
    """Writes a photo's class map and overlay.

    Raises:
        Rejected: A file cannot be written (`not_written`).
    """
    class_map = answer.prediction.class_map
    try:
        path = out / (task.stem + MAP_SUFFIX)
        path.parent.mkdir(parents=True, exist_ok=True)
        class_map_picture(class_map, legend.colors).save(path)
        if overlay:
            photo = Image.open(io.BytesIO(answer.photo.encoded))
            shown = overlay_picture(photo, class_map, legend)
            shown.save(out / (task.stem + OVERLAY_SUFFIX), quality=_JPEG_QUALITY)
    except OSError as error:
        raise Rejected("not_written", str(error)) from None


def _read(task: Task) -> Photo | Rejected:
    try:
        if task.refusal:
            raise task.refusal
        return read_photo(read_file(task.source))
    except Rejected as refusal:
        return refusal


def _predict(model: Model, photos: Sequence[Photo]) -> list[Answer | Rejected]:
    """One call for all; photo by photo where TensorFlow refuses one of them, to find out which."""
    if not photos:
        return []
    try:
        predictions = model.predict([photo.encoded for photo in photos])
    except tf.errors.OpError as error:
        if len(photos) > 1:
            return [answer for photo in photos for answer in _predict(model, [photo])]
        return [Rejected("not_predicted", error.message.splitlines()[0])]
    return [Answer(photo, prediction) for photo, prediction in zip(photos, predictions, strict=True)]


def _row(task: Task, answer: Answer, legend: Legend) -> list[Any]:
    pixels = np.bincount(answer.prediction.class_map.ravel(), minlength=len(legend.names))
    shares = [f"{share:.6f}" for share in pixels / pixels.sum()]
    sides = (answer.photo.width, answer.photo.height)
    return [task.photo, task.stem + MAP_SUFFIX, *sides, *shares, f"{answer.prediction.confidence:.4f}"]


def _open_table(path: Path) -> Any:
    # Line by line, so that what is done stays where the run is interrupted.
    return path.open("w", encoding="utf-8", newline="", buffering=1)
