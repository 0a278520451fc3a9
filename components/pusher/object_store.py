"""Versions on an object store, which can neither rename nor lock.

The order of TFX's own Pusher: `saved_model.pb` comes last. A server that looks in between sees a version without a
model; TensorFlow Serving reports an error, goes on with the version before, and tries again. Removal goes the other
way round. What a killed push leaves is a folder without a model, which no reader of this project counts as a version.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.files import write_text
from components.pusher.serving import PUSH_FILE, SAVED_MODEL, all_numbers, in_service, pushed_versions


def push(model: str, serving_dir: str, record: Mapping[str, Any], *, keep: int) -> tuple[int, bool]:
    """Puts a model into service, unless it is; arguments and results as in `atomic.push`."""
    current = in_service(serving_dir)
    numbers = all_numbers(serving_dir)
    if current and numbers[-1] == current.version and current.record.get("digest") == record["digest"]:
        return current.version, False
    version = max([int(time.time()), *(number + 1 for number in numbers)])
    target = os.path.join(serving_dir, str(version))
    io_utils.copy_dir(model, target, deny_regex_patterns=[SAVED_MODEL.replace(".", r"\.")])
    write_text(os.path.join(target, PUSH_FILE), json.dumps(record, ensure_ascii=False, indent=2))
    io_utils.copy_file(os.path.join(model, SAVED_MODEL), os.path.join(target, SAVED_MODEL))
    for old in pushed_versions(serving_dir)[:-keep]:
        fileio.remove(os.path.join(serving_dir, str(old), SAVED_MODEL))
        fileio.rmtree(os.path.join(serving_dir, str(old)))
    return version, True
