"""Piece loader: brings cut pieces to the pick zone, each a little different from its drawing."""

from dataclasses import replace

import numpy as np
import shapely

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.pattern.piece import Piece
from sim.world.cloth import Cloth, lay_flat
from sim.world.cloth_mesh import mesh_outline
from sim.world.parameters import ClothMaterial, Scatter, WorldParameters

KNIFE_CORRELATION = 20e-3
KNIFE_SPACING = 2e-3
DROP_HEIGHT = 0.1e-3


def lay_piece(parameters: WorldParameters, piece: Piece, number: int, seed: int) -> Cloth:
    """Piece `number` of a run, face up in the pick zone, shifted and turned by chance.

    The middle of the drawing (centroid of its area) lies at the middle of the pick zone plus an offset uniform in
    +-`scatter.position`; the angle is uniform in +-`scatter.angle`. Chance depends on `seed` and `number` only.
    """
    rng = np.random.default_rng([seed, number])
    scatter, bench = parameters.scatter, parameters.bench
    theta = float(rng.uniform(-scatter.angle, scatter.angle))
    middle = (np.array(bench.pick_low) + bench.pick_high) / 2.0 + rng.uniform(-scatter.position, scatter.position, 2)
    outline = cut_with_knife(piece.outline, scatter.knife_sigma, rng)
    mesh = mesh_outline(outline, parameters.edge_length, piece.holes)
    centroid = np.array(shapely.Polygon(piece.outline).centroid.coords[0])
    x, y = middle - PlanarPose(0.0, 0.0, theta).apply(centroid)
    material = vary_friction(parameters.material, scatter, rng)
    flat = lay_flat(mesh, PlanarPose(float(x), float(y), theta), material.thickness / 2.0 + DROP_HEIGHT)
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
