"""Aeroplanes of several types with random proportions and liveries, as quad meshes."""

from __future__ import annotations

import numpy as np

from components.sample_data.airframe import (
    METAL,
    Fuselage,
    Livery,
    Surface,
    canopy,
    engine,
    fin,
    gear,
    propeller,
    wing,
)
from components.sample_data.meshes import Mesh, both_sides, join, strut

_WHITES = [(0.95, 0.95, 0.94), (0.88, 0.90, 0.92), (0.80, 0.81, 0.82)]
_PAINTS = [
    (0.75, 0.08, 0.10),
    (0.08, 0.18, 0.55),
    (0.10, 0.42, 0.70),
    (0.92, 0.72, 0.10),
    (0.90, 0.40, 0.08),
    (0.08, 0.42, 0.24),
    (0.35, 0.12, 0.42),
    (0.12, 0.12, 0.14),
]
_MILITARY = [
    (0.50, 0.53, 0.56),
    (0.36, 0.39, 0.42),
    (0.32, 0.34, 0.22),
    (0.62, 0.55, 0.40),
    (0.24, 0.30, 0.38),
]


def random_aircraft(rng: np.random.Generator, *, gear_down: bool) -> Mesh:
    """Returns an aeroplane of random type, proportions and livery.

    Args:
        rng: source of all choices.
        gear_down: whether the landing gear is out; the gear of light aircraft always is.
    """
    builders = [_airliner, _regional_jet, _turboprop, _light_aircraft, _fighter]
    builder = builders[rng.choice(len(builders), p=[0.36, 0.12, 0.12, 0.22, 0.18])]
    return builder(rng, gear_down)


def _civil_livery(rng: np.random.Generator) -> Livery:
    white = np.array(_WHITES[rng.integers(len(_WHITES))])
    paint, other = (np.array(_PAINTS[k]) for k in rng.permutation(len(_PAINTS))[:2])
    style = rng.choice(4, p=[0.5, 0.15, 0.2, 0.15])
    body = [white, paint, white, np.array(METAL) * rng.uniform(0.9, 1.4)][style]
    stripe = [body, white, paint, other][style]
    belly = [body, body, np.array(METAL), paint][style] if rng.random() < 0.7 else np.array(METAL)
    wing = np.array(METAL) * rng.uniform(0.8, 1.5) if rng.random() < 0.6 else body
    tail = paint if rng.random() < 0.75 else other
    return Livery(body, belly, stripe, wing, tail, other, float(rng.choice([0.0, 0.1, 0.3], p=[0.6, 0.2, 0.2])))


def _military_livery(rng: np.random.Generator) -> Livery:
    body = np.array(_MILITARY[rng.integers(len(_MILITARY))]) * rng.uniform(0.8, 1.2)
    patch = np.array(_MILITARY[rng.integers(len(_MILITARY))]) if rng.random() < 0.4 else body
    belly = body * 1.15 if rng.random() < 0.5 else body
    tail = np.array(_PAINTS[rng.integers(len(_PAINTS))]) if rng.random() < 0.2 else patch
    return Livery(body, belly, patch, body, tail, patch, 0.0)


def _airliner(rng: np.random.Generator, gear_down: bool) -> Mesh:
    livery = _civil_livery(rng)
    body = Fuselage(rng.uniform(0.048, 0.066), 0.14, 0.5, rng.uniform(0.3, 0.38), 0.5)
    root = Surface(
        x=rng.uniform(0.1, 0.16),
        z=-0.6 * body.radius,
        reach=rng.uniform(0.42, 0.54),
        chord=rng.uniform(0.2, 0.26),
        sweep=rng.uniform(0.2, 0.3),
        taper=0.25,
        dihedral=rng.uniform(0.03, 0.08),
    )
    parts = [
        body.mesh(livery),
        body.windows(0.36, -0.3, int(rng.integers(16, 26)), size=0.012),
        body.windows(0.462, 0.448, 2, size=0.016, rise=0.55),
        wing(livery, root),
        wing(livery, Surface(-0.36, 0.4 * body.radius, 0.19, 0.11, 0.1, 0.4, 0.02)),
        fin(livery, Surface(-0.31, 0.8 * body.radius, rng.uniform(0.13, 0.18), 0.15, 0.13)),
        *_wing_engines(rng, livery, root),
    ]
    if gear_down:
        parts.append(gear(nose_x=0.38, main_x=-0.04, track=0.07, bottom=-0.15, wheel=0.035))
    return join(parts)


def _wing_engines(rng: np.random.Generator, livery: Livery, plan: Surface) -> list[Mesh]:
    radius = rng.uniform(0.022, 0.034)
    shares = [0.33] if rng.random() < 0.75 else [0.28, 0.58]
    return [
        both_sides(
            engine(
                livery,
                x=plan.x - share * plan.sweep + 0.06,
                y=share * plan.reach,
                z=plan.z + share * plan.dihedral - 1.2 * radius,
                radius=radius,
                length=0.1,
            )
        )
        for share in shares
    ]


def _regional_jet(rng: np.random.Generator, gear_down: bool) -> Mesh:
    livery = _civil_livery(rng)
    body = Fuselage(rng.uniform(0.045, 0.06), 0.16, 0.55, 0.34, 0.5)
    half_span, sweep, fin_height = rng.uniform(0.36, 0.45), rng.uniform(0.12, 0.22), rng.uniform(0.14, 0.18)
    fin_z = 0.8 * body.radius
    parts = [
        body.mesh(livery),
        body.windows(0.32, -0.15, int(rng.integers(6, 18)), size=0.014),
        body.windows(0.45, 0.435, 2, size=0.018, rise=0.55),
        wing(livery, Surface(0.06, -0.7 * body.radius, half_span, 0.2, sweep, 0.3, 0.05)),
        wing(livery, Surface(-0.43, fin_z + fin_height, 0.16, 0.09, 0.07)),
        fin(livery, Surface(-0.32, fin_z, fin_height, 0.16, 0.12)),
        both_sides(engine(livery, x=-0.17, y=1.6 * body.radius, z=0.03, radius=0.026, length=0.14)),
    ]
    if gear_down:
        parts.append(gear(nose_x=0.36, main_x=-0.08, track=0.06, bottom=-0.12, wheel=0.03))
    return join(parts)


def _turboprop(rng: np.random.Generator, gear_down: bool) -> Mesh:
    livery = _civil_livery(rng) if rng.random() < 0.7 else _military_livery(rng)
    body = Fuselage(rng.uniform(0.055, 0.075), 0.16, 0.5, 0.42, 0.7)
    half_span, top, phase = rng.uniform(0.48, 0.6), 0.95 * body.radius, rng.uniform(0.0, np.pi)
    parts = [
        body.mesh(livery),
        body.windows(0.32, -0.2, int(rng.integers(8, 16)), size=0.015),
        body.windows(0.45, 0.43, 2, size=0.022, rise=0.55),
        wing(livery, Surface(0.12, top, half_span, 0.13, 0.03)),
        wing(livery, Surface(-0.41, top + 0.15, 0.18, 0.09, 0.03, 0.6)),
        fin(livery, Surface(-0.3, top, 0.15, 0.19, 0.12)),
    ]
    for share in [0.34] if rng.random() < 0.7 else [0.3, 0.6]:
        place = {"x": 0.19, "y": share * half_span, "z": top - 0.01}
        parts.append(both_sides(engine(livery, radius=0.026, length=0.17, **place)))
        parts.append(both_sides(propeller(radius=0.09, phase=phase, **place)))
    if gear_down:
        parts.append(gear(nose_x=0.36, main_x=0.0, track=0.08, bottom=-0.13, wheel=0.04))
    return join(parts)


def _light_aircraft(rng: np.random.Generator, gear_down: bool) -> Mesh:
    livery = _civil_livery(rng)
    body = Fuselage(rng.uniform(0.065, 0.085), 0.2, 0.45, rng.uniform(0.55, 0.65), 0.4, 1.25)
    half_span, chord, taper = rng.uniform(0.6, 0.72), rng.uniform(0.18, 0.24), rng.uniform(0.55, 1.0)
    high_wing = rng.random() < 0.6
    wing_z, dihedral = (1.2 * body.radius, 0.02) if high_wing else (-0.9 * body.radius, 0.09)
    parts = [
        body.mesh(livery),
        body.windows(0.2, 0.04, 3, size=0.06, rise=0.55),
        wing(livery, Surface(0.22, wing_z, half_span, chord, 0.02, taper, dihedral)),
        wing(livery, Surface(-0.36, 0.04, 0.22, 0.13, 0.03, 0.7)),
        fin(livery, Surface(-0.3, 0.04, rng.uniform(0.15, 0.2), 0.18, 0.12)),
        propeller(x=0.51, y=0.0, z=-0.02, radius=0.14, phase=rng.uniform(0.0, np.pi)),
    ]
    if high_wing:
        brace = strut((0.1, 0.05, -0.06), (0.12, 0.3, wing_z), livery.wing, width=0.014)
        parts.append(both_sides(brace))
    if gear_down or rng.random() < 0.85:
        parts.append(gear(nose_x=0.4, main_x=0.06, track=0.13, bottom=-0.19, wheel=0.06))
    return join(parts)


def _fighter(rng: np.random.Generator, gear_down: bool) -> Mesh:
    livery = _military_livery(rng)
    body = Fuselage(rng.uniform(0.05, 0.065), rng.uniform(0.4, 0.5), 0.75, 0.2, 0.0)
    delta, half_span = rng.random() < 0.5, rng.uniform(0.28, 0.36)
    chord = rng.uniform(0.42, 0.52) if delta else rng.uniform(0.26, 0.34)
    parts = [
        body.mesh(livery),
        wing(livery, Surface(0.1, 0.0, half_span, chord, 0.75 * chord, 0.15, -0.01), thickness=0.04),
        both_sides(engine(livery, x=0.1, y=0.05, z=-0.015, radius=0.04, length=0.58)),
        canopy(body),
    ]
    if not delta:
        parts.append(wing(livery, Surface(-0.36, 0.01, 0.22, 0.14, 0.1, 0.3), thickness=0.04))
    elif rng.random() < 0.5:
        parts.append(wing(livery, Surface(0.3, 0.01, 0.15, 0.14, 0.1, 0.3), thickness=0.04))
    if rng.random() < 0.5:
        parts.append(both_sides(fin(livery, Surface(-0.24, 0.02, 0.14, 0.16, 0.1), y=0.06, lean=0.04)))
    else:
        parts.append(fin(livery, Surface(-0.2, 0.03, 0.19, 0.22, 0.18)))
    if gear_down:
        parts.append(gear(nose_x=0.2, main_x=-0.1, track=0.08, bottom=-0.13, wheel=0.045))
    return join(parts)
