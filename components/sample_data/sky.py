"""Skies: gradients, clouds, sun glow and the light that falls from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.sample_data.rendering import Light

Photo = NDArray[np.float32]


@dataclass(frozen=True)
class Weather:
    """Colours and light of a kind of sky.

    Attributes:
        zenith: RGB at the top, 0 to 1.
        horizon: RGB at the horizon.
        cloud: RGB of lit clouds.
        ambient: strength of the sky light.
        direct: strength of the sunlight.
        tint: RGB of the light.
    """

    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    cloud: tuple[float, float, float]
    ambient: float
    direct: float
    tint: tuple[float, float, float]


_WEATHERS = [
    Weather((0.12, 0.32, 0.68), (0.55, 0.74, 0.92), (0.97, 0.97, 0.98), 0.55, 0.55, (1.0, 0.98, 0.95)),
    Weather((0.05, 0.18, 0.48), (0.28, 0.52, 0.82), (0.92, 0.94, 0.97), 0.50, 0.60, (1.0, 0.98, 0.94)),
    Weather((0.42, 0.62, 0.84), (0.82, 0.89, 0.94), (1.00, 1.00, 1.00), 0.65, 0.40, (1.0, 0.99, 0.97)),
    Weather((0.72, 0.75, 0.78), (0.86, 0.87, 0.88), (0.93, 0.93, 0.94), 0.75, 0.12, (1.0, 1.0, 1.0)),
    Weather((0.88, 0.90, 0.92), (0.96, 0.96, 0.96), (0.82, 0.84, 0.86), 0.70, 0.15, (0.98, 0.99, 1.0)),
    Weather((0.38, 0.42, 0.47), (0.60, 0.63, 0.66), (0.72, 0.74, 0.76), 0.60, 0.12, (0.95, 0.98, 1.0)),
    Weather((0.25, 0.28, 0.48), (0.96, 0.62, 0.34), (0.98, 0.66, 0.48), 0.40, 0.50, (1.0, 0.80, 0.62)),
    Weather((0.48, 0.40, 0.56), (0.95, 0.74, 0.66), (0.92, 0.70, 0.72), 0.45, 0.40, (1.0, 0.86, 0.82)),
    Weather((0.80, 0.55, 0.28), (0.99, 0.84, 0.52), (0.99, 0.90, 0.70), 0.32, 0.40, (1.0, 0.85, 0.62)),
    Weather((0.03, 0.05, 0.12), (0.14, 0.18, 0.30), (0.20, 0.22, 0.30), 0.28, 0.18, (0.85, 0.90, 1.0)),
    Weather((0.18, 0.42, 0.50), (0.66, 0.82, 0.80), (0.90, 0.94, 0.92), 0.55, 0.40, (0.97, 1.0, 0.98)),
]
_WEATHER_SHARES = [0.17, 0.13, 0.13, 0.13, 0.09, 0.09, 0.07, 0.05, 0.04, 0.04, 0.06]


def random_weather(rng: np.random.Generator) -> Weather:
    """Returns a kind of sky, clear ones more often than sunsets and nights."""
    return _WEATHERS[rng.choice(len(_WEATHERS), p=_WEATHER_SHARES)]


def random_light(rng: np.random.Generator, weather: Weather) -> Light:
    """Returns the light of `weather` with the sun somewhere above the horizon."""
    # Most photographers have the sun behind them.
    azimuth = rng.normal(-np.pi / 2, 0.7) if rng.random() < 0.75 else rng.uniform(0.0, 2.0 * np.pi)
    height = rng.uniform(0.15, 1.2)
    sun = np.array([np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)])
    exposure = rng.uniform(0.9, 1.35)
    return Light(sun, 1.1 * weather.ambient * exposure, 1.4 * weather.direct * exposure, np.array(weather.tint))


def smooth_noise(
    rng: np.random.Generator, height: int, width: int, *, cells: float, octaves: int, stretch: float = 1.0
) -> Photo:
    """Returns cloud-like noise, float32 `[height, width]` from 0 to 1.

    Args:
        rng: source of the noise.
        height: rows.
        width: columns.
        cells: blobs across the width in the coarsest octave.
        octaves: number of layers, each twice as fine and a little over half as strong as the one before.
        stretch: width of a blob divided by its height.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        columns = max(2, int(cells * 2**octave))
        rows = max(2, int(columns * stretch * height / width))
        coarse = Image.fromarray(rng.random((rows + 2, columns + 2), np.float32))
        fine = coarse.resize((width, height), Image.Resampling.BICUBIC, box=(1, 1, columns + 1, rows + 1))
        total += 0.55**octave * np.asarray(fine)
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


def smoothstep(values: Photo, low: float, high: float) -> Photo:
    """Returns 0 below `low`, 1 above `high` and a smooth rise between, in the shape of `values`."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def draw_sky(rng: np.random.Generator, height: int, width: int, weather: Weather) -> Photo:
    """Returns a sky, float32 `[height, width, 3]` from 0 to 1: gradient, clouds and sometimes sun glow."""
    jitter = rng.normal(0.0, 0.02, 3)
    zenith, horizon = np.array(weather.zenith) + jitter, np.array(weather.horizon) + jitter
    reach = rng.uniform(0.5, 1.4)
    rows = np.linspace(0.0, 1.0, height)[:, None] + rng.uniform(-0.3, 0.3) * np.linspace(-0.5, 0.5, width)
    blend = (np.clip(rows, 0.0, 1.0) ** rng.uniform(0.7, 1.6) * reach).astype(np.float32)[..., None]
    sky = (zenith + np.minimum(blend, 1.0) * (horizon - zenith)).astype(np.float32)
    if rng.random() < 0.68:
        _add_clouds(rng, sky, weather)
    if weather.direct > 0.3 and rng.random() < 0.25:
        _add_glow(rng, sky, weather)
    return sky


def _add_clouds(rng: np.random.Generator, sky: Photo, weather: Weather) -> None:
    height, width = sky.shape[:2]
    cells, stretch = rng.uniform(1.5, 5.0), rng.uniform(1.0, 3.0)
    density = smooth_noise(rng, height, width, cells=cells, octaves=5, stretch=stretch)
    start, softness = rng.uniform(0.2, 0.65), rng.uniform(0.15, 0.5)
    cover = smoothstep(density, start, start + softness) * rng.uniform(0.4, 1.0)
    # Thick parts of a cloud, and what lies just below thick parts, get less light.
    thickness = density[np.maximum(np.arange(height) - height // 25, 0)]
    shadow = 1.0 - rng.uniform(0.1, 0.5) * smoothstep(thickness, start, 1.0)
    colour = shadow[..., None] * np.array(weather.cloud, np.float32)
    sky += cover[..., None] * (colour - sky)


def _add_glow(rng: np.random.Generator, sky: Photo, weather: Weather) -> None:
    height, width = sky.shape[:2]
    y, x = np.ogrid[:height, :width]
    centre_x, centre_y = rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.2, 0.7) * height
    distance = np.hypot(x - centre_x, y - centre_y).astype(np.float32) / width
    strength = rng.uniform(0.3, 0.7) * np.exp(-distance / rng.uniform(0.1, 0.35))
    if rng.random() < 0.4:
        strength = np.maximum(strength, smoothstep(-distance, -0.04, -0.025))
    glow = np.minimum(np.array(weather.tint, np.float32) * 1.05, 1.0)
    sky += strength[..., None] * (glow - sky)
