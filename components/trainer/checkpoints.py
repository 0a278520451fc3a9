"""Checkpoints from which a killed training goes on.

A checkpoint is a folder: the variables, as TensorFlow writes them, and a text file with the rest. The text file comes
last, so that a folder without it was never finished; that needs no rename, which object stores do not have.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

STATE_FILE = "state.json"
_VARIABLES = "variables"
_FOLDER = "step-{:09d}"
_KEPT = 2


class CheckpointStore:
    """Checkpoints of one training, by step."""

    def __init__(self, directory: str, variables: Mapping[str, Sequence[Any]], *, writes: bool = True):
        """Takes the directory, Keras variables in named lists, and whether this process writes to it."""
        self._directory = directory
        self._variables = {
            f"{name}/{number}": variable for name, group in variables.items() for number, variable in enumerate(group)
        }
        self._writes = writes

    def steps(self) -> list[int]:
        """Steps of finished checkpoints, the newest first."""
        found = tf.io.gfile.glob(os.path.join(self._directory, "step-*", STATE_FILE))
        return sorted((int(os.path.basename(os.path.dirname(path)).split("-")[1]) for path in found), reverse=True)

    def save(self, step: int, state: Any, *, best: int) -> None:
        """Writes a checkpoint with `state` (JSON), then drops all but the newest two and that of step `best`."""
        if not self._writes:
            return
        folder = self._folder(step)
        # What an earlier run left here unfinished or damaged.
        _remove(folder)
        tf.io.gfile.makedirs(folder)
        tensors = {name: variable.value for name, variable in self._variables.items()}
        tf.train.Checkpoint(**tensors).write(os.path.join(folder, _VARIABLES))
        _write_at_once(os.path.join(folder, STATE_FILE), json.dumps(state))
        for old in self.steps()[_KEPT:]:
            if old != best:
                _remove(self._folder(old))

    def newest_readable(self) -> int:
        """The newest step that can be restored; 0 if there is none."""
        return next((step for step in self.steps() if self.is_readable(step)), 0)

    def is_readable(self, step: int) -> bool:
        """Whether a step can be restored; if not, the log says why."""
        try:
            self._load(step)
        except Exception as error:
            logging.warning("checkpoint %s cannot be read and is passed over: %s", self._folder(step), error)
            return False
        return True

    def restore(self, step: int) -> Any:
        """Restores the variables of a step and returns its state.

        Raises:
            Exception: Something cannot be read or does not fit; no variable has changed then.
        """
        values, state = self._load(step)
        for variable, value in zip(self._variables.values(), values, strict=True):
            variable.assign(value)
        return state

    def delete(self) -> None:
        """Removes all checkpoints."""
        if self._writes:
            _remove(self._directory)

    def _folder(self, step: int) -> str:
        return os.path.join(self._directory, _FOLDER.format(step))

    def _load(self, step: int) -> tuple[list[np.ndarray], Any]:
        folder = self._folder(step)
        with tf.io.gfile.GFile(os.path.join(folder, STATE_FILE)) as stream:
            state = json.loads(stream.read())
        # Reading checks TensorFlow's checksums.
        reader = tf.train.load_checkpoint(os.path.join(folder, _VARIABLES))
        return [_read(reader, name, variable) for name, variable in self._variables.items()], state


def training_key(fingerprint: str, patterns: Sequence[str]) -> str:
    """Names a training by its fingerprint and by its records: their files' paths and sizes."""
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    told = [fingerprint, *(f"{path}|{tf.io.gfile.stat(path).length}" for path in files)]
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _write_at_once(path: str, text: str) -> None:
    with tf.io.gfile.GFile(f"{path}.new", "w") as stream:
        stream.write(text)
    tf.io.gfile.rename(f"{path}.new", path, overwrite=True)


def _remove(folder: str) -> None:
    if tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)


def _read(reader: Any, name: str, variable: Any) -> np.ndarray:
    # TensorFlow's own escape for a slash in a name.
    value = reader.get_tensor(f"{name.replace('/', '.S')}/.ATTRIBUTES/VARIABLE_VALUE")
    if value.shape != tuple(variable.shape):
        raise ValueError(f"{name} has shape {value.shape}, the network wants {tuple(variable.shape)}")
    return value
