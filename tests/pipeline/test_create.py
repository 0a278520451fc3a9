"""The graph: every part of it that `--until` leaves can be compiled, in the order that the settings promise."""

import json
from dataclasses import replace

import pytest
from tfx.dsl.compiler import compiler
from tfx.orchestration import metadata

from components.image_mask_example_gen.component import ImageMaskExampleGen
from components.trainer.weights.source import content_fingerprint, find_source
from pipeline.config import COMPONENTS, Config
from pipeline.create import create_pipeline, training_fingerprint
from pipeline.earlier import Earlier
from pipeline.inputs import DataFacts
from schema.labelmap import LabelClass, LabelMap

DATA = DataFacts(
    "data", LabelMap((LabelClass("sky", (0, 0, 0)), LabelClass("plane", (255, 0, 0))), (), "sky"), "one", 9
)


def compiled(tmp_path, **settings):
    pipeline = create_pipeline(
        Config.from_flat(settings),
        DATA,
        Earlier(),
        root=str(tmp_path / "artifacts"),
        serving_dir=str(tmp_path / "serving"),
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")),
    )
    return compiler.Compiler().compile(pipeline)


@pytest.mark.parametrize("until", COMPONENTS)
def test_a_run_can_stop_after_any_component(tmp_path, until):
    nodes = [node.pipeline_node.node_info.id for node in compiled(tmp_path, until=until).nodes]
    assert sorted(nodes) == sorted(COMPONENTS[: COMPONENTS.index(until) + 1])


def test_what_must_come_later_does(tmp_path):
    nodes = [node.pipeline_node.node_info.id for node in compiled(tmp_path).nodes]
    for first, second in (
        ("ExampleValidator", "Transform"),
        ("Trainer", "LatestBlessedModel"),
        ("LatestBlessedModel", "Evaluator"),
        ("EvaluationReport", "Pusher"),
    ):
        assert nodes.index(first) < nodes.index(second)


def parameters(tmp_path, component, **settings):
    """What the compiled pipeline hands to a component as `custom_config`."""
    nodes = {node.pipeline_node.node_info.id: node.pipeline_node for node in compiled(tmp_path, **settings).nodes}
    return json.loads(nodes[component].parameters.parameters["custom_config"].field_value.string_value)


@pytest.mark.parametrize(("settings", "frame"), [({}, (224, 320)), ({"photo_size": (448, 640)}, (448, 640))])
def test_photos_are_fitted_into_the_frame_and_the_trainer_knows_it(tmp_path, settings, frame):
    transform = parameters(tmp_path, "Transform", **settings)
    assert (transform["image_height"], transform["image_width"]) == frame
    trainer = parameters(tmp_path, "Trainer", **settings)
    assert trainer["network"]["image_size"] == [224, 320]
    assert trainer["inference"]["photo_size"] == list(settings.get("photo_size", ()))


def test_the_training_fingerprint_follows_what_makes_the_model_and_nothing_else(tmp_path):
    before = training_fingerprint(Config(), DATA)
    for settings in (
        {"steps": 7},
        {"bins": (1, 2)},
        {"split_key": "folder"},
        {"photo_size": (448, 640)},
        {"flip_test": True},
    ):
        assert training_fingerprint(Config.from_flat(settings), DATA) != before
    for settings in ({"min_mean_iou": 0.9}, {"workspace": str(tmp_path)}, {"beam_workers": 2}, {"max_drop": 0.5}):
        assert training_fingerprint(Config.from_flat(settings), DATA) == before


def test_the_training_fingerprint_follows_the_bytes_of_the_weights(tmp_path):
    weights = tmp_path / "weights.h5"
    config = Config.from_flat({"backbone": "resnet50", "weights": str(weights)})
    found = []
    for content in (b"one", b"two"):
        weights.write_bytes(content)
        source = find_source(str(weights))
        data = replace(DATA, weights=source.path, weights_fingerprint=content_fingerprint(source))
        found.append(training_fingerprint(config, data))
    assert found[0] != found[1]


def test_every_parameter_of_ingestion_is_a_setting_or_a_fact_of_the_data():
    assert set(ImageMaskExampleGen.SPEC_CLASS.PARAMETERS) == {
        *(
            "data",
            "images_folder",
            "masks_folder",
            "label_map",
            "mask_cleaning",
            "uncertain",
        ),
        *("eval_fraction", "split_key", "max_rejected", "data_fingerprint", "code_fingerprint"),
    }
