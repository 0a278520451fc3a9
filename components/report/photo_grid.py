"""The photos with truth, prediction and errors laid over them."""

from __future__ import annotations

import numpy as np

from components.report import overlay
from components.report.content import GalleryPhoto
from components.report.markup import count, finite, name, name_in_attribute, note, score, section, share
from components.report.scores import swatch
from schema.colors import IGNORED_COLOR
from schema.labelmap import LabelMap

PHOTOS_SHOWN = 24
BUDGET = 2_000_000
"""Characters that all pictures together may take, so that the page stays below its 5 MB."""

LAYERS = {"photo": "Photo alone", "truth": "Truth", "prediction": "Prediction", "error": "Errors"}
FIRST_LAYER = "prediction"


def photo_grid(photos: list[GalleryPhoto], label_map: LabelMap) -> str:
    """The photos from worst to best; radio buttons choose what is laid over all of them.

    Raises:
        ValueError: The shapes of a photo, its truth and its prediction differ.
    """
    if not photos:
        return section("gallery", "Photos", note("There are no photos to show."))
    shown = evenly_spread(photos, PHOTOS_SHOWN)
    remark = "Sorted from the lowest to the highest mean IoU of the foreground classes."
    if len(shown) < len(photos):
        remark += f" {len(shown)} of {count(len(photos), 'photo')} are shown, evenly spread."
    figures = "\n".join(_figure(one, label_map, BUDGET // len(shown)) for one in shown)
    body = f'<div class="gallery">\n{_switch(shown, label_map)}\n<div class="photos">\n{figures}\n</div>\n</div>'
    return section("gallery", "Photos", note(remark), body)


def evenly_spread(photos: list[GalleryPhoto], limit: int) -> list[GalleryPhoto]:
    """At most `limit` photos, the first and the last among them."""
    if len(photos) <= limit:
        return photos
    return [photos[index] for index in np.linspace(0, len(photos) - 1, limit).round().astype(int)]


def _switch(shown: list[GalleryPhoto], label_map: LabelMap) -> str:
    buttons = "".join(
        f'<label><input type="radio" name="layer" id="layer-{layer}" value="{layer}"'
        f"{' checked' if layer == FIRST_LAYER else ''}><span>{label}</span></label>"
        for layer, label in LAYERS.items()
    )
    strength = (
        '<label class="strength" hidden>Overlay strength'
        ' <input type="range" min="10" max="100" value="60" id="strength"></label>'
    )
    choice = f"<fieldset><legend>Shown over each photo</legend>{buttons}</fieldset>"
    return f'<div class="switch">{choice}{strength}\n{_class_legend(shown, label_map)}\n{_error_legend()}</div>'


def _class_legend(shown: list[GalleryPhoto], label_map: LabelMap) -> str:
    present = set().union(*({*np.unique(one.truth), *np.unique(one.prediction)} for one in shown))
    items = [
        f"<li>{swatch(index, label_map)}{name(one)}</li>"
        for index, one in enumerate(label_map.names)
        if index in present and index != label_map.background_index
    ]
    if overlay.IGNORED in present:
        items.append(_legend_item(IGNORED_COLOR, "ignored", "pixels that do not count"))
    background = f"<li>{swatch(label_map.background_index, label_map)}{name(label_map.background)}: clear</li>"
    return f'<ul class="legend classes" aria-label="Legend of classes">{"".join(items)}{background}</ul>'


def _error_legend() -> str:
    items = "".join(_legend_item(overlay.error_color(kind), *words) for kind, words in overlay.ERROR_KINDS.items())
    return f'<ul class="legend errors" aria-label="Legend of errors">{items}</ul>'


def _legend_item(color: overlay.Color, word: str, meaning: str) -> str:
    return (
        f'<li><span class="swatch" style="background:{overlay.css_color(color)}" aria-hidden="true"></span>'
        f'{word} <span class="meaning">({meaning})</span></li>'
    )


def _figure(photo: GalleryPhoto, label_map: LabelMap, budget: int) -> str:
    layers = overlay.encode_layers(photo, label_map, budget)
    known = finite(photo.iou)
    told = "no foreground class present" if known is None else f"mean IoU {known:.3f}"
    key = name_in_attribute(photo.key, 120)
    pictures = [
        _picture("photo", f"{key}: photo, {told}", "image/jpeg", layers.photo),
        _picture("truth", f"{key}: truth, {told}", "image/png", layers.truth),
        _picture("prediction", f"{key}: prediction, {told}", "image/png", layers.prediction),
        _picture("error", f"{key}: errors, {told}", "image/png", layers.error),
    ]
    ratio = f"{layers.width} / {layers.height}"
    return (
        f'<figure><div class="stack" style="aspect-ratio:{ratio}">{"".join(pictures)}</div>'
        f"<figcaption>{_caption(photo, label_map)}</figcaption></figure>"
    )


def _picture(layer: str, alternative: str, media_type: str, content: bytes) -> str:
    kind = layer if layer == "photo" else f"overlay {layer}"
    return f'<img class="{kind}" alt="{alternative}" src="{overlay.data_uri(media_type, content)}">'


def _caption(photo: GalleryPhoto, label_map: LabelMap) -> str:
    errors = overlay.error_map(photo.truth, photo.prediction, label_map.background_index)
    counted = int(np.count_nonzero(photo.truth != overlay.IGNORED))
    wrong = share(int(np.count_nonzero(errors)), counted)
    value = score(photo.iou, missing="no value (no object)")
    return (
        f'<span class="iou">IoU <strong>{value}</strong></span>'
        f' <span class="wrong">{wrong} of pixels wrong</span>'
        f'<span class="key">{name(photo.key, 120)}</span>'
    )
