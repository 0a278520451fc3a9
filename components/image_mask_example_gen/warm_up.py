"""Compiles what mask cleaning needs and keeps it, so that no run has to: `make env` calls it (some 20 s)."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from components.image_mask_example_gen.mask import Palette, read_mask
from schema.labelmap import LabelClass, LabelMap

_COLORS = ((0, 0, 0), (255, 0, 0), (0, 0, 255))
_SIDE = 96


def main() -> None:
    """Cleans a sharp and a blurred mask, and one by its nearest colours."""
    palette = Palette.of(LabelMap(tuple(LabelClass(str(number), color) for number, color in enumerate(_COLORS))))
    pixels = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    pixels[20:70, 30:75], pixels[40:50, 10:90] = _COLORS[1], _COLORS[2]
    for sigma, cleaning in ((0, "exact"), (1.5, "exact"), (0, "nearest")):
        buffer = io.BytesIO()
        Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma)).save(buffer, "JPEG")
        read_mask(buffer.getvalue(), palette, (_SIDE, _SIDE), cleaning=cleaning)


if __name__ == "__main__":
    main()
