"""Projection and shading of meshes, and anti-aliased drawing on photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from components.sample_data.meshes import Array, Mesh

_SUPERSAMPLING = 3
_DECAL_LIFT = 0.08
_AREA_GRID = 128


@dataclass(frozen=True)
class Pose:
    """Attitude of an aeroplane before the camera; angles in radians.

    Attributes:
        yaw: heading; 0 flies to the right of the picture, pi / 2 away from the camera.
        pitch: nose up.
        bank: left wing up.
        elevation: height of the camera; pi / 2 looks at the aeroplane from straight above.
        tilt: rotation in the picture plane, counter-clockwise.
        distance: camera distance in fuselage lengths, which sets how strong the perspective is.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    bank: float = 0.0
    elevation: float = 0.0
    tilt: float = 0.0
    distance: float = 6.0


@dataclass(frozen=True)
class Light:
    """Illumination of a scene.

    Attributes:
        sun: float64 `[3]`, unit vector to the sun: right, away from the camera, up.
        ambient: strength of the sky light, 1 for full white.
        direct: strength of the sunlight.
        tint: float64 `[3]`, colour of all the light.
    """

    sun: Array
    ambient: float
    direct: float
    tint: Array


class Layer:
    """A transparent picture for polygons, drawn at three times its resolution.

    Args:
        width: pixels.
        height: pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        size = (width * _SUPERSAMPLING, height * _SUPERSAMPLING)
        self._image = Image.new("RGBA", size)
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: ArrayLike, colour: ArrayLike) -> None:
        """Fills a polygon.

        Args:
            points: `[n, 2]`, x and y in pixels of the final picture.
            colour: RGB from 0 to 1, or RGBA.
        """
        flat = (np.asarray(points, float) * _SUPERSAMPLING).ravel().tolist()
        self._draw.polygon(flat, fill=tuple(_to_bytes(colour).tolist()))

    def polygons(self, points: Array, colours: Array) -> None:
        """Fills `points` `[n, k, 2]` with `colours` `[n, 3]`, the last one on top."""
        fills = map(tuple, _to_bytes(colours).tolist())
        for flat, fill in zip((points * _SUPERSAMPLING).reshape(len(points), -1).tolist(), fills, strict=True):
            self._draw.polygon(flat, fill=fill)

    def pixels(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns colour float32 `[height, width, 3]` and coverage float32 `[height, width, 1]`, 0 to 1."""
        small = np.asarray(self._image.reduce(_SUPERSAMPLING), np.float32) / 255.0
        return small[..., :3], small[..., 3:]

    def composite(self, photo: NDArray[np.float32]) -> None:
        """Draws the layer onto `photo`, float32 `[height, width, 3]`, in place."""
        colour, coverage = self.pixels()
        photo += coverage * (colour - photo)


@dataclass(frozen=True)
class Projection:
    """An aeroplane seen by the camera, far faces first.

    Attributes:
        polygons: float64 `[n, 4, 2]`, x to the right and y down, in fuselage lengths, about the middle of
            the outline.
        colours: float64 `[n, 3]`, shaded RGB from 0 to 1.
        area: of the outline, in square fuselage lengths.
    """

    polygons: Array
    colours: Array
    area: float

    @property
    def extent(self) -> Array:
        """Width and height of the outline, float64 `[2]`, in fuselage lengths."""
        return np.ptp(self.polygons.reshape(-1, 2), axis=0)


def project(mesh: Mesh, pose: Pose, light: Light) -> Projection:
    """Returns `mesh` as the camera sees it in `pose`, shaded by `light`."""
    quads = mesh.quads @ _attitude(pose).T
    normals = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    sight = quads.mean(axis=1) + np.array([0.0, pose.distance, 0.0])
    facing = np.sum(normals * sight, axis=1) < 0.0
    normals = np.where(facing[:, None], normals, -normals)
    colours = _shade(mesh.colours, normals, light, _rotation(0, pose.elevation))
    order = np.argsort(-np.linalg.norm(sight, axis=1) + _DECAL_LIFT * mesh.decals, kind="stable")
    order = order[(facing | ~mesh.decals)[order]]
    zoom = pose.distance / (pose.distance + quads[..., 1])
    points = np.stack([quads[..., 0] * zoom, -quads[..., 2] * zoom], axis=-1)[order]
    corners = points.reshape(-1, 2)
    points = points - (corners.min(axis=0) + corners.max(axis=0)) / 2
    return Projection(points, colours[order], _outline_area(points))


def _attitude(pose: Pose) -> Array:
    body = _rotation(2, pose.yaw) @ _rotation(1, -pose.pitch) @ _rotation(0, pose.bank)
    return _rotation(1, -pose.tilt) @ _rotation(0, pose.elevation) @ body


def _rotation(axis: int, angle: float) -> Array:
    cosine, sine = np.cos(angle), np.sin(angle)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[second, first], matrix[first, second] = sine, -sine
    return matrix


def _shade(colours: Array, normals: Array, light: Light, to_view: Array) -> Array:
    up, sun = to_view @ (0.0, 0.0, 1.0), to_view @ light.sun
    sky = 0.75 + 0.25 * normals @ up
    diffuse = np.maximum(normals @ sun, 0.0)
    halfway = sun - (0.0, 1.0, 0.0)
    gloss = np.maximum(normals @ (halfway / np.linalg.norm(halfway)), 0.0) ** 24
    brightness = light.ambient * sky + light.direct * diffuse
    return np.clip(colours * brightness[:, None] * light.tint + 0.25 * light.direct * gloss[:, None], 0.0, 1.0)


def _outline_area(points: Array) -> float:
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    scale = (_AREA_GRID - 1) / (high - low).max()
    image = Image.new("1", (_AREA_GRID, _AREA_GRID))
    draw = ImageDraw.Draw(image)
    for flat in ((points - low) * scale).reshape(len(points), -1).tolist():
        draw.polygon(flat, fill=1)
    return float(np.count_nonzero(np.asarray(image))) / scale**2


def _to_bytes(colours: ArrayLike) -> NDArray[np.uint8]:
    values = np.clip(np.asarray(colours, float) * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)
    opaque = np.full((*values.shape[:-1], 4 - values.shape[-1]), 255, np.uint8)
    return np.concatenate([values, opaque], axis=-1)
