"""The colour planes of a mask as its JPEG file holds them: full luma, chroma at its own resolution."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, JpegImagePlugin

_HALVED = ((2, 2), (1, 1), (1, 1))
_FULL = ((1, 1), (1, 1), (1, 1))


@dataclass(frozen=True)
class Planes:
    """Luma and chroma of a picture.

    Attributes:
        luma: uint8 [height, width].
        chroma: Two arrays like it, or [half the height, half the width], both rounded up, where `halved`.
            None for a grey picture.
        halved: Whether the chroma planes have half the resolution (4:2:0).
        tables: float32 [3, 64]; the JPEG's quantisation steps of each plane in rows of the 8 x 8 block. None where
            the picture was not a JPEG.
    """

    luma: np.ndarray
    chroma: tuple[np.ndarray, np.ndarray] | None
    halved: bool
    tables: np.ndarray | None

    @property
    def all(self) -> list[np.ndarray]:
        """Luma, and chroma if there is any."""
        return [self.luma, *(self.chroma or ())]

    def grey(self) -> Planes:
        """The luma alone."""
        return Planes(self.luma, None, False, None if self.tables is None else self.tables[:1])

    def rows(self, start: int, stop: int) -> Planes:
        """The rows from `start`, an even number, up to `stop`."""
        step = 2 if self.halved else 1
        chroma = None
        if self.chroma is not None:
            first, second = (plane[start // step : -(-stop // step)] for plane in self.chroma)
            chroma = (first, second)
        return Planes(self.luma[start:stop], chroma, self.halved, self.tables)

    def in_squares(self, side: int) -> Planes:
        """The planes with their last rows and columns repeated up to whole squares, as a JPEG encoder does."""
        down, right = (-length % side for length in self.luma.shape)
        luma = np.pad(self.luma, ((0, down), (0, right)), mode="edge")
        if self.chroma is None:
            return Planes(luma, None, False, self.tables)
        step = 2 if self.halved else 1
        missing = [(0, whole // step - part) for whole, part in zip(luma.shape, self.chroma[0].shape, strict=True)]
        first, second = (np.pad(plane, missing, mode="edge") for plane in self.chroma)
        return Planes(luma, (first, second), self.halved, self.tables)


def planes_of_rgb(pixels: np.ndarray) -> Planes:
    """The planes of RGB pixels, uint8 [height, width, 3], that come from no JPEG or one that is not at hand."""
    full = np.asarray(Image.fromarray(pixels).convert("YCbCr"))
    return Planes(full[..., 0], (full[..., 1], full[..., 2]), False, None)


def planes_of_jpeg(content: bytes) -> Planes | None:
    """The planes of a JPEG file, or None where its coding is a rare one (CMYK, RGB, 4:2:2).

    Args:
        content: The file's bytes; the file is known to decode.
    """
    picture = Image.open(io.BytesIO(content))
    if not isinstance(picture, JpegImagePlugin.JpegImageFile):
        return None
    sampling = tuple((layer[1], layer[2]) for layer in picture.layer)
    if picture.info.get("adobe_transform") == 0:
        return None
    if picture.mode == "L":
        return Planes(np.asarray(picture), None, False, _tables(picture))
    if picture.mode != "RGB" or sampling not in (_HALVED, _FULL) or min(picture.size) < 2:
        return None
    tables = _tables(picture)
    picture.draft("YCbCr", picture.size)
    if picture.mode != "YCbCr":
        return None
    full = np.asarray(picture)
    chroma = _halved_chroma(content) if sampling == _HALVED else full[..., 1:]
    return Planes(full[..., 0], (chroma[..., 0], chroma[..., 1]), sampling == _HALVED, tables)


def _halved_chroma(content: bytes) -> np.ndarray:
    """The chroma planes of a 4:2:0 file, uint8 [.., .., 2], without the decoder's smoothing.

    At half the size the decoder turns each 8 x 8 chroma block into 8 x 8 pixels: just what the file holds.
    """
    picture = Image.open(io.BytesIO(content))
    picture.draft("YCbCr", (picture.width // 2, picture.height // 2))
    return np.asarray(picture)[..., 1:]


def _tables(picture: JpegImagePlugin.JpegImageFile) -> np.ndarray:
    return np.array([picture.quantization[layer[3]] for layer in picture.layer], np.float32)
