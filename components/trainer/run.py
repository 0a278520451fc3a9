"""TFX Trainer's run_fn: settings in, SavedModel and TensorBoard logs out."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from typing import Any

import keras
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.io import fileio

from components import progress
from components.trainer import callbacks, input_pipeline
from components.trainer.augmentation import Augmentation
from components.trainer.card import write_card
from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from components.trainer.losses import class_weights, make_loss
from components.trainer.optimizer import make_optimizer
from components.trainer.pspnet.batch_norm import small_batch_advice
from components.trainer.pspnet.model import AUXILIARY, LOGITS, build_pspnet, with_auxiliary_head
from components.trainer.pspnet.rules import starts_from_weights
from components.trainer.settings import NetworkSettings, TrainingSettings
from components.trainer.weights.load import load_weights
from components.trainer.weights.report import WeightReport
from schema.labelmap import LabelMap

HISTORY_FILE = "history.json"


def run_fn(fn_args: FnArgs) -> None:
    """Trains a PSPNet as `custom_config` says.

    Args:
        fn_args: TFX's arguments. `custom_config` holds `network`, `training` and `inference` (the fields of the
            settings classes), `label_map` (JSON) and `fingerprint`.
    """
    config = fn_args.custom_config
    label_map = LabelMap.from_json(config["label_map"])
    network_settings = NetworkSettings(**{name: _frozen(value) for name, value in config["network"].items()})
    settings = TrainingSettings(**{name: _frozen(value) for name, value in config["training"].items()})
    inference = InferenceSettings(**{name: _frozen(value) for name, value in config["inference"].items()})
    started = time.monotonic()
    network, history, weights = train(network_settings, settings, inference, label_map, fn_args)
    seconds = time.monotonic() - started
    export_model(network, fn_args.serving_model_dir, inference)
    facts = {
        "fingerprint": config["fingerprint"],
        "network": asdict(network_settings),
        "training": asdict(settings),
        "inference": asdict(inference),
        "train_seconds": round(seconds, 1),
        "parameters": network.count_params(),
        "weights": weights.facts(),
    }
    write_card(fn_args.serving_model_dir, label_map, facts)
    with fileio.open(os.path.join(fn_args.model_run_dir, HISTORY_FILE), "w") as stream:
        stream.write(json.dumps(history, indent=1))


def train(
    network_settings: NetworkSettings,
    settings: TrainingSettings,
    inference: InferenceSettings,
    label_map: LabelMap,
    fn_args: FnArgs,
) -> tuple[keras.Model, list[dict[str, float]], WeightReport]:
    """Fits the network on the training split.

    Returns:
        The trained network, a row of figures for every evaluation, and what the network started from.
    """
    keras.utils.set_random_seed(settings.seed)
    network = build_pspnet(network_settings, len(label_map.classes))
    weights = load_weights(network, network_settings, label_map.names)
    progress.note(weights.line())
    if advice := small_batch_advice(network_settings.batch_norm, settings.batch_size):
        progress.note(advice)
    frame = inference.frame(network_settings.image_size)
    pixels = input_pipeline.class_pixels(fn_args.train_files, len(label_map.classes))
    loss = make_loss(settings, class_weights(pixels, settings.class_weight_power, settings.class_weight_range))
    # What is fitted: the network, or the network with one more head, which shares its layers.
    fitted: keras.Model = network
    fitted_loss: Any = loss
    factors = None
    if network_settings.auxiliary_weight:
        fitted = with_auxiliary_head(network, network_settings, len(label_map.classes))
        fitted_loss = {LOGITS: loss, AUXILIARY: loss}
        factors = {LOGITS: 1.0, AUXILIARY: network_settings.auxiliary_weight}
    fitted.compile(
        optimizer=_optimizer(network_settings, settings),
        loss=fitted_loss,
        loss_weights=factors,
        # XLA on a CPU made a step some 20 times slower.
        jit_compile=False,
    )
    evaluate = callbacks.EvaluateIoU(
        input_pipeline.evaluation_batches(
            fn_args.eval_files, network_settings.image_size, batch_size=settings.batch_size, frame=frame
        ),
        inference=inference,
        network=network,
        class_names=label_map.names,
        log_dir=fn_args.model_run_dir,
        every=settings.eval_every,
        total_steps=settings.steps,
    )
    # Without its variables the first step would be traced twice.
    fitted.optimizer.build(fitted.trainable_variables)
    shown = callbacks.ShowProgress(settings.steps, evaluate)
    batches = input_pipeline.training_batches(
        fn_args.train_files,
        network_settings.image_size,
        batch_size=settings.batch_size,
        seed=settings.seed,
        augmentation=Augmentation.of(settings),
        frame=frame,
    )
    has_auxiliary = network_settings.auxiliary_weight > 0
    pairs = batches.map(
        lambda photos, labels, _: (photos, {LOGITS: labels, AUXILIARY: labels} if has_auxiliary else labels)
    )
    fitted.fit(pairs, steps_per_epoch=settings.steps, callbacks=[evaluate, shown], verbose=0)
    return network, evaluate.history, weights


def _optimizer(network: NetworkSettings, settings: TrainingSettings) -> keras.optimizers.Optimizer:
    # An encoder without weights has everything to learn.
    return make_optimizer(
        settings.optimizer,
        rate=settings.learning_rate,
        encoder_rate=settings.encoder_rate if starts_from_weights(network) else 1.0,
        steps=settings.steps,
        warm_up_steps=settings.warm_up_steps,
        weight_decay=settings.weight_decay,
    )


def _frozen(value: Any) -> Any:
    """JSON has lists only; settings hold tuples."""
    return tuple(value) if isinstance(value, list) else value
