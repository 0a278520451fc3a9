"""PSPNet put together from its parts, in the Keras functional API."""

from __future__ import annotations

import keras

from components.trainer.pspnet.backbones import BACKBONES
from components.trainer.pspnet.blocks import conv_bn_relu
from components.trainer.pspnet.decoders import class_scores, decode_bilinear, decode_fpn, decode_unet
from components.trainer.pspnet.efficientnet_lite0 import efficientnet_lite0
from components.trainer.pspnet.pyramid import pyramid_pooling
from components.trainer.pspnet.resnet import resnet
from components.trainer.pspnet.rules import check_network, starts_from_weights, trimmed
from components.trainer.pspnet.sizes import pyramid_bins, stride_of
from components.trainer.settings import DECODER_STRIDES, NetworkSettings

ENCODER_PREFIXES = ("lite0_", "resnet_")
"""Names of encoder layers begin with one of these; the optimiser trains them more slowly."""
CLASSIFIER = "classify"
"""The layer that has one output a class, and that other classes need anew."""
LOGITS, AUXILIARY = "logits", "auxiliary"
"""Outputs of the network in training."""
LITE0_INPUT = ((127.0, 127.0, 127.0), 128.0)
RESNET_INPUT = ((123.68, 116.779, 103.939), 58.0)
"""Levels of red, green and blue that become 0, and the spread that becomes 1. Keras-applications trained ResNets with
this very mean, which must become 0 since it is what pictures are padded with; the spread is ImageNet's."""
_LAST_STAGES = {"lite0_": "lite0_block6a_expand", "resnet_": "resnet_stage4_block1_shortcut_conv"}
"""By prefix of an encoder, a layer whose input is the stage before the last."""


def build_pspnet(settings: NetworkSettings, class_count: int) -> keras.Model:
    """Builds the network.

    Args:
        settings: What it is made of.
        class_count: Number of classes.

    Returns:
        A model from RGB float32 [N, height, width, 3], 0 to 255, to logits float32 [N, height, width, classes].
        Normalisation is part of the graph, so that nobody can forget it. Weights from a package are in it; those
        from a path are loaded by `weights.load_weights`.

    Raises:
        SettingError: Settings do not go together, or the image size does not fit.
    """
    check_network(settings)
    image = keras.Input((*settings.image_size, 3), name="image")
    encoded = encode(image, settings)
    bins = pyramid_bins(settings.bins, settings.backbone, settings.image_size, settings.output_stride)
    pyramid = pyramid_pooling(encoded[max(encoded)], bins=bins, batch_norm=settings.batch_norm)
    features = _decode(pyramid, encoded, settings)
    logits = class_scores(features, image, class_count=class_count, names=(CLASSIFIER, LOGITS))
    return keras.Model(image, logits, name="pspnet")


def with_auxiliary_head(network: keras.Model, settings: NetworkSettings, class_count: int) -> keras.Model:
    """Adds the auxiliary head of section 4 to a network, for training only.

    A 3x3 convolution of half the head's channels (256 in the paper, beside 512) on the stage before the last,
    dropout and a 1x1 convolution to the classes, resized to the photo.

    Args:
        network: From `build_pspnet`; it is not changed, shares every layer, and is what gets exported.
        settings: The settings that it was built with.
        class_count: Number of classes.

    Returns:
        A model of the same input with two outputs by name, `logits` and `auxiliary`, both float32
        [N, height, width, classes].
    """
    prefix = "lite0_" if settings.backbone == "efficientnet_lite0" else "resnet_"
    features = network.get_layer(_LAST_STAGES[prefix]).input
    channels = max(8, settings.head_channels // 2)
    features = conv_bn_relu(features, channels, 3, batch_norm=settings.batch_norm, name="auxiliary_head")
    features = keras.layers.SpatialDropout2D(settings.dropout, name="auxiliary_dropout")(features)
    names = ("auxiliary_classify", AUXILIARY)
    auxiliary = class_scores(features, network.input, class_count=class_count, names=names)
    return keras.Model(network.input, {LOGITS: network.output, AUXILIARY: auxiliary}, name="pspnet_training")


def encode(image: keras.KerasTensor, settings: NetworkSettings) -> dict[int, keras.KerasTensor]:
    """Normalises a picture and applies the encoder.

    Args:
        image: RGB float32 [N, H, W, 3], 0 to 255.
        settings: The network's settings.

    Returns:
        Features by stride.
    """
    backbone = settings.backbone
    blocks = settings.encoder_blocks or BACKBONES[backbone].blocks
    stride = stride_of(backbone, settings.output_stride)
    zero, spread = LITE0_INPUT if backbone == "efficientnet_lite0" else RESNET_INPUT
    normalise = keras.layers.Rescaling([1 / spread] * 3, [-level / spread for level in zero], name="normalise")
    image = normalise(image)
    if backbone == "efficientnet_lite0":
        # What a model brings that is loaded later then replaces the ImageNet weights layer by layer.
        pretrained = starts_from_weights(settings) and not trimmed(settings)
        return efficientnet_lite0(
            image,
            output_stride=stride,
            pretrained=pretrained,
            width=settings.encoder_width,
            blocks=blocks,
            batch_norm=settings.batch_norm,
        )
    return resnet(
        image,
        backbone=backbone,
        width=settings.encoder_width,
        blocks=blocks,
        output_stride=stride,
        stem=settings.stem,
        batch_norm=settings.batch_norm,
    )


def _decode(
    pyramid: keras.KerasTensor, encoded: dict[int, keras.KerasTensor], settings: NetworkSettings
) -> keras.KerasTensor:
    norm = settings.batch_norm
    head = decode_bilinear(pyramid, channels=settings.head_channels, dropout=settings.dropout, batch_norm=norm)
    skips = {stride: one for stride, one in encoded.items() if settings.finest_stride <= stride < max(encoded)}
    channels = settings.decoder_channels
    if settings.decoder == "unet":
        by_stride = dict(zip(DECODER_STRIDES, channels, strict=True))
        return decode_unet(head, skips, channels=by_stride, batch_norm=norm)
    if settings.decoder == "fpn":
        return decode_fpn(head, skips, channels=channels[0], batch_norm=norm)
    return head
