import pytest

from components.evaluator.settings import GateSettings
from components.settings import SettingError, check


@pytest.mark.parametrize("slices", [(), ("object/size",), ("image/folder", "image/width")])
def test_features_of_the_records_can_be_sliced_by(slices):
    check(GateSettings(slices=slices))


@pytest.mark.parametrize(
    ("slices", "told"),
    [
        (("object/sise",), "'object/sise' is no feature that photos can be sliced by; did you mean object/size?"),
        (("image/encoded",), "'image/encoded' is no feature"),
        (("???",), "there are object/size, object/fraction"),
        (("image/width", "image/width"), "'image/width' is listed twice"),
    ],
)
def test_unknown_features_are_refused_with_the_nearest(slices, told):
    with pytest.raises(SettingError, match=r"^slices: ") as refused:
        check(GateSettings(slices=slices))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "settings", [{"resamples": 10}, {"slice_min_photos": 0}, {"infra_seconds": 0.0}, {"max_slice_drop": 1.5}]
)
def test_impossible_values_are_refused(settings):
    with pytest.raises(SettingError):
        check(GateSettings(**settings))
