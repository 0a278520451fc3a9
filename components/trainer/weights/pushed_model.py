"""The weights of a model that an earlier run pushed."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from components.trainer.card import read_card
from components.trainer.pspnet.efficientnet_lite0 import BATCH_NORM_EPSILON, LAYER_PREFIX
from components.trainer.weights.source import VARIABLES, WeightsError

_VALUE = "VARIABLE_VALUE"
_NO_WEIGHTS = "seed_generator_state"


def read_pushed_model(directory: str) -> dict[str, np.ndarray]:
    """Reads a SavedModel's variables; its graph is not loaded.

    The checkpoint numbers the variables, but the graph of objects in it keeps the names that they had.

    Args:
        directory: One version of a pushed model.

    Returns:
        Arrays by variable path.

    Raises:
        WeightsError: The variables cannot be read.
    """
    try:
        reader = tf.train.load_checkpoint(f"{directory}/{VARIABLES}")
        graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
            reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
        )
        return {
            one.full_name: reader.get_tensor(one.checkpoint_key)
            for node in graph.nodes
            for one in node.attributes
            if one.name == _VALUE and not one.full_name.endswith(_NO_WEIGHTS)
        }
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise WeightsError(f"weights: the variables of {directory} cannot be read: {error}") from None


def read_facts(directory: str) -> dict[str, Any]:
    """The model's card: its classes, and the settings of its network.

    Raises:
        WeightsError: There is no such card.
    """
    try:
        return read_card(directory)
    except (OSError, tf.errors.OpError, ValueError) as error:
        raise WeightsError(f"weights: {directory} has no card, so this project did not push it: {error}") from None


def folded(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Folds batch normalisation of EfficientNet-Lite0 into kernels and biases; other layers stay as they are."""
    result = dict(arrays)
    for path in arrays:
        norm, _, variable = path.rpartition("/")
        if variable != "gamma" or not norm.startswith(LAYER_PREFIX):
            continue
        gamma, beta, mean, variance = (
            result.pop(f"{norm}/{one}") for one in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        conv = norm.removesuffix("_bn")
        # A depthwise kernel has its channels before the last axis, which is 1.
        along = scale[:, np.newaxis] if conv.endswith("_depthwise") else scale
        result[f"{conv}/kernel"] = arrays[f"{conv}/kernel"] * along
        result[f"{conv}/bias"] = beta - mean * scale
    return result
