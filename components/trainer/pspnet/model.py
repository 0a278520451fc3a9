"""PSPNet put together from its parts, in the Keras functional API."""

from __future__ import annotations

from functools import partial

import keras

from components.trainer.pspnet.decoders import class_scores, decode_bilinear, decode_unet
from components.trainer.pspnet.efficientnet_lite0 import efficientnet_lite0
from components.trainer.pspnet.pyramid import pyramid_pooling
from components.trainer.pspnet.resnet import resnet50
from components.trainer.pspnet.sizes import check_image_size
from components.trainer.settings import NetworkSettings

ENCODER_PREFIXES = ("lite0_", "resnet_")
"""Names of encoder layers begin with one of these; the optimiser trains them more slowly."""


def build_pspnet(settings: NetworkSettings, class_count: int) -> keras.Model:
    """Builds the network.

    Args:
        settings: What it is made of.
        class_count: Number of classes.

    Returns:
        A model from RGB float32 [N, height, width, 3], 0 to 255, to logits float32 [N, height, width, classes].
        Normalisation is part of the graph, so that nobody can forget it.

    Raises:
        SizeError: The image size does not fit the backbone and the pyramid.
    """
    check_image_size(settings.backbone, settings.bins, settings.image_size)
    image = keras.Input((*settings.image_size, 3), name="image")
    # Both encoders were made for values around zero with a spread of about one.
    normalised = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="normalise")(image)
    encoded = _encode(normalised, settings)
    pyramid = pyramid_pooling(encoded[max(encoded)], bins=settings.bins)
    decode = partial(decode_unet, skips=encoded) if settings.decoder == "unet" else decode_bilinear
    features = decode(pyramid, channels=settings.head_channels, dropout=settings.dropout)
    return keras.Model(image, class_scores(features, image, class_count=class_count), name="pspnet")


def _encode(image: keras.KerasTensor, settings: NetworkSettings) -> dict[int, keras.KerasTensor]:
    if settings.backbone == "resnet50":
        return resnet50(image, width=settings.resnet_width, blocks=settings.resnet_blocks)
    return efficientnet_lite0(image, pretrained=settings.pretrained)
