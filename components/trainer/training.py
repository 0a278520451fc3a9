"""One training put together from its parts: network, optimiser, data, devices, checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from components import progress
from components.trainer import input_pipeline
from components.trainer.augmentation import Augmentation
from components.trainer.checkpoints import CheckpointStore
from components.trainer.contact_sheet import write_contact_sheet
from components.trainer.distribution import from_chief, share_of_batch, worker
from components.trainer.evaluation import make_scorer
from components.trainer.history import Row, ScalarLog, last_step, make_row, ranked_steps
from components.trainer.loop import TrainingLoop
from components.trainer.losses import class_weights, make_loss
from components.trainer.optimizer import make_optimizer
from components.trainer.precision import FLOAT16, FLOAT32, choose_policy, layers_with, scaled_for
from components.trainer.pspnet.batch_norm import small_batch_advice
from components.trainer.pspnet.model import AUXILIARY, LOGITS, build_pspnet, with_auxiliary_head
from components.trainer.pspnet.rules import starts_from_weights
from components.trainer.recipe import Files, Recipe
from components.trainer.step import Batch, Loss, average_statistics, make_step
from components.trainer.watch import StepWatch
from components.trainer.weights.load import load_weights

CONTACT_SHEET_FILE = "augmented_pairs.jpg"


@dataclass(frozen=True)
class Trained:
    """What a training brought.

    Attributes:
        network: With the weights to export, all of it float32.
        history: A row of figures for every evaluation.
        facts: For the model's card: the step of these weights (`kept_step`), the step from which a checkpoint let
            this run go on (`continued_at`, 0 if it began anew), and what else cannot be told from the settings.
        store: The checkpoints, to be deleted when the network is safe.
    """

    network: keras.Model
    history: list[Row]
    facts: dict[str, Any]
    store: CheckpointStore


def train(recipe: Recipe, files: Files, strategy: tf.distribute.Strategy) -> Trained:
    """Trains a network on all replicas of a strategy; every worker calls it with the same arguments.

    Raises:
        DeviceError: The batch does not share out over the replicas.
        TrainingDivergedError: Loss or gradient became infinite or no number.
        LabelError: A mask holds labels out of range.
    """
    settings, chief = recipe.training, worker(strategy)[0] == 0
    share = share_of_batch(settings.batch_size, strategy)
    steps = recipe.steps(input_pipeline.count_records(files.train) if settings.epochs else 0)
    policy = choose_policy(settings.mixed_precision)
    keras.utils.set_random_seed(settings.seed)
    with strategy.scope():
        with layers_with(policy):
            network = build_pspnet(recipe.network, recipe.class_count)
            fitted = _with_heads(network, recipe)
        weights = load_weights(network, recipe.network, recipe.label_map.names)
        optimizer = scaled_for(policy, _optimizer(recipe, steps))
        # Without its variables the first step would be traced twice.
        optimizer.build(fitted.trainable_variables)
    score = make_scorer(network, recipe.inference, strategy, files.evaluate, batch_size=share)

    def evaluate(step: int, loss: float) -> Row:
        average_statistics(fitted, strategy)
        rate = float(optimizer.learning_rate)
        return make_row(step, loss=loss, rate=rate, scores=score(), class_names=recipe.label_map.names)

    store = CheckpointStore(
        files.checkpoints, {"network": fitted.variables, "optimizer": optimizer.variables}, writes=chief
    )
    loop = TrainingLoop(
        step=make_step(
            fitted,
            optimizer,
            _loss(recipe, files),
            strategy,
            class_count=recipe.class_count,
            clip_norm=settings.clip_norm,
        ),
        batches_after=partial(_batches, recipe, files, strategy),
        evaluate=evaluate,
        watch=StepWatch(
            partial(input_pipeline.record_keys, files.train),
            class_count=recipe.class_count,
            gradients_may_overflow=policy == FLOAT16,
        ),
        store=store,
        log=ScalarLog(files.logs) if chief else None,
    )
    progress.note(weights.line())
    if advice := small_batch_advice(recipe.network.batch_norm, settings.batch_size, strategy.num_replicas_in_sync):
        progress.note(advice)
    if chief:
        _show_pairs(recipe, files)
    loop.resume(from_chief(store.newest_readable() if chief else 0, strategy))
    loop.run(steps, evaluate_every=settings.eval_every, patience=settings.patience)
    facts = {
        "steps": last_step(loop.history),
        "kept_step": _restore_best(store, loop.history) if settings.keep == "best" else last_step(loop.history),
        "continued_at": loop.continued_at,
        "precision": policy,
        "replicas": strategy.num_replicas_in_sync,
        "parameters": network.count_params(),
        "weights": weights.facts(),
    }
    exported = network if policy == FLOAT32 else _in_float32(network, recipe)
    return Trained(exported, loop.history, facts, store)


def _with_heads(network: keras.Model, recipe: Recipe) -> keras.Model:
    """What is fitted: the network, or the network with one more head, which shares its layers."""
    if not recipe.network.auxiliary_weight:
        return network
    return with_auxiliary_head(network, recipe.network, recipe.class_count)


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    settings = recipe.training
    return make_optimizer(
        settings.optimizer,
        rate=settings.learning_rate,
        # An encoder without weights has everything to learn.
        encoder_rate=settings.encoder_rate if starts_from_weights(recipe.network) else 1.0,
        steps=steps,
        warm_up_steps=settings.warm_up_steps,
        weight_decay=settings.weight_decay,
    )


def _loss(recipe: Recipe, files: Files) -> Loss:
    """The loss of what is fitted: of logits, or of logits and those of the auxiliary head, each with its factor."""
    settings, factor = recipe.training, recipe.network.auxiliary_weight
    pixels = input_pipeline.class_pixels(files.train, recipe.class_count)
    loss = make_loss(settings, class_weights(pixels, settings.class_weight_power, settings.class_weight_range))

    def of_both(labels: tf.Tensor, outputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return loss(labels, outputs[LOGITS]) + factor * loss(labels, outputs[AUXILIARY])

    return of_both if factor else loss


def _batches(recipe: Recipe, files: Files, strategy: tf.distribute.Strategy, steps_done: int) -> Iterable[Batch]:
    """Batches of this worker's replicas after a number of steps; the workers share every pass over the records."""
    number, workers = worker(strategy)
    replicas_here = strategy.num_replicas_in_sync // workers

    def make(_: tf.distribute.InputContext) -> tf.data.Dataset:
        return input_pipeline.training_batches(
            files.train,
            recipe.network.image_size,
            frame=recipe.frame,
            batch_size=recipe.training.batch_size // strategy.num_replicas_in_sync,
            seed=recipe.training.seed,
            augmentation=Augmentation.of(recipe.training),
            shard=(number, workers),
            skip_steps=steps_done * replicas_here,
        )

    return strategy.distribute_datasets_from_function(make)


def _show_pairs(recipe: Recipe, files: Files) -> None:
    """Saves a picture of the first augmented pairs beside the logs."""
    tf.io.gfile.makedirs(files.logs)
    write_contact_sheet(
        os.path.join(files.logs, CONTACT_SHEET_FILE),
        files.train,
        recipe.network.image_size,
        label_map=recipe.label_map,
        seed=recipe.training.seed,
        augmentation=Augmentation.of(recipe.training),
        frame=recipe.frame,
    )


def _restore_best(store: CheckpointStore, history: Sequence[Row]) -> int:
    """Restores the best step whose checkpoint is there and whole; what the network holds now is that of the last."""
    last = last_step(history)
    for step in ranked_steps(history):
        if step == last:
            break
        if store.is_readable(step):
            store.restore(step)
            return step
    return last


def _in_float32(network: keras.Model, recipe: Recipe) -> keras.Model:
    """The same network computing in float32, as whatever serves it may have no half precision."""
    with layers_with(FLOAT32):
        copy = build_pspnet(recipe.network, recipe.class_count)
    copy.set_weights(network.get_weights())
    return copy
