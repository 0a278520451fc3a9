"""Which settings of a network go together. The standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.settings import SettingError
from components.trainer.pspnet.backbones import BACKBONES, MOST_BLOCKS, is_trimmed
from components.trainer.pspnet.sizes import check_image_size

if TYPE_CHECKING:
    from components.trainer.settings import NetworkSettings


def check_network(settings: NetworkSettings) -> None:
    """Refuses settings that no network can be made of.

    Raises:
        SettingError: Names the setting, why it does not fit, and what does.
    """
    _check_blocks(settings)
    _check_stem(settings)
    _check_weights(settings)
    check_image_size(settings.backbone, settings.bins, settings.image_size, settings.output_stride)


def trimmed(settings: NetworkSettings) -> bool:
    """Whether the encoder differs from the published one."""
    return is_trimmed(settings.backbone, settings.encoder_width, settings.encoder_blocks)


def starts_from_weights(settings: NetworkSettings) -> bool:
    """Whether the encoder knows something before the training, and is to be trained at its own, slower rate."""
    return settings.weights != "none"


def _check_blocks(settings: NetworkSettings) -> None:
    own, asked = BACKBONES[settings.backbone].blocks, settings.encoder_blocks
    if asked and (len(asked) != len(own) or max(asked) > MOST_BLOCKS):
        raise SettingError(
            f"encoder-blocks: {settings.backbone} has {len(own)} stages of at most {MOST_BLOCKS} blocks, so "
            f"{','.join(map(str, asked))} does not fit; its own are {','.join(map(str, own))}"
        )


def _check_stem(settings: NetworkSettings) -> None:
    if settings.stem != "deep" and not BACKBONES[settings.backbone].has_stem:
        with_stem = ", ".join(name for name, facts in BACKBONES.items() if facts.has_stem)
        raise SettingError(f"stem: {settings.backbone} has one stem only; {settings.stem} is for {with_stem}")


def _check_weights(settings: NetworkSettings) -> None:
    backbone = settings.backbone
    if settings.batch_norm == "frozen" and settings.weights == "none":
        raise SettingError(
            "batch-norm: frozen keeps the statistics that the weights came with, and weights are none; take plain or "
            "synchronized, or name weights"
        )
    if settings.weights != "imagenet":
        return
    if not BACKBONES[backbone].packaged_weights:
        file = "a Keras-applications weight file or " if BACKBONES[backbone].keras_weights else ""
        raise SettingError(
            f"weights: {backbone} has no ImageNet weights in a package: give --weights none, or the path of {file}a "
            "pushed model"
        )
    if trimmed(settings):
        raise SettingError(
            f"weights: ImageNet weights fit only the whole {backbone}, and encoder-width or encoder-blocks trim it; "
            "give --weights none, or a pushed model of the same trim"
        )
