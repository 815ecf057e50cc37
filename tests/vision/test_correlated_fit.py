"""The fit against what least squares must give when errors go together along a side."""

import numpy as np
import pytest

from sewcell.vision.correlated_fit import KNIFE_REACH, KNIFE_SIGMA, solve_edges
from sewcell.vision.outline import make_edge_model

FRAY = 50e-6


def make_rectangle():
    """Edge points of a rectangle of 120 x 200 mm, rows for x, y and angle, and the covariance of errors (N, N)."""
    model = make_edge_model(np.array([[0.0, 0.0], [0.12, 0.0], [0.12, 0.2], [0.0, 0.2]]), 2e-3)
    arm = model.points - model.points.mean(axis=0)
    n = model.normals
    rows = np.column_stack((n, arm[:, 0] * n[:, 1] - arm[:, 1] * n[:, 0]))
    distance = np.abs(model.along[:, None] - model.along[None])
    same = model.side[:, None] == model.side[None]
    knife = np.where(same, KNIFE_SIGMA**2 * np.exp(-distance / KNIFE_REACH), 0.0)
    return model, rows, knife + FRAY**2 * np.eye(len(rows))


def draw_errors(covariance, count):
    return np.linalg.cholesky(covariance) @ np.random.default_rng(4).standard_normal((len(covariance), count))


def solve(model, rows, offset, weight=None):
    return solve_edges(rows, offset, np.ones(len(rows)) if weight is None else weight, model.along, model.side)


def test_a_rectangle_has_four_sides():
    model, _, _ = make_rectangle()
    assert len(set(model.side)) == 4


def test_the_fit_is_as_sharp_as_generalised_least_squares_and_sharper_than_the_plain_one():
    model, rows, covariance = make_rectangle()
    errors = draw_errors(covariance, 300)
    found = [solve(model, rows, e) for e in errors.T]
    angles, plain = (np.std([getattr(s, name)[2] for s in found]) for name in ("step", "plain"))
    # Aitken 1935: no unbiased linear estimate has a smaller variance than (A' V^-1 A)^-1.
    least = np.sqrt(np.linalg.inv(rows.T @ np.linalg.solve(covariance, rows))[2, 2])
    assert angles == pytest.approx(least, rel=0.12)
    assert angles < 0.97 * plain


def test_the_standard_deviation_given_is_the_one_seen():
    model, rows, covariance = make_rectangle()
    found = [solve(model, rows, e) for e in draw_errors(covariance, 300).T]
    seen = np.std([s.step for s in found], axis=0)
    given = np.mean([np.sqrt(np.diag(s.covariance)) for s in found], axis=0)
    np.testing.assert_allclose(given, seen, rtol=0.2)


def test_a_corner_that_is_folded_away_does_not_move_the_rest():
    model, rows, _ = make_rectangle()
    truth = np.array([0.3e-3, -0.2e-3, 1e-3])
    offset = rows @ truth
    offset[:15] -= 2e-3
    np.testing.assert_allclose(solve(model, rows, offset).step, truth, atol=2e-5)


def test_edges_without_weight_do_not_count():
    model, rows, _ = make_rectangle()
    truth = np.array([0.1e-3, 0.2e-3, -1e-3])
    offset, weight = rows @ truth, np.ones(len(rows))
    offset[::3], weight[::3] = 5e-3, 0.0
    np.testing.assert_allclose(solve(model, rows, offset, weight).step, truth, atol=1e-8)


def test_the_angle_of_a_disc_that_no_edge_tells_stays():
    turns = np.linspace(0.0, 2.0 * np.pi, 200, endpoint=False)
    n = np.column_stack((np.cos(turns), np.sin(turns)))
    rows = np.column_stack((n, np.zeros(200)))
    step = solve_edges(rows, rows @ [1e-3, 0.0, 0.0], np.ones(200), 1e-3 * np.arange(200), np.zeros(200, int)).step
    np.testing.assert_allclose(step, [1e-3, 0.0, 0.0], atol=1e-6)


def test_without_any_edge_nothing_moves():
    model, rows, _ = make_rectangle()
    solution = solve(model, rows, np.full(len(rows), 1e-3), np.zeros(len(rows)))
    np.testing.assert_array_equal(solution.step, 0.0)
    assert np.diag(solution.covariance).min() > 1.0
