"""Arrays by name into a network, and what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from components.trainer.pspnet.model import ENCODER_PREFIXES

_NAMES_SHOWN = 4


@dataclass(frozen=True)
class WeightReport:
    """What a network started from.

    Attributes:
        source: Where the weights came from.
        loaded: Layers that were loaded.
        new: Reasons by layer that starts anew.
        unused: Layers of the source that the network has no place for.
    """

    source: str
    loaded: tuple[str, ...]
    new: Mapping[str, str]
    unused: tuple[str, ...]

    def line(self) -> str:
        """All of it in one line, with the names of a few layers."""
        shares = []
        for part, is_encoder in (("encoder", True), ("other", False)):
            loaded, new = (
                sum(name.startswith(ENCODER_PREFIXES) == is_encoder for name in names)
                for names in (self.loaded, self.new)
            )
            shares.append(f"{loaded} of {loaded + new} {part} layers")
        told = f"Weights: {' and '.join(shares)} from {self.source}"
        missed = [name for name in self.new if name.startswith(ENCODER_PREFIXES)] if self.loaded else []
        told += f"; new in the encoder: {_some(missed)}" if missed else ""
        return told + (f"; not used: {_some(self.unused)}" if self.unused else "")

    def facts(self) -> dict[str, Any]:
        """The report for the model's card."""
        return {
            "source": self.source,
            "loaded": list(self.loaded),
            "new": dict(self.new),
            "unused": list(self.unused),
        }


def assign(
    network: keras.Model, arrays: Mapping[str, np.ndarray], source: str, refused: Mapping[str, str] | None = None
) -> WeightReport:
    """Loads every layer of which name and shapes fit; a layer is loaded whole or not at all.

    Statistics of batch normalisation say something about the features of one convolution only, so they are left out
    where that convolution is new.

    Args:
        network: The network; its variables change.
        arrays: By variable path, such as `head_conv/kernel`.
        source: What to call their source.
        refused: Reasons by layer that must start anew whatever fits.
    """
    given: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for path, array in arrays.items():
        layer_name, _, variable = path.rpartition("/")
        given[layer_name][variable] = array
    loaded: list[str] = []
    new: dict[str, str] = {}
    for layer in network.layers:
        if not layer.weights:
            continue
        found = given.pop(layer.name, {})
        stem = layer.name.removesuffix("_bn")
        if layer.name in (refused or {}):
            new[layer.name] = (refused or {})[layer.name]
        elif stem != layer.name and (stem in new or f"{stem}_conv" in new):
            new[layer.name] = "its convolution is new"
        elif obstacle := _obstacle(layer, found):
            new[layer.name] = obstacle
        else:
            for variable in layer.weights:
                variable.assign(found[variable.name])
            loaded.append(layer.name)
    return WeightReport(source, tuple(loaded), new, tuple(sorted(given)))


def _obstacle(layer: keras.layers.Layer, found: Mapping[str, np.ndarray]) -> str:
    if not found:
        return "the source has no such layer"
    for variable in layer.weights:
        if variable.name not in found:
            return f"the source has no {variable.name} for it"
        if tuple(found[variable.name].shape) != tuple(variable.shape):
            return f"{variable.name} is {_sides(found[variable.name].shape)} there and {_sides(variable.shape)} here"
    return ""


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
