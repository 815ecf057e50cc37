"""Plies that are stepped together as one set of vertices, triangles and elements."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth import Cloth
from sim.world.cloth_mesh import Indices
from sim.world.coarse_grid import CoarseGrid, join_grids
from sim.world.elements import Sweep, join_sweeps
from sim.world.ply_contact import PlyGroup
from sim.world.ply_pairs import rim_triangles


@dataclass(frozen=True, slots=True)
class PlyLayout:
    """What stays the same while the same plies are awake: places of vertices and triangles, and what is swept."""

    start: Indices
    triangle_start: Indices
    ply: Indices
    tri_ply: Indices
    triangles: Indices
    rim: NDArray[np.bool_]
    rest: Array
    sweep: Sweep
    grid: CoarseGrid
    edge: float


def lay_out(cloths: list[Cloth]) -> PlyLayout:
    """Vertices and triangles of `cloths` one after another; of those asleep no element can move."""
    start = np.concatenate([[0], np.cumsum([len(c.x) for c in cloths])]).astype(np.int64)
    counts = [len(c.triangles) for c in cloths]
    moving = [(c, int(s)) for c, s in zip(cloths, start[:-1], strict=True) if not c.asleep]
    starts = [s for _, s in moving]
    return PlyLayout(
        start,
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.repeat(np.arange(len(cloths)), np.diff(start)),
        np.repeat(np.arange(len(cloths)), counts),
        np.concatenate([c.triangles + s for c, s in zip(cloths, start[:-1], strict=True)]),
        np.concatenate([rim_triangles(c.triangles) for c in cloths]),
        np.concatenate([c.pattern for c in cloths]),
        join_sweeps([c.active for c, _ in moving], starts),
        join_grids([c.grid for c, _ in moving], starts),
        float(np.mean([mean_edge(c) for c in cloths])),
    )


def gather(cloths: list[Cloth], layout: PlyLayout, ends: list[Array]) -> PlyGroup:
    """State of `cloths` at the start of a step; `ends`: where the held vertices of each are at its end."""
    asleep = [c.asleep for c in cloths]
    x = np.concatenate([c.x for c in cloths])
    materials = [c.material for c in cloths]
    return PlyGroup(
        x,
        np.concatenate([c.v for c in cloths]),
        x.copy(),
        np.concatenate([c.inverse_mass * (not a) for c, a in zip(cloths, asleep, strict=True)]),
        layout.start,
        layout.ply,
        layout.triangles,
        layout.tri_ply,
        layout.rim,
        np.concatenate([c.held + s for c, s in zip(cloths, layout.start[:-1], strict=True)]).astype(np.int64),
        np.concatenate([c.held_now for c in cloths]),
        np.concatenate(ends),
        np.array([m.areal_mass for m in materials]),
        np.array([m.thickness for m in materials]),
        np.array([m.friction_table for m in materials]),
        np.array([m.friction_ply for m in materials]),
        np.zeros((len(cloths), 4)),
    )


def mean_edge(cloth: Cloth) -> float:
    """Edge of the equilateral triangle of mean area [m]."""
    return float(np.sqrt(4.0 / np.sqrt(3.0) * cloth.mass.sum() / cloth.material.areal_mass / len(cloth.triangles)))
