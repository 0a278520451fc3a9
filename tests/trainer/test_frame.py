"""The frame that photos are fitted into: which sizes work, where windows lie."""

import itertools
import math

import pytest

from components.settings import SettingError, check
from components.trainer.frame import FrameError, InferenceSettings, check_frame, window_starts
from pipeline.config import Config


@pytest.mark.parametrize("window", [1, 2, 3, 32, 33, 224, 713])
@pytest.mark.parametrize("beyond", [0, 1, 7, 100, 1000])
def test_windows_cover_the_side_and_overlap_by_a_third(window, beyond):
    starts = window_starts(window + beyond, window)
    assert starts[0] == 0
    assert starts[-1] == beyond
    steps = [after - before for before, after in itertools.pairwise(starts)]
    assert all(0 < step <= math.ceil(window * 2 / 3) for step in steps)
    # Only the last window may be nearer to its neighbour than the stride.
    assert all(step == math.ceil(window * 2 / 3) for step in steps[:-1])


def test_the_frame_is_the_image_size_unless_it_is_named():
    assert InferenceSettings().frame((224, 320)) == (224, 320)
    assert InferenceSettings(photo_size=(448, 640)).frame((224, 320)) == (448, 640)


@pytest.mark.parametrize(
    ("given", "works"), [((200, 640), "224x640"), ((448, 319), "448x320"), ((1, 1), "224x320"), ((0, 0), "224x320")]
)
def test_a_frame_smaller_than_the_window_is_refused_with_the_nearest_that_works(given, works):
    with pytest.raises(FrameError, match=works):
        check_frame(given, (224, 320))
    check_frame(tuple(map(int, works.split("x"))), (224, 320))
    with pytest.raises(SettingError, match=works):
        Config.from_flat({"photo_size": given})


@pytest.mark.parametrize("scales", [(), (0.1,), (1.0, 9.0), (1.0, 1.0), (float("nan"),)])
def test_scales_that_make_no_sense_are_refused(scales):
    with pytest.raises(SettingError, match="test-scales"):
        check(InferenceSettings(test_scales=scales))
