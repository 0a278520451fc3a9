"""Parts of aeroplanes: painted fuselages, wings, fins, engines, landing gear; units as in `meshes`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.sample_data.meshes import Array, Mesh, both_sides, decal, join, panel, strut, tube

_SEGMENTS = 14
_GLASS = (0.10, 0.12, 0.16)
_RUBBER = (0.08, 0.08, 0.09)
METAL = (0.55, 0.56, 0.58)


@dataclass(frozen=True)
class Livery:
    """RGB colours of one aeroplane, each float64 `[3]` from 0 to 1, and where they are used.

    Attributes:
        body: upper fuselage.
        belly: lower fuselage.
        stripe: band along the windows.
        wing: wings and tailplane.
        tail: fin.
        accent: wing tips and engine rings.
        painted_rear: share of the fuselage, from the back, in the colour of the fin.
    """

    body: Array
    belly: Array
    stripe: Array
    wing: Array
    tail: Array
    accent: Array
    painted_rear: float


@dataclass(frozen=True)
class Surface:
    """Plan of a trapezoidal wing, tailplane or fin; lengths in fuselage lengths.

    Attributes:
        x: leading edge at the root.
        z: height of the root.
        reach: from the root to the tip: half the span of a wing, the height of a fin.
        chord: at the root.
        sweep: how far the leading edge of the tip lies behind that of the root.
        taper: chord at the tip as a share of that at the root.
        dihedral: height of a wing tip above the root.
    """

    x: float
    z: float
    reach: float
    chord: float
    sweep: float
    taper: float = 0.5
    dihedral: float = 0.0

    def edges(self) -> tuple[float, float, float, float]:
        """Returns x of the root's leading and trailing edge and of the tip's leading and trailing edge."""
        tip = self.x - self.sweep
        return self.x, self.x - self.chord, tip, tip - self.taper * self.chord


@dataclass(frozen=True)
class Fuselage:
    """Shape of a fuselage of length 1 from x = -0.5 to x = 0.5; lengths in fuselage lengths.

    Attributes:
        radius: largest half width.
        nose: length of the tapered nose.
        sharpness: 0.5 for a round nose, 1 for a cone.
        rear: length of the tapered rear.
        rise: height of the rear end above the axis, in radii.
        height: half height as a share of the half width.
    """

    radius: float
    nose: float
    sharpness: float
    rear: float
    rise: float
    height: float = 1.0

    def section(self, x: Array) -> tuple[Array, Array]:
        """Returns the centre height and the half width at each of `x`."""
        forward = np.clip((0.5 - x) / self.nose, 0.0, 1.0)
        backward = np.clip((x + 0.5) / self.rear, 0.0, 1.0)
        width = (1.0 - (1.0 - forward) ** 2) ** self.sharpness * (0.12 + 0.88 * backward**0.8)
        centre = self.rise * (1.0 - backward) - 0.3 * (1.0 - forward) ** 2
        return centre * self.radius, np.maximum(width, 0.02) * self.radius

    def mesh(self, livery: Livery) -> Mesh:
        """Returns the painted fuselage."""
        nose = 0.5 - self.nose * np.array([0.0, 0.04, 0.15, 0.35, 0.65, 1.0])
        rear = -0.5 + self.rear * np.array([1.0, 0.7, 0.4, 0.15, 0.0])
        middle = np.linspace(nose[-1], rear[0], 5)[1:-1]
        x = np.concatenate([nose, middle, rear])
        centre, width = self.section(x)
        stations = np.stack([x, 0.0 * x, centre, width, width * self.height], axis=1)
        return tube(stations, self._colours(x, livery))

    def _colours(self, x: Array, livery: Livery) -> Array:
        height = np.sin((np.arange(_SEGMENTS) + 0.5) * 2.0 * np.pi / _SEGMENTS)
        rows = np.where((height < -0.3)[:, None], livery.belly, livery.body)
        rows = np.where((np.abs(height) < 0.3)[:, None], livery.stripe, rows)
        colours = np.tile(rows, (len(x) - 1, 1, 1))
        colours[(x[1:] + x[:-1]) / 2 < -0.5 + livery.painted_rear] = livery.tail
        return colours

    def windows(self, front: float, back: float, count: int, *, size: float, rise: float = 0.3) -> Mesh:
        """Returns `count` windows a side between x = `front` and x = `back`, `rise` radii above the axis."""
        x = np.linspace(front, back, count)[:, None] + size * np.array([0.5, -0.5, -0.5, 0.5])
        angle = np.arcsin(rise) + size / self.radius * np.array([-0.6, -0.6, 0.6, 0.6])
        centre, width = self.section(x)
        left = np.stack([x, 1.02 * width * np.cos(angle), centre + 1.02 * self.height * width * np.sin(angle)], axis=-1)
        return both_sides(decal(left, _GLASS))


def wing(livery: Livery, plan: Surface, *, thickness: float = 0.07) -> Mesh:
    """Returns a pair of wings or a tailplane, `thickness` the half depth as a share of the chord."""
    front, back, tip_front, tip_back = plan.edges()
    tip_z = plan.z + plan.dihedral
    corners = [
        (front, 0.0, plan.z),
        (back, 0.0, plan.z),
        (tip_front, plan.reach, tip_z),
        (tip_back, plan.reach, tip_z),
    ]
    return both_sides(panel(corners, livery.wing, thickness=thickness, tip_colour=livery.accent))


def fin(livery: Livery, plan: Surface, *, y: float = 0.0, lean: float = 0.0) -> Mesh:
    """Returns one fin whose root is at `y` and whose tip is `lean` further out."""
    front, back, tip_front, tip_back = plan.edges()
    tip_y, tip_z = y + lean, plan.z + plan.reach
    corners = [(front, y, plan.z), (back, y, plan.z), (tip_front, tip_y, tip_z), (tip_back, tip_y, tip_z)]
    return panel(corners, livery.tail, thickness=0.08)


def engine(livery: Livery, *, x: float, y: float, z: float, radius: float, length: float) -> Mesh:
    """Returns an engine nacelle with its inlet at `x`."""
    shape = np.array([[0.0, 0.0], [0.0, 0.8], [0.12, 1.0], [0.6, 0.95], [1.0, 0.55], [1.0, 0.0]])
    size = radius * shape[:, 1]
    stations = np.stack([x - length * shape[:, 0], 0.0 * size + y, 0.0 * size + z, size, size], axis=1)
    rings = np.array([_RUBBER, METAL, livery.accent, livery.body, _RUBBER])
    return tube(stations, np.repeat(rings[:, None], 8, axis=1))


def gear(*, nose_x: float, main_x: float, track: float, bottom: float, wheel: float) -> Mesh:
    """Returns gear down to z = `bottom` on wheels of diameter `wheel`, the main ones at y = ±`track`."""
    hub = bottom + wheel / 2
    parts = []
    for x, y in [(nose_x, 0.0), (main_x, track), (main_x, -track)]:
        parts.append(strut((x, 0.7 * y, 0.0), (x, y, hub), METAL, width=0.3 * wheel))
        parts.append(_wheel(x, y, hub, wheel))
    return join(parts)


def _wheel(x: float, y: float, z: float, diameter: float) -> Mesh:
    size = np.array([0.0, 0.45, 0.5, 0.45, 0.0]) * diameter
    across = y + np.array([-0.18, -0.18, 0.0, 0.18, 0.18]) * diameter
    stations = np.stack([across, 0.0 * size + x, 0.0 * size + z, size, size], axis=1)
    along_x = tube(stations, np.tile(np.array(_RUBBER), (4, 10, 1)))
    return Mesh(along_x.quads[..., [1, 0, 2]], along_x.colours, along_x.decals)


def propeller(*, x: float, y: float, z: float, radius: float, phase: float) -> Mesh:
    """Returns a propeller of two blades, turned by `phase` radians."""
    tip = radius * np.array([0.0, np.cos(phase), np.sin(phase)])
    return strut(np.array([x, y, z]) - tip, np.array([x, y, z]) + tip, _RUBBER, width=0.12 * radius)


def canopy(body: Fuselage) -> Mesh:
    """Returns the glass over a fighter's cockpit."""
    x = np.array([0.34, 0.3, 0.22, 0.12])
    centre, width = body.section(x)
    bulge = np.array([0.05, 0.7, 1.0, 0.1]) * 0.038
    stations = np.stack([x, 0.0 * x, centre + 0.75 * width, 0.6 * bulge, bulge], axis=1)
    return tube(stations, np.tile(np.array([0.16, 0.18, 0.22]), (3, 8, 1)))
