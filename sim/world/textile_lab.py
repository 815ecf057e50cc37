"""Textile tests on simulated cloth, for tests and figures: cantilever, hanging strip, drape, energy."""

from dataclasses import replace

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from sewcell.geometry.poses import Array
from sim.world.cloth import Cloth
from sim.world.cloth_mesh import ClothMesh, mesh_outline
from sim.world.cloth_rig import COTTON, DT, Rig, tool_at
from sim.world.drape import AREAL_MASS, BENDING, DISC, EDGE, ROUND, STRETCH
from sim.world.parameters import ClothMaterial

AWAY = tool_at(9.0, 9.0, 9.0)
WIDTH = 25e-3
"""Of a strip after BS 3356 (Peirce) [m]."""
HEIGHT = 0.5
LARGEST_RATIO = 3.2
GRAVITY = 9.81
DRAPE_CLOTH = replace(
    COTTON,
    areal_mass=AREAL_MASS,
    bending_warp=BENDING,
    bending_weft=BENDING,
    stretch_warp=STRETCH,
    stretch_weft=STRETCH,
    shear=STRETCH / 2.0,
)
"""The cloth that MuJoCo drapes, see `drape.py`."""


def droop_angle(ratio: float) -> float:
    """Angle [deg] under the horizontal of the chord of a heavy elastic strip that overhangs by `ratio` bending lengths.

    Elastica B theta'' = -w (L - s) cos theta, clamped level at s = 0, without moment at L; c^3 = B / w. Peirce (1930,
    J. Textile Inst. 21, T377) has the approximation (L / c)^3 = 8 tan(a) / cos(a / 2): 41.5 deg at L = 2 c.
    """

    def hang(curvature: float) -> Array:
        found = solve_ivp(
            lambda s, y: [y[1], -(ratio**3) * (1.0 - s) * np.cos(y[0]), np.cos(y[0]), np.sin(y[0])],
            (0.0, 1.0),
            [0.0, curvature, 0.0, 0.0],
            rtol=1e-8,
            atol=1e-10,
        )
        end: Array = found.y[:, -1]
        return end

    end = hang(brentq(lambda curvature: hang(curvature)[1], 0.0, ratio**3))
    return float(np.degrees(np.arctan2(end[3], end[2])))


def overhang(material: ClothMaterial, length: float, edge: float, along_weft: bool, skew: float = 0.0) -> Rig:
    """A strip clamped level at x <= 0 that overhangs by `length` [m], warp along it or across.

    Args: edge: of the mesh [m]; skew: angle of the mesh's lattice to the strip [rad].
    """
    half = _turned_mesh(np.array([[0.0, 0.0], [length, 0.0], [length, WIDTH], [0.0, WIDTH]]), edge, skew)
    mesh = _mirror(half)
    warp = (0.0, 1.0) if along_weft else (1.0, 0.0)
    cloth = Cloth(mesh, material, np.column_stack([mesh.points, np.full(len(mesh.points), HEIGHT)]), warp)
    cloth.hold(np.flatnonzero(mesh.points[:, 0] <= 1e-9))
    return Rig(cloth, AWAY)


def measure_bending_length(rig: Rig, length: float) -> float:
    """Bending length c [m] from the droop of an overhang of `length` [m], by `droop_angle` read backwards.

    The strip settles for 4 s; what is left of its swing is averaged over 2 s.
    """
    settle(rig, 4.0)
    tip = rig.cloth.pattern[:, 0] > length - 1e-6
    places = [settle(rig, 0.1).cloth.x[tip].mean(axis=0) for _ in range(20)]
    x, _, z = np.mean(places, axis=0)
    angle = float(np.degrees(np.arctan2(HEIGHT - z, x)))
    return length / float(brentq(lambda ratio: droop_angle(ratio) - angle, 0.3, LARGEST_RATIO))


def hang_strip(
    material: ClothMaterial, length: float, width: float, edge: float, warp: tuple[float, float] = (0.0, 1.0)
) -> Rig:
    """A strip that hangs by its upper end, at rest length; `warp` across and along it, (1, 1) is cut on the bias."""
    mesh = mesh_outline(np.array([[0.0, 0.0], [width, 0.0], [width, length], [0.0, length]]), edge)
    x = np.column_stack([mesh.points[:, 0], np.zeros(len(mesh.points)), HEIGHT + mesh.points[:, 1]])
    cloth = Cloth(mesh, material, x, warp)
    cloth.hold(np.flatnonzero(length - mesh.points[:, 1] < 1e-6))
    return Rig(cloth, AWAY)


def hang_weight(rig: Rig, force: float) -> None:
    """Load the lower end of a hanging strip evenly with a weight of `force` [N]."""
    cloth = rig.cloth
    low = np.flatnonzero(cloth.pattern[:, 1] < 1e-6)
    across = cloth.pattern[low, 0]
    share = np.where((across > across.min()) & (across < across.max()), 1.0, 0.5)
    cloth.mass[low] += force / GRAVITY * share / share.sum()
    cloth.hold(cloth.held)


def measure_elongation(rig: Rig) -> float:
    """How much the lower end of a hanging strip has sunk, over its length."""
    cloth = rig.cloth
    low = cloth.pattern[:, 1] < 1e-6
    return (HEIGHT - float(cloth.x[low, 2].mean())) / float(cloth.pattern[:, 1].max())


def measure_middle_strain(rig: Rig) -> float:
    """Mean stretch minus 1 of a hanging strip along it, without the 30 % next to each end."""
    y = rig.cloth.pattern[:, 1] / rig.cloth.pattern[:, 1].max()
    middle = (y > 0.3) & (y < 0.7)
    return float(np.polyfit(rig.cloth.pattern[middle, 1], rig.cloth.x[middle, 2], 1)[0]) - 1.0


def measure_motion(rig: Rig) -> float:
    """Kinetic energy of the cloth and that of its height [J]: what `measure_energy` is without what is stored in it."""
    cloth = rig.cloth
    return 0.5 * float(cloth.mass @ np.sum(cloth.v**2, axis=1)) + float(cloth.mass @ cloth.x[:, 2]) * GRAVITY


def drape_round(material: ClothMaterial = DRAPE_CLOTH, edge: float = EDGE) -> Rig:
    """A round of cloth for the drape test, flat, held by the disc."""
    angle = np.linspace(0.0, 2.0 * np.pi, 180, endpoint=False)
    mesh = mesh_outline(ROUND * np.column_stack([np.cos(angle), np.sin(angle)]), edge)
    cloth = Cloth(mesh, material, np.column_stack([mesh.points, np.full(len(mesh.points), HEIGHT)]))
    cloth.hold(np.flatnonzero(np.linalg.norm(mesh.points, axis=1) <= DISC))
    return Rig(cloth, AWAY)


def measure_energy(rig: Rig) -> float:
    """Kinetic, potential and elastic energy of the cloth [J]."""
    cloth, e = rig.cloth, rig.cloth.elements
    p = cloth.x[e.triangles]
    u, v = np.einsum("tc,tcd->td", e.a, p), np.einsum("tc,tcd->td", e.b, p)
    strain = (0.5 * (np.sum(u * u, 1) - 1.0), 0.5 * (np.sum(v * v, 1) - 1.0), np.sum(u * v, 1))
    membrane = sum(float(np.sum(0.5 * s**2 / c)) for s, c in zip(strain, (e.warp, e.weft, e.shear), strict=True))
    bent = np.einsum("hk,hkd->hd", e.weights, cloth.x[e.hinges])
    bending = float(np.sum(0.5 * np.sum(bent**2, axis=1) / e.bend))
    return measure_motion(rig) + membrane + bending


def settle(rig: Rig, seconds: float) -> Rig:
    """Let time pass."""
    rig.wait(round(seconds / DT))
    return rig


def _turned_mesh(outline: Array, edge: float, skew: float) -> ClothMesh:
    c, s = np.cos(skew), np.sin(skew)
    R = np.array([[c, -s], [s, c]])
    mesh = mesh_outline(outline @ R.T, edge)
    return ClothMesh(mesh.points @ R, mesh.triangles, mesh.boundary)


def _mirror(half: ClothMesh) -> ClothMesh:
    """The mesh and its image in x = 0, joined along x = 0."""
    count = len(half.points)
    on = half.points[:, 0] < 1e-9
    image = np.arange(count)
    image[~on] = count + np.arange(int((~on).sum()))
    points = np.vstack([np.where(on[:, None], [0.0, 1.0], [1.0, 1.0]) * half.points, half.points[~on] * [-1.0, 1.0]])
    triangles = np.vstack([half.triangles, image[half.triangles][:, ::-1]])
    return ClothMesh(points, triangles, np.concatenate([half.boundary & ~on, half.boundary[~on]]))
