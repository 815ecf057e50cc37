"""Joint motion through waypoints: how long the arm takes, how long planning takes, and what is held meanwhile.

Run with `python -m benchmarks.motion --json`.
"""

import logging
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import ruckig
import toppra
import toppra.algorithm
import toppra.constraint
from numpy.typing import NDArray

from benchmarks.harness import Line, at_most, compare, main, measure_interleaved
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.joint_path import plan_joint_path
from sewcell.motion.limits import differentiate
from sewcell.motion.trajectory import FINE_STEP
from sewcell.units import DEG

Array = NDArray[np.float64]

WAYPOINTS = (
    np.array(
        [
            [-82.0, -34.2, 106.4, 0.0, 17.7, -262.0],  # at the pick, plate on the table
            [-82.0, -67.5, 112.0, 0.0, 45.5, -262.0],  # 220 mm over it
            [-26.6, -67.2, 107.7, 0.0, 49.5, -161.6],  # half way, 240 mm over the table, plate turned by half
            [5.2, -34.9, 73.5, 0.0, 51.4, -84.8],  # 140 mm over the bed of the machine
            [5.2, -17.3, 66.6, 0.0, 40.7, -84.8],  # on the bed, beside the needle
            [5.2, -42.5, 72.6, 0.0, 59.9, -84.8],  # 220 mm over the bed
            [-26.6, -67.2, 107.7, 0.0, 49.5, -161.6],  # half way back
            [-82.0, -56.8, 112.9, 0.0, 33.9, -262.0],  # 140 mm over the next pick
        ]
    )
    * DEG
)
"""One pick and place of the bench cell: postures of the KR6 R700 with the gripper plate level."""
LIMITS = JointLimits(
    np.array([-170, -190, -120, -185, -120, -350]) * DEG,
    np.array([170, 45, 156, 185, 120, 350]) * DEG,
    np.array([360, 300, 360, 381, 388, 615]) * DEG,
    np.array([1400, 1200, 1800, 2400, 2400, 3600]) * DEG,
    np.array([14000, 12000, 18000, 24000, 24000, 36000]) * DEG,
)
"""configs/arms/kr6_r700.yaml at 100 %."""
CORRIDOR = 0.1
"""Largest distance from the straight joint lines between the waypoints [rad], Euclidean over the six joints."""
NARROW = (0.05, 0.02, 0.005)
SEARCH_STEPS = (0.3, 0.1, 0.03)
"""Steps of the via-velocity search, as shares of the velocity limit."""


def move_by_ruckig(start: Array, goal: Array, velocity_in: Array, velocity_out: Array) -> float:
    """Duration [s] of one state-to-state motion; acceleration is 0 at both ends."""
    problem = ruckig.InputParameter(6)
    problem.current_position, problem.target_position = start, goal
    problem.current_velocity, problem.target_velocity = velocity_in, velocity_out
    problem.max_velocity, problem.max_acceleration, problem.max_jerk = (
        LIMITS.velocity,
        LIMITS.acceleration,
        LIMITS.jerk,
    )
    motion = ruckig.Trajectory(6)
    if ruckig.Ruckig(6).calculate(problem, motion) != ruckig.Result.Working:
        return float("inf")
    return float(motion.duration)


def stop_everywhere() -> float:
    """Ruckig from rest to rest between every two waypoints."""
    rest = np.zeros(6)
    return sum(move_by_ruckig(a, b, rest, rest) for a, b in pairwise(WAYPOINTS))


def search_via_velocities() -> float:
    """Ruckig state to state, the velocity of every joint at every via point improved in turn until nothing gains."""
    velocities = np.zeros_like(WAYPOINTS)
    durations = [move_by_ruckig(a, b, v, w) for a, b, v, w in _legs(velocities)]
    for step in SEARCH_STEPS:
        improved = True
        while improved:
            improved = False
            for via, joint, sign in np.ndindex(len(WAYPOINTS) - 2, 6, 2):
                tried = velocities.copy()
                tried[via + 1, joint] += (2 * sign - 1) * step * LIMITS.velocity[joint]
                if abs(tried[via + 1, joint]) > LIMITS.velocity[joint]:
                    continue
                two = [move_by_ruckig(*leg) for leg in list(_legs(tried))[via : via + 2]]
                if sum(two) < sum(durations[via : via + 2]) - 1e-4:
                    velocities, durations[via : via + 2], improved = tried, two, True
    return sum(durations)


def _legs(velocities: Array) -> Iterator[tuple[Array, Array, Array, Array]]:
    return zip(WAYPOINTS[:-1], WAYPOINTS[1:], velocities[:-1], velocities[1:], strict=True)


def plan_by_toppra(waypoints: Array, places: Array) -> "toppra.interpolator.AbstractGeometricPath":
    """Time-optimal motion on the cubic spline through `waypoints` at the `places`, without a limit of the jerk."""
    constraints = [
        toppra.constraint.JointVelocityConstraint(np.stack([-LIMITS.velocity, LIMITS.velocity], axis=1)),
        toppra.constraint.JointAccelerationConstraint(np.stack([-LIMITS.acceleration, LIMITS.acceleration], axis=1)),
    ]
    path = toppra.SplineInterpolator(places, waypoints)
    solver = toppra.algorithm.TOPPRA(constraints, path, gridpoints=np.linspace(0.0, places[-1], 400))
    return solver.compute_trajectory()


def plan_spline() -> "toppra.interpolator.AbstractGeometricPath":
    """Toppra through the waypoints, spaced by their distance."""
    ways = np.linalg.norm(np.diff(WAYPOINTS, axis=0), axis=1)
    return plan_by_toppra(WAYPOINTS, np.concatenate([[0.0], np.cumsum(ways)]))


def sample(motion: "toppra.interpolator.AbstractGeometricPath") -> Array:
    """Positions (N, 6) [rad] at 1 kHz."""
    return np.asarray(motion(np.append(np.arange(0.0, motion.duration, FINE_STEP), motion.duration)))


def measure_ratios(positions: Array) -> tuple[float, float, float]:
    """Largest share of the velocity, acceleration and jerk limits, from the differences of 1 kHz samples (N, 6)."""
    limits = (LIMITS.velocity, LIMITS.acceleration, LIMITS.jerk)
    v, a, j = (float(np.max(np.abs(d) / limit)) for d, limit in zip(differentiate(positions), limits, strict=True))
    return v, a, j


def measure_straying(positions: Array) -> float:
    """Largest distance [rad] of samples (N, 6) from the straight joint lines."""
    nearest = np.full(len(positions), np.inf)
    for a, b in pairwise(WAYPOINTS):
        part = np.clip((positions - a) @ (b - a) / ((b - a) @ (b - a)), 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(positions - a - part[:, None] * (b - a), axis=1))
    return float(nearest.max())


def build_lines() -> Iterator[Line]:
    """The claims of the motion part."""
    logging.getLogger("toppra").setLevel(logging.ERROR)
    planned = plan_joint_path(WAYPOINTS, LIMITS, FINE_STEP, "pick and place", CORRIDOR)
    stopping, searched, spline = stop_everywhere(), search_via_velocities(), plan_spline()
    on_our_path = plan_by_toppra(planned.positions[::40], planned.times[::40])
    durations = {
        "sewcell": planned.duration,
        "ruckig, stop at every point": stopping,
        "ruckig, via-velocity search": searched,
    }
    bounds = {"toppra, spline, no jerk limit": spline.duration, "toppra, our path, no jerk limit": on_our_path.duration}
    peers = {name: figure for name, figure in durations.items() if name != "sewcell"} | bounds
    yield at_most("pick and place through 8 waypoints [s]", planned.duration, 1.85, peers)
    yield compare("... against stops [s]", durations, 1.7, against=["ruckig, stop at every point"])
    yield compare("... against a via-velocity search [s]", durations, 1.0, against=["ruckig, via-velocity search"])

    callers: dict[str, Callable[[], object]] = {
        "sewcell": lambda: plan_joint_path(WAYPOINTS, LIMITS, FINE_STEP, "pick and place", CORRIDOR),
        "ruckig, stop at every point": stop_everywhere,
        "ruckig, via-velocity search": search_via_velocities,
        "toppra, spline, no jerk limit": plan_spline,
    }
    times = {name: 1e3 * seconds for name, seconds in measure_interleaved(callers).items()}
    yield at_most("planning it, 1 kHz samples included [ms]", times.pop("sewcell"), 5.0, times)

    ours, theirs = measure_ratios(planned.positions), measure_ratios(sample(spline))
    for quantity, own, peer in zip(("velocity", "acceleration", "jerk"), ours, theirs, strict=True):
        yield at_most(f"largest {quantity} over its limit, 1 kHz samples", own, 1.0 + 1e-6, {"toppra": peer})
    strayed = measure_straying(planned.positions)
    spline_strayed = measure_straying(sample(spline))
    yield at_most("distance from the straight joint lines [rad]", strayed, CORRIDOR, {"toppra": spline_strayed})
    for corridor in NARROW:
        narrow = plan_joint_path(WAYPOINTS, LIMITS, FINE_STEP, "pick and place", corridor)
        held = measure_straying(narrow.positions) <= corridor
        name = f"held within {corridor:g} rad, against stops [s]"
        yield at_most(name, narrow.duration if held else float("inf"), stopping, {"ruckig, stop": stopping})


if __name__ == "__main__":
    main(build_lines)
