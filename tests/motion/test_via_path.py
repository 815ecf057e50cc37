"""Joint paths through waypoints: no stop, no limit broken, every waypoint met, never out of the corridor."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import check_grad

from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.joint_path import plan_joint_move, plan_joint_path
from sewcell.motion.limits import find_stretch
from sewcell.motion.trajectory import FINE_STEP
from sewcell.motion.via_path import LegLimits, find_via_path, time_at_rest
from sewcell.motion.via_search import Problem, evaluate, make_work

PERIOD = 0.02
SPEEDS = np.array([6.0, 5, 6, 6.5, 6.7, 10])
LIMITS = JointLimits(np.full(6, -9.0), np.full(6, 9.0), SPEEDS, 4 * SPEEDS, 40 * SPEEDS)


def random_waypoints(seed, count):
    return np.cumsum(np.random.default_rng(seed).uniform(-0.8, 0.8, (count, 6)), axis=0)


def same_limits(legs):
    return LegLimits(*(np.tile(x, (legs, 1)) for x in (LIMITS.velocity, LIMITS.acceleration, LIMITS.jerk)))


def distance_from_polyline(positions, waypoints):
    nearest = np.full(len(positions), np.inf)
    for a, b in itertools.pairwise(waypoints):
        part = np.clip((positions - a) @ (b - a) / ((b - a) @ (b - a)), 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(positions - a - part[:, None] * (b - a), axis=1))
    return nearest


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 9), st.sampled_from([0.3, 0.1, 0.03, 0.003]))
def test_limits_corridor_and_waypoints_are_kept_and_no_path_is_slower_than_stopping(seed, count, corridor):
    waypoints = random_waypoints(seed, count)
    path = plan_joint_path(waypoints, LIMITS, PERIOD, "path", corridor)
    assert find_stretch(path.positions, LIMITS) <= 1.0 + 1e-6
    assert distance_from_polyline(path.positions, waypoints).max() <= corridor
    step = np.abs(np.diff(path.positions, axis=0)).max()
    for waypoint in waypoints:
        assert np.abs(path.positions - waypoint).max(axis=1).min() <= step
    np.testing.assert_allclose(path.start, waypoints[0], atol=1e-12)
    np.testing.assert_array_equal(path.goal, waypoints[-1])
    stopping = sum(plan_joint_move(a, b, LIMITS, FINE_STEP, "move").duration for a, b in itertools.pairwise(waypoints))
    assert path.duration <= stopping + count * PERIOD  # each stop lasts to the next multiple of the period


def test_a_via_point_on_the_straight_line_costs_hardly_any_time():
    goal = np.array([1.5, -1.0, 0.8, 0.3, -0.5, 2.0])
    direct = plan_joint_move(np.zeros(6), goal, LIMITS, FINE_STEP, "direct").duration
    path = plan_joint_path(np.stack([0.0 * goal, 0.4 * goal, goal]), LIMITS, FINE_STEP, "via", 0.01)
    assert path.duration <= 1.1 * direct


def test_a_gentle_path_takes_less_than_two_thirds_of_the_time_with_stops():
    angle = np.linspace(0.0, np.pi, 7)[:, None]
    waypoints = np.hstack([np.cos(angle), np.sin(angle), 0.5 * np.cos(angle), angle / 3, -angle / 3, angle / 2])
    path = plan_joint_path(waypoints, LIMITS, PERIOD, "arc", 0.1)
    assert path.duration <= 0.6 * time_at_rest(np.abs(np.diff(waypoints, axis=0)), same_limits(6)).sum()
    speed = np.linalg.norm(np.diff(path.positions, axis=0), axis=1) / FINE_STEP
    assert speed[150:-150].min() > 0.5


def test_a_leg_with_a_share_of_the_limits_keeps_it_while_the_others_do_not():
    waypoints = np.outer([0.0, 1.0, 1.5, 2.5], np.ones(6))
    shares = np.array([[1, 1, 1], [0.2, 0.5, 0.5], [1, 1, 1]])
    path = plan_joint_path(waypoints, LIMITS, PERIOD, "path", 0.05, shares)
    speed = np.diff(path.positions[:, 1]) / FINE_STEP
    inside = (path.positions[:-1, 1] > 1.0) & (path.positions[1:, 1] < 1.5)
    assert speed[inside].max() <= 0.2 * 5.0 * (1 + 1e-6)
    assert speed.max() > 1.5


def test_pieces_join_with_equal_position_velocity_and_acceleration():
    waypoints = random_waypoints(3, 6)
    path = find_via_path(waypoints, same_limits(5), np.full(5, 0.1))
    durations, states = path.pieces()
    t = durations[:, None]
    p, v, a, j = np.moveaxis(states, 1, 0)
    ends = (p + t * (v + t * (a / 2 + t * j / 6)), v + t * (a + t * j / 2), a + t * j)
    for end, start, last in zip(ends, (p, v, a), (waypoints[-1], 0.0, 0.0), strict=True):
        np.testing.assert_allclose(end[:-1], start[1:], atol=1e-8)
        np.testing.assert_allclose(end[-1], last, atol=1e-8)
    # A cubic is given by values and slopes at its ends: scipy's spline is the same path.
    times = np.concatenate([[0.0], np.cumsum(durations)])
    spline = CubicHermiteSpline(times, np.vstack([p, ends[0][-1:]]), np.vstack([v, ends[1][-1:]]))
    at = np.linspace(0.0, path.duration, 500)
    np.testing.assert_allclose(path.positions_at(at), spline(at), atol=1e-9)
    assert path.find_stretch(same_limits(5)) == pytest.approx(1.0, abs=1e-12)


def test_the_gradient_of_the_cost_is_that_of_finite_differences():
    rng = np.random.default_rng(0)
    waypoints = random_waypoints(5, 3)
    change = np.diff(waypoints, axis=0)
    lengths = np.linalg.norm(change, axis=1)
    places = np.vstack([waypoints[0], waypoints[:2].mean(axis=0), waypoints[1], waypoints[2]])
    legs = np.array([0, 0, 1])
    middles = ((waypoints[:-1] + waypoints[1:]) / 2)[legs]
    problem = Problem(
        change / lengths[:, None],
        lengths,
        np.array([0.02, 0.05]),
        legs,
        np.array([-1, 0, -1, -1]),
        np.stack([(places[:-1] - middles).ravel(), (places[1:] - middles).ravel()]),
        np.stack([np.tile(1.0 / x, 3) for x in (LIMITS.velocity, LIMITS.acceleration, LIMITS.jerk)]),
    )
    z = np.concatenate([np.full(3, np.log(0.1)), rng.normal(0.0, 1.0, 24), rng.normal(0.0, 0.05, 6)])
    work = make_work(3)

    def cost(variables):
        return evaluate(variables, problem, 0, 0.5, np.empty(len(z)), work)

    def gradient(variables):
        slope = np.empty(len(z))
        evaluate(variables, problem, 0, 0.5, slope, work)
        return slope

    assert check_grad(cost, gradient, z) <= 1e-5 * np.linalg.norm(gradient(z))
