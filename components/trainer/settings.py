"""Settings of the network and of its training."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import (
    Rule,
    at_least,
    between,
    choice,
    distinct_positive_integers,
    empty_or,
    nearest,
    one_of,
    positive_integers,
    rising_pair,
    setting,
)
from components.trainer.loss_expression import LOSSES, loss_rule
from components.trainer.pspnet.backbones import BACKBONES, OUTPUT_STRIDES

BATCH_NORMS = ("plain", "synchronized", "frozen")
DECODERS = ("bilinear", "unet", "fpn")
DECODER_STRIDES = (16, 8, 4, 2)
"""Strides at which a decoder can meet the encoder again."""
OPTIMIZERS = ("adamw", "sgd")
PRECISIONS = ("auto", "on", "off")
KEPT = ("best", "last")
STEMS = ("deep", "plain")
WEIGHT_WORDS = ("imagenet", "none")


def weights_or_path() -> Rule:
    """A word for weights, or something that looks like a path; whether it exists is seen where it is read."""

    def rule(value: str) -> str:
        if value in WEIGHT_WORDS or "/" in value or "." in value:
            return ""
        close = nearest(value, WEIGHT_WORDS)
        meant = f"; did you mean {close}?" if close else ""
        return f"{value!r} is neither {' nor '.join(WEIGHT_WORDS)} nor a path (./{value or 'FILE'} is one){meant}"

    return rule


@dataclass(frozen=True)
class NetworkSettings:
    """What a PSPNet is made of."""

    backbone: str = setting("efficientnet_lite0", "encoder", choice(*BACKBONES))
    output_stride: int = setting(
        0,
        "pixels of the photo to one of the encoder's last features, smaller by dilation; 0: 32 for efficientnet_lite0, "
        "8 for the ResNets",
        one_of(0, *OUTPUT_STRIDES),
    )
    encoder_width: float = setting(1.0, "factor on the encoder's channels", between(0.1, 2))
    encoder_blocks: tuple[int, ...] = setting(
        (),
        "blocks of each of the encoder's stages, as in 3,4,6,3; none: the backbone's own",
        empty_or(positive_integers()),
    )
    stem: str = setting(
        "deep", "first layers of a ResNet: the paper's, or the ones of Keras-applications weight files", choice(*STEMS)
    )
    decoder: str = setting(
        "unet", "decoder: the paper's, U-Net-like with skips, or a feature pyramid network", choice(*DECODERS)
    )
    finest_stride: int = setting(4, "stride down to which unet and fpn use the encoder", one_of(*DECODER_STRIDES))
    decoder_channels: tuple[int, ...] = setting(
        (96, 64, 48, 32),
        "channels of unet at strides 16, 8, 4 and 2; fpn has the first everywhere",
        positive_integers(count=4),
    )
    image_size: tuple[int, int] = setting(
        (224, 320), "height x width that the network sees, pixels; photos are fitted into it, see photo-size"
    )
    bins: tuple[int, ...] = setting(
        (),
        "grid sizes of the pyramid; none: 1,2,3,6, with finer ones for large pictures and without those that a small "
        "one has no room for",
        empty_or(distinct_positive_integers),
    )
    head_channels: int = setting(256, "channels of the head (512 in the paper)", at_least(8))
    dropout: float = setting(0.1, "share of the head's features dropped in training", between(0, 0.9))
    auxiliary_weight: float = setting(
        0.0,
        "factor of the loss of the auxiliary head (0.4 in the paper); 0: no such head, which takes a seventh of a step "
        "of efficientnet_lite0 and is meant for deep encoders that start without weights",
        between(0, 10),
    )
    weights: str = setting(
        "imagenet",
        "what the network starts from: imagenet (efficientnet_lite0), none, a Keras-applications weight file "
        "(resnet50, resnet101), or a pushed model (a version, or a serving folder for its newest)",
        weights_or_path(),
    )
    batch_norm: str = setting(
        "plain",
        "batch normalisation by each replica's batch, by all replicas', or by the statistics that came with weights",
        choice(*BATCH_NORMS),
    )


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained."""

    steps: int = setting(500, "training steps", at_least(1))
    epochs: float = setting(0.0, "passes over the training photos; above 0 they decide instead of steps", at_least(0))
    batch_size: int = setting(8, "photos a step, over all GPUs and workers", at_least(1))
    optimizer: str = setting("adamw", "optimiser", choice(*OPTIMIZERS))
    learning_rate: float = setting(2e-3, "highest learning rate, of new layers", between(1e-7, 10))
    encoder_rate: float = setting(0.2, "factor on the learning rate of the encoder", between(0, 10))
    weight_decay: float = setting(1e-4, "decoupled weight decay of kernels", between(0, 1))
    warm_up_steps: int = setting(40, "steps until the highest learning rate", at_least(0))
    clip_norm: float = setting(5.0, "longest gradient, over all weights together; 0: any", at_least(0))
    mixed_precision: str = setting(
        "auto", "compute in half precision: on GPUs that are fast with it, anywhere, nowhere", choice(*PRECISIONS)
    )
    loss: str = setting(
        "cross_entropy+0.5*dice",
        f"what is minimised: {', '.join(LOSSES)}, or a sum of some with factors; lovasz takes ten times as long",
        loss_rule,
    )
    label_smoothing: float = setting(
        0.0, "probability that cross_entropy takes from the true class and spreads over all", between(0, 0.9)
    )
    focal_gamma: float = setting(
        2.0, "how much focal turns to pixels that are not yet right; 0: cross-entropy", between(0, 10)
    )
    hard_pixels: float = setting(
        1.0, "share of the pixels, those with the highest loss, that cross_entropy and focal take", between(0.01, 1)
    )
    class_weight_power: float = setting(
        0.5,
        "class weights of cross_entropy and focal are (median frequency / frequency) to this power; 0: all alike",
        between(0, 1),
    )
    class_weight_range: tuple[float, ...] = setting(
        (0.4, 2.5), "least and largest class weight", rising_pair(0.01, 100)
    )
    scale: tuple[float, ...] = setting(
        (1.0, 1.8), "smallest and largest random zoom; below 1 photos shrink into padding", rising_pair(0.5, 10)
    )
    aspect: float = setting(0.15, "largest random change of the aspect, as a share", between(0, 0.9))
    flip: bool = setting(True, "mirror photos at random")
    rotation: float = setting(0.0, "largest random rotation, degrees (10 in the paper)", between(0, 180))
    color: bool = setting(True, "change brightness, contrast, saturation and colour balance at random")
    blur: float = setting(
        0.0, "largest sigma of a random blur, pixels of the input; half of the photos get it", between(0, 10)
    )
    eval_every: int = setting(100, "steps between two scores of the eval split, and two checkpoints", at_least(1))
    patience: int = setting(
        0, "evaluations without a better mean IoU after which training stops; 0: any number", at_least(0)
    )
    keep: str = setting("best", "weights to export: of the best eval mean IoU, or of the last step", choice(*KEPT))
    seed: int = setting(17, "seed of weights, order and augmentation", at_least(0))
