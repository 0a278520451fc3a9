"""Quad meshes and the solids that aeroplanes are built of.

Body axes: x towards the nose, y towards the left wing tip, z up; the unit is one fuselage length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    """A set of flat coloured quads.

    Attributes:
        quads: float64 `[n, 4, 3]`, corners in body axes, in fuselage lengths.
        colours: float64 `[n, 3]`, RGB reflectance from 0 to 1.
        decals: bool `[n]`, true for quads painted on another surface: they are drawn over it, and only
            where their front (corners counter-clockwise) faces the camera.
    """

    quads: Array
    colours: Array
    decals: NDArray[np.bool_]

    def mirrored(self) -> Mesh:
        """Returns the mesh reflected in the plane of symmetry, y = 0, fronts still facing outwards."""
        return Mesh(self.quads[:, ::-1] * (1.0, -1.0, 1.0), self.colours, self.decals)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Returns one mesh with the quads of all `meshes`."""
    return Mesh(
        np.concatenate([mesh.quads for mesh in meshes]),
        np.concatenate([mesh.colours for mesh in meshes]),
        np.concatenate([mesh.decals for mesh in meshes]),
    )


def both_sides(mesh: Mesh) -> Mesh:
    """Returns `mesh` and its mirror image."""
    return join([mesh, mesh.mirrored()])


def tube(stations: Array, colours: Array) -> Mesh:
    """Returns a body of elliptic cross-section along the x axis.

    Args:
        stations: float64 `[s, 5]`: x, centre y, centre z, half width and half height of each section.
        colours: float64 `[s - 1, segments, 3]`: colour of each quad; the first segment is the upper left
            one that starts at the left side, and they run over the top to the right side and below.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, colours.shape[1] + 1)
    x, y, z, half_width, half_height = (column[:, None] for column in stations.T)
    rings = np.stack([x + 0.0 * angles, y + half_width * np.cos(angles), z + half_height * np.sin(angles)], axis=-1)
    return _solid(_grid_quads(rings), colours.reshape(-1, 3))


def panel(
    corners: ArrayLike, colour: ArrayLike, *, thickness: float = 0.1, tip_colour: ArrayLike | None = None
) -> Mesh:
    """Returns a wing or fin: two sheets that meet at the leading and the trailing edge.

    Args:
        corners: `[4, 3]`: root leading edge, root trailing edge, tip leading edge, tip trailing edge.
        colour: RGB of the panel.
        thickness: half the depth of the section, as a share of the chord.
        tip_colour: RGB of the outer fifth; `colour` where it is None.
    """
    root_front, root_back, tip_front, tip_back = np.asarray(corners, float)
    span = np.linspace(0.0, 1.0, 6)[:, None, None]
    chord = np.array([0.0, 0.3, 1.0])[None, :, None]
    front = root_front + span * (tip_front - root_front)
    back = root_back + span * (tip_back - root_back)
    normal = np.cross(root_back - root_front, tip_front - root_front)
    normal = normal / np.linalg.norm(normal)
    depth = np.linalg.norm(back - front, axis=-1, keepdims=True) * thickness * (chord == 0.3)
    middle = front + chord * (back - front)
    quads = np.concatenate([_grid_quads(middle + depth * normal), _grid_quads(middle - depth * normal)])
    colours = np.tile(np.asarray(colour, float), (len(quads), 1))
    if tip_colour is not None:
        colours[[8, 9, 18, 19]] = tip_colour
    return _solid(quads, colours)


def strut(start: ArrayLike, end: ArrayLike, colour: ArrayLike, *, width: float) -> Mesh:
    """Returns a bar of square section from `start` to `end`, `width` fuselage lengths thick."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / np.linalg.norm(end - start)
    across = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    across = across / np.linalg.norm(across)
    other = np.cross(along, across)
    outline = np.array([across + other, other - across, -across - other, across - other, across + other])
    sides = _grid_quads(np.stack([start + outline * width / 2, end + outline * width / 2]))
    caps = np.stack([start + outline[:4] * width / 2, end + outline[:4] * width / 2])
    quads = np.concatenate([sides, caps])
    return _solid(quads, np.tile(np.asarray(colour, float), (len(quads), 1)))


def decal(quads: Array, colour: ArrayLike) -> Mesh:
    """Returns paint or glass on another surface.

    Args:
        quads: float64 `[n, 4, 3]`, corners counter-clockwise seen from outside.
        colour: RGB of all the quads.
    """
    return Mesh(quads, np.tile(np.asarray(colour, float), (len(quads), 1)), np.ones(len(quads), bool))


def _solid(quads: Array, colours: Array) -> Mesh:
    return Mesh(quads, colours, np.zeros(len(quads), bool))


def _grid_quads(grid: Array) -> Array:
    corners = [grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]]
    return np.stack(corners, axis=2).reshape(-1, 4, 3)
