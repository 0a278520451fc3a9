"""Photos of aeroplanes with their masks, each drawn from its own random stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from components.sample_data.aircraft import random_aircraft
from components.sample_data.ground import draw_distractors, draw_ground, draw_land_from_above
from components.sample_data.meshes import Array
from components.sample_data.rendering import Layer, Light, Pose, Projection, project
from components.sample_data.sky import Photo, draw_sky, random_light, random_weather

WIDTH, HEIGHT = 320, 176
_SETTINGS = ["sky", "low", "parked", "above"]
_SETTING_SHARES = [0.50, 0.21, 0.22, 0.07]
_PLANE_SHARES = (0.010, 0.36)


@dataclass(frozen=True)
class Scene:
    """A photo without aeroplanes.

    Attributes:
        pixels: float32 `[height, width, 3]` from 0 to 1.
        light: illumination.
        setting: "sky", "low" (flight above visible ground), "parked" or "above" (seen over the land).
        horizon: row of the horizon; the height of the photo where no ground is seen.
    """

    pixels: Photo
    light: Light
    setting: str
    horizon: int


def draw_picture(seed: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draws picture `index` of the set that belongs to `seed`.

    Args:
        seed: of the set, not negative.
        index: of the picture, not negative; the picture depends on nothing but these two.

    Returns:
        The photo, uint8 `[176, 320, 3]`, with black bars, and the aeroplane pixels, bool `[176, 320]`.
    """
    rng = np.random.default_rng([seed, index])
    width, height = _random_frame(rng)
    scene = _draw_scene(rng, width, height)
    mask = np.zeros((height, width), bool)
    for _ in range(rng.choice(3, p=[0.04, 0.88, 0.08])):
        mask |= _add_aircraft(rng, scene)
    photo = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    canvas_mask = np.zeros((HEIGHT, WIDTH), bool)
    top, left = (HEIGHT - height) // 2, (WIDTH - width) // 2
    photo[top : top + height, left : left + width] = _expose(rng, scene.pixels)
    canvas_mask[top : top + height, left : left + width] = mask
    return photo, canvas_mask


def _random_frame(rng: np.random.Generator) -> tuple[int, int]:
    """Returns width and height of the photo between the bars, both even."""
    width = 2 * round(HEIGHT * rng.choice([1.33, 1.5, 1.6, rng.uniform(1.25, 1.7)]) / 2)
    height = HEIGHT - 2 * int(rng.integers(1, 9)) if rng.random() < 0.15 else HEIGHT
    return width, height


def _draw_scene(rng: np.random.Generator, width: int, height: int) -> Scene:
    weather = random_weather(rng)
    light = random_light(rng, weather)
    brightness = float(np.clip(light.ambient + 0.6 * light.direct, 0.15, 1.0))
    setting = _SETTINGS[rng.choice(len(_SETTINGS), p=_SETTING_SHARES)]
    lowest = {"sky": (1.0, 1.0), "low": (0.6, 0.92), "parked": (0.3, 0.62), "above": (1.0, 1.0)}[setting]
    horizon = min(height, int(rng.uniform(*lowest) * height))
    pixels = draw_sky(rng, height, width, weather)
    if setting == "above":
        draw_land_from_above(rng, pixels, brightness=brightness)
    elif horizon < height:
        paved = rng.random() < (0.75 if setting == "parked" else 0.3)
        draw_ground(rng, pixels, horizon=horizon, brightness=brightness, paved=paved)
    if setting != "above":
        draw_distractors(rng, pixels, brightness=brightness)
    return Scene(pixels, light, setting, horizon)


def _random_pose(rng: np.random.Generator, setting: str) -> Pose:
    heading = rng.choice([0.0, np.pi])
    distance = float(np.exp(rng.uniform(np.log(2.0), np.log(9.0))))
    if setting == "parked":
        yaw = heading + rng.normal(0.0, 0.5) if rng.random() < 0.8 else rng.uniform(0.0, 2.0 * np.pi)
        return Pose(yaw=yaw, elevation=rng.uniform(0.0, 0.22), distance=distance)
    if setting == "above":
        return Pose(
            yaw=rng.uniform(0.0, 2.0 * np.pi),
            bank=rng.normal(0.0, 0.3),
            elevation=rng.uniform(0.6, 1.5),
            distance=distance,
        )
    tilt = rng.uniform(-0.3, 0.3)
    bank, pitch = rng.normal(0.0, 0.3), rng.normal(0.08, 0.1)
    view = rng.choice(3, p=[0.45, 0.33, 0.22])
    if view == 0:
        return Pose(heading + rng.normal(0.0, 0.35), pitch, bank * 0.6, rng.uniform(-0.4, 0.25), tilt, distance)
    if view == 1:
        return Pose(rng.uniform(0.0, 2.0 * np.pi), pitch, bank, -rng.uniform(0.5, 1.5), tilt, distance)
    return Pose(rng.uniform(0.0, 2.0 * np.pi), pitch, bank, rng.uniform(-0.5, 0.4), tilt, distance)


def _add_aircraft(rng: np.random.Generator, scene: Scene) -> NDArray[np.bool_]:
    """Draws an aeroplane on `scene` in place and returns its pixels, bool `[height, width]`."""
    height, width = scene.pixels.shape[:2]
    mesh = random_aircraft(rng, gear_down=scene.setting == "parked" or rng.random() < 0.25)
    view = project(mesh, _random_pose(rng, scene.setting), _toned(rng, scene.light))
    scale = _random_scale(rng, view, width, height)
    centre = _random_centre(rng, scene, view.extent * scale)
    if scene.setting == "parked":
        _add_shadow(scene.pixels, centre, view.extent * scale)
    layer = Layer(width, height)
    layer.polygons(view.polygons * scale + centre, _hazed(rng, scene, view, centre))
    layer.composite(scene.pixels)
    return layer.pixels()[1][..., 0] >= 0.5


def _toned(rng: np.random.Generator, light: Light) -> Light:
    """Returns `light` as it falls on an aeroplane: dim where it is a silhouette, strong in a spot of sun."""
    dim, plain, strong = rng.uniform(0.15, 0.6), rng.uniform(0.85, 1.15), rng.uniform(1.3, 1.8)
    factor = rng.choice([dim, plain, strong], p=[0.14, 0.46, 0.4])
    return replace(light, ambient=light.ambient * factor, direct=light.direct * factor)


def _random_scale(rng: np.random.Generator, view: Projection, width: int, height: int) -> float:
    """Returns pixels per fuselage length, from a share of the frame drawn at random."""
    share = np.clip(np.exp(rng.normal(np.log(0.1), 0.85)), *_PLANE_SHARES)
    wanted = np.sqrt(share * WIDTH * HEIGHT / view.area)
    # The largest aeroplanes only reach their share where the tips of wings lie outside the frame.
    room = rng.uniform(1.0, 1.6) if share > 0.2 or rng.random() < 0.2 else rng.uniform(0.8, 0.98)
    return float(min(wanted, *(room * np.array([width, height]) / view.extent)))


def _random_centre(rng: np.random.Generator, scene: Scene, extent: Array) -> Array:
    """Returns the middle of the outline in pixels, float64 `[2]`; a parked aeroplane touches the ground."""
    height, width = scene.pixels.shape[:2]
    spare = np.maximum(np.array([width, height]) - extent, 0.0)
    overhang = 0.35 * extent * (rng.random() < 0.12)
    centre = np.array([width, height]) / 2 + np.clip(rng.normal(0.0, 0.3, 2), -0.5, 0.5) * (spare + overhang)
    if scene.setting == "parked":
        ground = scene.horizon + rng.uniform(0.15, 0.8) * (height - scene.horizon)
        centre[1] = max(ground - extent[1] / 2, min(extent[1] / 2, height - extent[1] / 2))
    return centre


def _add_shadow(photo: Photo, centre: Array, extent: Array) -> None:
    height, width = photo.shape[:2]
    y, x = np.ogrid[:height, :width]
    below = centre[1] + extent[1] / 2 - 0.01 * extent[0]
    distance = ((x - centre[0]) / (0.42 * extent[0])) ** 2 + ((y - below) / (0.035 * extent[0] + 1.0)) ** 2
    photo *= (1.0 - 0.55 * np.exp(-(distance**2))).astype(np.float32)[..., None]


def _hazed(rng: np.random.Generator, scene: Scene, view: Projection, centre: Array) -> Array:
    """Returns the colours of `view` mixed with the background, strongly on some pictures."""
    height, width = scene.pixels.shape[:2]
    row, column = int(np.clip(centre[1], 0, height - 1)), int(np.clip(centre[0], 0, width - 1))
    nearby = scene.pixels[max(0, row - 20) : row + 20, max(0, column - 30) : column + 30]
    share = rng.uniform(0.25, 0.6) if rng.random() < 0.22 else rng.uniform(0.0, 0.15)
    return view.colours + share * (nearby.mean(axis=(0, 1)) - view.colours)


def _expose(rng: np.random.Generator, pixels: Photo) -> NDArray[np.uint8]:
    """Returns the finished photo, uint8: lens blur, vignette, colour cast and sensor noise."""
    height, width = pixels.shape[:2]
    y, x = np.ogrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    vignette = 1.0 - rng.uniform(0.0, 0.3) * (rng.random() < 0.5) * (x * x + y * y) / 2
    gain = rng.uniform(0.88, 1.1) * rng.normal(1.0, 0.012, 3)
    exposed = np.clip(pixels * vignette[..., None] * gain, 0.0, 1.0) * 255.0
    image = Image.fromarray(exposed.astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.8))))
    grain = rng.standard_normal((height, width, 1), np.float32) * np.float32(rng.uniform(0.5, 4.0))
    return np.clip(np.asarray(image) + grain, 0.0, 255.0).astype(np.uint8)
