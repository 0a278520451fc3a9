"""TFX Trainer's run_fn: settings in, SavedModel and TensorBoard logs out."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict

from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.io import fileio

from components.settings import with_tuples
from components.trainer.card import write_card
from components.trainer.checkpoints import training_key
from components.trainer.distribution import choose_strategy, require_gpus, wait_for_chief, worker
from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from components.trainer.recipe import Files, Recipe
from components.trainer.settings import NetworkSettings, TrainingSettings
from components.trainer.training import train
from schema.labelmap import LabelMap

HISTORY_FILE = "history.json"


def run_fn(fn_args: FnArgs) -> None:
    """Trains a PSPNet as `custom_config` says, and exports it.

    Every worker of a distributed training calls it; the chief alone writes.

    Args:
        fn_args: TFX's arguments. `custom_config` holds `network`, `training` and `inference` (the fields of the
            settings classes), `label_map` (JSON), `fingerprint` and `checkpoints`: a folder that outlives this
            execution, so that the next one finds what a killed one left.
    """
    require_gpus()
    # First of all: TensorFlow cannot join other workers once it has begun to compute.
    strategy = choose_strategy()
    config = fn_args.custom_config
    recipe = Recipe(
        network=NetworkSettings(**with_tuples(config["network"])),
        training=TrainingSettings(**with_tuples(config["training"])),
        inference=InferenceSettings(**with_tuples(config["inference"])),
        label_map=LabelMap.from_json(config["label_map"]),
    )
    key = training_key(config["fingerprint"], [*fn_args.train_files, *fn_args.eval_files])
    files = Files(
        train=fn_args.train_files,
        evaluate=fn_args.eval_files,
        logs=fn_args.model_run_dir,
        checkpoints=os.path.join(config["checkpoints"], key),
    )
    started = time.monotonic()
    trained = train(recipe, files, strategy)
    facts = {
        "fingerprint": config["fingerprint"],
        "network": asdict(recipe.network),
        "training": asdict(recipe.training),
        "inference": asdict(recipe.inference),
        **trained.facts,
        "train_seconds": round(time.monotonic() - started, 1),
    }
    if worker(strategy)[0] == 0:
        export_model(trained.network, fn_args.serving_model_dir, recipe.inference)
        write_card(fn_args.serving_model_dir, recipe.label_map, facts)
        with fileio.open(os.path.join(fn_args.model_run_dir, HISTORY_FILE), "w") as stream:
            stream.write(json.dumps(trained.history, indent=1))
        trained.store.delete()
    wait_for_chief(strategy)
