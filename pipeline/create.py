"""The graph: one definition for every runner."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any

from tfx.components import Trainer
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import base_node
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2, transform_pb2

from components.blessed_model.component import LatestBlessedModel
from components.evaluator.component import IoUEvaluator
from components.example_validator.component import SchemaGuard
from components.image_mask_example_gen.component import ImageMaskExampleGen
from components.pusher.component import Pusher
from components.report.component import EvaluationReport
from components.statistics_gen.component import ClassStatisticsGen
from components.trainer.run import run_fn
from components.transform.component import PictureTransform
from components.transform.preprocessing import preprocessing_fn
from pipeline import fingerprint
from pipeline.config import GROUPS, Config, RunSettings, as_text
from pipeline.earlier import Earlier, references_dir
from pipeline.inputs import DataFacts
from schema.features import SCHEMA_FILE

PIPELINE_NAME = "pspnet-segmentation"

TRANSFORM_CODE = ("components/transform", "schema")
TRAINER_CODE = ("components/trainer", "components/metrics", *TRANSFORM_CODE)
EVALUATOR_CODE = ("components/evaluator", "components/metrics", "schema")
REPORT_CODE = ("components/report", "components/metrics", "schema")
STATISTICS_CODE = ("components/statistics_gen", "schema")
VALIDATOR_CODE = ("components/example_validator", *STATISTICS_CODE)
EXAMPLE_GEN_CODE = ("components/image_mask_example_gen", "schema")


def create_pipeline(
    config: Config, data: DataFacts, earlier: Earlier, *, root: str, serving_dir: str, **runner_arguments: Any
) -> Pipeline:
    """Puts the components together. Nothing but the project's own code is read, so that any machine can do it.

    Args:
        config: All settings.
        data: The data folder's facts.
        earlier: What `look_back` gives now.
        root: Where artifacts go.
        serving_dir: Where Pusher writes and LatestBlessedModel looks.
        **runner_arguments: What TFX's Pipeline takes besides (metadata connection and the like).
    """
    ingest = _ingest(config, data)
    schema = ImportSchemaGen(schema_file=str(SCHEMA_FILE)).with_id("ImportSchemaGen")
    statistics = ClassStatisticsGen(
        examples=ingest.outputs["examples"],
        schema=schema.outputs["schema"],
        label_map=data.label_map,
        code_fingerprint=fingerprint.of_code(*STATISTICS_CODE),
    ).with_id("StatisticsGen")
    guard = _guard(data, statistics, schema, serving_dir, earlier.reference)
    transform = _transform(config, data, ingest, schema).with_id("Transform")
    trainer = _trainer(config, data, transform, root)
    blessed = LatestBlessedModel(
        serving_dir=serving_dir,
        fingerprint=training_fingerprint(config, data),
        label_map=data.label_map,
        expected_version=earlier.baseline,
    )
    evaluator = IoUEvaluator(
        examples=ingest.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=blessed.outputs["model"],
        label_map=data.label_map,
        gate=config.gate,
        code_fingerprint=fingerprint.of_code(*EVALUATOR_CODE),
    ).with_id("Evaluator")
    report = EvaluationReport(
        examples=ingest.outputs["examples"],
        rejections=ingest.outputs["rejections"],
        statistics=statistics.outputs["statistics"],
        anomalies=guard.outputs["anomalies"],
        model=trainer.outputs["model"],
        baseline_model=blessed.outputs["model"],
        model_run=trainer.outputs["model_run"],
        evaluation=evaluator.outputs["evaluation"],
        label_map=data.label_map,
        lineage=_origin(data),
        facts=_settings(config),
        defaults=_settings(Config()),
        code_fingerprint=fingerprint.of_code(*REPORT_CODE),
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        page=report.outputs["page"],
        serving_dir=serving_dir,
        settings=config.push,
        facts={**_origin(data), **_settings(config)},
    )
    nodes = [ingest, schema, statistics, guard, transform, trainer, blessed, evaluator, report, pusher]
    chosen: list[base_node.BaseNode] = [node for node in nodes if node.id in config.components]
    # Unsound data must not be transformed; the model in service is looked up late, since another run may push one
    # while this one trains.
    _order(chosen, (guard, transform), (trainer, blessed))
    return Pipeline(
        pipeline_name=PIPELINE_NAME,
        pipeline_root=root,
        components=chosen,
        enable_cache=config.run.cache,
        beam_pipeline_args=_beam_arguments(config.run),
        **runner_arguments,
    )


def training_fingerprint(config: Config, data: DataFacts) -> str:
    """Identifies a training: equal data, code and settings give an equal model."""
    return fingerprint.of_values(
        data.fingerprint,
        _ingest_parameters(config, data),
        _network_settings(config, data),
        data.weights_fingerprint,
        asdict(config.training),
        asdict(config.inference),
        fingerprint.of_code(*TRAINER_CODE, *EXAMPLE_GEN_CODE),
    )


def _order(chosen: list[base_node.BaseNode], *pairs: tuple[base_node.BaseNode, base_node.BaseNode]) -> None:
    """Runs the second of each pair after the first, where no data flows between them."""
    for first, second in pairs:
        # TFX refuses a node that knows of one outside the pipeline.
        if second in chosen:
            second.add_upstream_node(first)


def _beam_arguments(settings: RunSettings) -> list[str]:
    # tfx stands in for a module that tfx-bsl dropped and TFDV wants: workers of other processes need it first.
    # The other module makes s3:// known to them.
    arguments = ["--beam_plugin=tfx", "--beam_plugin=components.object_store"]
    if settings.beam_workers > 1:
        arguments += ["--direct_running_mode=multi_processing", f"--direct_num_workers={settings.beam_workers}"]
    return [*arguments, *settings.beam_args]


def import_path(function: Callable) -> str:
    """The dotted path by which TFX imports a function; derived, so that a rename cannot break it."""
    return f"{function.__module__}.{function.__qualname__}"


def _ingest_parameters(config: Config, data: DataFacts) -> dict[str, str | float]:
    return {
        "data": data.folder,
        "images_folder": config.data.images_folder,
        "masks_folder": config.data.masks_folder,
        "label_map": data.label_map.to_json(),
        "mask_cleaning": config.data.mask_cleaning,
        "uncertain": config.data.uncertain,
        "eval_fraction": config.data.eval_fraction,
        "split_key": config.data.split_key,
        "max_rejected": config.data.max_rejected,
    }


def _ingest(config: Config, data: DataFacts) -> ImageMaskExampleGen:
    return ImageMaskExampleGen(
        **_ingest_parameters(config, data),
        data_fingerprint=data.fingerprint,
        code_fingerprint=fingerprint.of_code(*EXAMPLE_GEN_CODE),
    )


def _guard(
    data: DataFacts, statistics: ClassStatisticsGen, schema: ImportSchemaGen, serving_dir: str, reference: str
) -> base_node.BaseNode:
    return SchemaGuard(
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        label_map=data.label_map,
        data_fingerprint=data.fingerprint,
        reference_dir=references_dir(serving_dir),
        expected_reference=reference,
        code_fingerprint=fingerprint.of_code(*VALIDATOR_CODE),
    ).with_id("ExampleValidator")


def _transform(
    config: Config, data: DataFacts, ingest: ImageMaskExampleGen, schema: ImportSchemaGen
) -> PictureTransform:
    height, width = config.inference.frame(config.network.image_size)
    return PictureTransform(
        examples=ingest.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn=import_path(preprocessing_fn),
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        custom_config={
            "image_height": height,
            "image_width": width,
            "class_count": len(data.label_map.classes),
            "code_fingerprint": fingerprint.of_code(*TRANSFORM_CODE),
        },
        # Statistics of re-encoded pictures say nothing that ExampleGen's do not.
        disable_statistics=True,
    )


def _trainer(config: Config, data: DataFacts, transform: PictureTransform, root: str) -> Trainer:
    return Trainer(
        run_fn=import_path(run_fn),
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=trainer_pb2.TrainArgs(num_steps=config.training.steps),
        eval_args=trainer_pb2.EvalArgs(),
        custom_config=trainer_config(config, data, root),
    )


def trainer_config(config: Config, data: DataFacts, root: str) -> dict[str, Any]:
    """What `run_fn` is told besides where records are and where outputs go."""
    return {
        "network": _network_settings(config, data),
        "training": asdict(config.training),
        "inference": asdict(config.inference),
        "label_map": data.label_map.to_json(),
        "fingerprint": training_fingerprint(config, data),
        # Beside the artifacts: the output folders of an execution that was killed are not those of the next.
        "checkpoints": os.path.join(root, "checkpoints"),
    }


def _network_settings(config: Config, data: DataFacts) -> dict[str, Any]:
    """The network's settings, with the very version of a pushed model that this run begins from."""
    return asdict(replace(config.network, weights=data.weights or config.network.weights))


def _origin(data: DataFacts) -> dict[str, str]:
    return {
        "data": data.folder,
        "data fingerprint": data.fingerprint,
        "code fingerprint": fingerprint.of_code(*TRAINER_CODE, *EXAMPLE_GEN_CODE),
    }


def _settings(config: Config) -> dict[str, str]:
    # How a run was done (workspace, cache, processes) and what is kept of others change nothing in what it made.
    groups = [name for name in GROUPS if name not in ("push", "run")]
    return {
        one.name.replace("_", "-"): as_text(one.name, getattr(getattr(config, group), one.name))
        for group in groups
        for one in fields(GROUPS[group])
        if one.name != "data"
    }
