import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components.blessed_model import component as blessed_model
from components.evaluator.component import Executor
from components.evaluator.photo_counts import read_photo_counts
from components.evaluator.rules import CHANGE
from components.evaluator.settings import GateSettings
from components.evaluator.summary import ALL_PHOTOS, read_summary
from components.image_mask_example_gen.record import make_record
from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from schema.labelmap import LabelClass, LabelMap

pytestmark = pytest.mark.end_to_end

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
            record = make_record(key_of(number), png(photo), png(COLORS[mask]), LABEL_MAP)
            writer.write(record.SerializeToString())
    return made


def key_of(number):
    return f"folder {number % 3}/photo {number}"


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


def export_without_boundary(model_uri, target_uri):
    """What an earlier version of this project exported."""
    module = tf.Module()
    module.loaded = tf.saved_model.load(path_utils.serving_model_dir(model_uri))
    evaluation = module.loaded.signatures["evaluation"]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def older(examples):
        counted = evaluation(examples=examples)
        return {name: counted[name] for name in ("confusion", "pixels")}

    tf.saved_model.save(module, path_utils.serving_model_dir(target_uri), signatures={"evaluation": older})


def export_without_serving(model_uri, target_uri):
    loaded = tf.saved_model.load(path_utils.serving_model_dir(model_uri))
    signatures = {"evaluation": loaded.signatures["evaluation"]}
    tf.saved_model.save(loaded, path_utils.serving_model_dir(target_uri), signatures=signatures)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Model artifacts by the bounds of their classes; tests may add some under names."""
    made = {}
    for bounds in (GOOD, WORSE):
        made[bounds] = artifact(standard_artifacts.Model, tmp_path_factory.mktemp("model"))
        export_model(red_network(bounds), path_utils.serving_model_dir(made[bounds].uri), InferenceSettings())
    return made


@pytest.fixture
def evaluate(tmp_path, models):
    """Runs the component's executor; gives the summary, the blessing and where the results are."""

    def run(scenes, gate, *, candidate, baseline=None):
        evaluation = artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
        blessing = artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        context = base_beam_executor.BaseBeamExecutor.Context(tmp_dir=str(tmp_path / "temp"), unique_id="1")
        Executor(context).Do(
            {
                "examples": [examples_of(scenes, tmp_path / "examples")],
                "model": [models[candidate]],
                "baseline_model": [models[baseline] if baseline else no_baseline(tmp_path)],
            },
            {"evaluation": [evaluation], "blessing": [blessing]},
            {
                "label_map": LABEL_MAP.to_json(),
                "gate": json.dumps(vars(gate)),
            },
        )
        return read_summary(evaluation.uri), blessing, evaluation.uri

    return run


def sentences(blessing):
    found = [blessing.get_string_custom_property(f"check_{number}") for number in range(1, 30)]
    return [one for one in found if one]


def assert_scores(row, scenes, bounds):
    expected = expected_ious(scenes, bounds)
    assert row.iou == {name: iou and pytest.approx(iou) for name, iou in expected.items()}
    assert row.mean_iou == pytest.approx(mean_of(expected))
    assert row.photos == len(scenes)
    assert row.confusion == confusion_of(scenes, bounds).tolist()


def open_gate(**settings):
    """Nothing is asked but what the settings say."""
    asked = {"min_mean_iou": 0, "min_class_iou": 0, "min_eval_photos": 1, "max_drop": 1, "max_slice_drop": 1}
    return GateSettings(**{**asked, "resamples": 200, **settings})


def test_first_model_is_scored_by_summed_counts_and_blessed_above_the_floors(evaluate):
    scenes = [scene(number) for number in range(9)]
    expected = expected_ious(scenes, GOOD)
    gate = open_gate(
        min_mean_iou=mean_of(expected) - 0.01, min_class_iou=min(expected.values()) - 0.01, eval_batch_size=4
    )
    summary, blessing, uri = evaluate(scenes, gate, candidate=GOOD)
    assert summary.blessed, [str(check) for check in summary.checks]
    assert blessing.get_int_custom_property("blessed") == 1
    assert summary.baseline == summary.changes == summary.missing == []
    assert_scores(summary.candidate[0], scenes, GOOD)
    assert summary.candidate[0].name == ALL_PHOTOS
    assert sentences(blessing) == [str(check) for check in summary.checks]
    answered = next(check for check in summary.checks if check.what == "photos answered in a new process")
    # All photos have one size: the first of them is the smallest, the largest, the tallest and the widest.
    assert (answered.value, answered.required) == (1, 1)

    slices = {row.name: row for row in summary.candidate}
    sizes = {f"object/size = {size}" for size in ("none", "small", "medium", "large")}
    assert sizes | {f"image/folder = folder {number}" for number in range(3)} < set(slices)
    for size in ("none", "small", "medium", "large"):
        held = [one for one in scenes if size_of(one[1]) == size]
        assert_scores(slices[f"object/size = {size}"], held, GOOD)
    for number in range(3):
        assert_scores(slices[f"image/folder = folder {number}"], scenes[number::3], GOOD)
    bright = [row for name, row in slices.items() if name.startswith("image/brightness = ")]
    assert sum(row.photos for row in bright) == len(scenes)

    whole = summary.candidate[0]
    low, high = whole.mean_iou_interval
    assert low < whole.mean_iou < high
    assert np.sum([one.candidate for one in read_photo_counts(uri, 3)], axis=0).tolist() == whole.confusion
    by_key = {one.key.decode(): one for one in read_photo_counts(uri, 3)}
    assert set(by_key) == {key_of(number) for number in range(9)}
    np.testing.assert_array_equal(by_key[key_of(5)].candidate, confusion_of(scenes[5:6], GOOD))
    assert ("image/folder", "folder 2") in by_key[key_of(5)].slices
    assert by_key[key_of(5)].baseline is None


@pytest.mark.parametrize("max_drop", [0.5, 0.01])
def test_a_worse_model_than_the_one_in_service_is_blessed_within_the_allowed_drop(evaluate, max_drop):
    scenes = [scene(number) for number in range(8)]
    gate = open_gate(max_drop=max_drop, max_slice_drop=max_drop, slice_min_photos=3)
    summary, blessing, uri = evaluate(scenes, gate, candidate=WORSE, baseline=GOOD)
    assert_scores(summary.candidate[0], scenes, WORSE)
    assert_scores(summary.baseline[0], scenes, GOOD)
    dropped = mean_of(expected_ious(scenes, WORSE)) - mean_of(expected_ious(scenes, GOOD))
    assert dropped < -0.01
    change = next(check for check in summary.checks if check.what == CHANGE)
    assert change.value == pytest.approx(dropped)
    assert change.passed == (max_drop == 0.5)
    assert summary.blessed == all(check.passed for check in summary.checks)
    assert summary.blessed == (max_drop == 0.5)
    assert blessing.get_int_custom_property("blessed") == int(summary.blessed)

    judged = {check.what for check in summary.checks if check.what.startswith(f"{CHANGE} where ")}
    assert judged == {f"{CHANGE} where {row.name}" for row in summary.candidate[1:] if row.photos >= 3}
    whole = summary.changes[0]
    assert (whole.name, whole.photos, whole.mean_iou) == (ALL_PHOTOS, 8, pytest.approx(dropped))
    assert whole.mean_iou_interval[0] < dropped < whole.mean_iou_interval[1]
    for one in read_photo_counts(uri, 3):
        number = int(one.key.decode().split()[-1])
        np.testing.assert_array_equal(one.candidate, confusion_of(scenes[number : number + 1], WORSE))
        np.testing.assert_array_equal(one.baseline, confusion_of(scenes[number : number + 1], GOOD))


def test_a_class_that_no_photo_holds_is_absent_and_not_blessed(evaluate):
    scenes = [scene(number, car=False) for number in range(4)]
    summary, blessing, _ = evaluate(scenes, open_gate(min_class_iou=0.1), candidate=GOOD)
    assert_scores(summary.candidate[0], scenes, GOOD)
    assert summary.candidate[0].iou["car"] is None
    assert not summary.blessed
    assert blessing.get_int_custom_property("blessed") == 0
    failed = [check.what for check in summary.checks if not check.passed]
    assert failed == ["classes in the eval split", "IoU of car"]
    assert "IoU of car: no value, at least 0.1 is required" in sentences(blessing)


def test_a_class_may_be_absent_where_the_settings_say_so(evaluate):
    scenes = [scene(number, car=False) for number in range(4)]
    summary, _, _ = evaluate(scenes, open_gate(min_class_iou=0.1, require_all_classes=False), candidate=GOOD)
    assert summary.blessed, [str(check) for check in summary.checks]


def test_an_empty_eval_split_is_told_and_never_blessed(evaluate):
    summary, blessing, _ = evaluate([], open_gate(require_all_classes=False), candidate=GOOD)
    assert not summary.blessed
    assert blessing.get_int_custom_property("blessed") == 0
    assert summary.candidate == []
    assert "photos in the eval split 0, at least 1 is required: failed by 1" in sentences(blessing)
    assert any("slices by object/size" in one for one in summary.missing)


def test_a_model_in_service_that_is_older_than_boundary_counts_can_be_compared(evaluate, models, tmp_path):
    scenes = [scene(number) for number in range(8)]
    models["older"] = artifact(standard_artifacts.Model, tmp_path / "older")
    export_without_boundary(models[GOOD].uri, models["older"].uri)
    summary, _, _ = evaluate(scenes, open_gate(), candidate=GOOD, baseline="older")
    assert summary.blessed, [str(check) for check in summary.checks]
    assert summary.candidate[0].mean_boundary_iou is not None
    assert summary.baseline[0].mean_boundary_iou is None
    assert summary.changes[0].mean_iou == 0


def test_a_model_that_scores_well_but_cannot_serve_is_refused(evaluate, models, tmp_path):
    models["mute"] = artifact(standard_artifacts.Model, tmp_path / "mute")
    export_without_serving(models[GOOD].uri, models["mute"].uri)
    summary, blessing, _ = evaluate([scene(number) for number in range(8)], open_gate(), candidate="mute")
    assert not summary.blessed
    assert blessing.get_int_custom_property("blessed") == 0
    (failed,) = [check for check in summary.checks if not check.passed]
    assert failed.what == "photos answered in a new process"
    assert failed.value == 0
    assert "serving_default" in failed.note
