"""Lines, arcs, blends and pivots: where they lead, how fast they are followed, and where and why they are slowed."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.motion.cartesian_path import Line
from sewcell.motion.follow_path import follow_tool_path
from sewcell.motion.limits import find_stretch
from sewcell.motion.pivot import plan_pivot
from sewcell.motion.profile import ScalarLimits
from sewcell.motion.tool_path import Arc, ToolPath, blend_corners
from sewcell.motion.trajectory import FINE_STEP
from sewcell.units import DEG, MM

PERIOD = 0.02
SEAM = ScalarLimits(0.05, 1.5, 15.0)
FAST = ScalarLimits(0.3, 3.0, 30.0)
CENTRE = np.array([0.4, 0.1, 0.2])


def corner(angle=90 * DEG, length=0.1):
    """Two lines of `length` that meet at an angle, tool down, turned by 30 deg on the second."""
    turn = Rotation.from_euler("z", angle).as_matrix()
    T = [make_pose(CENTRE, (180 * DEG, 0.0, 0.0)) for _ in range(3)]
    T[0][:3, 3] -= (length, 0.0, 0.0)
    T[2][:3, 3] += turn @ (length, 0.0, 0.0)
    T[2][:3, :3] = Rotation.from_euler("z", 30 * DEG).as_matrix() @ T[1][:3, :3]
    return np.stack(T)


def curvature(path):
    s = np.linspace(0.0, path.length, 4001)
    p = path.poses_at(s)[:, :3, 3]
    return np.linalg.norm(np.diff(p, 2, axis=0), axis=1) / (s[1] - s[0]) ** 2, p


def test_an_arc_keeps_its_distance_and_its_direction_to_the_centre():
    T_start = make_pose(CENTRE + np.array([0.15, 0.0, 0.02]), (180 * DEG, 0.0, 10 * DEG))
    arc = Arc(T_start, CENTRE, np.array([0.0, 0.0, 1.0]), 120 * DEG)
    T = arc.poses_at(np.linspace(0.0, 1.0, 50))
    np.testing.assert_allclose(np.linalg.norm(T[:, :2, 3] - CENTRE[:2], axis=1), 0.15, atol=1e-12)
    np.testing.assert_allclose(T[:, 2, 3], CENTRE[2] + 0.02, atol=1e-12)
    to_centre = np.einsum("nji,nj->ni", T[:, :3, :3], CENTRE - T[:, :3, 3])
    np.testing.assert_allclose(to_centre, np.tile(to_centre[0], (50, 1)), atol=1e-12)
    assert arc.length == pytest.approx(0.15 * 120 * DEG)


@pytest.mark.parametrize("angle", [30 * DEG, 90 * DEG, 150 * DEG])
@pytest.mark.parametrize(("radius", "tolerance"), [(0.01, None), (None, 0.002)])
def test_a_blended_corner_keeps_its_radius_or_tolerance_and_its_curvature_never_jumps(angle, radius, tolerance):
    path = blend_corners(corner(angle, 0.2), radius, tolerance)
    bend, p = curvature(path)
    if radius is not None:
        assert bend.max() == pytest.approx(1.0 / radius, rel=0.02)
    else:
        assert np.linalg.norm(p - CENTRE, axis=1).min() == pytest.approx(tolerance, rel=0.01)
    assert np.abs(np.diff(bend)).max() < 0.2 * bend.max()  # an arc would jump by all of it
    np.testing.assert_allclose(p[[0, -1]], corner(angle, 0.2)[[0, 2], :3, 3], atol=1e-9)
    # Nothing of the path leaves the triangle of the lines.
    assert (p[:, 1] >= CENTRE[1] - 1e-9).all()


def test_corners_without_room_for_their_roundings_are_refused():
    with pytest.raises(MotionError, match=r"line 1 of a path need \d+\.\d mm, it is 100\.0 mm long"):
        blend_corners(corner(), radius=0.2)


def test_parts_that_do_not_meet_are_refused():
    T = corner()
    with pytest.raises(MotionError, match="part 2 of a path begins 10 mm and 0 deg away"):
        ToolPath((Line(T[0], T[1]), Line(T[1] @ make_pose((0.01, 0, 0)), T[2])))


def test_a_seam_keeps_its_speed_around_a_corner_and_an_arc(arm, limits, home):
    rounded = blend_corners(corner(40 * DEG), radius=0.05)
    end = rounded.poses_at([rounded.length])[0]
    left = Rotation.from_euler("z", 130 * DEG).apply([1.0, 0.0, 0.0])
    arc = Arc(end, end[:3, 3] + 0.15 * left, np.array([0.0, 0.0, 1.0]), 40 * DEG)
    path = ToolPath((*rounded.parts, arc))
    start = arm.solve(path.poses_at([0.0])[0], near=home).q
    followed = follow_tool_path(arm, start, path, SEAM, limits, PERIOD, "seam")
    assert followed.slowdowns == ()
    assert followed.largest_deviation < 0.01 * MM
    assert find_stretch(followed.trajectory.positions, limits) <= 1.0
    flange = arm.forward(followed.trajectory.positions)[:, :3, 3]
    speed = np.linalg.norm(np.diff(flange, axis=0), axis=1) / FINE_STEP
    inside = (followed.travel[1:] > 5 * MM) & (followed.travel[1:] < path.length - 5 * MM)
    np.testing.assert_allclose(speed[inside], SEAM.speed, rtol=2e-3)
    np.testing.assert_allclose(arm.forward(followed.trajectory.goal), path.poses_at([path.length])[0], atol=1e-9)


def test_a_corner_too_sharp_for_its_speed_is_slowed_there_and_only_there_with_the_reason(arm, limits, home):
    path = blend_corners(corner(length=0.25), radius=0.005)
    start = arm.solve(path.poses_at([0.0])[0], near=home).q
    followed = follow_tool_path(arm, start, path, FAST, limits, PERIOD, "corner")
    assert find_stretch(followed.trajectory.positions, limits) <= 1.0
    (slowed,) = followed.slowdowns
    assert slowed.start < path.length / 2 < slowed.end
    assert slowed.end - slowed.start < 0.1
    assert slowed.quantity in ("acceleration", "jerk")
    assert 1 <= slowed.joint <= 6
    speed = np.diff(followed.travel) / FINE_STEP
    travel = followed.travel[1:]
    assert speed[np.abs(travel - path.length / 2) < 0.02].min() == pytest.approx(slowed.speed, rel=0.02)
    cruising = ((travel > 0.05) & (travel < slowed.start - 0.015)) | (
        (travel > slowed.end + 0.015) & (travel < path.length - 0.05)
    )
    np.testing.assert_allclose(speed[cruising], FAST.speed, rtol=0.02)


def test_a_path_out_of_reach_is_refused(arm, limits, home):
    T = arm.forward(home)
    path = ToolPath((Line(T, T @ make_pose((0.0, 0.0, 2.0))),))
    with pytest.raises(MotionError, match="reach"):
        follow_tool_path(arm, home, path, SEAM, limits, PERIOD, "far")


def test_a_pivot_turns_the_tool_about_the_needle(arm, limits, at_needle, T_base_needle):
    pivot = plan_pivot(arm, at_needle, T_base_needle, -30 * DEG, SEAM, limits, PERIOD, "pivot")
    T = arm.forward(pivot.trajectory.positions)
    # The needle stays where it is in the tool's coordinates.
    needle = np.einsum("nji,nj->ni", T[:, :3, :3], T_base_needle[:3, 3] - T[:, :3, 3])
    np.testing.assert_allclose(needle, np.tile(needle[0], (len(needle), 1)), atol=0.01 * MM)
    turn = Rotation.from_matrix(T[-1, :3, :3] @ T[0, :3, :3].T).as_rotvec()
    np.testing.assert_allclose(turn, [0.0, 0.0, -30 * DEG], atol=1e-9)
    assert find_stretch(pivot.trajectory.positions, limits) <= 1.0
