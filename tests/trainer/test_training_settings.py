import pytest

from components.settings import SettingError
from pipeline.config import Config


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"loss": "cross_entropy+dise"}, "loss: 'dise' is not one of .* did you mean dice?"),
        ({"scale": (1.8, 1.0)}, "scale: 1.8,1 falls; did you mean 1,1.8?"),
        ({"scale": (1.0,)}, "scale: 1.0 is not two numbers, separated by a comma"),
        ({"scale": ()}, "scale: an empty list is not two numbers"),
        ({"scale": (0.1, 1.0)}, "scale: 0.1 is not from 0.5 to 10; the nearest value that works is 0.5"),
        ({"class_weight_range": (0.4, 200.0)}, "class-weight-range: 200 is not from 0.01 to 100"),
        ({"hard_pixels": 0.0}, "hard-pixels: 0 is not from 0.01 to 1"),
        ({"rotation": -5.0}, "rotation: -5 is not from 0 to 180"),
        ({"blur": float("nan")}, "blur: nan is not a number"),
        ({"focal_gama": 1.0}, "there is no setting 'focal-gama'; did you mean focal-gamma?"),
    ],
)
def test_impossible_values_are_refused_with_the_nearest_that_works(settings, told):
    with pytest.raises(SettingError, match=told):
        Config.from_flat(settings)


def test_values_of_the_paper_are_taken():
    settings = Config.from_flat({"scale": (0.5, 2.0), "rotation": 10.0, "blur": 1.0, "loss": "cross_entropy"}).training
    assert settings.scale == (0.5, 2.0)
