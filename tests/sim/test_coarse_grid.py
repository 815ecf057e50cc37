"""Facts about the coarse grid: its functions, its mass, what its cells know of a strain, its factor, many cloths."""

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sim.world.banded import SPARE, solve_band
from sim.world.cloth_rig import make_cloth
from sim.world.coarse_grid import join_grids
from sim.world.coarse_kernels import PULL_INTERVAL, has_turned, make_factor, pull_grid
from sim.world.elements import join_sweeps

H = 1.0 / 4800.0
EDGES = (4.7e-3, 9e-3)
WARP_AND_WEFT = np.array([[0.0, -1.0], [1.0, 0.0]])
"""Directions in the pattern, in columns."""


def make_held(edge=EDGES[0], held=True):
    """A pocket of which the gripper holds one side, or nothing."""
    cloth = make_cloth(PlanarPose(0.0, 0.0, 0.4), height=0.3, edge=edge)
    if held:
        cloth.hold(np.flatnonzero(cloth.pattern[:, 1] > 0.1))
    return cloth


def dense_weights(grid, count):
    """(V, N): by how much each node moves each vertex."""
    W = np.zeros((count, len(grid.mass)))
    np.add.at(W, (np.repeat(grid.vertices, 4), grid.nodes.ravel()), grid.weights.ravel())
    return W


def dense_band(band):
    """The symmetric matrix of a lower band (n, w)."""
    n = len(band)
    A = np.zeros((n, n))
    for k in range(min(band.shape[1], n)):
        A += np.diag(band[: n - k, k], -k) + (np.diag(band[: n - k, k], k) if k else 0.0)
    return A


def strain_gradient(cloth, x):
    """(3 M, 3 V): derivative of the mean strains of every cell by the positions `x`, triangle by triangle, and the
    stiffness (3 M,) of each."""
    grid, e = cloth.grid, cloth.active
    cells = len(grid.corners)
    G = np.zeros((cells, 3, len(x), 3))
    for t, corners in enumerate(e.triangles):
        if grid.share[t] == 0.0:
            continue
        a, b = e.constants[:3, t], e.constants[3:6, t]
        u, v = a @ x[corners], b @ x[corners]
        for n, i in enumerate(corners):
            G[grid.cell[t], 0, i] += grid.share[t] * a[n] * u
            G[grid.cell[t], 1, i] += grid.share[t] * b[n] * v
            G[grid.cell[t], 2, i] += grid.share[t] * (a[n] * v + b[n] * u)
    return G.reshape(3 * cells, -1), grid.stiffness[:-1].ravel()


def fold_a_little(cloth):
    """Positions of the cloth as it hangs after a while."""
    x = cloth.x.copy()
    x[:, 2] += 4e-3 * np.sin(40.0 * x[:, 0]) * np.cos(30.0 * x[:, 1])
    return x


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("held", [False, True])
def test_the_weights_of_every_free_vertex_sum_to_one_and_held_ones_have_none(edge, held):
    cloth = make_held(edge, held)
    W = dense_weights(cloth.grid, len(cloth.x))
    free = np.ones(len(cloth.x), dtype=bool)
    free[cloth.held] = False
    assert W[free].sum(axis=1) == pytest.approx(np.ones(free.sum()), abs=1e-12)
    assert not W[~free].any()
    assert np.all(W >= -1e-12)


@pytest.mark.parametrize("held", [False, True])
def test_the_band_holds_the_mass_matrix_of_the_nodes(held):
    cloth = make_held(held=held)
    W = dense_weights(cloth.grid, len(cloth.x))
    expected = W.T @ (cloth.mass[:, None] * W)
    assert dense_band(cloth.grid.mass) == pytest.approx(expected, rel=1e-8, abs=2e-15)


@pytest.mark.parametrize("edge", EDGES)
def test_a_linear_displacement_of_the_nodes_has_its_strain_in_every_cell(edge):
    """Nodes stand on a lattice whose place follows from the vertices that they move: linear functions are kept."""
    cloth = make_held(edge, held=False)
    grid = cloth.grid
    W = dense_weights(grid, len(cloth.x))
    places = np.linalg.lstsq(W, cloth.pattern, rcond=None)[0]
    assert W @ places == pytest.approx(cloth.pattern, abs=1e-9), "bilinear functions contain the linear ones"
    for direction, slope in enumerate((2e-3, -3e-3)):
        moved = slope * places @ WARP_AND_WEFT[:, direction]
        real = grid.share > 0.0
        by_triangle = np.sum((grid.along, grid.across)[direction] * moved[_corners(grid)], axis=1)
        found = np.bincount(grid.cell[real], (grid.share * by_triangle)[real], len(grid.corners))
        assert found == pytest.approx(np.full(len(grid.corners), slope), rel=1e-9)
        assert np.bincount(grid.cell[real], grid.share[real]) == pytest.approx(np.ones(len(grid.corners)))


def _corners(grid):
    """(P, 9) nodes of the cell of each triangle; any for padding."""
    return grid.corners[np.minimum(grid.cell, len(grid.corners) - 1)]


@pytest.mark.parametrize("held", [False, True])
def test_the_factor_solves_what_the_dense_matrix_of_inertia_and_stiffness_solves(held):
    cloth = make_held(EDGES[1], held)
    x = fold_a_little(cloth)
    G, stiffness = strain_gradient(cloth, x)
    W = np.kron(dense_weights(cloth.grid, len(x)), np.eye(3))
    inertia = np.kron(dense_band(cloth.grid.mass), np.eye(3)) / (PULL_INTERVAL * H) ** 2
    K = inertia + (G @ W).T @ (stiffness[:, None] * (G @ W))
    rhs = np.random.default_rng(0).normal(size=len(K))
    found = rhs.copy()
    factor = make_factor(x, cloth.active, cloth.grid, H)
    assert factor.band.shape == (len(K), 3 * cloth.grid.mass.shape[1] + SPARE)
    solve_band(factor.band, found)
    assert found == pytest.approx(np.linalg.solve(K, rhs), rel=1e-6, abs=1e-9 * np.abs(found).max())


@pytest.mark.parametrize("stretch", [100.0, 10e3])
def test_the_factor_counts_as_old_when_a_turn_leaves_inertia_alone_with_the_pull(stretch):
    """A pull aside by a turn `a` is a^2 E (H / L)^2 / rho of what inertia bears, with L about a cell of five edges."""
    cloth = make_cloth(PlanarPose(0.0, 0.0, 0.0), height=0.3, stretch_warp=stretch, stretch_weft=stretch, shear=1.0)
    factor = make_factor(cloth.x, cloth.active, cloth.grid, H)
    bears = stretch / cloth.material.areal_mass * (PULL_INTERVAL * H / (5.0 * EDGES[0])) ** 2

    def turned(angle):
        c, s = np.cos(angle), np.sin(angle)
        x = cloth.x @ np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        return has_turned(make_factor(x, cloth.active, cloth.grid, H).facing, factor)

    assert not turned(0.0)
    assert not turned(0.1 / np.sqrt(bears))
    assert turned(2.0 / np.sqrt(bears))


def test_two_cloths_that_are_joined_move_as_each_does_alone():
    """The pull of the grid on each, with multipliers that are random; to rounding."""
    cloths = [make_held(EDGES[0]), make_held(EDGES[1], held=False), make_held(EDGES[1])]
    starts = np.cumsum([0, *(len(c.x) for c in cloths[:-1])]).tolist()
    rng = np.random.default_rng(1)
    stretched = [fold_a_little(c) * (1.0, 1.002, 1.0) for c in cloths]
    multipliers = [1e-9 * rng.normal(size=(3, c.active.triangles.shape[0])) for c in cloths]
    alone = []
    for cloth, start, given in zip(cloths, stretched, multipliers, strict=True):
        x = start.copy()
        pull_grid(x, start, cloth.active, given, cloth.grid, make_factor(x, cloth.active, cloth.grid, H), H)
        assert np.abs(x - start).max() > 1e-9, "the pull moves something"
        alone.append(x)
    grid = join_grids([c.grid for c in cloths], starts)
    sweep = join_sweeps([c.active for c in cloths], starts)
    x = np.concatenate(stretched)
    pull_grid(x, x.copy(), sweep, np.concatenate(multipliers, axis=1), grid, make_factor(x, sweep, grid, H), H)
    assert x == pytest.approx(np.concatenate(alone), rel=1e-12, abs=1e-15)


def test_a_grid_that_cannot_be_factored_makes_what_it_moves_not_finite():
    cloth = make_held()
    x = cloth.x.copy()
    x[0] = np.nan
    assert np.isnan(make_factor(x, cloth.active, cloth.grid, H).band).all()


def test_a_coordinate_that_is_not_finite_ends_the_step_with_the_seed_of_the_run():
    for value in (np.nan, np.inf):
        cloth = make_held()
        cloth.seed = 17
        cloth.x[3, 1] = value
        with pytest.raises(RuntimeError, match=r"seed 17.* not finite"):
            cloth.finish_step(cloth.held_now)
    make_held().finish_step(np.empty((0, 3)))
