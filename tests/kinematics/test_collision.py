"""Clearance of the whole arm: what is checked, what is named, how the answer is given."""

import time

import numpy as np
import pytest

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose, transform_points
from sewcell.kinematics.collision import Box, Capsule, CollisionModel, cover_rectangle
from sewcell.units import DEG

READY = np.array([0, -90, 90, 0, 0, 0]) * DEG
WALL = Box("wall", make_pose((0.8, 0.0, 0.5)), np.array([0.1, 1.0, 0.5]))
PIN = Capsule("pin", 6, np.array([0.0, 0.0, 0.01]), np.array([0.0, 0.0, 0.11]), 0.01)


def pin_before_wall(kr6, wall=WALL):
    return CollisionModel(kr6, [PIN], [wall], ignore=[("forearm", "pin")])


def test_a_pin_that_points_at_a_wall_is_as_far_from_it_as_the_drawing_says(kr6):
    model = pin_before_wall(kr6)
    clearance = model.clearance(READY[None])
    assert clearance.pair == ("pin", "wall")
    assert clearance.distance == pytest.approx(0.7 - (0.47 + 0.11 + 0.01), abs=1e-12)


def test_the_closest_sample_and_pair_of_a_motion_are_named(kr6):
    model = pin_before_wall(kr6)
    Q = (
        READY
        + np.outer(np.concatenate([np.linspace(0.0, 10.0, 21), np.linspace(10.0, 0.0, 21)[1:]]), [0, 1, -1, 0, 0, 0])
        * DEG
    )
    clearance = model.clearance(Q)
    assert clearance.sample == 20
    assert clearance.per_sample.shape == (41,)
    assert clearance.distance == clearance.per_sample.min() < clearance.per_sample[0]


def test_an_overlap_is_a_negative_distance(kr6):
    near = Box("wall", make_pose((0.68, 0.0, 0.75)), np.full(3, 0.1))
    assert pin_before_wall(kr6, near).clearance(READY[None]).distance == pytest.approx(-0.01)


def test_a_distance_that_is_too_small_is_refused_with_names_and_numbers(kr6):
    model = pin_before_wall(kr6)
    model.check(READY[None], 0.10)
    with pytest.raises(
        MotionError, match=r"pin would come within 110\.0 mm of wall at sample 0 of 1: at least 120\.0 mm"
    ):
        model.check(READY[None], 0.12)


def test_an_overlap_is_refused_even_for_bodies_that_may_touch(kr6):
    near = Box("wall", make_pose((0.68, 0.0, 0.75)), np.full(3, 0.1))
    with pytest.raises(MotionError, match=r"pin would hit wall at sample 0 of 1: they overlap by 10\.0 mm"):
        pin_before_wall(kr6, near).check(READY[None], 0.0, touching=[("wall", "pin")])


def test_bodies_that_may_touch_may_come_closer_than_the_others(kr6):
    pin_before_wall(kr6).check(READY[None], 0.12, touching=[("wall", "pin")])


def test_the_base_may_stand_on_its_table(kr6):
    table = Box("table", make_pose((0.0, 0.0, -0.02)), np.array([1.0, 1.0, 0.02]))
    assert ("base", "table") not in CollisionModel(kr6, surroundings=[table]).pairs
    assert ("base", "table") in CollisionModel(kr6, surroundings=[table], ignore=()).pairs
    assert CollisionModel(kr6, surroundings=[table]).clearance(READY[None]).distance > 0.2


def test_no_posture_that_the_joint_limits_leave_in_front_of_the_arm_is_called_a_collision_with_itself(kr6):
    rng = np.random.default_rng(11)
    Q = rng.uniform([-170, -130, 20, -180, -100, -350], [170, -20, 110, 180, 100, 350], (4000, 6)) * DEG
    assert CollisionModel(kr6).clearance(Q).distance > 0.0


def test_a_tool_that_is_turned_into_the_base_is_a_collision_of_the_arm_with_itself(kr6):
    rod = Capsule("rod", 6, np.zeros(3), np.array([0.0, 0.0, 0.35]), 0.02)
    model = CollisionModel(kr6, [rod])
    folded = np.array([0, -90, 130, 0, 80, 0]) * DEG
    clearance = model.clearance(folded[None])
    assert clearance.distance < 0.0
    assert clearance.pair[1] == "rod"


def test_two_hundred_samples_take_well_under_ten_milliseconds(kr6):
    model = CollisionModel(kr6, [PIN] * 4, [WALL] * 4)
    Q = np.tile(READY, (200, 1))
    model.clearance(Q)
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        model.clearance(Q)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.010


def test_a_model_without_anything_to_meet_is_refused(shifted):
    with pytest.raises(ValueError, match="without bodies"):
        CollisionModel(shifted)


POST = Capsule("post", 0, np.array([0.6, 0.1, 0.0]), np.array([0.6, 0.1, 0.9]), 0.05)


def test_a_post_that_stands_around_is_measured_by_its_axis(kr6):
    contact = CollisionModel(kr6, [PIN], [POST], ignore=[("forearm", "pin")]).collide(READY)
    assert contact.pair == ("pin", "post")
    # The pin lies on the x axis from 0.48 to 0.58, the post at (0.6, 0.1).
    assert contact.distance == pytest.approx(np.hypot(0.02, 0.1) - 0.01 - 0.05, abs=1e-12)
    assert contact.points[0, 2] == pytest.approx(0.75, abs=1e-12)


def test_what_stands_around_belongs_to_the_base(kr6):
    with pytest.raises(ValueError, match="link 0"):
        CollisionModel(kr6, [], [PIN])


def test_the_points_of_an_answer_are_as_far_apart_as_it_says_and_lie_on_the_bodies(bench):
    rng = np.random.default_rng(21)
    bodies, model = bench.collision.bodies, bench.collision
    Q = rng.uniform([-170, -190, -120, -185, -120, -350], [170, 45, 156, 185, 120, 350], (3000, 6)) * DEG
    found = model.clearance(Q)
    gap = np.linalg.norm(found.points[:, 0] - found.points[:, 1], axis=1)
    np.testing.assert_allclose(gap, np.abs(found.per_sample), atol=1e-12)
    np.testing.assert_allclose(found.per_sample, model.distances(Q).min(axis=1), atol=1e-15)
    boxes = len(bodies.capsule_box)
    deep = 0
    for pair, distance, points in zip(found.pair_indices, found.per_sample, found.points, strict=True):
        if pair < boxes:
            c, b = bodies.capsule_box[pair]
            T, half = bodies.poses[b], bodies.halves[b]
            on_box = np.abs((points[1] - T[:3, 3]) @ T[:3, :3]) - half
            assert on_box.max() == pytest.approx(0.0, abs=1e-12)  # on a face, beyond none
            deep += distance < -bodies.radii[c]
    assert deep > 100


def test_at_every_posture_the_cell_is_as_clear_as_pinocchio_and_coal_say(bench):
    pytest.importorskip("pinocchio")
    pytest.importorskip("coal")
    from benchmarks.collision_peers import CoalPeer

    rng = np.random.default_rng(22)
    Q = rng.uniform([-170, -190, -120, -185, -120, -350], [170, 45, 156, 185, 120, 350], (1000, 6)) * DEG
    theirs = [distance for distance, *_ in CoalPeer(bench.collision, warm=False).edge(Q)]
    np.testing.assert_allclose(bench.collision.clearance(Q).per_sample, theirs, atol=1e-9)


def test_a_held_piece_is_covered_everywhere_and_hits_what_the_tool_alone_misses(kr6):
    T_flange_sheet = make_pose((0.02, 0.03, 0.12), (0.1, 0.2, 0.3))
    capsules = cover_rectangle(T_flange_sheet, [-0.1, -0.03], [0.06, 0.05], 0.008)
    x, y = np.meshgrid(np.linspace(-0.1, 0.06, 33), np.linspace(-0.03, 0.05, 17))
    points = transform_points(T_flange_sheet, np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]))
    nearest = np.full(len(points), np.inf)
    for capsule in capsules:
        axis = capsule.end - capsule.start
        t = np.clip((points - capsule.start) @ axis / (axis @ axis), 0.0, 1.0)[:, None]
        nearest = np.minimum(nearest, np.linalg.norm(points - capsule.start - t * axis, axis=1))
    assert nearest.max() <= 0.008 + 1e-12

    wall = Box("wall", make_pose((0.8, 0.0, 0.5)), np.array([0.1, 1.0, 0.5]))
    alone = CollisionModel(kr6, [], [wall])
    across = np.linalg.inv(make_pose((0.0, 0.0, 0.0), (0.0, np.pi / 2.0, 0.0)))  # the sheet points at the wall
    holding = alone.with_held(cover_rectangle(across, [-0.3, -0.05], [0.3, 0.05], 0.01))
    assert alone.collide(READY).distance > 0.1
    assert holding.collide(READY).pair == ("piece", "wall")
    assert holding.collide(READY).distance == pytest.approx(0.7 - 0.77 - 0.01, abs=1e-12)
    assert holding.with_held(()).pairs == alone.pairs
