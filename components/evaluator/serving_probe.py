"""Loads a model and answers photos, in a process that has TensorFlow and nothing of the project.

    python -I serving_probe.py MODEL RESULT PHOTO...

RESULT becomes JSON: `answered` (number of photos), `problem` (empty, or what was wrong), `memory_mb` (peak of the
process). `infra` starts it.
"""

import json
import math
import sys
from collections.abc import Callable

import tensorflow as tf


def main(model: str, result: str, *photos: str) -> None:
    """Answers one photo after the other until one fails."""
    answered, problem = 0, ""
    try:
        serve = tf.saved_model.load(model).signatures["serving_default"]
        for photo in photos:
            problem = wrong_with(serve, tf.io.read_file(photo))
            if problem:
                break
            answered += 1
    except Exception as error:
        problem = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
    with open(result, "w", encoding="utf-8") as stream:
        json.dump({"answered": answered, "problem": problem, "memory_mb": peak_memory_mb()}, stream)


def wrong_with(serve: Callable, encoded: tf.Tensor) -> str:
    """What is wrong with the answer to a photo; empty where nothing is."""
    answer = serve(image_bytes=tf.expand_dims(encoded, 0))
    photo = tf.io.decode_image(encoded, expand_animations=False)
    class_map = tf.io.decode_png(answer["class_map_bytes"][0])
    if class_map.shape[:2] != photo.shape[:2]:
        return f"a photo of {photo.shape[:2]} got a class map of {class_map.shape[:2]}"
    shares = answer["class_share"][0].numpy().tolist()
    if not all(map(math.isfinite, shares)) or abs(sum(shares) - 1) > 0.01:
        return f"shares of classes are {shares[:8]}, which do not sum to 1"
    highest = int(tf.reduce_max(class_map))
    return f"class {highest} of {len(shares)}" if highest >= len(shares) else ""


def peak_memory_mb() -> float:
    """The most physical memory that this process has had, as Linux counts it."""
    with open("/proc/self/status", encoding="utf-8") as stream:
        line = next(line for line in stream if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
