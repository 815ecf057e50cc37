"""What is proven between postures: nothing comes nearer than what a path check reports."""

from itertools import pairwise

import numpy as np
import pytest

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.kinematics.chain import reach_from_axes, read_chain
from sewcell.kinematics.collision import Box, Capsule, CollisionModel
from sewcell.kinematics.forward import forward_links
from sewcell.kinematics.swept import RESOLUTION
from sewcell.units import DEG

LOWER, UPPER = np.array([-170, -190, -120, -185, -120, -350]) * DEG, np.array([170, 45, 156, 185, 120, 350]) * DEG
READY = np.array([0, -90, 90, 0, 0, 0]) * DEG
PIN = Capsule("pin", 6, np.array([0.0, 0.0, 0.01]), np.array([0.0, 0.0, 0.11]), 0.01)


def between(Q, n):
    """n postures on each straight joint move."""
    parts = [np.linspace(a, b, n) for a, b in pairwise(Q)]
    return np.vstack(parts)


@pytest.mark.parametrize("name", ["kr6", "shifted"])
def test_the_axes_of_an_arm_are_read_from_how_it_moves(name, request):
    model = request.getfixturevalue(name)
    chain = read_chain(model)
    for q in np.random.default_rng(31).uniform(-3.0, 3.0, (20, 6)):
        T = np.eye(4)
        for i, link in enumerate(forward_links(model, q)[1:]):
            T = T @ chain.joints[i] @ make_pose((0.0, 0.0, 0.0), (0.0, 0.0, q[i]))
            np.testing.assert_allclose(T @ chain.links[i + 1], link, atol=1e-14)


@pytest.mark.parametrize("name", ["kr6", "shifted"])
@pytest.mark.parametrize("link", [1, 2, 3, 4, 5, 6])
def test_no_point_of_a_body_moves_farther_than_its_reach_times_the_turn_of_the_joints(name, link, request):
    model = request.getfixturevalue(name)
    rng = np.random.default_rng(32 + link)
    start, end, radius = *rng.uniform(-0.3, 0.3, (2, 3)), 0.05
    reach = reach_from_axes(read_chain(model), link, start, end, radius)
    assert (reach[link:] == 0.0).all()
    q = rng.uniform(-3.0, 3.0, (4000, 6))
    turned = q + rng.uniform(-1.0, 1.0, (4000, 6)) * rng.choice([0.0, 1e-4, 0.3], (4000, 6))
    aside = rng.normal(size=(4000, 3))
    point = np.where(rng.random((4000, 1)) < 0.5, start, end) + radius * aside / np.linalg.norm(aside, axis=1)[:, None]
    before, after = (
        np.einsum("nij,nj->ni", T[:, :3, :3], point) + T[:, :3, 3]
        for T in (forward_links(model, q)[:, link], forward_links(model, turned)[:, link])
    )
    moved = np.linalg.norm(after - before, axis=1)
    bound = np.abs(turned - q) @ reach
    assert (moved <= bound + 1e-14).all()
    assert (moved[bound > 0.0] / bound[bound > 0.0]).max() > 0.4  # and the bound is no fantasy


def test_nothing_on_a_path_is_nearer_than_what_is_reported(bench):
    rng = np.random.default_rng(33)
    for _ in range(30):
        Q = rng.uniform(LOWER, UPPER, (3, 6))
        found = bench.collision.check_path(Q)
        dense = bench.collision.distances(between(Q, 4000)).min()
        assert found.nearest.distance - RESOLUTION <= dense
        assert found.nearest.distance <= dense + RESOLUTION
        assert found.is_clear == (found.nearest.distance >= 0.0)
        whole, part = int(found.nearest.at), found.nearest.at % 1.0
        q = Q[whole] + (part * (Q[whole + 1] - Q[whole]) if part else 0.0)
        assert bench.collision.collide(q).distance == pytest.approx(found.nearest.distance, abs=1e-12)
        assert bench.collision.pairs[found.nearest.pair] == bench.collision.collide(q).pair


def test_a_thin_wall_between_two_samples_is_found(kr6):
    turned = READY + np.array([60, 0, 0, 0, 0, 0]) * DEG
    wall = Box("wall", make_pose((0.5, -0.25, 0.75), (0.0, 0.0, -27 * DEG)), np.array([0.3, 1e-4, 0.3]))
    model = CollisionModel(kr6, [PIN], [wall])
    Q = np.stack([READY, turned])
    assert model.clearance(Q).distance > 0.05
    found = model.check_path(Q)
    assert not found.is_clear
    assert 0.0 < found.worst.at < 1.0
    with pytest.raises(MotionError, match=r"would hit wall at sample 0\.\d+ of 2"):
        model.check(Q, 0.0)


def test_a_touch_in_passing_is_resolved_to_a_twentieth_of_a_millimetre(kr6):
    # The pin's end swings past the edge of a post in a circle about axis 1.
    reach = 0.47 + 0.11 + 0.01
    Q = READY + np.outer([-40.0, 40.0], [1, 0, 0, 0, 0, 0]) * DEG
    for gap in (1e-3, 1e-4, -1e-4, -1e-3):
        post = Box("post", make_pose((reach + gap + 0.1, 0.0, 0.75), (0.0, 0.0, 0.0)), np.array([0.1, 1e-3, 0.2]))
        found = CollisionModel(kr6, [PIN], [post]).check_path(Q)
        assert found.is_clear == (gap > 0.0)
        assert found.nearest.distance == pytest.approx(gap, abs=RESOLUTION)
        assert found.nearest.at == pytest.approx(0.5, abs=0.01)


def test_pairs_that_may_touch_are_proven_to_do_no_more_than_that(kr6):
    floor = Box("floor", make_pose((0.9, 0.0, 0.64)), np.array([0.4, 1.0, 0.1]))  # touches the pin from below
    model = CollisionModel(kr6, [PIN], [floor], ignore=[("forearm", "pin")])
    lifted = READY - np.array([0, 1e-9, 0, 0, 0, 0])
    Q = lifted + np.outer([-20.0, 20.0], [1, 0, 0, 0, 0, 0]) * DEG
    touching = model.check_path(Q, 0.004, [("pin", "floor")])
    assert touching.is_clear
    assert touching.nearest is not None
    assert "pin" not in model.pairs[touching.nearest.pair]
    assert not model.check_path(Q, 0.004).is_clear


def test_a_path_of_one_posture_and_one_that_rests_are_looked_at_once(kr6):
    wall = Box("wall", make_pose((0.8, 0.0, 0.5)), np.array([0.1, 1.0, 0.5]))
    model = CollisionModel(kr6, [PIN], [wall], ignore=[("forearm", "pin")])
    for n in (1, 2, 500):
        found = model.check_path(np.tile(READY, (n, 1)))
        assert found.nearest.distance == pytest.approx(0.11, abs=1e-12)
        assert found.looks <= 2
