"""Arms of every family: where independent models put them, exact on their singular sets, refused with reasons."""

import threading
from pathlib import Path

import numpy as np
import pytest
import roboticstoolbox as rtb
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from sewcell import load_arm
from sewcell.errors import ConfigError, MotionError
from sewcell.geometry.poses import make_pose
from sewcell.kinematics.arm import Arm, IkStatus
from sewcell.kinematics.arm_model import ArmModel, ChainParameters, JointLimits, OpwParameters, ParallelParameters
from sewcell.kinematics.links import links_of
from sewcell.units import DEG

CLOSED = ("kr6_r700", "irb2400", "puma560", "ur5e")
HALF = np.pi / 2.0
FREE = JointLimits(np.full(6, -7.0), np.full(6, 7.0), np.ones(6), np.ones(6), np.ones(6))
angles = st.floats(-np.pi, np.pi)
beside = st.sampled_from([0.0, 1e-16, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, -1e-7, -1e-11])


def joint_distance(Q, q):
    return np.abs((Q - q + np.pi) % (2.0 * np.pi) - np.pi).max(axis=-1)


def assert_reached(arm, T):
    Q, valid = arm.solve_batch(T)
    assert valid.any(axis=1).all()
    assert np.abs(arm.forward(Q) - T[:, None]).max(axis=(2, 3))[valid].max() <= 1e-9
    for pose in T:
        assert len(arm.solve_all(pose)) > 0
        assert np.abs(arm.forward(arm.solve_all(pose)) - pose).max() <= 1e-9


@pytest.fixture(scope="module")
def skewed():
    """An arm with parallel axes whose every dimension and convention differs from the UR5e's."""
    signs, offsets = np.array([-1.0, 1, -1, 1, 1, -1]), np.array([0.1, -1.0, 0.3, 0.2, -0.4, 1.0])
    return Arm(ArmModel("skewed", ParallelParameters(0.2, 0.4, -0.4, -0.1, 0.11, 0.09, offsets, signs), FREE))


@pytest.fixture(scope="module")
def searched():
    """The UR5e as an arm without a closed form."""
    links = links_of(load_arm("ur5e").model)
    return Arm(ArmModel("searched", ChainParameters(links.before, links.after), load_arm("ur5e").model.limits))


def test_the_ur5e_stands_where_its_dh_table_puts_it():
    a, d = [0.0, -0.425, -0.3922, 0.0, 0.0, 0.0], [0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996]
    alpha = [HALF, 0.0, 0.0, HALF, -HALF, 0.0]
    peer = rtb.DHRobot([rtb.RevoluteDH(a=a[i], d=d[i], alpha=alpha[i]) for i in range(6)])
    for q in np.random.default_rng(1).uniform(-np.pi, np.pi, (50, 6)):
        np.testing.assert_allclose(load_arm("ur5e").forward(q), peer.fkine(q).A, atol=1e-12)


def test_the_puma_stands_where_the_robotics_toolbox_has_it():
    peer = rtb.models.DH.Puma560()
    arm = load_arm("puma560")
    for q in np.random.default_rng(2).uniform(-np.pi, np.pi, (50, 6)):
        np.testing.assert_allclose(arm.forward(q), peer.fkine(q).A, atol=1e-12)
    np.testing.assert_allclose([arm.model.limits.lower, arm.model.limits.upper], peer.qlim, atol=1e-12)


def test_the_irb_2400_stands_at_zero_as_in_its_urdf():
    T = load_arm("irb2400").forward(np.zeros(6))
    np.testing.assert_allclose(T[:3, 3], [0.1 + 0.755 + 0.085, 0.0, 0.615 + 0.705 + 0.135], atol=1e-12)
    np.testing.assert_allclose(T[:3, 2], [1.0, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("name", CLOSED)
def test_the_jacobian_is_the_derivative_of_forward(name):
    arm = load_arm(name)
    for q in np.random.default_rng(3).uniform(-np.pi, np.pi, (10, 6)):
        h = 1e-6
        for j, column in enumerate(arm.jacobian(q).T):
            step = np.eye(6)[j] * h
            change = (arm.forward(q + step) - arm.forward(q - step)) / (2.0 * h)
            spin = change[:3, :3] @ arm.forward(q)[:3, :3].T
            omega = np.array([spin[2, 1], spin[0, 2], spin[1, 0]])
            np.testing.assert_allclose(column, [*change[:3, 3], *omega], atol=1e-8)


@pytest.mark.parametrize("name", CLOSED)
def test_manipulability_vanishes_on_each_singular_set_of_the_arm(name):
    arm = load_arm(name)
    geometry = arm.model.geometry
    q = np.array([0.3, -0.9, 1.1, 0.4, 0.8, -0.3])
    assert arm.manipulability(q) > 1e-4
    distance = arm.singularity_distance(q)
    for joint, angle in ((4, distance.wrist), (2, distance.elbow)):
        nearest = min((q[joint] - angle, q[joint] + angle), key=lambda x: arm.manipulability(_with(q, joint, x)))
        assert arm.manipulability(_with(q, joint, nearest)) < 1e-12
    low, high = -2.0, 2.0
    theta_2 = np.linspace(low, high, 400)
    ahead = arm.singularity_distance(np.array([_with(q, 1, x) for x in theta_2])).shoulder
    crossing = np.flatnonzero(np.sign(ahead[1:]) != np.sign(ahead[:-1]))
    assert len(crossing) > 0
    a, b = theta_2[crossing[0]], theta_2[crossing[0] + 1]
    for _ in range(60):
        middle = (a + b) / 2.0
        same = np.sign(arm.singularity_distance(_with(q, 1, middle)).shoulder) == np.sign(ahead[crossing[0]])
        a, b = (middle, b) if same else (a, middle)
    assert arm.manipulability(_with(q, 1, a)) < 1e-10
    assert isinstance(geometry, OpwParameters | ParallelParameters)


def _with(q, joint, value):
    changed = q.copy()
    changed[joint] = value
    return changed


@pytest.mark.parametrize("name", [*CLOSED, "skewed"])
def test_the_original_posture_is_among_the_answers_of_20000_random_poses(name, skewed):
    arm = skewed if name == "skewed" else load_arm(name)
    q = np.random.default_rng(4).uniform(-np.pi, np.pi, (20_000, 6))
    T = arm.forward(q)
    Q, valid = arm.solve_batch(T)
    assert np.where(valid, joint_distance(Q, q[:, None]), np.inf).min(axis=1).max() < 1e-6
    error = np.abs(arm.forward(Q) - T[:, None]).max(axis=(2, 3))
    assert error[valid].max() < 1e-12
    assert error[~valid].min(initial=1.0) > 1e-9


def test_a_batch_is_solved_into_given_arrays_as_pose_by_pose():
    arm = load_arm("ur5e")
    T = arm.forward(np.random.default_rng(5).uniform(-3.0, 3.0, (77, 6)))
    out = np.empty((77, 8, 6)), np.empty((77, 8), dtype=bool)
    Q, valid = arm.solve_batch(T, out)
    assert Q is out[0]
    for pose, answers, good in zip(T, Q, valid, strict=True):
        np.testing.assert_allclose(arm.solve_all(pose), answers[good], atol=1e-12)
    with pytest.raises(ValueError, match=r"out must hold arrays \(77, 8, 6\)"):
        arm.solve_batch(T, (Q[:5], valid[:5]))


@settings(max_examples=150, deadline=None)
@given(
    q=st.tuples(*[angles] * 6),
    wrist=st.one_of(st.none(), beside),
    elbow=st.one_of(st.none(), beside),
    over=st.one_of(st.none(), beside),
    fold=st.tuples(st.sampled_from([0.0, np.pi]), st.sampled_from([0.0, np.pi])),
)
@pytest.mark.parametrize("name", ["ur5e", "skewed", "puma560"])
def test_postures_on_singular_sets_and_where_they_meet_are_reached(name, skewed, q, wrist, elbow, over, fold):
    arm = skewed if name == "skewed" else load_arm(name)
    geometry = arm.model.geometry
    theta = np.array(q)
    stretched = -np.arctan2(geometry.a2, geometry.c3) if isinstance(geometry, OpwParameters) else 0.0
    theta[4] = theta[4] if wrist is None else fold[0] + wrist
    theta[2] = theta[2] if elbow is None else stretched + fold[1] + elbow

    def ahead(angle):
        return float(arm.singularity_distance((_with(theta, 1, angle) + geometry.offsets) * geometry.signs).shoulder)

    if over is not None:  # the distance ahead of axis 1 is c + a cos(theta2) + b sin(theta2)
        c, a = (ahead(0.0) + ahead(np.pi)) / 2.0, (ahead(0.0) - ahead(np.pi)) / 2.0
        b = ahead(HALF) - c
        if abs(over - c) <= np.hypot(a, b):
            theta[1] = np.arctan2(b, a) + np.arccos((over - c) / np.hypot(a, b))
    assert_reached(arm, arm.forward((theta + geometry.offsets) * geometry.signs)[None])


def test_where_joint_5_of_a_ur5e_is_straight_joint_6_stays_where_it_was():
    arm = load_arm("ur5e")
    near = np.array([10, -60, 90, 37, 0, 20]) * DEG
    result = arm.solve(arm.forward(near), near)
    assert result.status is IkStatus.SINGULAR
    assert "axis 6 is parallel to axes 2, 3 and 4" in result.reason
    np.testing.assert_allclose(result.q, near, atol=1e-9)


def test_a_ur5e_says_by_how_much_a_pose_is_too_far():
    T = make_pose((0.0, -0.1333 - 0.0996, 0.1625 + 0.425 + 0.3922 + 0.0997 + 0.05), (HALF, 0.0, 0.0))
    result = load_arm("ur5e").solve(T, np.zeros(6))
    assert (result.status, result.reason) == (IkStatus.UNREACHABLE, "unreachable: 50 mm beyond the arm's reach")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ([10, -60, 90, 10, 40, 0], [-30, -80, 110, -20, 60, 50]),
        ([0, -90, 90, 10, -40, 0], [0, -90, 90, 10, 40, 0]),  # through a straight joint 5
        ([0, -90, 90, 10, 40, 100], [0, -90, 90, 10, 40, 340]),
        ([-200, -90, 90, 0, 40, 0], [200, -90, 90, 0, 40, 0]),
    ],
)
def test_a_ur5e_follows_the_path_of_a_joint_move_by_that_joint_move(first, last):
    arm = load_arm("ur5e")
    Q = np.linspace(np.array(first), np.array(last), 101) * DEG
    np.testing.assert_allclose(arm.track(arm.forward(Q), Q[0]), Q, atol=1e-7)


@pytest.mark.parametrize("points", [40, 41])
def test_a_path_over_axis_1_is_followed_straight_through(arm, points):
    def posture(q_2):
        return np.array([30 * DEG, q_2, 140 * DEG, 0.0, 30 * DEG, 0.0])

    over = brentq(lambda q_2: float(arm.singularity_distance(posture(q_2)).shoulder), -180 * DEG, -90 * DEG, xtol=1e-15)
    Q = np.stack([posture(over + x * DEG) for x in np.linspace(-5.0, 5.0, points)])
    np.testing.assert_allclose(arm.track(arm.forward(Q), Q[0]), Q, atol=1e-6)


def test_one_arm_gives_the_same_answers_to_many_threads(arm):
    q = np.random.default_rng(6).uniform(-1.0, 1.0, (400, 6)) + np.array([0.0, -1.2, 1.4, 0.0, 0.9, 0.0])
    T = arm.forward(q)
    wanted = [arm.solve(pose, near).q for pose, near in zip(T, q, strict=True)]
    wrong = []

    def ask():
        for pose, near, answer in zip(T, q, wanted, strict=True):
            if not np.array_equal(arm.solve(pose, near).q, answer):
                wrong.append(near)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_search_finds_what_the_closed_form_finds(searched):
    exact = load_arm("ur5e")
    for q in np.random.default_rng(7).uniform(-np.pi, np.pi, (10, 6)):
        T = exact.forward(q)
        found = searched.solve_all(T)
        assert np.abs(searched.forward(found) - T).max() <= 1e-9
        apart = joint_distance(found[:, None], exact.solve_all(T)[None])
        assert apart.min(axis=1).max() < 1e-7
        np.testing.assert_allclose(searched.solve(T, q + 0.05).q, q, atol=1e-7)


def test_the_search_refuses_with_reasons(searched):
    q = np.array([0.1, -1.0, 1.2, 0.3, 0.8, 0.2])
    far = make_pose((2.0, 0.0, 0.3))
    assert searched.solve(far, q).status is IkStatus.UNREACHABLE
    assert "the search comes no closer than" in searched.solve(far, q).reason
    with pytest.raises(ValueError, match="no rotation"):
        searched.solve(np.diag([1.05, 1.05, 1.05, 1.0]), q)
    with pytest.raises(ValueError, match="have no names"):
        searched.singularity_distance(q)


def test_the_search_follows_a_path_and_says_where_it_ends(searched):
    Q = np.linspace([0.1, -1.0, 1.2, 0.3, 0.8, 0.2], [-0.2, -1.2, 1.5, 0.1, 1.1, 0.4], 30)
    np.testing.assert_allclose(searched.track(searched.forward(Q), Q[0]), Q, atol=1e-7)
    poses = np.stack([make_pose((x, 0.1, 0.4), (np.pi, 0.0, 0.0)) for x in np.linspace(0.5, 1.2, 15)])
    with pytest.raises(MotionError, match="of the path"):
        searched.track(poses, searched.solve(poses[0], Q[0]).q)


def test_an_arm_is_loaded_from_a_urdf(tmp_path, arm):
    source = Path(__file__).parents[2] / "sim" / "world" / "urdf" / "arm.urdf"
    (tmp_path / "arm.urdf").write_text(source.read_text())
    (tmp_path / "six.yaml").write_text(ARM_FILE.format(family="urdf", block="urdf: {file: arm.urdf}"))
    loaded = load_arm(tmp_path / "six.yaml")
    for q in np.random.default_rng(8).uniform(-np.pi, np.pi, (20, 6)):
        np.testing.assert_allclose(loaded.forward(q)[:3, 3], arm.forward(q)[:3, 3], atol=1e-9)
        np.testing.assert_allclose(loaded.forward(q)[:3, 2], arm.forward(q)[:3, 2], atol=1e-9)


def test_an_arm_is_loaded_from_dh_parameters(tmp_path):
    block = (
        "dh: {d_mm: [162.5, 0, 0, 133.3, 99.7, 99.6], a_mm: [0, -425, -392.2, 0, 0, 0], "
        "alpha_deg: [90, 0, 0, 90, -90, 0]}"
    )
    (tmp_path / "six.yaml").write_text(ARM_FILE.format(family="dh", block=block))
    q = np.array([0.1, -1.0, 1.2, 0.3, 0.8, 0.2])
    np.testing.assert_allclose(
        load_arm(tmp_path / "six.yaml").forward(q), load_arm("ur5e").forward(q), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(
    ("family", "block", "text"),
    [
        ("dh", "opw: {a1_mm: 1}", "opw: the key 'a2_mm' is missing"),
        ("dh", "urdf: {file: x.urdf}", "an arm of the family dh needs the block 'dh'"),
        ("scara", "urdf: {file: x.urdf}", "family: must be 'opw', 'three_parallel', 'dh' or 'urdf', got 'scara'"),
        ("urdf", "urdf: {file: nothing.urdf}", "no file .*nothing.urdf"),
    ],
)
def test_a_file_that_describes_no_arm_is_refused(tmp_path, family, block, text):
    (tmp_path / "six.yaml").write_text(ARM_FILE.format(family=family, block=block))
    with pytest.raises(ConfigError, match=text):
        load_arm(tmp_path / "six.yaml")


def test_an_arm_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(ConfigError, match="no arm 'ur5'; known: irb2400, kr6_r700, puma560, ur5e; did you mean 'ur5e'"):
        load_arm("ur5")


ARM_FILE = """
name: six
family: {family}
{block}
limits:
  lower_deg: [-180, -180, -180, -180, -180, -180]
  upper_deg: [180, 180, 180, 180, 180, 180]
  velocity_deg_s: [180, 180, 180, 180, 180, 180]
  acceleration_deg_s2: [800, 800, 800, 800, 800, 800]
  jerk_deg_s3: [8000, 8000, 8000, 8000, 8000, 8000]
capsules: []
"""
