import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.pspnet.efficientnet_lite0 import efficientnet_lite0
from components.trainer.pspnet.model import ENCODER_PREFIXES, build_pspnet
from components.trainer.pspnet.resnet import resnet50
from components.trainer.pspnet.sizes import SizeError
from components.trainer.settings import NetworkSettings

KINDS = [
    ("efficientnet_lite0", "bilinear"),
    ("efficientnet_lite0", "unet"),
    ("resnet50", "bilinear"),
    ("resnet50", "unet"),
]


def small_settings(backbone, decoder, size=(64, 96), **changes):
    values = {
        "bins": (1, 2),
        "head_channels": 8,
        "pretrained": False,
        "resnet_width": 0.125,
        "resnet_blocks": (1, 1, 1, 1),
        **changes,
    }
    return NetworkSettings(backbone=backbone, decoder=decoder, image_size=size, **values)


def random_photos(count, size, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (count, *size, 3)).astype(np.float32)


def encoder_weight_names(settings):
    """Names of the layers with weights that the encoder alone has."""
    image = keras.Input((*settings.image_size, 3))
    if settings.backbone == "resnet50":
        outputs = resnet50(image, width=settings.resnet_width, blocks=settings.resnet_blocks)
    else:
        outputs = efficientnet_lite0(image, pretrained=settings.pretrained)
    return {layer.name for layer in keras.Model(image, outputs).layers if layer.weights}


@pytest.mark.parametrize(
    ("backbone", "decoder", "size"),
    [
        ("efficientnet_lite0", "bilinear", (64, 96)),
        ("efficientnet_lite0", "unet", (96, 64)),
        ("efficientnet_lite0", "unet", (64, 160)),
        ("resnet50", "bilinear", (16, 40)),
        ("resnet50", "unet", (40, 24)),
        ("resnet50", "unet", (64, 96)),
    ],
)
def test_logits_have_the_size_of_the_image(backbone, decoder, size):
    network = build_pspnet(small_settings(backbone, decoder, size), 3)
    assert network.input_shape == (None, *size, 3)
    logits = network(random_photos(2, size), training=False)
    assert logits.shape == (2, *size, 3)
    assert logits.dtype == tf.float32
    assert np.isfinite(logits.numpy()).all()
    # Logits, not probabilities: the loss and the served model apply the softmax.
    assert not np.allclose(logits.numpy().sum(axis=-1), 1, atol=1e-2)


def test_refuses_a_size_that_does_not_fit():
    with pytest.raises(SizeError, match="64x96"):
        build_pspnet(small_settings("efficientnet_lite0", "unet", (64, 90)), 2)


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet50"])
def test_the_encoder_sees_values_around_zero(backbone):
    network = build_pspnet(small_settings(backbone, "bilinear"), 2)
    seen = keras.Model(network.input, network.get_layer("normalise").output)
    levels = np.array([0, 127, 255], np.float32)
    photos = np.broadcast_to(levels[:, None, None, None], (3, 64, 96, 3))
    normalised = np.asarray(seen(photos))
    np.testing.assert_allclose(normalised[:, 0, 0, 0], (levels - 127) / 128, atol=1e-6)
    np.testing.assert_array_equal(normalised.reshape(3, -1).std(axis=1) < 1e-6, True)


@pytest.mark.parametrize(("backbone", "decoder"), KINDS)
def test_gradient_reaches_every_trainable_variable(backbone, decoder):
    keras.utils.set_random_seed(3)
    network = build_pspnet(small_settings(backbone, decoder, dropout=0.0), 3)
    labels = np.random.default_rng(1).integers(0, 3, (2, 64, 96))
    with tf.GradientTape() as tape:
        logits = network(random_photos(2, (64, 96)), training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    gradients = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
    reached = {
        variable.path: gradient is not None and bool(np.abs(gradient.numpy()).max() > 0)
        for variable, gradient in zip(network.trainable_variables, gradients, strict=True)
    }
    assert [path for path, there in reached.items() if not there] == []
    assert all(np.isfinite(gradient.numpy()).all() for gradient in gradients)


@pytest.mark.parametrize(
    ("backbone", "decoder", "pretrained"),
    [
        ("efficientnet_lite0", "unet", False),
        ("efficientnet_lite0", "bilinear", True),
        ("resnet50", "unet", False),
        ("resnet50", "bilinear", False),
    ],
)
def test_prefixes_tell_the_encoder_from_the_rest(backbone, decoder, pretrained):
    settings = small_settings(backbone, decoder, pretrained=pretrained)
    network = build_pspnet(settings, 2)
    encoder = encoder_weight_names(settings)
    found = {layer.name for layer in network.layers if layer.weights and layer.name.startswith(ENCODER_PREFIXES)}
    assert found == encoder
    # The optimiser looks at the variables' paths, not at the layers' names.
    owners = {variable.path.split("/")[0] for variable in network.variables}
    assert {owner for owner in owners if owner.startswith(ENCODER_PREFIXES)} == encoder
    assert owners - encoder


def test_pretrained_weights_reach_the_network():
    settings = small_settings("efficientnet_lite0", "bilinear", pretrained=True)
    image = keras.Input((64, 96, 3))
    encoder = keras.Model(image, efficientnet_lite0(image))
    network = build_pspnet(settings, 2)
    for name in ("lite0_stem_conv", "lite0_block7a_project"):
        for ours, published in zip(network.get_layer(name).weights, encoder.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(published))


@pytest.mark.parametrize(("backbone", "strides"), [("efficientnet_lite0", [16, 8, 4]), ("resnet50", [4])])
def test_the_unet_decoder_visits_every_finer_stride(backbone, strides):
    network = build_pspnet(small_settings(backbone, "unet"), 2)
    joined = [layer.name for layer in network.layers if layer.name.startswith("join")]
    assert joined == [f"join{stride}" for stride in strides]
    assert network.get_layer("classify").output.shape[1:3] == (16, 24)


def test_the_head_has_the_width_that_was_asked_for():
    network = build_pspnet(small_settings("resnet50", "bilinear", head_channels=24, dropout=0.3), 5)
    assert network.get_layer("head_conv").filters == 24
    assert network.get_layer("head_dropout").rate == 0.3
    assert network.get_layer("classify").filters == 5
