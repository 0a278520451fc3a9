import keras
import numpy as np
import pytest
import tensorflow as tf

from components.settings import SettingError
from components.trainer.pspnet.backbones import BACKBONES
from components.trainer.pspnet.model import ENCODER_PREFIXES, build_pspnet, encode, with_auxiliary_head
from components.trainer.pspnet.sizes import SizeError
from components.trainer.settings import DECODERS, NetworkSettings

SIZE = (64, 96)


def small_settings(backbone="resnet18", decoder="bilinear", size=SIZE, **changes):
    """An eighth of the channels, one block a stage."""
    stages = len(BACKBONES[backbone].blocks)
    trims = {} if changes.get("weights") == "imagenet" else {"encoder_width": 0.125, "encoder_blocks": (1,) * stages}
    values = {
        "bins": (1, 2),
        "head_channels": 8,
        "decoder_channels": (16, 8, 8, 8),
        "weights": "none",
        **trims,
        **changes,
    }
    return NetworkSettings(backbone=backbone, decoder=decoder, image_size=size, **values)


def random_photos(count, size, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (count, *size, 3)).astype(np.float32)


def random_labels(count, classes):
    return np.random.default_rng(1).integers(0, classes, (count, *SIZE))


def encoder_weight_names(settings):
    """Names of the layers with weights that the encoder alone has."""
    image = keras.Input((*settings.image_size, 3))
    return {layer.name for layer in keras.Model(image, encode(image, settings)).layers if layer.weights}


@pytest.mark.parametrize(
    ("backbone", "decoder", "size"),
    [
        ("efficientnet_lite0", "bilinear", (64, 96)),
        ("efficientnet_lite0", "unet", (96, 64)),
        ("efficientnet_lite0", "fpn", (64, 160)),
        ("resnet50", "bilinear", (16, 40)),
        ("resnet50", "unet", (40, 24)),
        ("resnet18", "fpn", (40, 24)),
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


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_network_learns(backbone, output_stride, decoder):
    """A gradient reaches every trainable variable, and a step against it lowers the loss."""
    keras.utils.set_random_seed(3)
    network = build_pspnet(small_settings(backbone, decoder, output_stride=output_stride, dropout=0.0), 3)
    photos, labels = random_photos(2, SIZE), random_labels(2, 3)

    def loss():
        logits = network(photos, training=True)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))

    with tf.GradientTape() as tape:
        before = loss()
    variables = network.trainable_variables
    gradients = tape.gradient(before, [variable.value for variable in variables])
    pairs = list(zip(variables, gradients, strict=True))
    assert [one.path for one, gradient in pairs if gradient is None or np.abs(gradient.numpy()).max() == 0] == []
    length = np.sqrt(sum(np.square(gradient.numpy()).sum() for gradient in gradients))
    assert np.isfinite(length)
    for variable, gradient in pairs:
        variable.assign_sub(0.01 / length * gradient)
    assert loss() < before


def test_logits_stay_exact_in_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        network = build_pspnet(small_settings(decoder="fpn"), 2)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert network.get_layer("head_conv").compute_dtype == "bfloat16"
    assert network(random_photos(1, SIZE)).dtype == tf.float32


def test_refuses_what_does_not_fit():
    with pytest.raises(SizeError, match="64x96"):
        build_pspnet(small_settings("efficientnet_lite0", "unet", (64, 90)), 2)
    with pytest.raises(SettingError, match="7 stages"):
        build_pspnet(small_settings("efficientnet_lite0", encoder_blocks=(1, 1)), 2)


@pytest.mark.parametrize(
    ("backbone", "zero", "spread"),
    [("efficientnet_lite0", (127, 127, 127), 128), ("resnet50", (123.68, 116.779, 103.939), 58)],
)
def test_the_encoder_sees_values_around_zero(backbone, zero, spread):
    network = build_pspnet(small_settings(backbone), 2)
    seen = keras.Model(network.input, network.get_layer("normalise").output)
    levels = np.array([0, 127, 255], np.float32)
    photos = np.broadcast_to(levels[:, None, None, None], (3, *SIZE, 3))
    normalised = np.asarray(seen(photos))
    np.testing.assert_allclose(normalised[:, 5, 7], (levels[:, None] - np.array(zero)) / spread, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "decoder", "weights"),
    [
        ("efficientnet_lite0", "unet", "none"),
        ("efficientnet_lite0", "bilinear", "imagenet"),
        ("resnet18", "fpn", "none"),
        ("resnet50", "bilinear", "none"),
    ],
)
def test_prefixes_tell_the_encoder_from_the_rest(backbone, decoder, weights):
    settings = small_settings(backbone, decoder, weights=weights)
    network = with_auxiliary_head(build_pspnet(settings, 2), settings, 2)
    encoder = encoder_weight_names(settings)
    found = {layer.name for layer in network.layers if layer.weights and layer.name.startswith(ENCODER_PREFIXES)}
    assert found == encoder
    # The optimiser looks at the variables' paths, not at the layers' names.
    owners = {variable.path.split("/")[0] for variable in network.variables}
    assert {owner for owner in owners if owner.startswith(ENCODER_PREFIXES)} == encoder
    assert owners - encoder


@pytest.mark.parametrize(
    ("backbone", "output_stride", "finest", "strides"),
    [
        ("efficientnet_lite0", 32, 4, [16, 8, 4]),
        ("efficientnet_lite0", 32, 2, [16, 8, 4, 2]),
        ("efficientnet_lite0", 16, 8, [8]),
        ("resnet50", 8, 4, [4]),
        ("resnet50", 8, 2, [4, 2]),
        ("resnet18", 8, 16, []),
    ],
)
@pytest.mark.parametrize(("decoder", "joint"), [("unet", "join"), ("fpn", "sum")])
def test_decoders_visit_every_finer_stride(backbone, output_stride, finest, strides, decoder, joint):
    settings = small_settings(backbone, decoder, output_stride=output_stride, finest_stride=finest)
    network = build_pspnet(settings, 2)
    joined = [layer.name for layer in network.layers if layer.name.startswith(joint)]
    assert joined == [f"{joint}{stride}" for stride in strides]
    reached = strides[-1] if strides else output_stride
    assert network.get_layer("classify").output.shape[1:3] == (SIZE[0] // reached, SIZE[1] // reached)


@pytest.mark.parametrize(("decoder", "channels"), [("unet", [40, 24, 16]), ("fpn", [40, 40, 40])])
def test_decoder_channels_are_data(decoder, channels):
    changes = {"decoder_channels": (40, 24, 16, 8), "output_stride": 32}
    network = build_pspnet(small_settings("resnet18", decoder, **changes), 2)
    names = [f"decode{s}_conv" if decoder == "unet" else f"smooth_{s}_conv" for s in (16, 8, 4)]
    assert [network.get_layer(name).filters for name in names] == channels


def test_the_head_has_the_width_that_was_asked_for():
    network = build_pspnet(small_settings("resnet50", head_channels=24, dropout=0.3), 5)
    assert network.get_layer("head_conv").filters == 24
    assert network.get_layer("head_dropout").rate == 0.3
    assert network.get_layer("classify").filters == 5


def test_without_bins_the_pyramid_follows_the_picture():
    pools = {}
    for size in ((64, 96), (32, 32)):
        network = build_pspnet(small_settings("resnet18", size=size, bins=()), 2)
        pools[size] = [layer.bins for layer in network.layers if layer.name.startswith("pyramid_pool")]
    assert pools == {(64, 96): [1, 2, 3, 6], (32, 32): [1, 2, 3]}


@pytest.mark.parametrize(
    ("backbone", "output_stride", "source", "stride"),
    [
        ("efficientnet_lite0", 32, "lite0_block5a", 16),
        ("efficientnet_lite0", 8, "lite0_block5a", 8),
        ("resnet18", 32, "resnet_stage3_block1", 16),
        ("resnet50", 8, "resnet_stage3_block1", 8),
        ("resnet101", 16, "resnet_stage3_block1", 16),
    ],
)
def test_the_auxiliary_head_sees_the_stage_before_the_last(backbone, output_stride, source, stride):
    settings = small_settings(backbone, output_stride=output_stride, head_channels=64, dropout=0.2)
    network = build_pspnet(settings, 3)
    names = [layer.name for layer in network.layers]
    training = with_auxiliary_head(network, settings, 3)
    outputs = training(random_photos(2, SIZE), training=False)
    assert {name: (tuple(value.shape), value.dtype) for name, value in outputs.items()} == {
        "logits": ((2, *SIZE, 3), tf.float32),
        "auxiliary": ((2, *SIZE, 3), tf.float32),
    }
    conv = training.get_layer("auxiliary_head_conv")
    assert conv.filters == 32
    assert conv.input.shape[1:3] == (SIZE[0] // stride, SIZE[1] // stride)
    assert conv.input._keras_history.operation.name.startswith(source)
    assert training.get_layer("auxiliary_dropout").rate == 0.2
    # What is exported neither has it nor knows of it, and is trained with it.
    assert [layer.name for layer in network.layers] == names
    np.testing.assert_allclose(network(random_photos(2, SIZE), training=False), outputs["logits"], atol=1e-5)
    before = network.get_weights()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    factors = {"logits": 0.0, "auxiliary": 1.0}
    training.compile("sgd", {"logits": loss, "auxiliary": loss}, loss_weights=factors, run_eagerly=True)
    labels = random_labels(2, 3)
    training.train_on_batch(random_photos(2, SIZE), {"logits": labels, "auxiliary": labels})
    assert np.abs(network.get_weights()[0] - before[0]).max() > 0


def test_imagenet_weights_reach_the_network():
    settings = small_settings("efficientnet_lite0", weights="imagenet")
    network = build_pspnet(settings, 2)
    image = keras.Input((*SIZE, 3))
    encoder = keras.Model(image, encode(image, settings))
    for name in ("lite0_stem_conv", "lite0_block7a_project"):
        for ours, published in zip(network.get_layer(name).weights, encoder.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(published))
    assert np.abs(np.asarray(network.get_layer("lite0_stem_conv").bias)).max() > 0
