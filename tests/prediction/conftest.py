import keras
import numpy as np
import pytest

from components.trainer.card import write_card
from components.trainer.export import export_model
from components.trainer.frame import InferenceSettings
from schema.labelmap import LabelClass, LabelMap

LABEL_MAP = LabelMap((LabelClass("sky", (0, 0, 255)), LabelClass("plane", (255, 0, 0))), (), "sky")


@pytest.fixture(scope="session")
def serving(tmp_path_factory):
    """A serving folder with two versions: 9 says plane where a pixel is red, 10 where it is not red."""
    folder = tmp_path_factory.mktemp("workspace") / "serving"
    for version, sign in ((9, 1), (10, -1)):
        image = keras.Input((32, 48, 3))
        classify = keras.layers.Conv2D(2, 1)
        network = keras.Model(image, classify(image))
        kernel = np.zeros((1, 1, 3, 2), np.float32)
        kernel[0, 0, 0, 1] = sign / 8
        classify.set_weights([kernel, np.array([0, -sign * 128 / 8], np.float32)])
        export_model(network, str(folder / str(version)), InferenceSettings())
        write_card(str(folder / str(version)), LABEL_MAP, {"fingerprint": "abc"})
    return folder
