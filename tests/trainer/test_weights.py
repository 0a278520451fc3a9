"""Weights from files and pushed models: what is loaded computes what it did where it came from."""

import re

import h5py
import keras
import numpy as np
import pytest

from components.settings import SettingError
from components.trainer.card import write_card
from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from components.trainer.pspnet.model import build_pspnet
from components.trainer.settings import NetworkSettings
from components.trainer.weights.load import load_weights
from components.trainer.weights.pushed_model import folded
from components.trainer.weights.report import assign
from components.trainer.weights.source import WeightsError, content_fingerprint, find_source
from schema.labelmap import LabelClass, LabelMap

SIZE = (64, 96)
HORSE = LabelMap((LabelClass("background", (0, 0, 0)), LabelClass("horse", (255, 0, 0))), (), "background")


def randomised(network, seed=0):
    """Gives every variable values that tell it from others; variances and scales are positive."""
    rng = np.random.default_rng(seed)
    for variable in network.variables:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.name != "kernel":
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return network


def photos(size=SIZE):
    return np.random.default_rng(4).uniform(0, 255, (1, *size, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def published():
    """Keras-applications' own ResNet50, with weights that are not trained but none of which is 0 or 1."""
    return randomised(keras.applications.ResNet50(weights=None, include_top=False, input_shape=(*SIZE, 3)))


@pytest.fixture(scope="module")
def weight_file(published, tmp_path_factory):
    """A file laid out as Keras-applications publishes them: a group a layer, weights listed by attributes."""
    path = tmp_path_factory.mktemp("weights") / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in published.layers]
        for layer in published.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, variable in zip(names, layer.weights, strict=True):
                group[name] = np.asarray(variable)
    return str(path)


def resnet_settings(weights, **changes):
    values = {"output_stride": 32, "stem": "plain", "decoder": "bilinear", "head_channels": 8, **changes}
    return NetworkSettings(backbone="resnet50", image_size=SIZE, weights=weights, **values)


def test_a_published_resnet_computes_here_what_it_does_in_keras_applications(published, weight_file):
    settings = resnet_settings(weight_file)
    network = build_pspnet(settings, 2)
    report = load_weights(network, settings, HORSE.names)
    encoder = keras.Model(network.input, network.get_layer("resnet_stage4_block3_relu").output)
    photo = photos()
    expected = np.asarray(published(keras.applications.resnet.preprocess_input(photo.copy()), training=False))
    assert expected.std() > 1
    # Keras-applications adds 1.001e-5 to variances, this project 1e-5.
    np.testing.assert_allclose(np.asarray(encoder(photo)), expected, rtol=1e-3, atol=1e-4 * expected.max())
    assert len([name for name in report.loaded if name.endswith("_conv")]) == 53
    assert report.unused == ()
    assert [name for name in report.new if name.startswith("resnet_")] == []
    assert "106 of 106 encoder layers and 0 of" in report.line()


def test_the_same_file_saved_as_a_whole_model_loads_alike(published, weight_file, tmp_path):
    published.save(tmp_path / "whole.h5")
    networks = []
    for path in (weight_file, str(tmp_path / "whole.h5")):
        settings = resnet_settings(path)
        networks.append(build_pspnet(settings, 2))
        load_weights(networks[-1], settings, HORSE.names)
    for one, other in zip(*(network.get_layer("resnet_stem_bn").weights for network in networks), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_a_deep_stem_is_made_anew_and_named(weight_file):
    settings = resnet_settings(weight_file, stem="deep", output_stride=8)
    network = build_pspnet(settings, 2)
    fresh = np.asarray(network.get_layer("resnet_stage1_block1_reduce_bn").moving_mean).copy()
    report = load_weights(network, settings, HORSE.names)
    new = {name for name in report.new if name.startswith("resnet_") and name.endswith("_conv")}
    first_block = {f"resnet_stage1_block1_{role}_conv" for role in ("reduce", "shortcut")}
    assert new == {f"resnet_stem{number}_conv" for number in (1, 2, 3)} | first_block
    assert report.unused == ("resnet_stem_bn", "resnet_stem_conv")
    assert "1x1x64x64 there and 1x1x128x64 here" in report.new["resnet_stage1_block1_reduce_conv"]
    # Statistics of another convolution's features would be wrong.
    assert report.new["resnet_stage1_block1_reduce_bn"] == "its convolution is new"
    np.testing.assert_array_equal(np.asarray(network.get_layer("resnet_stage1_block1_reduce_bn").moving_mean), fresh)
    assert "new in the encoder: resnet_stem1_conv" in report.line()


def test_unusable_files_are_named(tmp_path):
    text, other = tmp_path / "notes.h5", tmp_path / "other.h5"
    text.write_text("not HDF5")
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Conv2D(2, 1, name="mine")(image)).save(other)
    for path, words in (
        (text, "not a readable HDF5 file"),
        (other, "holds .*mine"),
        (tmp_path / "none.h5", "there is no"),
    ):
        settings = resnet_settings(str(path))
        with pytest.raises(WeightsError, match=words) as caught:
            load_weights(build_pspnet(settings, 2), settings, HORSE.names)
        assert str(path) in str(caught.value)


def test_a_file_for_another_encoder_is_refused(weight_file):
    settings = NetworkSettings(image_size=SIZE, head_channels=8, weights=weight_file)
    with pytest.raises(WeightsError, match="nothing fits efficientnet_lite0"):
        load_weights(build_pspnet(settings, 2), settings, HORSE.names)


def lite0_settings(**changes):
    return NetworkSettings(**{"image_size": SIZE, "head_channels": 8, **changes})


def pushed(folder, settings, label_map=HORSE, version="1795370756"):
    """Trains nothing, but pushes a network whose weights differ from every fresh one."""
    network = randomised(build_pspnet(settings, len(label_map.classes)), seed=len(version))
    export_model(network, str(folder / version), InferenceSettings())
    network_facts = {"backbone": settings.backbone, "weights": settings.weights}
    write_card(str(folder / version), label_map, {"network": network_facts, "fingerprint": "x"})
    return network


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving")
    return folder, pushed(folder, lite0_settings())


def test_a_pushed_model_starts_a_training_of_the_same_classes(serving):
    folder, first = serving
    settings = lite0_settings(weights=str(folder))
    network = build_pspnet(settings, 2)
    report = load_weights(network, settings, HORSE.names)
    assert report.new == {}
    assert report.unused == ()
    np.testing.assert_allclose(network(photos(), training=False), first(photos(), training=False), atol=1e-4)


@pytest.mark.parametrize("names", [["background", "plane"], ["horse", "background"], ["background", "horse", "rider"]])
def test_other_classes_get_a_new_classifier_and_keep_the_rest(serving, names):
    folder, first = serving
    settings = lite0_settings(weights=str(folder / "1795370756"))
    network = build_pspnet(settings, len(names))
    report = load_weights(network, settings, names)
    assert report.new == {"classify": "the source's classes are background, horse"}
    before = [keras.Model(one.input, one.get_layer("decode4_relu").output)(photos()) for one in (network, first)]
    np.testing.assert_allclose(*before, atol=1e-4)


def test_another_size_and_decoder_take_what_fits(serving):
    folder, first = serving
    settings = lite0_settings(weights=str(folder), decoder="fpn", image_size=(192, 192))
    network = build_pspnet(settings, 2)
    report = load_weights(network, settings, HORSE.names)
    # Four grids in place of two share the channels, so the branches are narrower and the head reads as many.
    assert {"pyramid_conv1_conv", "lateral4_conv", "classify"} <= set(report.new)
    assert "head_conv" in report.loaded
    assert {"skip4_conv", "decode4_conv"} <= set(report.unused)
    encoders = [keras.Model(one.input, one.get_layer("lite0_block7a_project").output) for one in (network, first)]
    kernels = [encoder.get_layer("lite0_block7a_project").kernel for encoder in encoders]
    np.testing.assert_array_equal(*(np.asarray(kernel) for kernel in kernels))


def test_batch_normalisation_of_an_encoder_is_folded():
    unfolded = randomised(build_pspnet(lite0_settings(weights="none"), 2))
    arrays = {variable.path: np.asarray(variable) for variable in unfolded.variables if "seed" not in variable.path}
    network = build_pspnet(lite0_settings(), 2)
    report = assign(network, folded(arrays), "memory")
    assert report.new == {}
    assert report.unused == ()
    expected = np.asarray(unfolded(photos(), training=False))
    np.testing.assert_allclose(network(photos(), training=False), expected, rtol=1e-3, atol=1e-3 * expected.std())


def test_a_pushed_model_of_another_encoder_is_refused(serving):
    folder, _ = serving
    settings = resnet_settings(str(folder))
    with pytest.raises(WeightsError, match="encoder efficientnet_lite0, of which nothing fits resnet50"):
        load_weights(build_pspnet(settings, 2), settings, HORSE.names)


def test_a_serving_folder_means_its_newest_complete_version(tmp_path):
    for name, complete in (("9", True), ("10", True), ("11", False), ("notes", True)):
        (tmp_path / name).mkdir()
        if complete:
            (tmp_path / name / "saved_model.pb").touch()
    assert find_source(str(tmp_path)).path == str(tmp_path / "10")
    assert find_source(str(tmp_path / "9") + "/").path == str(tmp_path / "9")
    with pytest.raises(SettingError, match="neither a pushed model nor a serving folder"):
        find_source(str(tmp_path / "11"))


def test_the_fingerprint_follows_the_bytes_and_not_the_time(tmp_path, serving):
    file = tmp_path / "weights.h5"
    found = []
    for content in (b"one", b"two", b"one"):
        file.write_bytes(content)
        found.append(content_fingerprint(find_source(str(file))))
    assert found[0] == found[2] != found[1]
    folder, _ = serving
    assert content_fingerprint(find_source(str(folder))) == content_fingerprint(find_source(str(folder)))


def test_a_remote_address_is_read_through_tensorflow(serving):
    folder, _ = serving
    source = find_source(f"file://{folder}")
    assert source.path == f"file://{folder}/1795370756"
    settings = lite0_settings(weights=source.path)
    report = load_weights(build_pspnet(settings, 2), settings, HORSE.names)
    assert report.new == {}
    assert content_fingerprint(source) == content_fingerprint(find_source(str(folder)))


@pytest.mark.parametrize(
    ("weights", "line"),
    [
        ("imagenet", "Weights: 48 of 48 encoder layers and 0 of .* from ImageNet"),
        ("none", "Weights: 0 of 96 encoder .* from no source$"),
    ],
)
def test_the_report_tells_of_packaged_weights_and_of_none(weights, line):

    settings = lite0_settings(weights=weights)
    report = load_weights(build_pspnet(settings, 2), settings, HORSE.names)
    assert re.match(line, report.line())
    assert set(report.facts()) == {"source", "loaded", "new", "unused"}
