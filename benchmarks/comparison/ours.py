"""A network of this project, trained by its own loop for a given time.

python benchmarks/comparison/ours.py JOB.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tensorflow as tf

from benchmarks.comparison.measure import Meter, own_size_scores, seconds_per_inference
from components.settings import with_tuples
from components.trainer.export import Predictor
from components.trainer.frame import InferenceSettings
from components.trainer.recipe import Files, Recipe
from components.trainer.settings import NetworkSettings, TrainingSettings
from components.trainer.training import Trained, train
from schema.labelmap import LabelMap

PROBE_STEPS = 8
"""Steps of the two short trainings whose difference says how long a step takes."""


def main() -> None:
    """Trains for the seconds that the job gives, scores, writes the result beside the job."""
    path = Path(sys.argv[1])
    job = json.loads(path.read_text(encoding="utf-8"))
    recipe = Recipe(
        network=NetworkSettings(**with_tuples({"image_size": job["size"], **job["network"]})),
        training=TrainingSettings(seed=job["seed"]),
        inference=InferenceSettings(),
        label_map=LabelMap.from_json(job["label_map"]),
    )
    # The first training of a process pays for what the others find ready.
    _, once, thrice = (_probe(recipe, job, steps) for steps in (PROBE_STEPS, PROBE_STEPS, 3 * PROBE_STEPS))
    each = (thrice - once) / (2 * PROBE_STEPS)
    steps = max(PROBE_STEPS, int((job["seconds"] - once) / each) + PROBE_STEPS)
    meter = Meter()
    trained, logs = _train(recipe, job, steps, recipe.training.eval_every)
    meter.stop()
    network = trained.network
    result = {
        "steps": steps,
        "curve": _curve(logs),
        "photos": steps * recipe.training.batch_size,
        "parameters": network.count_params(),
        "iou": own_size_scores(Predictor(network, recipe.inference), job["examples"], job["classes"]),
        "cpu_per_inference": seconds_per_inference(network, job["size"]),
        **meter.figures(),
    }
    path.with_suffix(".result.json").write_text(json.dumps(result), encoding="utf-8")


def _probe(recipe: Recipe, job: dict, steps: int) -> float:
    meter = Meter()
    _train(recipe, job, steps, steps)
    return meter.wall


def _train(recipe: Recipe, job: dict, steps: int, eval_every: int) -> tuple[Trained, str]:
    """Trains anew; returns what came out and the folder of the logs."""
    folder = tempfile.mkdtemp(dir=job["folder"])
    files = Files(train=[job["train"]], evaluate=[job["evaluate"]], logs=folder, checkpoints=f"{folder}/checkpoints")
    told = replace(recipe, training=replace(recipe.training, steps=steps, eval_every=eval_every))
    return train(told, files, tf.distribute.get_strategy()), folder


def _curve(logs: str) -> list[dict[str, float]]:
    """Eval mean IoU over the seconds since the training began, from the TensorBoard logs."""
    (file,) = Path(logs).glob("events.out.tfevents*")
    events = list(tf.compat.v1.train.summary_iterator(str(file)))
    return [
        {
            "seconds": event.wall_time - events[0].wall_time,
            "step": event.step,
            "mean_iou": float(tf.make_ndarray(value.tensor)),
        }
        for event in events
        for value in event.summary.value
        if value.tag == "eval_mean_iou"
    ]


if __name__ == "__main__":
    main()
