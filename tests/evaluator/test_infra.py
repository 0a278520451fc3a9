"""A new process loads the model and answers photos; what goes wrong there is told."""

import ast
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.evaluator import infra
from components.evaluator.infra import check_serving
from components.evaluator.survey import ExtremePhoto

pytestmark = pytest.mark.end_to_end


def png(height, width):
    buffer = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(buffer, "PNG")
    return ExtremePhoto(f"{height}x{width}".encode(), height, width, buffer.getvalue())


PHOTOS = [png(4, 6), png(30, 5), png(40, 60)]


class Serving(tf.Module):
    """Stands for a network: answers with class 1 everywhere, or wrongly in one way."""

    def __init__(self, fault=""):
        super().__init__()
        self.fault = fault

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def __call__(self, image_bytes):
        shape = tf.shape(tf.io.decode_png(image_bytes[0]))[:2]
        if self.fault == "large":
            tf.debugging.assert_less(shape[0], 35, "does not fit")
        if self.fault == "size":
            shape = tf.constant([8, 8])
        label = 2 if self.fault == "class" else 1
        share = [np.nan, 0.5] if self.fault == "nan" else [0.25, 0.75]
        class_map = tf.io.encode_png(tf.fill([shape[0], shape[1], 1], tf.constant(label, tf.uint8)))
        return {"class_map_bytes": class_map[None], "class_share": tf.constant([share], tf.float32)}


def saved(folder, fault=""):
    module = Serving(fault)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.__call__})
    return str(folder)


def checked(model, **limits):
    return check_serving(model, PHOTOS, **{"seconds": 300, "memory_mb": 8000, **limits})


def test_a_sound_model_answers_every_photo(tmp_path):
    found = checked(saved(tmp_path / "model"))
    assert (found.asked, found.answered, found.problem) == (3, 3, "")
    assert 0.5 < found.seconds < 300
    # TensorFlow alone takes some 200 MB; this process, with much more loaded, is not counted.
    assert 100 < found.memory_mb < 3000


@pytest.mark.parametrize(
    ("fault", "answered", "told"),
    [
        ("large", 2, "InvalidArgumentError"),
        ("size", 0, "got a class map of"),
        ("class", 0, "class 2 of 2"),
        ("nan", 0, "do not sum to 1"),
    ],
)
def test_wrong_answers_are_told(tmp_path, fault, answered, told):
    found = checked(saved(tmp_path / "model", fault))
    assert found.answered == answered
    assert told in found.problem


def test_a_model_that_does_not_load_is_told(tmp_path):
    model = saved(tmp_path / "model")
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"half a model")
    found = checked(model)
    assert found.answered == 0
    assert found.problem


@pytest.mark.parametrize(
    ("limits", "told"), [({"seconds": 0.2}, "not done in time"), ({"memory_mb": 20}, "more memory than it may")]
)
def test_a_process_beyond_its_limits_is_ended(tmp_path, limits, told):
    found = checked(saved(tmp_path / "model"), **limits)
    assert (found.answered, found.seconds, found.memory_mb) == (0, None, None)
    assert told in found.problem


def test_a_process_that_dies_is_told_with_its_last_words(tmp_path, monkeypatch):
    probe = tmp_path / "probe.py"
    probe.write_text("import sys; print('last words'); sys.exit(7)")
    monkeypatch.setattr(infra, "_PROBE", probe)
    assert checked("model").problem == "it ended with code 7: last words"


def test_the_process_finds_nothing_of_the_callers_path(tmp_path, monkeypatch):
    (tmp_path / "only_of_the_caller.py").write_text("")
    probe = tmp_path / "probe.py"
    probe.write_text("import only_of_the_caller")
    monkeypatch.setattr(infra, "_PROBE", probe)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "No module named 'only_of_the_caller'" in checked("model").problem


def test_the_process_imports_nothing_of_the_project():
    imported = {
        part.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(infra._PROBE.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for part in node.names
    }
    assert imported == {"json", "math", "sys", "collections.abc", "tensorflow"}


def test_without_photos_nothing_is_answered():
    assert check_serving("model", [], seconds=1, memory_mb=1000).problem == "there is no photo to answer"
