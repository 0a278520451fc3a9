"""Photos and cards that tests of predictions make."""

import io
import json

import numpy as np
from PIL import Image


def half_red(height=32, width=48):
    """A photo whose left half is red."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[:, : width // 2, 0] = 250
    return Image.fromarray(photo)


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def edit_card(directory, **changes):
    path = directory / "assets.extra" / "model_card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
