"""The arm's URDF against the published parameters of the KR 6 R700."""

import numpy as np
import pytest

from sewcell.geometry.poses import make_pose, rotation_y, rotation_z
from sim.world.bullet import RigidWorld, needle_height
from sim.world.cloth_rig import BENCH

# Brandstoetter et al. (2014): theta = sign q - offset, the chain z y y z y z from base to flange.
A1, A2, B, C1, C2, C3, C4 = 0.025, -0.035, 0.0, 0.400, 0.315, 0.365, 0.080
OFFSETS = np.deg2rad([0.0, -90.0, 0.0, 0.0, 0.0, 0.0])
SIGNS = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0])


def flange_from_parameters(q):
    theta = SIGNS * q - OFFSETS
    origins = [(0, 0, 0), (A1, 0, C1), (0, B, C2), (A2, 0, C3), (0, 0, 0), (0, 0, C4)]
    T = np.eye(4)
    turns = [rotation_z, rotation_y, rotation_y, rotation_z, rotation_y, rotation_z]
    for angle, origin, turn in zip(theta, origins, turns, strict=True):
        joint = make_pose(origin)
        joint[:3, :3] = turn(angle)
        T = T @ joint
    return T


@pytest.fixture
def rigid():
    world = RigidWorld(BENCH, np.zeros(6))
    yield world
    world.close()


def flange_at(rigid, q):
    rigid.stand(q)
    return rigid.flange_pose()


def test_at_the_pendants_home_the_arm_points_forward_and_the_flange_down(rigid):
    T = flange_at(rigid, np.deg2rad([0.0, -90.0, 90.0, 0.0, 90.0, 0.0]))
    assert T[:3, 3] == pytest.approx([A1 + C3, 0.0, C1 + C2 - A2 - C4], abs=1e-6)
    assert T[:3, 2] == pytest.approx([0.0, 0.0, -1.0], abs=1e-6)


def test_the_urdf_and_the_published_parameters_put_the_flange_at_the_same_place(rigid):
    rng = np.random.default_rng(5)
    for q in rng.uniform(-np.pi, np.pi, (200, 6)):
        assert flange_at(rigid, q) == pytest.approx(flange_from_parameters(q), abs=1e-6)


def test_the_needle_passes_the_throat_plate_at_75_and_195_degrees_and_is_lowest_at_135():
    angles = np.arange(360)
    heights = np.array([needle_height(a / 360.0) for a in angles])
    assert needle_height(75.0 / 360.0) == pytest.approx(0.0, abs=1e-9)
    assert needle_height(195.0 / 360.0) == pytest.approx(0.0, abs=1e-9)
    assert angles[heights.argmin()] == 135
    assert needle_height(0.0) > 15e-3
