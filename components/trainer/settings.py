"""Settings of the network and of its training."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import (
    at_least,
    between,
    choice,
    distinct_positive_integers,
    positive_integers,
    rising_pair,
    setting,
)
from components.trainer.loss_expression import LOSSES, loss_rule
from components.trainer.pspnet.sizes import ENCODER_STRIDES

DECODERS = ("bilinear", "unet")
OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True)
class NetworkSettings:
    """What a PSPNet is made of."""

    backbone: str = setting("efficientnet_lite0", "encoder", choice(*ENCODER_STRIDES))
    decoder: str = setting("unet", "decoder: the paper's, or U-Net-like with skips", choice(*DECODERS))
    image_size: tuple[int, int] = setting(
        (224, 320), "height x width that the network sees, pixels; photos are fitted into it, see photo-size"
    )
    bins: tuple[int, ...] = setting((1, 2, 3, 6), "grid sizes of the pyramid", distinct_positive_integers)
    head_channels: int = setting(256, "channels of the head (512 in the paper)", at_least(8))
    dropout: float = setting(0.1, "share of the head's features dropped in training", between(0, 0.9))
    pretrained: bool = setting(True, "start efficientnet_lite0 from its ImageNet weights")
    resnet_width: float = setting(1.0, "factor on the channels of resnet50", between(0.1, 2))
    resnet_blocks: tuple[int, ...] = setting(
        (3, 4, 6, 3), "bottlenecks in the four stages of resnet50", positive_integers(count=4)
    )


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained."""

    steps: int = setting(500, "training steps", at_least(1))
    batch_size: int = setting(8, "photos a step", at_least(1))
    optimizer: str = setting("adamw", "optimiser", choice(*OPTIMIZERS))
    learning_rate: float = setting(2e-3, "highest learning rate, of new layers", between(1e-7, 10))
    encoder_rate: float = setting(0.2, "factor on the learning rate of the encoder", between(0, 10))
    weight_decay: float = setting(1e-4, "decoupled weight decay of kernels", between(0, 1))
    warm_up_steps: int = setting(40, "steps until the highest learning rate", at_least(0))
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
    eval_every: int = setting(100, "steps between two scores of the eval split", at_least(1))
    seed: int = setting(17, "seed of weights, order and augmentation", at_least(0))
