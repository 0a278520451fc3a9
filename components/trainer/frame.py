"""The frame that photos are fitted into, and how the network looks at it. The standard library is enough to read it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from components.settings import setting

STRIDE = (2, 3)
"""Share of a window by which the next one is further on: the paper's test protocol."""

SCALES = (0.25, 4.0)


def _scales(values: tuple[float, ...]) -> str:
    if not values:
        return "an empty list; 1.0 looks at the photo as it was fitted"
    wrong = next((value for value in values if not SCALES[0] <= value <= SCALES[1]), None)
    if wrong is not None:
        close = SCALES[0] if math.isnan(wrong) else min(max(wrong, SCALES[0]), SCALES[1])
        return f"{wrong:g} is not from {SCALES[0]:g} to {SCALES[1]:g}; the nearest value that works is {close:g}"
    repeated = next((value for value in values if values.count(value) > 1), None)
    return "" if repeated is None else f"{repeated:g} is listed twice"


@dataclass(frozen=True)
class InferenceSettings:
    """How photos are looked at, in evaluation and in service."""

    photo_size: tuple[int, ...] = setting(
        (),
        "height x width that photos are fitted into, in training too; beyond image-size, windows of image-size "
        "slide over them; empty: image-size",
    )
    flip_test: bool = setting(False, "average with the mirrored photo, for twice the time")
    test_scales: tuple[float, ...] = setting((1.0,), "scales of the fitted photo to average over", _scales)

    def frame(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Height and width that photos are fitted into, pixels."""
        return (self.photo_size[0], self.photo_size[1]) if self.photo_size else (image_size[0], image_size[1])


class FrameError(ValueError):
    """A frame that cannot work; the message names the nearest one that does."""


def check_frame(photo_size: tuple[int, ...], image_size: tuple[int, int]) -> None:
    """Refuses frames that no window fits into.

    Raises:
        FrameError: Names the nearest size that works.
    """
    if not photo_size:
        return
    nearest = tuple(max(pair) for pair in zip(photo_size, image_size, strict=True))
    if nearest != tuple(photo_size):
        given, least, works = ("x".join(map(str, size)) for size in (photo_size, image_size, nearest))
        raise FrameError(
            f"photo-size {given} is smaller than image-size {least}, the window that the network sees; "
            f"the nearest size that works is {works}"
        )


def window_starts(length: int, window: int) -> list[int]:
    """Where windows begin along one side: 2/3 of a window apart, the last one flush with the border.

    Zhao et al. (2017) cut photos that are larger than the crop size so in their published test code.

    Args:
        length: The side, pixels; at least `window`.
        window: The window's side, pixels.
    """
    stride = math.ceil(window * STRIDE[0] / STRIDE[1])
    last = length - window
    return [*range(0, last, stride), last]
