"""Piece loader: brings cut pieces to the pick zone, alone or in stacks, each a little different from its drawing."""

from dataclasses import replace

import numpy as np
import shapely

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.pattern.piece import Piece
from sim.plant import Plant
from sim.world.cloth import Cloth, lay_flat
from sim.world.cloth_mesh import mesh_outline
from sim.world.parameters import ClothMaterial, Scatter, WorldParameters

KNIFE_CORRELATION = 20e-3
KNIFE_SPACING = 2e-3
DROP_HEIGHT = 0.1e-3
GAP = 20e-6
"""Between the plies of a stack when it is laid."""
LOADING_TIME = 0.5


class Loader:
    """Lays `parameters.stack_plies` pieces on one another, and the next so many when all of them have been asked for.

    The first stack has `parameters.first_stack`; one that is laid while `next_is_short` has half of what it should
    have. Pieces are numbered in the order in which they are asked for, from 0: that of a stack on top comes first.
    `asked`: how many have been asked for. It has `count` pieces to give. `request`: the last one that it has seen.
    """

    def __init__(self, parameters: WorldParameters, piece: Piece, count: int, seed: int, request: int) -> None:
        self._parameters = parameters
        self._piece = piece
        self._count = count
        self._seed = seed
        self.request = request
        self._due: float | None = None
        self._laid = 0
        self.asked = 0
        self.jammed = False
        self.next_is_short = False

    def is_due(self, plant: Plant, now: float, dt: float) -> bool:
        """Whether what was requested comes in the step of `dt` [s] from `now` [s] on; takes new requests."""
        if plant.loader_request != self.request:
            self.request = plant.loader_request
            self._due = None if self.jammed else now + LOADING_TIME
            plant.loader_ready = False
        if self._due is None or now + dt / 2 < self._due:
            return False
        self._due = None
        return True

    def bring(self) -> dict[int, Cloth]:
        """Give the next piece. Returns: what is laid for it, by number, from the lowest."""
        new = range(0)
        if self.asked == self._laid and self.asked < self._count:
            plies = self._parameters.stack_plies if self._laid else self._parameters.first_stack
            if self.next_is_short:
                plies, self.next_is_short = max(1, plies // 2), False
            new = range(self._laid, self._laid + plies)
            self._laid = new.stop
        self.asked += self.asked < self._count
        return lay_pieces(self._parameters, self._piece, new, self._seed)

    def empty_magazine(self) -> None:
        """Nothing is left but what has been laid."""
        self._count = min(self._count, self._laid)

    def lose_stack(self) -> None:
        """Somebody has taken away what waited."""
        self._laid = self.asked


def lay_pieces(parameters: WorldParameters, piece: Piece, numbers: range, seed: int) -> dict[int, Cloth]:
    """Pieces of these `numbers` on one another, the first on top, face up in the pick zone; from the lowest.

    They are shifted and turned by chance, which depends on `seed` and the numbers only. The middle of the drawing
    (centroid of its area) lies at the middle of the pick zone plus an offset uniform in +-`scatter.position`; the angle
    is uniform in +-`scatter.angle`; in a stack each is off by normal deviates of `scatter.stack_sigma`, besides.
    """
    draws = [np.random.default_rng([seed, number]) for number in numbers]
    places = [_draw_place(parameters, rng) for rng in draws]
    laid: dict[int, Cloth] = {}
    for number, rng in reversed(list(zip(numbers, draws, strict=True))):
        x, y, theta = places[0] + (_draw_stacking(parameters.scatter, rng) if len(numbers) > 1 else 0.0)
        height = parameters.material.thickness / 2.0 + DROP_HEIGHT + len(laid) * (parameters.material.thickness + GAP)
        laid[number] = _lay_piece(parameters, piece, PlanarPose(x, y, theta), height, rng, seed)
    return laid


def _draw_place(parameters: WorldParameters, rng: np.random.Generator) -> Array:
    """Where the centroid of the drawing goes in table coordinates, and the angle: x, y [m], theta [rad]."""
    scatter, bench = parameters.scatter, parameters.bench
    theta = rng.uniform(-scatter.angle, scatter.angle)
    middle = (np.array(bench.pick_low) + bench.pick_high) / 2.0 + rng.uniform(-scatter.position, scatter.position, 2)
    return np.array([*middle, theta])


def _draw_stacking(scatter: Scatter, rng: np.random.Generator) -> Array:
    """How far a ply is off the place of its stack, as `_draw_place`."""
    return rng.normal(0.0, (scatter.stack_sigma, scatter.stack_sigma, scatter.stack_sigma_angle))


def _lay_piece(
    parameters: WorldParameters, piece: Piece, place: PlanarPose, height: float, rng: np.random.Generator, seed: int
) -> Cloth:
    """The piece with its centroid at `place` and its middle surface `height` [m] over the table."""
    bench = parameters.bench
    outline = cut_with_knife(piece.outline, parameters.scatter.knife_sigma, rng)
    mesh = mesh_outline(outline, parameters.edge_length, piece.holes)
    centroid = np.array(shapely.Polygon(piece.outline).centroid.coords[0])
    x, y = np.array([place.x, place.y]) - PlanarPose(0.0, 0.0, place.theta).apply(centroid)
    material = vary_friction(parameters.material, parameters.scatter, rng)
    flat = lay_flat(mesh, PlanarPose(float(x), float(y), place.theta), height)
    T = bench.T_base_table
    warp = (0.0, 1.0) if piece.grainline is None else piece.grainline[1] - piece.grainline[0]
    return Cloth(mesh, material, flat @ T[:3, :3].T + T[:3, 3], warp, seed)


def vary_friction(material: ClothMaterial, scatter: Scatter, rng: np.random.Generator) -> ClothMaterial:
    """Each coefficient of friction times 1 +- `scatter.friction`."""
    table, foot, dog = 1.0 + rng.uniform(-scatter.friction, scatter.friction, 3)
    return replace(
        material,
        friction_table=material.friction_table * table,
        friction_foot=material.friction_foot * foot,
        friction_feed_dog=material.friction_feed_dog * dog,
    )


def cut_with_knife(outline: Array, sigma: float, rng: np.random.Generator) -> Array:
    """Outline (N, 2) moved along its normals by a smooth periodic error of standard deviation `sigma` [m].

    The error is a sum of sines of the length along the outline, down to wavelengths of KNIFE_CORRELATION.
    """
    ring = shapely.segmentize(shapely.LinearRing(outline), KNIFE_SPACING)
    points = np.asarray(ring.coords)[:-1]
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]) / ring.length
    waves = max(1, int(ring.length / KNIFE_CORRELATION))
    k = np.arange(1, waves + 1)
    amplitude, phase = rng.normal(0.0, 1.0, waves), rng.uniform(0.0, 2.0 * np.pi, waves)
    error = sigma * np.sqrt(2.0 / waves) * np.sin(2.0 * np.pi * s[:, None] * k + phase) @ amplitude
    tangent = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    return points + error[:, None] * np.column_stack([tangent[:, 1], -tangent[:, 0]])  # type: ignore[no-any-return]
