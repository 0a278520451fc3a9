"""The photos with truth, prediction and errors laid over them."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from components.report import overlay
from components.report.content import GalleryPhoto
from components.report.markup import change, count, finite, name, name_in_attribute, note, score, section, share
from components.report.scores import swatch
from schema.colors import IGNORED_COLOR
from schema.labelmap import LabelMap

PHOTOS_SHOWN = 24

LAYERS = {"photo": "Photo alone", "truth": "Truth", "prediction": "Prediction", "error": "Errors"}
FIRST_LAYER = "prediction"


def photo_grid(photos: list[GalleryPhoto], label_map: LabelMap, budget: int) -> str:
    """The photos group by group; radio buttons choose what is laid over all of them, a slider in each how far.

    Args:
        photos: Those of a group follow one another.
        label_map: Classes.
        budget: Characters that all pictures together may take.

    Raises:
        ValueError: The shapes of a photo, its truth and its prediction differ.
    """
    if not photos:
        return section("gallery", "Photos", note("There are no photos to show."))
    shown = evenly_spread(photos, PHOTOS_SHOWN)
    remark = "Ordered by the mean IoU of the foreground classes in each photo."
    if len(shown) < len(photos):
        remark += f" {len(shown)} of {count(len(photos), 'photo')} are shown, evenly spread."
    groups = "\n".join(
        _group(heading, list(group), label_map, budget // len(shown))
        for heading, group in groupby(shown, key=lambda one: one.group)
    )
    return section(
        "gallery", "Photos", note(remark), f'<div class="gallery">\n{_switch(shown, label_map)}\n{groups}\n</div>'
    )


def evenly_spread(photos: list[GalleryPhoto], limit: int) -> list[GalleryPhoto]:
    """At most `limit` photos, the first and the last among them."""
    if len(photos) <= limit:
        return photos
    return [photos[index] for index in np.linspace(0, len(photos) - 1, limit).round().astype(int)]


def _group(heading: str, photos: list[GalleryPhoto], label_map: LabelMap, budget: int) -> str:
    figures = "\n".join(_figure(one, label_map, budget) for one in photos)
    head = f"<h3>{name(heading)}</h3>\n" if heading else ""
    return f'{head}<div class="photos">\n{figures}\n</div>'


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
    keys = (
        '<p class="keys" hidden>Drag across a photo, or press <kbd>←</kbd> <kbd>→</kbd> on it, to uncover the photo;'
        " <kbd>↑</kbd> <kbd>↓</kbd> go to the next photo, <kbd>1</kbd> to <kbd>4</kbd> change what is shown,"
        " <kbd>Enter</kbd> enlarges.</p>"
    )
    legends = f"{_class_legend(shown, label_map)}\n{_error_legend()}"
    return f'<div class="switch">{choice}{strength}\n{legends}\n{keys}</div>'


def _class_legend(shown: list[GalleryPhoto], label_map: LabelMap) -> str:
    present = set().union(*({*np.unique(one.truth), *np.unique(one.prediction)} for one in shown))
    items = [
        f"<li>{swatch(index, label_map)}{name(one)}</li>"
        for index, one in enumerate(label_map.names)
        if index in present and index != label_map.background_index
    ]
    if overlay.IGNORED in present:
        items.append(_legend_item(IGNORED_COLOR, 0, "ignored", "pixels that do not count"))
    background = f"<li>{swatch(label_map.background_index, label_map)}{name(label_map.background)}: clear</li>"
    return f'<ul class="legend classes" aria-label="Legend of classes">{"".join(items)}{background}</ul>'


def _error_legend() -> str:
    items = "".join(
        _legend_item(overlay.error_color(kind), overlay.ERROR_HATCHINGS[kind], *words)
        for kind, words in overlay.ERROR_KINDS.items()
    )
    return f'<ul class="legend errors" aria-label="Legend of errors">{items}</ul>'


def _legend_item(color: overlay.Color, hatching: int, word: str, meaning: str) -> str:
    return (
        f'<li><span class="swatch hatch-{hatching}" style="background-color:{overlay.css_color(color)}"'
        f' aria-hidden="true"></span>{word} <span class="meaning">({meaning})</span></li>'
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
    slider = f'<input type="range" class="cut" min="0" max="100" value="100" hidden aria-label="Uncover {key}">'
    enlarge = f'<button type="button" class="enlarge" hidden aria-pressed="false" aria-label="Enlarge {key}">⤢</button>'
    return (
        f'<figure><div class="stack" style="aspect-ratio:{layers.width} / {layers.height}">{"".join(pictures)}'
        f'{slider}<span class="handle" aria-hidden="true"></span>{enlarge}</div>'
        f"<figcaption>{_caption(photo)}</figcaption></figure>"
    )


def _picture(layer: str, alternative: str, media_type: str, content: bytes) -> str:
    kind = layer if layer == "photo" else f"overlay {layer}"
    return f'<img class="{kind}" alt="{alternative}" src="{overlay.data_uri(media_type, content)}">'


def _caption(photo: GalleryPhoto) -> str:
    value = score(photo.iou, missing="no value (no object)")
    changed = "" if finite(photo.before) is None else f' <span class="against">{change(photo.before, photo.iou)}</span>'
    wrong = finite(photo.wrong)
    share_of = "" if wrong is None else f' <span class="wrong">{share(wrong, 1)} of pixels wrong</span>'
    return (
        f'<span class="iou">IoU <strong>{value}</strong>{changed}</span>{share_of}'
        f'<span class="key">{name(photo.key, 120)}</span>'
    )
