"""Facts about the sewing bed's mathematics: band solver, gradients, hand-over, stitches."""

import numpy as np
import pytest

from sim.world.balance import TABLE_PRESLIDING, Problem, evaluate
from sim.world.banded import SPARE, factor_band, solve_band
from sim.world.bristles import Links
from sim.world.foot import DOG_FROM, DOG_HALF_LENGTH, DOG_TO, make_footprint
from sim.world.membrane import NONE, TANGENT, smallest_area_ratio
from sim.world.ply_stack import stack_plies
from tests.sim.foot_rig import MACHINE, FootRig, sheet


@pytest.mark.parametrize(("n", "w"), [(1, 1), (7, 3), (50, 12), (203, 40)])
def test_the_band_solver_agrees_with_numpy(n, w):
    rng = np.random.default_rng(n)
    band = np.zeros((n, w + SPARE))
    for j in range(n):
        used = min(w, n - j)
        band[j, :used] = rng.normal(size=used)
    band[:, 0] = 2.0 * w
    A = np.zeros((n, n))
    for j in range(n):
        for k in range(min(w, n - j)):
            A[j + k, j] = A[j, j + k] = band[j, k]
    right = rng.normal(size=n)
    expected = np.linalg.solve(A, right)
    assert factor_band(band)
    solve_band(band, right)
    np.testing.assert_allclose(right, expected, rtol=1e-10)


def test_the_band_solver_refuses_a_matrix_that_is_not_positive():
    assert not factor_band(np.array([[1.0, 2.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]]))


def make_problem(pull):
    """A strained, sheared sheet with a slipping, a sticking and a joining link."""
    sheets = (sheet((-0.02, -0.02), (0.02, 0.02)),)
    stack = stack_plies(sheets)
    rng = np.random.default_rng(1)
    x = sheets[0].x[:, :2] @ np.array([[1.0 + pull, 0.03], [0.0, 1.0 + pull]]) + rng.normal(
        0.0, 20e-6, (stack.dof.size, 2)
    )
    z = rng.normal(0.0, 50e-6, len(x))
    links = Links(
        np.array([[3, -1], [10, -1], [20, 5]]),
        np.array([[[0.2, 0.3, 0.5]] * 2] * 3),
        np.array([x[stack.membrane.triangles[3, 0]], x[stack.membrane.triangles[10, 0]], [1e-3, 0.0]]),
        np.array([0.5, 1e9, 2.0]),
        np.array([4e4, 5e3, 1e4]),
    )
    problem = Problem(
        stack.membrane, links, stack.dof, stack.mass * 240.0**2, x + 1e-5, x - 3e-5, np.full(len(x), 1e-5)
    )
    return x, z, problem, np.zeros((2 * len(x), stack.width))


def test_the_gradient_of_the_potential_is_its_derivative():
    x, z, problem, band = make_problem(0.01)
    gradient, spare = np.empty_like(x), np.empty_like(x)
    evaluate(x, z, problem, NONE, gradient, band)
    for i, c in [(0, 0), (5, 1), (20, 0), (33, 1)]:
        values = []
        for step in (1e-8, -1e-8):
            moved = x.copy()
            moved[i, c] += step
            values.append(evaluate(moved, z, problem, NONE, spare, band))
        assert (values[0] - values[1]) / 2e-8 == pytest.approx(gradient[i, c], rel=1e-4, abs=1e-6)


def test_the_hessian_of_stretched_cloth_is_the_derivative_of_the_gradient():
    x, z, problem, band = make_problem(0.05)
    gradient = np.empty_like(x)
    evaluate(x, z, problem, TANGENT, gradient, band)
    number = problem.dof
    for i in (0, 20, 33):
        plus, minus = np.empty_like(x), np.empty_like(x)
        for step, out in ((1e-9, plus), (-1e-9, minus)):
            moved = x.copy()
            moved[i, 0] += step
            evaluate(moved, z, problem, NONE, out, np.empty_like(band))
        row = (plus - minus) / 2e-9
        diagonal = band[2 * number[i], 0]
        assert row[i, 0] == pytest.approx(diagonal, rel=2e-3)
        assert row[i, 1] == pytest.approx(band[2 * number[i], 1], abs=2e-3 * diagonal)
    assert TABLE_PRESLIDING > 0.0


def lattice_forces(cloth):
    """Forces (V, 2) of the membrane in space, from its energy by differences, on the vertices near the origin."""
    e = cloth.elements

    def energy(x):
        p = x[e.triangles]
        u, v = np.einsum("tc,tcd->td", e.a, p), np.einsum("tc,tcd->td", e.b, p)
        eu, ev = 0.5 * (np.sum(u * u, 1) - 1.0), 0.5 * (np.sum(v * v, 1) - 1.0)
        return 0.5 * np.sum(eu**2 / e.warp + ev**2 / e.weft + np.sum(u * v, 1) ** 2 / e.shear)

    forces = []
    for i in cloth.held:
        row = []
        for c in range(2):
            moved = [cloth.x.copy(), cloth.x.copy()]
            moved[0][i, c] += 1e-8
            moved[1][i, c] -= 1e-8
            row.append((energy(moved[0]) - energy(moved[1])) / 2e-8)
        forces.append(row)
    return np.array(forces)


def test_cloth_keeps_its_place_and_its_forces_when_one_model_hands_it_to_the_other():
    cloth = sheet((-0.05, -0.0125), (0.05, 0.0125), friction_table=0.0)
    x = cloth.x[:, 0]
    ends = np.flatnonzero((x < -0.046) | (x > 0.046))
    cloth.hold(ends)
    cloth.x[:, 0] *= 1.01  # stretched by one percent along the feed, while XPBD has it
    cloth.resume(None)
    before, forces = cloth.x.copy(), lattice_forces(cloth)
    rig = FootRig(cloth)
    rig.targets[cloth] = cloth.x[cloth.held].copy()
    rig.step(foot=0.9 + 1e-6)
    assert cloth in rig.bed.cloths
    assert np.abs(cloth.x - before).max() < 0.3e-3
    taken = rig.bed.forces().held[cloth.held]
    pull = np.abs(forces[:, 0]).sum()
    assert np.abs(taken - forces)[:, 0].sum() < 0.05 * pull
    rig.step(foot=1.0)
    rig.wait(20)
    last, taken = cloth.x.copy(), rig.bed.forces().held[cloth.held]
    rig.step(foot=0.9 - 1e-6)
    assert rig.bed.cloths == ()
    np.testing.assert_array_equal(cloth.x, last)
    assert np.abs(taken - lattice_forces(cloth)).sum() < 0.03 * np.abs(taken).sum()


def two_plies():
    low, high = (-0.06, -0.03), (0.02, 0.03)
    lower = sheet(low, high)
    upper = sheet(low, high, height=1.5 * lower.material.thickness)
    return lower, upper


def test_the_points_over_teeth_hold_the_cloth_against_turning_as_the_two_rows_of_teeth_would():
    footprint = make_footprint(MACHINE)
    cell = MACHINE.foot_length * MACHINE.foot_width / len(footprint.points)
    rows = 4.0 * DOG_HALF_LENGTH * (DOG_TO - DOG_FROM)
    assert footprint.teeth.sum() * cell == pytest.approx(rows, rel=1e-9)
    square = (footprint.points**2).sum(axis=1) @ footprint.teeth / footprint.teeth.sum()
    exact = DOG_HALF_LENGTH**2 / 3.0 + (DOG_TO**3 - DOG_FROM**3) / (DOG_TO - DOG_FROM) / 3.0
    assert square == pytest.approx(exact, rel=0.05)


def test_the_needle_finds_every_ply_and_logs_it_in_its_own_coordinates():
    lower, upper = two_plies()
    rig = FootRig(upper, lower)
    rig.lower()
    rig.sew(4)
    assert rig.bed.cloths == (lower, upper)
    for cloth in (lower, upper):
        points = rig.points(cloth)
        assert len(points) == 4
        assert points[0] == pytest.approx([0.06, 0.03], abs=0.05e-3)
        assert np.diff(points[:, 0]) == pytest.approx(-2.5e-3, rel=0.1)


@pytest.mark.parametrize("thread", [True, False])
def test_a_lockstitch_holds_the_plies_that_it_joins_unless_there_was_no_thread(thread):
    lower, upper = two_plies()
    rig = FootRig(lower, upper, foot_force=0.3)
    rig.thread = thread
    rig.lower()
    rig.sew(5)
    assert len(rig.bed.stitches) == (5 if thread else 0)
    for ply in (lower, upper):
        ply.hold(np.flatnonzero(ply.x[:, 0] < -0.035))
    start = upper.x[upper.held].copy()
    for n in range(60):
        rig.targets[upper] = start - np.array([n / 60.0 * 8e-3, 0.0, 0.0])
        rig.step()
    near = np.argmin(np.linalg.norm(upper.pattern - [0.055, 0.03], axis=1))
    slipped = np.linalg.norm(upper.x[near, :2] - lower.x[near, :2])
    assert (slipped < 0.1e-3) if thread else (slipped > 1e-3)


@pytest.mark.parametrize("part", [1.0, 0.3], ids=["all of it", "its end"])
def test_cloth_that_is_turned_over_in_one_step_stops_the_world_with_the_seed_of_the_cloth(part):
    cloth = sheet((-0.04, -0.02), (0.02, 0.02), seed=7)
    rig = FootRig(cloth)
    rig.lower()
    cloth.hold(np.flatnonzero(cloth.x[:, 0] <= -0.04 + part * 0.06))
    rig.targets[cloth] = cloth.x[cloth.held] * [1.0, -1.0, 1.0]
    with pytest.raises(RuntimeError, match=r"seed 7.*turn over"):
        rig.step()


def test_the_least_ratio_of_areas_is_that_of_the_flat_triangle_that_is_squeezed_most_whoever_moves_it():
    cloth = sheet((-0.02, -0.02), (0.02, 0.02))
    x = cloth.x[:, :2].copy()
    cloth.hold(np.arange(len(x)))
    membrane = stack_plies((cloth,)).membrane
    assert smallest_area_ratio(x, membrane) == pytest.approx(1.0, abs=1e-9)
    assert smallest_area_ratio(x * [0.7, 0.5], membrane) == pytest.approx(0.35, abs=1e-9)
    assert smallest_area_ratio(x * [1.0, -1.0], membrane) == pytest.approx(-1.0, abs=1e-9)
    assert smallest_area_ratio(x, membrane._replace(flat=np.zeros_like(membrane.flat))) == np.inf
    x[3] = np.nan
    assert not smallest_area_ratio(x, membrane) > 0.0
