"""The check of a motion: what keeps its limits passes with true figures, what does not is refused by name."""

import itertools

import numpy as np
import pytest

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.kinematics.arm_model import JointLimits
from sewcell.kinematics.collision import Box, Capsule, CollisionModel
from sewcell.motion.cartesian_path import plan_line
from sewcell.motion.check import certify
from sewcell.motion.joint_path import plan_joint_move
from sewcell.motion.profile import ScalarLimits
from sewcell.motion.trajectory import FINE_STEP, Trajectory
from sewcell.units import DEG, MM

PERIOD = 0.02
LINE = ScalarLimits(0.2, 1.5, 15.0)
ROD = Capsule("rod", 6, np.array([0.0, 0.0, 0.02]), np.array([0.0, 0.0, 0.10]), 0.01)
TABLE = Box("table", make_pose((0.3, 0.0, -0.02)), np.array([0.6, 0.7, 0.02]))


@pytest.fixture(scope="module")
def collision(arm):
    return CollisionModel(arm.model, [ROD], [TABLE])


def test_a_joint_move_at_its_limits_is_certified_with_ratios_of_one(arm, home, limits, collision):
    move = certify(
        plan_joint_move(home, home + np.array([-2.0, 0, 0, 0, 0, 0.2]), limits, PERIOD, "turn"),
        arm.model,
        limits,
        collision,
        0.004,
        PERIOD,
    )
    certificate = move.certificate
    assert certificate is not None
    assert certificate.velocity_ratio[0] == pytest.approx(1.0, abs=1e-6)
    assert certificate.acceleration_ratio[0] == pytest.approx(1.0, abs=1e-6)
    assert certificate.jerk_ratio[0] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_array_equal(certificate.velocity_ratio[1:5], 0.0)
    # Joint 5 stays at 90 deg; the elbow is straight where joint 3 is at -atan(a2 / c3).
    assert certificate.singularity is not None
    assert certificate.singularity.wrist == pytest.approx(90 * DEG)
    assert certificate.singularity.elbow == pytest.approx(70 * DEG + np.arctan2(35, 365))


def test_the_clearance_is_that_of_the_lowest_point(arm, limits, at_needle, collision):
    T_goal = arm.forward(at_needle) @ make_pose((0.0, 0.0, 0.03))  # 30 mm down: flange at 135 mm
    down = certify(
        plan_line(arm, at_needle, T_goal, LINE, limits, PERIOD, "down"), arm.model, limits, collision, 0.004, PERIOD
    )
    assert down.certificate is not None
    # The rod ends 100 mm below the flange and has a round end of 10 mm.
    assert down.certificate.clearance == pytest.approx(135 * MM - 110 * MM, abs=1e-7)
    assert down.certificate.nearest_pair == ("rod", "table")
    assert down.certificate.nearest_time == pytest.approx(down.times[-1], abs=PERIOD)


def test_a_motion_into_the_table_is_refused_unless_the_bodies_may_touch(arm, limits, at_needle, collision):
    T_goal = arm.forward(at_needle) @ make_pose((0.0, 0.0, 0.053))
    down = plan_line(arm, at_needle, T_goal, LINE, limits, PERIOD, "down")
    with pytest.raises(MotionError, match=r"'down' brings rod within \d\.\d mm of table at \d\.\d\d s"):
        certify(down, arm.model, limits, collision, 0.004, PERIOD)
    pressed = certify(down, arm.model, limits, collision, 0.004, PERIOD, touching=[("table", "rod")])
    assert pressed.certificate is not None
    deep = plan_line(arm, at_needle, T_goal @ make_pose((0, 0, 0.01)), LINE, limits, PERIOD, "deep")
    with pytest.raises(MotionError, match=r"8\.0 mm deep into table"):
        certify(deep, arm.model, limits, collision, 0.004, PERIOD, touching=[("rod", "table")])


def steps(values: np.ndarray, joint: int) -> Trajectory:
    positions = np.zeros((len(values), 6))
    positions[:, joint] = values
    return Trajectory(np.arange(len(values)) * FINE_STEP, positions, "test")


@pytest.mark.parametrize(
    ("values", "quantity"),
    [
        (np.linspace(0.0, 1.0, 101), "velocity"),  # 10 rad/s
        (0.5 * 30 * (np.arange(101) * FINE_STEP) ** 2, "acceleration"),  # 30 rad/s2, then a sudden stop
        (np.r_[0.0, np.full(99, 2e-6)], "jerk"),
    ],
)
def test_a_broken_limit_is_named_with_joint_and_time(arm, values, quantity, collision):
    limits = JointLimits(np.full(6, -9.0), np.full(6, 9.0), np.full(6, 5.0), np.full(6, 20.0), np.full(6, 200.0))
    with pytest.raises(MotionError, match=rf"joint 3 to .* times its {quantity} limit at \d\.\d\d s"):
        certify(steps(values, 2), arm.model, limits, collision, 0.0, FINE_STEP)


def test_a_motion_that_does_not_end_at_rest_is_refused(arm, collision):
    limits = JointLimits(np.full(6, -9.0), np.full(6, 9.0), np.full(6, 5.0), np.full(6, 20.0), np.full(6, 200.0))
    with pytest.raises(MotionError, match="acceleration"):
        certify(steps(np.linspace(0.0, 0.1, 101), 0), arm.model, limits, collision, 0.0, FINE_STEP)


def test_a_joint_beyond_its_range_is_named_with_its_limits(arm, home, limits, collision):
    goal = home + np.array([0, 0, 50 * DEG, 0, 0, 0])
    with pytest.raises(MotionError, match=r"joint 3 to 160\.0 deg .* its limits are -120 to 156 deg"):
        certify(plan_joint_move(home, goal, limits, PERIOD, "fold"), arm.model, limits, collision, 0.0, PERIOD)


def test_the_clearance_is_that_of_the_straight_joint_moves_between_the_set_points(arm, limits, at_needle, collision):
    # A line 3 mm over the table: straight joint moves between far set points leave it.
    T_start = arm.forward(at_needle) @ make_pose((0.0, -0.1, 0.052))
    q_start = arm.solve(T_start, at_needle).q
    along = plan_line(arm, q_start, T_start @ make_pose((0.0, 0.2, 0.0)), LINE, limits, 0.1, "along")

    def measure(period: float) -> float:
        certificate = certify(along, arm.model, limits, collision, 0.0, period).certificate
        assert certificate is not None
        return certificate.clearance

    _, postures = along.set_points(0.1)
    between = np.concatenate([np.linspace(a, b, 20) for a, b in itertools.pairwise(postures)])
    lowest = (arm.forward(between) @ [0.0, 0.0, 0.11, 1.0])[:, 2].min()
    assert measure(FINE_STEP) == pytest.approx(3 * MM, abs=1e-6)
    assert measure(0.1) == pytest.approx(lowest, abs=2e-6)
    assert abs(lowest - 3 * MM) > 2e-5
