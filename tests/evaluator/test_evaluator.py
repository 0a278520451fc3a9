import io
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils, proto_utils

from components.blessed_model import component as blessed_model
from components.evaluator.component import Executor
from components.evaluator.gate import eval_config
from components.evaluator.settings import GateSettings
from components.evaluator.summary import ALL_PHOTOS, read_summary
from components.image_mask_example_gen.record import make_record
from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from schema.features import SCHEMA_FILE
from schema.labelmap import LabelClass, LabelMap

SIZE = (16, 24)
LABEL_MAP = LabelMap(
    (LabelClass("sky", (0, 0, 0)), LabelClass("plane", (250, 0, 0)), LabelClass("car", (0, 250, 0))),
    (LabelClass("void", (0, 0, 250)),),
    "sky",
)
COLORS = np.array([one.color for one in (*LABEL_MAP.classes, *LABEL_MAP.ignored)], np.uint8)
REDS = np.array([40, 127, 215, 40], np.uint8)
"""Red levels that a good model tells apart as classes 0, 1 and 2."""

GOOD, WORSE = (85, 170), (130, 170)
"""Bounds between the classes; the worse model takes a third of the planes for sky."""


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def scene(number, *, car=True):
    """Reds and mask of a photo of the network's size: an object of some width, noise that misleads every model."""
    random = np.random.default_rng(number)
    mask = np.zeros(SIZE, int)
    width = (0, 1, 4, 16)[number % 4]
    mask[:, :width] = 2 if car and number % 8 > 4 else 1
    mask[0, :6] = 3
    reds = REDS[mask] + random.integers(-15, 16, SIZE)
    wrong = random.uniform(size=SIZE) < 0.1
    reds[wrong] = random.choice(REDS[:3] if car else REDS[:2], wrong.sum())
    return reds.astype(np.uint8), mask


def predicted(reds, bounds):
    return np.digitize(reds, bounds)


def confusion_of(scenes, bounds):
    """Counted pixel by pixel, ignored ones left out."""
    counts = np.zeros((3, 3), int)
    for reds, mask in scenes:
        for truth, guess in zip(mask.ravel(), predicted(reds, bounds).ravel(), strict=True):
            if truth != 3:
                counts[truth, guess] += 1
    return counts


def expected_ious(scenes, bounds):
    """IoU by class; None where neither mask nor prediction holds it."""
    counts = confusion_of(scenes, bounds)
    unions = [counts[n].sum() + counts[:, n].sum() - counts[n, n] for n in range(3)]
    return {
        name: counts[n, n] / union if union else None
        for n, (name, union) in enumerate(zip(LABEL_MAP.names, unions, strict=True))
    }


def mean_of(ious):
    return np.mean([iou for iou in ious.values() if iou is not None])


def size_of(mask):
    """The bucket of the objects' share, from the definition in the schema."""
    share = np.isin(mask, (1, 2)).mean()
    return "none" if share == 0 else "small" if share < 0.05 else "medium" if share < 0.2 else "large"


def red_network(bounds):
    """A 1x1 convolution whose largest logit is the class of the red level."""
    image = keras.Input((*SIZE, 3))
    classify = keras.layers.Conv2D(3, 1)
    network = keras.Model(image, classify(image))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, 0] = [0, 1, 2]
    low, high = bounds[0] - 0.5, bounds[1] - 0.5
    classify.set_weights([kernel, np.array([0, -low, -low - high], np.float32)])
    return network


def artifact(kind, directory, **properties):
    directory.mkdir(parents=True, exist_ok=True)
    made = kind()
    made.uri = str(directory)
    for name, value in properties.items():
        setattr(made, name, value)
    return made


def examples_of(scenes, directory):
    made = artifact(
        standard_artifacts.Examples, directory, split_names=artifact_utils.encode_split_names(["train", "eval"])
    )
    target = directory / "Split-eval"
    target.mkdir()
    with tf.io.TFRecordWriter(str(target / "data_tfrecord-00000-of-00001")) as writer:
        for number, (reds, mask) in enumerate(scenes):
            photo = np.stack([reds, np.full(SIZE, 90, np.uint8), np.full(SIZE, 90, np.uint8)], axis=2)
            record = make_record(f"photo {number}", png(photo), png(COLORS[mask]), LABEL_MAP)
            writer.write(record.SerializeToString())
    return made


def no_baseline(directory):
    """What LatestBlessedModel gives in a first run."""
    made = artifact(standard_artifacts.Model, directory / "absent")
    settings = {
        "serving_dir": str(directory / "nothing served"),
        "fingerprint": "new",
        "label_map": LABEL_MAP.to_json(),
        "expected_version": "",
    }
    blessed_model.Executor().Do({}, {"model": [made]}, settings)
    return made


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Model artifacts by the bounds of their classes."""
    made = {}
    for bounds in (GOOD, WORSE):
        made[bounds] = artifact(standard_artifacts.Model, tmp_path_factory.mktemp("model"))
        export_model(red_network(bounds), path_utils.serving_model_dir(made[bounds].uri), InferenceSettings())
    return made


@pytest.fixture
def evaluate(tmp_path, models):
    """Runs the component's executor; gives the summary and the blessing."""

    def run(scenes, gate, *, candidate, baseline=None):
        schema = artifact(standard_artifacts.Schema, tmp_path / "schema")
        shutil.copy(SCHEMA_FILE, schema.uri)
        evaluation = artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
        blessing = artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        context = base_beam_executor.BaseBeamExecutor.Context(tmp_dir=str(tmp_path / "temp"), unique_id="1")
        Executor(context).Do(
            {
                "examples": [examples_of(scenes, tmp_path / "examples")],
                "model": [models[candidate]],
                "baseline_model": [models[baseline] if baseline else no_baseline(tmp_path)],
                "schema": [schema],
            },
            {"evaluation": [evaluation], "blessing": [blessing]},
            {
                "eval_config": proto_utils.proto_to_json(eval_config(LABEL_MAP, gate)),
                "example_splits": json.dumps(["eval"]),
                "fairness_indicator_thresholds": "null",
                "label_map": LABEL_MAP.to_json(),
                "gate": json.dumps(vars(gate)),
            },
        )
        return read_summary(evaluation.uri), blessing

    return run


def sentences(blessing):
    found = [blessing.get_string_custom_property(f"check_{number}") for number in range(1, 6)]
    return [one for one in found if one]


def assert_scores(row, scenes, bounds):
    expected = expected_ious(scenes, bounds)
    assert row.iou == {name: iou and pytest.approx(iou) for name, iou in expected.items()}
    assert row.mean_iou == pytest.approx(mean_of(expected))
    assert row.photos == len(scenes)
    assert row.confusion == confusion_of(scenes, bounds).tolist()


def test_first_model_is_scored_by_summed_counts_and_blessed_above_the_floors(evaluate):
    scenes = [scene(number) for number in range(9)]
    expected = expected_ious(scenes, GOOD)
    gate = GateSettings(
        min_mean_iou=mean_of(expected) - 0.01, min_class_iou=min(expected.values()) - 0.01, eval_batch_size=4
    )
    summary, blessing = evaluate(scenes, gate, candidate=GOOD)
    assert summary.blessed
    assert blessing.get_int_custom_property("blessed") == 1
    assert summary.baseline == []
    assert_scores(summary.candidate[0], scenes, GOOD)
    assert [check.what for check in summary.checks] == ["mean IoU", "IoU of plane", "IoU of car"]
    assert sentences(blessing) == [str(check) for check in summary.checks]
    slices = {row.name: row for row in summary.candidate[1:]}
    assert set(slices) == {f"object/size = {size}" for size in ("none", "small", "medium", "large")}
    for size in ("none", "small", "medium", "large"):
        held = [one for one in scenes if size_of(one[1]) == size]
        assert_scores(slices[f"object/size = {size}"], held, GOOD)
    assert summary.candidate[0].name == ALL_PHOTOS


@pytest.mark.parametrize(("max_drop", "blessed"), [(0.5, True), (0.01, False)])
def test_a_worse_model_than_the_one_in_service_is_blessed_within_the_allowed_drop(evaluate, max_drop, blessed):
    scenes = [scene(number) for number in range(8)]
    gate = GateSettings(min_mean_iou=0.1, min_class_iou=0.1, max_drop=max_drop)
    summary, blessing = evaluate(scenes, gate, candidate=WORSE, baseline=GOOD)
    assert_scores(summary.candidate[0], scenes, WORSE)
    assert_scores(summary.baseline[0], scenes, GOOD)
    assert summary.blessed == blessed
    assert blessing.get_int_custom_property("blessed") == int(blessed)
    change = summary.checks[-1]
    assert change.value == pytest.approx(mean_of(expected_ious(scenes, WORSE)) - mean_of(expected_ious(scenes, GOOD)))
    assert change.value < -0.01
    # The reasons must agree with TFMA's verdict.
    assert [check.passed for check in summary.checks] == [True, True, True, blessed]


def test_a_class_that_no_photo_holds_is_absent_and_not_blessed(evaluate):
    scenes = [scene(number, car=False) for number in range(4)]
    summary, blessing = evaluate(scenes, GateSettings(min_mean_iou=0.1, min_class_iou=0.1), candidate=GOOD)
    assert_scores(summary.candidate[0], scenes, GOOD)
    assert summary.candidate[0].iou["car"] is None
    assert not summary.blessed
    assert blessing.get_int_custom_property("blessed") == 0
    assert [check.what for check in summary.checks if not check.passed] == ["IoU of car"]
    assert sentences(blessing)[2] == "IoU of car: no value, at least 0.1 is required"
