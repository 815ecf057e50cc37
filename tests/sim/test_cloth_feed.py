"""Facts about cloth under the presser foot: fed, held, pierced."""

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sim.world.cloth_rig import BENCH, FEED, Rig, make_cloth, tool_at
from sim.world.feed import feed_progress

FACE = 0.3e-3


def at_machine(start: float = 0.005) -> Rig:
    """The piece lies with its line y = 95 mm along the feed, the needle at x = `start`; the plate holds it."""
    rig = Rig(make_cloth(PlanarPose(start, 0.095, np.pi)), tool_at(start - 0.06, 0.057, FACE))
    rig.wait(5)
    rig.grip()
    rig.lower_foot()
    return rig


def test_the_dog_moves_one_stitch_length_between_225_and_345_degrees_by_the_cosine_law():
    assert feed_progress(3.0 + 225.0 / 360.0) == pytest.approx(3.0)
    assert feed_progress(3.0 + 285.0 / 360.0) == pytest.approx(3.5)
    assert feed_progress(3.0 + 255.0 / 360.0) == pytest.approx(3.0 + 0.5 * (1.0 - np.cos(np.pi / 4.0)))
    assert feed_progress(3.0 + 350.0 / 360.0) == pytest.approx(4.0)


def test_arm_and_dog_together_sew_a_straight_even_seam():
    rig = at_machine()
    points = rig.sew(30, arm=True)
    assert len(points) == 30
    assert points[0] == pytest.approx([0.005, 0.095], abs=1e-5)
    assert np.linalg.norm(points[-1] - points[0]) == pytest.approx(29 * FEED, rel=0.01)
    assert np.diff(points[:, 0]) == pytest.approx(FEED, rel=0.05)
    assert points[:, 1] == pytest.approx(0.095, abs=0.1e-3)


def test_reverse_feed_brings_the_needle_back():
    rig = at_machine(start=0.03)
    forward = rig.sew(6, arm=True)
    rig.sew(6, feed=-FEED, arm=True)
    assert forward[-1, 0] == pytest.approx(0.03 + 5 * FEED, abs=0.2e-3)
    assert rig.cloth.point_at([0.0, 0.0]) == pytest.approx([0.03, 0.095], abs=0.2e-3)


def test_a_free_piece_is_fed_by_the_dog_alone():
    rig = Rig(make_cloth(PlanarPose(0.005, 0.095, np.pi)))
    rig.lower_foot()
    points = rig.sew(12)
    assert np.diff(points[:, 0]) == pytest.approx(FEED, rel=0.02)


def test_with_the_foot_up_the_shaft_feeds_nothing():
    rig = Rig(make_cloth(PlanarPose(0.06, 0.095, np.pi)))
    points = rig.sew(4)
    assert points == pytest.approx(np.tile([0.06, 0.095], (4, 1)), abs=1e-5)


def test_the_needle_logs_pattern_coordinates_of_a_sheet_that_moves_as_a_whole():
    pose = PlanarPose(0.055, 0.090, 2.9)
    rig = Rig(make_cloth(pose))
    velocity = np.array([0.02, -0.03])
    rig.cloth.hold(np.arange(len(rig.cloth.x)))
    flat = rig.cloth.x.copy()
    turns_per_step, passages = 0.037, []
    env_targets = flat.copy()
    for n in range(1, 80):
        env_targets = flat + np.append(velocity * n / 240.0, 0.0)
        rig.gripper.cloth = rig.cloth
        rig.gripper.targets = lambda T, dt, x=env_targets: x
        rig.step(shaft=n * turns_per_step)
    for turn, point in rig.pierces:
        t = (turn + 75.0 / 360.0) / turns_per_step / 240.0
        passages.append(
            PlanarPose(pose.x + velocity[0] * t, pose.y + velocity[1] * t, pose.theta).apply_inverse([0, 0])
        )
        assert point == pytest.approx(passages[-1], abs=1e-7)
    assert len(passages) == 3


def test_beside_the_fabric_the_needle_finds_nothing():
    rig = Rig(make_cloth(PlanarPose(0.3, 0.3, 0.0)))
    rig.sew(2)
    assert [point for _, point in rig.pierces] == [None, None]


def test_pulled_out_from_under_the_foot_cloth_resists_with_friction_times_force_on_both_faces():
    rig = at_machine(start=0.06)
    drag = []
    for n in range(400):
        rig.step(tool_at(0.0, 0.057 + 10e-6 * n, FACE))
        if n >= 300:
            drag.append(rig.bed.forces().held[:, 1].sum())
    assert np.mean(drag) == pytest.approx(2 * BENCH.material.friction_foot * BENCH.machine.foot_force, rel=0.05)
    assert rig.cloth.point_at([0.0, 0.0])[1] > 0.095 + 1e-3


def test_the_needle_down_holds_the_cloth_against_the_arm():
    rig = Rig(make_cloth(PlanarPose(0.06, 0.095, np.pi)))
    for n in range(1, 31):
        rig.step(shaft=135.0 / 360.0 * n / 30)
    rig.cloth.v[:, 0] = 0.2
    rig.cloth.wake()
    rig.wait(60)
    assert rig.cloth.point_at([0.0, 0.0]) == pytest.approx([0.06, 0.095], abs=0.1e-3)
