"""Ground, and the things in a photo that are not aeroplanes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from components.sample_data.rendering import Layer
from components.sample_data.sky import Photo, smooth_noise, smoothstep

_SOILS = [
    (0.28, 0.42, 0.16),
    (0.40, 0.48, 0.22),
    (0.62, 0.55, 0.36),
    (0.20, 0.30, 0.14),
    (0.55, 0.44, 0.32),
    (0.85, 0.87, 0.90),
]
_PAVINGS = [(0.48, 0.48, 0.48), (0.62, 0.61, 0.59), (0.32, 0.33, 0.35), (0.70, 0.68, 0.64)]
_WATERS = [(0.12, 0.28, 0.38), (0.20, 0.38, 0.45), (0.30, 0.36, 0.42)]
_WALLS = [(0.72, 0.70, 0.66), (0.50, 0.52, 0.55), (0.62, 0.42, 0.34), (0.88, 0.88, 0.86), (0.35, 0.42, 0.50)]
_BRIGHT = [(0.80, 0.12, 0.12), (0.90, 0.80, 0.15), (0.15, 0.30, 0.65), (0.92, 0.92, 0.92), (0.95, 0.50, 0.10)]


def draw_ground(rng: np.random.Generator, photo: Photo, *, horizon: int, brightness: float, paved: bool) -> None:
    """Draws land below row `horizon` of `photo` and a skyline on it.

    Args:
        rng: source of all choices.
        photo: float32 `[height, width, 3]` from 0 to 1, changed in place.
        horizon: row of the horizon.
        brightness: strength of the light, 1 for full daylight.
        paved: whether the land is an apron or runway instead of fields, woods or water.
    """
    haze = photo[max(0, horizon - 3)].mean(axis=0)
    for distance in np.linspace(0.75, 0.3, int(rng.integers(0, 4))):
        _add_ridge(rng, photo, horizon, brightness, haze=haze, share=distance)
    if rng.random() < (0.6 if paved else 0.3):
        _add_buildings(rng, photo, horizon, brightness)
    _add_plain(rng, photo, horizon, brightness, haze=haze, paved=paved)
    if paved:
        _add_markings(rng, photo, horizon, brightness)
    if rng.random() < 0.3:
        _add_vehicles(rng, photo, horizon, brightness)


def draw_land_from_above(rng: np.random.Generator, photo: Photo, *, brightness: float) -> None:
    """Fills `photo`, float32 `[height, width, 3]`, with fields or sea as seen from a higher aeroplane."""
    height, width = photo.shape[:2]
    sea = rng.random() < 0.35
    first, second = (np.array(_choice(rng, _WATERS if sea else _SOILS[:5])) for _ in range(2))
    patches = smooth_noise(rng, height, width, cells=rng.uniform(3.0, 8.0), octaves=5)[..., None]
    photo[:] = brightness * (first + smoothstep(patches, 0.3, 0.7) * (second - first))
    layer = Layer(width, height)
    for _ in range(0 if sea else rng.integers(0, 6)):
        start, end = rng.uniform(-0.2, 1.2, (2, 2)) * (width, height)
        _line(layer, start, end, rng.uniform(0.8, 3.0), np.array(_choice(rng, _PAVINGS)) * brightness)
    layer.composite(photo)


def draw_distractors(rng: np.random.Generator, photo: Photo, *, brightness: float) -> None:
    """Draws birds, contrails, masts, towers or balloons on some pictures.

    Args:
        rng: source of all choices.
        photo: float32 `[height, width, 3]` from 0 to 1, changed in place.
        brightness: strength of the light, 1 for full daylight.
    """
    height, width = photo.shape[:2]
    layer = Layer(width, height)
    painters = [_add_birds, _add_contrail, _add_mast, _add_tower, _add_balloon]
    for painter, chance in zip(painters, [0.16, 0.08, 0.12, 0.07, 0.06], strict=True):
        if rng.random() < chance:
            painter(rng, layer, width, height, brightness)
    layer.composite(photo)


def _choice(rng: np.random.Generator, colours: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    return colours[rng.integers(len(colours))]


def _line(layer: Layer, start: ArrayLike, end: ArrayLike, width: float, colour: ArrayLike) -> None:
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / (np.linalg.norm(end - start) + 1e-6)
    side = np.array([-along[1], along[0]]) * width / 2
    layer.polygon([start + side, end + side, end - side, start - side], colour)


def _box(layer: Layer, left: float, top: float, right: float, bottom: float, colour: ArrayLike) -> None:
    layer.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)


def _add_ridge(
    rng: np.random.Generator, photo: Photo, horizon: int, brightness: float, *, haze: Photo, share: float
) -> None:
    height, width = photo.shape[:2]
    woods = rng.random() < 0.5
    shape = smooth_noise(rng, 1, width, cells=8.0 if woods else 2.0, octaves=5 if woods else 3)[0]
    crest = horizon - rng.uniform(0.02, 0.07 if woods else 0.16) * height * (0.3 + shape)
    rows = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip(rows - crest + 0.5, 0.0, 1.0)[..., None]
    colour = brightness * np.array(_choice(rng, _SOILS[:5])) * (0.55 if woods else 0.9)
    photo += cover * ((colour + share * (haze - colour)) - photo).astype(np.float32)


def _add_buildings(rng: np.random.Generator, photo: Photo, horizon: int, brightness: float) -> None:
    height, width = photo.shape[:2]
    layer = Layer(width, height)
    for _ in range(rng.integers(1, 7)):
        left, size = rng.uniform(-0.1, 1.0) * width, rng.uniform(0.05, 0.35) * width
        top = horizon - rng.uniform(0.03, 0.16) * height
        colour = np.array(_choice(rng, _WALLS)) * brightness * rng.uniform(0.5, 1.0)
        _box(layer, left, top, left + size, horizon + 2, colour)
        for row in np.arange(top + 2.0, horizon - 2.0, 5.0):
            _box(layer, left + 2, row, left + size - 2, row + 2, colour * 0.6)
    layer.composite(photo)


def _add_plain(
    rng: np.random.Generator, photo: Photo, horizon: int, brightness: float, *, haze: Photo, paved: bool
) -> None:
    height, width = photo.shape[:2]
    rows = height - horizon
    palette = _PAVINGS if paved else (_WATERS if rng.random() < 0.2 else _SOILS)
    colour = np.array(_choice(rng, palette)) * brightness
    texture = smooth_noise(rng, rows, width, cells=4.0, octaves=5, stretch=rng.uniform(4.0, 9.0))
    strength = rng.uniform(0.05, 0.2) if paved else rng.uniform(0.2, 0.5)
    land = colour * (1.0 - strength / 2 + strength * texture[..., None])
    nearness = np.linspace(0.0, 1.0, rows)[:, None, None] ** 0.5
    photo[horizon:] = land + (1.0 - nearness) * rng.uniform(0.2, 0.7) * (haze - land)
    if paved:
        strip = horizon + int(rng.uniform(0.05, 0.4) * rows)
        grass = np.array(_choice(rng, _SOILS[:4])) * brightness
        photo[horizon:strip] = 0.3 * photo[horizon:strip] + 0.7 * (0.7 * grass + 0.3 * haze)


def _add_markings(rng: np.random.Generator, photo: Photo, horizon: int, brightness: float) -> None:
    height, width = photo.shape[:2]
    layer = Layer(width, height)
    vanishing = np.array([rng.uniform(-0.3, 1.3) * width, float(horizon)])
    for _ in range(rng.integers(1, 4)):
        near = np.array([rng.uniform(-1.0, 2.0) * width, height * 1.1])
        colour = np.array([(0.9, 0.9, 0.88), (0.85, 0.7, 0.15)][rng.integers(2)]) * brightness
        dashes = np.linspace(0.35, 1.0, int(rng.choice([2, 8, 12])))
        for start, end in zip(dashes[::2], dashes[1::2], strict=True):
            points = vanishing + np.array([start, end])[:, None] * (near - vanishing)
            spread = np.array([start, end])[:, None] * (rng.uniform(2.0, 4.0), 0.0)
            layer.polygon([*(points - spread / 2), *(points + spread / 2)[::-1]], colour)
    layer.composite(photo)


def _add_vehicles(rng: np.random.Generator, photo: Photo, horizon: int, brightness: float) -> None:
    height, width = photo.shape[:2]
    layer = Layer(width, height)
    for _ in range(rng.integers(1, 4)):
        bottom = horizon + rng.uniform(0.05, 0.5) * (height - horizon)
        size = 4.0 + 0.14 * (bottom - horizon + 10.0)
        left = rng.uniform(0.0, 1.0) * width
        colour = np.array(_choice(rng, _BRIGHT)) * brightness
        _box(layer, left, bottom - size, left + 2.4 * size, bottom - 0.2 * size, colour)
        _box(
            layer,
            left + 0.2 * size,
            bottom - 0.85 * size,
            left + size,
            bottom - 0.55 * size,
            (0.1, 0.1, 0.12),
        )
        for wheel in (0.3, 1.7):
            _box(
                layer,
                left + wheel * size,
                bottom - 0.35 * size,
                left + (wheel + 0.4) * size,
                bottom,
                (0.05,) * 3,
            )
    layer.composite(photo)


def _add_birds(rng: np.random.Generator, layer: Layer, width: int, height: int, brightness: float) -> None:
    shade = np.full(3, rng.choice([0.08, 0.2, 0.85])) * brightness
    for _ in range(rng.integers(1, 9)):
        x, y = rng.uniform(0.0, 1.0) * width, rng.uniform(0.0, 0.7) * height
        size, lift, lean = rng.uniform(1.5, 9.0), rng.uniform(-0.3, 0.6), rng.uniform(-0.3, 0.3)
        for side in (-1.0, 1.0):
            elbow = (x + side * 0.5 * size, y - lift * size + lean * side * size)
            tip = (x + side * size, y - 0.6 * lift * size + lean * side * size)
            layer.polygon(
                [(x, y - 0.1 * size), elbow, tip, (elbow[0], elbow[1] + 0.25 * size), (x, y + 0.2 * size)],
                shade,
            )
        layer.polygon([(x - 0.12 * size, y), (x, y - 0.2 * size), (x + 0.12 * size, y), (x, y + 0.45 * size)], shade)


def _add_contrail(rng: np.random.Generator, layer: Layer, width: int, height: int, brightness: float) -> None:
    start, end = rng.uniform(-0.3, 1.3, (2, 2)) * (width, 0.7 * height)
    colour = np.append(np.full(3, min(1.0, brightness)), rng.uniform(0.3, 0.7))
    _line(layer, start, end, rng.uniform(1.0, 5.0), colour)


def _add_mast(rng: np.random.Generator, layer: Layer, width: int, height: int, brightness: float) -> None:
    x, top = rng.uniform(0.0, 1.0) * width, rng.uniform(0.05, 0.5) * height
    colour = np.full(3, rng.uniform(0.1, 0.6)) * brightness
    _line(layer, (x, top), (x, height), rng.uniform(1.0, 3.0), colour)
    for row in rng.uniform(0.0, 0.3, 3):
        reach = rng.uniform(4.0, 14.0)
        _line(layer, (x - reach, top + row * height), (x + reach, top + row * height), 1.2, colour)


def _add_tower(rng: np.random.Generator, layer: Layer, width: int, height: int, brightness: float) -> None:
    x, top, size = rng.uniform(0.0, 1.0) * width, rng.uniform(0.3, 0.65) * height, rng.uniform(6.0, 14.0)
    wall = np.array(_choice(rng, _WALLS)) * brightness * 0.8
    _box(layer, x - 0.5 * size, top, x + 0.5 * size, height, wall)
    cabin = [(x - size, top - size), (x + size, top - size), (x + 0.7 * size, top), (x - 0.7 * size, top)]
    layer.polygon(cabin, np.array((0.2, 0.26, 0.32)) * brightness)
    _box(layer, x - 1.1 * size, top - 1.3 * size, x + 1.1 * size, top - size, wall)


def _add_balloon(rng: np.random.Generator, layer: Layer, width: int, height: int, brightness: float) -> None:
    x, y, radius = rng.uniform(0.0, 1.0) * width, rng.uniform(0.1, 0.6) * height, rng.uniform(4.0, 16.0)
    first, second = (np.array(_choice(rng, _BRIGHT)) * brightness for _ in range(2))
    angles = np.linspace(0.0, 2.0 * np.pi, 24)
    drop = 1.0 + 0.3 * np.maximum(np.sin(angles), 0.0)
    for share, colour in [(1.0, first), (0.6, second), (0.25, first)]:
        layer.polygon(np.stack([x + share * radius * np.cos(angles), y + radius * drop * np.sin(angles)], 1), colour)
    _box(layer, x - 0.2 * radius, y + 1.5 * radius, x + 0.2 * radius, y + 1.8 * radius, (0.25, 0.16, 0.08))
