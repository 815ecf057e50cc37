"""Inverse kinematics: every branch, singular sets, limits, reasons, refusals."""

import numpy as np
import pytest
import roboticstoolbox as rtb
from hypothesis import given, settings
from hypothesis import strategies as st

from sewcell.geometry.poses import make_pose, rotation_z
from sewcell.kinematics.arm import Arm, IkStatus
from sewcell.units import DEG

angles = st.floats(-np.pi, np.pi)
near_zero = st.sampled_from([0.0, 1e-16, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, -1e-7, -1e-11])


def joint_distance(Q, q):
    return np.abs((Q - q + np.pi) % (2.0 * np.pi) - np.pi).max(axis=-1)


def assert_reached(arm, T):
    Q, valid = arm.solve_batch(T)
    assert valid.any(axis=1).all()
    error = np.abs(arm.forward(Q) - T[:, None]).max(axis=(2, 3))
    assert error[valid].max() <= 1e-9
    return Q, valid


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kr6", "shifted"])
def test_the_original_posture_is_among_the_answers_of_100000_random_poses(name, request):
    arm = Arm(request.getfixturevalue(name))
    rng = np.random.default_rng(4)
    worst = 0.0
    for _ in range(5):
        q = rng.uniform(-np.pi, np.pi, (20_000, 6))
        Q, valid = assert_reached(arm, arm.forward(q))
        worst = max(worst, np.where(valid, joint_distance(Q, q[:, None]), np.inf).min(axis=1).max())
    assert worst < 1e-7  # the angle, near a singularity; the flange is within 1e-9 everywhere


def test_answers_away_from_singular_sets_are_the_original_within_1e_9_and_all_different(arm):
    q = np.random.default_rng(5).uniform([-3, -2, 0.5, -3, 0.3, -3], [3, -0.5, 2.5, 3, 2.5, 3], (2000, 6))
    Q, valid = arm.solve_batch(arm.forward(q))
    assert np.where(valid, joint_distance(Q, q[:, None]), np.inf).min(axis=1).max() < 1e-9
    for answers, good in zip(Q[:200], valid[:200], strict=True):
        answers = answers[good]
        apart = joint_distance(answers[:, None], answers[None]) + np.eye(len(answers))
        assert apart.min() > 1e-3


def test_what_roboticstoolbox_finds_numerically_is_among_the_branches(arm):
    half = np.pi / 2.0
    ets = (
        rtb.ET.tz(0.4) * rtb.ET.Rz(flip=True) * rtb.ET.tx(0.025) * rtb.ET.Ry(half) * rtb.ET.Ry()
        * rtb.ET.tz(0.315) * rtb.ET.Ry() * rtb.ET.tx(-0.035) * rtb.ET.tz(0.365)
        * rtb.ET.Rz(flip=True) * rtb.ET.Ry() * rtb.ET.Rz(flip=True) * rtb.ET.tz(0.08)
    )  # fmt: skip
    for q in np.random.default_rng(6).uniform(-1.5, 1.5, (40, 6)):
        T = arm.forward(q)
        found = ets.ik_LM(T, q0=q + 0.3, tol=1e-14, joint_limits=False)
        assert found.success
        assert joint_distance(arm.solve_all(T), found.q).min() < 1e-5


@settings(max_examples=200, deadline=None)
@given(q=st.tuples(*[angles] * 6), wrist=near_zero, fold=st.sampled_from([0.0, np.pi]))
@pytest.mark.parametrize("name", ["kr6", "shifted"])
def test_a_straight_wrist_is_reached(name, q, wrist, fold, request):
    arm = Arm(request.getfixturevalue(name))
    posture = np.array(q)
    posture[4] = arm.model.geometry.signs[4] * (fold + wrist + arm.model.geometry.offsets[4])
    assert_reached(arm, arm.forward(posture)[None])


@settings(max_examples=200, deadline=None)
@given(q=st.tuples(*[angles] * 6), elbow=near_zero, fold=st.sampled_from([0.0, np.pi]))
@pytest.mark.parametrize("name", ["kr6", "shifted"])
def test_a_stretched_or_folded_elbow_is_reached(name, q, elbow, fold, request):
    arm = Arm(request.getfixturevalue(name))
    opw = arm.model.geometry
    posture = np.array(q)
    gamma = fold + elbow - np.arctan2(opw.a2, opw.c3)
    posture[2] = opw.signs[2] * (gamma + opw.offsets[2])
    assert_reached(arm, arm.forward(posture)[None])


@settings(max_examples=200, deadline=None)
@given(aside=st.tuples(near_zero, near_zero), height=st.floats(0.5, 0.9), rpy=st.tuples(*[angles] * 3))
def test_a_wrist_over_axis_1_is_reached_at_the_angle_that_joint_1_has(aside, height, rpy, arm):
    T = make_pose((0.0, 0.0, 0.0), rpy)
    T[:3, 3] = np.array([*aside, height]) + 0.08 * T[:3, 2]
    assert_reached(arm, T[None])
    near = np.array([0.7, -1.5, 1.6, 0.1, 0.2, 0.3])
    result = arm.solve(T, near)
    if result.q is not None and np.hypot(*aside) < 1e-11:
        assert result.status is IkStatus.SINGULAR
        assert result.q[0] == pytest.approx(0.7)


def test_in_a_straight_wrist_joint_4_stays_where_it_was(arm):
    near = np.array([10, -60, 90, 37, 0, 20]) * DEG
    result = arm.solve(arm.forward(near), near)
    assert result.status is IkStatus.SINGULAR
    assert "joints 4 and 6 turn about the same axis" in result.reason
    np.testing.assert_allclose(result.q, near, atol=1e-9)


def test_solve_takes_the_answer_inside_the_limits_that_is_soonest_there(arm, kr6):
    rng = np.random.default_rng(7)
    limits = kr6.limits
    turns = 2.0 * np.pi * np.stack(np.meshgrid(*[[-1, 0, 1]] * 6, indexing="ij"), axis=-1).reshape(-1, 6)
    for _ in range(40):
        q, near = rng.uniform(limits.lower, limits.upper, (2, 6))
        T = arm.forward(q)
        every = (arm.solve_all(T)[:, None] + turns).reshape(-1, 6)
        inside = every[((every >= limits.lower) & (every <= limits.upper)).all(axis=1)]
        soonest = (np.abs(inside - near) / limits.velocity).max(axis=1).min()
        result = arm.solve(T, near)
        assert (np.abs(result.q - near) / limits.velocity).max() == pytest.approx(soonest, abs=1e-9)
        np.testing.assert_allclose(arm.forward(result.q), T, atol=1e-9)


def test_joint_6_goes_on_past_a_half_turn_rather_than_back(arm):
    near = np.array([0, -60, 90, 0, 40, 300]) * DEG
    np.testing.assert_allclose(arm.solve(arm.forward(near), near).q, near, atol=1e-9)


def test_a_pose_too_far_away_says_by_how_much(arm):
    reach = 0.025 + 0.315 + np.hypot(0.035, 0.365) + 0.08
    T = make_pose((reach + 0.132, 0.0, 0.4), (0.0, np.pi / 2.0, 0.0))
    result = arm.solve(T, np.zeros(6))
    assert (result.status, result.q) == (IkStatus.UNREACHABLE, None)
    assert result.reason == "unreachable: 132 mm beyond the arm's reach"
    assert len(arm.solve_all(T)) == 0


def test_a_pose_too_close_says_by_how_much(arm):
    folded = np.hypot(0.035, 0.365) - 0.315
    wrist_over_axis_1 = make_pose((0.0, 0.0, 0.4 + 0.08))
    missing_mm = (folded - 0.025) * 1e3
    reason = arm.solve(wrist_over_axis_1, np.zeros(6)).reason
    assert reason == f"unreachable: {missing_mm:.3g} mm too close to the arm"


def test_a_posture_beyond_a_limit_says_which_joint_and_by_how_much(arm):
    q = np.array([0, -60, 60, 0, 131.2, 0]) * DEG
    result = arm.solve(arm.forward(q), q)
    assert result.status is IkStatus.JOINT_LIMIT
    assert result.reason == "joint 5 would need 131.2 deg, its limit is 120 deg"
    assert result.q is None


def scaled(T):
    T[:3, :3] *= 1.05


def mirrored(T):
    T[:3, 0] *= -1.0


def without_number(T):
    T[1, 2] = np.nan


def with_other_last_row(T):
    T[3, 0] = 1.0


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (scaled, "no rotation"),
        (mirrored, "reflection"),
        (without_number, "NaN"),
        (with_other_last_row, "last row"),
    ],
)
def test_a_matrix_that_is_no_pose_is_refused(arm, spoil, text):
    T = arm.forward(np.full(6, 0.3))
    spoil(T)
    for ask in (
        arm.solve_all,
        lambda pose: arm.solve(pose, np.zeros(6)),
        lambda pose: arm.solve_batch(pose[None]),
        lambda pose: arm.track(pose[None], np.zeros(6)),
    ):
        with pytest.raises(ValueError, match=text):
            ask(T)


def test_wrong_shapes_and_numbers_are_refused(arm):
    with pytest.raises(ValueError, match=r"shape \(4, 4\)"):
        arm.solve_all(np.eye(3))
    with pytest.raises(ValueError, match=r"shape \(N, 4, 4\)"):
        arm.solve_batch(np.eye(4))
    with pytest.raises(ValueError, match=r"shape \(6,\)"):
        arm.solve(np.eye(4), np.zeros(5))
    with pytest.raises(ValueError, match="NaN"):
        arm.forward([0, 0, np.nan, 0, 0, 0])


def test_a_rotation_with_the_rounding_of_a_text_file_is_accepted(arm):
    q = np.array([0.3, -1.0, 1.2, 0.4, 0.8, -0.2])
    T = arm.forward(q)
    T[:3, :3] = np.round(T[:3, :3] @ rotation_z(0.0), 7)
    np.testing.assert_allclose(arm.solve(T, q).q, q, atol=1e-5)
