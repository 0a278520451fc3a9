"""Weight files of Keras-applications' ResNet50 and ResNet101, in this project's names and colours.

Differences, and what is done about them:

- Layers have other names: `conv3_block1_2_conv` is `resnet_stage2_block1_spatial_conv` here.
- Convolutions have a bias before batch normalisation, which has none here: it is taken off the moving mean.
- Photos are BGR with ImageNet's mean taken off and are not scaled. Here they are RGB, with the same mean off and
  divided by 58: the first kernel is turned round and multiplied.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import h5py
import numpy as np

from components.files import open_binary
from components.trainer.pspnet.model import RESNET_INPUT
from components.trainer.weights.source import WeightsError

_LAYER = re.compile(r"conv([2-5])_block(\d+)_([0-3])_(conv|bn)")
_STEM = re.compile(r"conv1_(conv|bn)")
_ROLES = ("shortcut", "reduce", "spatial", "expand")
_CLASSIFIERS = ("predictions", "probs", "fc1000")


def read_keras_applications(path: str) -> dict[str, np.ndarray]:
    """Reads a weight file.

    Args:
        path: An HDF5 file as Keras-applications publishes it, with or without the classifier, or as `Model.save` of
            such a model writes it; local, or any address that TensorFlow opens.

    Returns:
        Arrays by variable path of this project's plain-stem ResNet, of the shape that it has there.

    Raises:
        WeightsError: The file is damaged, or of another network.
    """
    try:
        with open_binary(path) as stream, h5py.File(io.BytesIO(stream.read()), "r") as file:
            raw = dict(_arrays(file))
    # h5py raises OSError, KeyError or RuntimeError, as the damage happens to be.
    except (OSError, KeyError, RuntimeError) as error:
        raise WeightsError(f"weights: {path} is not a readable HDF5 file: {error}") from None
    arrays = {_translated(layer, variable): array for (layer, variable), array in raw.items() if _known(layer)}
    first = "resnet_stem_conv/kernel"
    if first not in arrays or arrays[first].shape[:3] != (7, 7, 3):
        some = ", ".join(sorted({layer for layer, _ in raw})[:4]) or "nothing"
        raise WeightsError(
            f"weights: {path} is not a weight file of Keras-applications' ResNet50 or ResNet101; it holds {some}"
        )
    arrays[first] = arrays[first][:, :, ::-1] * RESNET_INPUT[1]
    return _without_biases(arrays)


def _arrays(file: h5py.File) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Arrays of a weight file by layer and variable; a file of a whole model holds its weights in a folder."""
    root = file.get("model_weights", file)
    for layer in root.attrs["layer_names"]:
        group = root[_text(layer)]
        for name in group.attrs["weight_names"]:
            variable = _text(name).rpartition("/")[2].partition(":")[0]
            yield (_text(layer), variable), group[_text(name)][()]


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _known(layer: str) -> bool:
    return layer not in _CLASSIFIERS


def _translated(layer: str, variable: str) -> str:
    if match := _LAYER.fullmatch(layer):
        stage, block, role, kind = match.groups()
        layer = f"resnet_stage{int(stage) - 1}_block{block}_{_ROLES[int(role)]}_{kind}"
    elif match := _STEM.fullmatch(layer):
        layer = f"resnet_stem_{match.group(1)}"
    return f"{layer}/{variable}"


def _without_biases(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    folded = dict(arrays)
    for path, bias in arrays.items():
        mean = path.replace("_conv/bias", "_bn/moving_mean")
        if mean != path and mean in arrays:
            folded[mean] = arrays[mean] - bias
            del folded[path]
    return folded
