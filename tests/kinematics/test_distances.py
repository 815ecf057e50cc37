"""Distances of capsules to boxes and to each other, against scipy and against pybullet."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation

from sewcell.geometry.poses import make_pose
from sewcell.kinematics.distances import pair_distances, segment_box_distance, segment_segment_distance


def box_distance_by_search(p, d, half):
    """The squared distance is convex along the segment: a bounded search finds its minimum."""

    def square(t):
        return (np.maximum(np.abs(p + t * d) - half, 0.0) ** 2).sum()

    found = minimize_scalar(square, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12})
    return np.sqrt(min(found.fun, square(0.0), square(1.0)))


def segment_distance_by_sampling(a, u, b, v, n=400):
    s = np.linspace(0.0, 1.0, n)[:, None]
    along = a + s * u
    t = np.clip((along - b) @ v / max(v @ v, 1e-300), 0.0, 1.0)[:, None]
    return np.linalg.norm(along - b - t * v, axis=1).min()


def test_segment_to_box_is_what_a_numeric_search_finds():
    rng = np.random.default_rng(8)
    for _ in range(1500):
        p, d = rng.uniform(-1.0, 1.0, (2, 3)) * rng.choice([0.3, 1.0, 3.0])
        half = rng.uniform(0.02, 0.8, 3)
        d *= rng.choice([0.0, 1.0, 1.0, 1.0], 3)  # also segments parallel to faces, and points
        assert segment_box_distance(p, d, half) == pytest.approx(box_distance_by_search(p, d, half), abs=2e-7)


def test_a_segment_through_a_box_has_distance_zero():
    assert segment_box_distance(np.array([-2.0, 0.1, 0.0]), np.array([4.0, 0.2, 0.1]), np.array([0.5, 0.5, 0.5])) == 0.0
    assert segment_box_distance(np.zeros(3), np.array([0.1, 0.0, 0.0]), np.array([0.5, 0.5, 0.5])) == 0.0


def test_a_diagonal_segment_is_nearest_to_the_edge_of_a_box():
    p, d = np.array([2.0, 0.0, 0.0]), np.array([-2.0, 2.0, 0.0])
    assert segment_box_distance(p, d, np.full(3, 0.5)) == pytest.approx((2.0 - 1.0) / np.sqrt(2.0), abs=1e-15)


def test_segment_to_segment_is_what_dense_sampling_finds():
    rng = np.random.default_rng(9)
    for _ in range(1500):
        a, u, b, v = rng.uniform(-1.0, 1.0, (4, 3))
        if rng.random() < 0.3:
            v = u * rng.uniform(-2.0, 2.0) + rng.choice([0.0, 1e-9]) * v  # parallel, or nearly
        if rng.random() < 0.1:
            u = np.zeros(3)
        distance = segment_segment_distance(a, u, b, v)
        sampled = segment_distance_by_sampling(a, u, b, v)
        assert distance <= sampled + 1e-12
        assert sampled - distance <= np.linalg.norm(u) / 400.0 + 1e-12


def test_crossing_segments_have_distance_zero():
    x, y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    assert segment_segment_distance(-0.5 * x, x, -0.5 * y, y) == 0.0


ROUNDED_EDGES = 8e-4
"""Bullet rounds the edges of its boxes: it measures up to this [m] more where a capsule is nearest to an edge."""


def test_capsules_and_turned_boxes_are_as_far_apart_as_in_pybullet():
    pybullet = pytest.importorskip("pybullet")
    client = pybullet.connect(pybullet.DIRECT)
    rng = np.random.default_rng(10)
    try:
        for _ in range(60):
            start, end = rng.uniform(-0.5, 0.5, (2, 3))
            half, radius = rng.uniform(0.05, 0.3, 3), float(rng.uniform(0.02, 0.1))
            T = make_pose(rng.uniform(-0.8, 0.8, 3), rng.uniform(-3.0, 3.0, 3))
            shape = pybullet.createCollisionShape(
                pybullet.GEOM_CAPSULE, radius=radius, height=float(np.linalg.norm(end - start)), physicsClientId=client
            )
            turn, _ = Rotation.align_vectors([end - start], [[0.0, 0.0, 1.0]])
            capsule = pybullet.createMultiBody(
                0, shape, basePosition=(start + end) / 2.0, baseOrientation=turn.as_quat(), physicsClientId=client
            )
            shape = pybullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half, physicsClientId=client)
            quaternion = Rotation.from_matrix(T[:3, :3]).as_quat()
            box = pybullet.createMultiBody(
                0, shape, basePosition=T[:3, 3], baseOrientation=quaternion, physicsClientId=client
            )
            theirs = min(p[8] for p in pybullet.getClosestPoints(capsule, box, 10.0, physicsClientId=client))
            ours = pair_distances(
                start[None, None], end[None, None], np.array([radius]), T[None], half[None],
                np.array([[0, 0]]), np.empty((0, 2), dtype=np.intp),
            )[0, 0]  # fmt: skip
            if ours > 0.0:
                assert -1e-6 < theirs - ours < ROUNDED_EDGES
            else:
                assert theirs < ROUNDED_EDGES
            pybullet.removeBody(capsule, physicsClientId=client)
            pybullet.removeBody(box, physicsClientId=client)
    finally:
        pybullet.disconnect(client)
