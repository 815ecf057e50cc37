"""Forward kinematics and Jacobian against published postures and against roboticstoolbox."""

import numpy as np
import pytest
import roboticstoolbox as rtb
from spatialmath import SE3

from sewcell.kinematics.jacobian import jacobian, manipulability
from sewcell.kinematics.singularity import singularity_distance
from sewcell.units import DEG


@pytest.fixture(scope="module")
def dh_arm():
    """The KR6 R700 by Denavit-Hartenberg, from its data sheet; KUKA turns A1 about an axis that points down."""
    half = np.pi / 2.0
    return rtb.DHRobot(
        [
            rtb.RevoluteDH(d=-0.400, a=0.025, alpha=half),
            rtb.RevoluteDH(a=0.315),
            rtb.RevoluteDH(a=0.035, alpha=half, offset=-half),
            rtb.RevoluteDH(d=-0.365, alpha=-half),
            rtb.RevoluteDH(alpha=half),
            rtb.RevoluteDH(d=-0.080, alpha=np.pi),
        ],
        base=SE3.Rx(np.pi),
    )


def test_at_zero_the_kr6_stretches_forward_as_on_the_data_sheet(arm):
    T = arm.forward(np.zeros(6))
    np.testing.assert_allclose(T[:3, 3], [0.785, 0.0, 0.435], atol=1e-12)
    np.testing.assert_allclose(T[:3, 2], [1.0, 0.0, 0.0], atol=1e-12)


def test_at_0_90_90_the_upper_arm_stands_and_the_flange_points_ahead(arm):
    links = arm.forward_links(np.array([0, -90, 90, 0, 0, 0]) * DEG)
    np.testing.assert_allclose(links[2, :3, 3], [0.025, 0.0, 0.400], atol=1e-12)
    np.testing.assert_allclose(links[3, :3, 3], [0.025, 0.0, 0.715], atol=1e-12)
    np.testing.assert_allclose(links[4, :3, 3], [0.390, 0.0, 0.750], atol=1e-12)
    np.testing.assert_allclose(links[6, :3, 3], [0.470, 0.0, 0.750], atol=1e-12)
    np.testing.assert_allclose(links[6, :3, 2], [1.0, 0.0, 0.0], atol=1e-12)


def test_positive_axis_1_turns_clockwise_seen_from_above(arm):
    T = arm.forward(np.array([30, 0, 0, 0, 0, 0]) * DEG)
    assert np.arctan2(T[1, 3], T[0, 3]) == pytest.approx(-30 * DEG)


def test_the_flange_is_where_the_dh_model_has_it_up_to_the_choice_of_its_x_axis(arm, dh_arm):
    q = np.random.default_rng(1).uniform(-np.pi, np.pi, (200, 6))
    ours = arm.forward(q)
    theirs = np.stack([T.A for T in dh_arm.fkine(q)])
    twist = np.swapaxes(ours[:, :3, :3], 1, 2) @ theirs[:, :3, :3]
    np.testing.assert_allclose(ours[:, :3, 3], theirs[:, :3, 3], atol=1e-12)
    np.testing.assert_allclose(twist, np.broadcast_to(twist[0], twist.shape), atol=1e-12)
    np.testing.assert_allclose(twist[0, 2], [0.0, 0.0, 1.0], atol=1e-12)


def test_the_jacobian_is_that_of_the_dh_model(kr6, dh_arm):
    for q in np.random.default_rng(2).uniform(-np.pi, np.pi, (50, 6)):
        np.testing.assert_allclose(jacobian(kr6, q), dh_arm.jacob0(q), atol=1e-12)


def test_manipulability_vanishes_exactly_where_a_singularity_distance_does(kr6):
    base = np.array([0.2, -1.2, 1.5, 0.3, 0.7, -0.4])
    straight, stretched = base.copy(), base.copy()
    straight[4] = 0.0
    stretched[2] = np.arctan2(0.035, 0.365)
    assert singularity_distance(kr6, straight).wrist == 0.0
    assert singularity_distance(kr6, stretched).elbow == pytest.approx(0.0, abs=1e-12)
    measures = manipulability(kr6, np.stack([base, straight, stretched]))
    assert measures[0] > 1e-3
    np.testing.assert_allclose(measures[1:], 0.0, atol=1e-15)


def test_the_shoulder_distance_is_that_of_the_wrist_centre_from_axis_1(arm, kr6):
    for q in np.random.default_rng(3).uniform(-np.pi, np.pi, (50, 6)):
        wrist = arm.forward_links(q)[4, :3, 3]
        assert abs(singularity_distance(kr6, q).shoulder) == pytest.approx(np.hypot(wrist[0], wrist[1]), abs=1e-12)
