"""Signed distances of segments to boxes and to each other, against scipy, against theory and against coal."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize_scalar
from scipy.spatial.transform import Rotation

from sewcell.geometry.poses import make_pose, transform_points
from sewcell.kinematics.distances import BLOCK, any_box_nearer, any_segment_nearer, segment_box, segment_segment

HERE = np.eye(4)


def to_lanes(middle, half_axis):
    """Segments (N, 3), (N, 3) of at most BLOCK lanes, the last repeated."""
    rows = np.hstack([np.atleast_2d(middle), np.atleast_2d(half_axis)]).astype(float)
    return np.ascontiguousarray(np.vstack([rows, np.repeat(rows[-1:], BLOCK - len(rows), axis=0)]).T).ravel()


def to_box(middle, half_axis, half, radius=0.0, pose=HERE):
    """Distances and parameters of segments, lane by lane."""
    result, at = np.empty(BLOCK), np.empty(2 * BLOCK)
    segment_box(to_lanes(middle, half_axis), pose, np.asarray(half, dtype=float), radius, result, at)
    return result, at[:BLOCK]


def to_segment(first, second, radius=0.0):
    result, at = np.empty(BLOCK), np.empty(2 * BLOCK)
    segment_segment(to_lanes(*first), to_lanes(*second), radius, result, at)
    return result, at.reshape(2, BLOCK)


def box_distance_by_search(p, d, half):
    """The squared distance is convex along the segment: a bounded search finds its minimum."""

    def square(t):
        return (np.maximum(np.abs(p + t * d) - half, 0.0) ** 2).sum()

    found = minimize_scalar(square, bounds=(-1.0, 1.0), method="bounded", options={"xatol": 1e-12})
    return np.sqrt(min(found.fun, square(-1.0), square(1.0)))


def segment_distance_by_sampling(a, u, b, v, n=400):
    s = np.linspace(-1.0, 1.0, n)[:, None]
    along = a + s * u
    t = np.clip((along - b) @ v / max(v @ v, 1e-300), -1.0, 1.0)[:, None]
    return np.linalg.norm(along - b - t * v, axis=1).min()


def test_segment_to_box_is_what_a_numeric_search_finds():
    rng = np.random.default_rng(8)
    for _ in range(1500 // BLOCK):
        p, d = rng.uniform(-1.0, 1.0, (2, BLOCK, 3)) * rng.choice([0.3, 1.0, 3.0])
        half = rng.uniform(0.02, 0.8, 3)
        d *= rng.choice([0.0, 1.0, 1.0, 1.0], (BLOCK, 3))  # also segments parallel to faces, and points
        ours, at = to_box(p, d, half)
        for lane in range(BLOCK):
            wanted = box_distance_by_search(p[lane], d[lane], half)
            assert max(ours[lane], 0.0) == pytest.approx(wanted, abs=2e-7)
            if ours[lane] > 0.0:
                point = p[lane] + at[lane] * d[lane]
                assert np.linalg.norm(np.maximum(np.abs(point) - half, 0.0)) == pytest.approx(ours[lane], abs=1e-15)


def test_a_diagonal_segment_is_nearest_to_the_edge_of_a_box():
    distance, _ = to_box([1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], np.full(3, 0.5))
    assert distance[0] == pytest.approx((2.0 - 1.0) / np.sqrt(2.0), abs=1e-15)


def depth_by_linear_programme(p, d, half, n):
    """How far a segment that meets a box must be moved along n so that no point of it lies in the box any more.

    The moved bodies touch for as long as (m n + p + t d) in the box has a solution: the largest m."""
    rows = np.column_stack([n, d])
    found = linprog(
        [-1.0, 0.0], np.vstack([rows, -rows]), np.concatenate([half - p, half + p]), bounds=[(0, None), (-1, 1)]
    )
    return -found.fun


def test_inside_a_box_the_distance_is_minus_the_shortest_way_out_of_all_directions():
    rng = np.random.default_rng(12)
    directions = rng.normal(size=(120, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    tested = 0
    for _ in range(12):
        half = rng.uniform(0.1, 0.5, 3)
        p, d = rng.uniform(-0.8, 0.8, (2, 3)) * half * [[0.9], [2.0]]
        depth = -to_box(p, d, half)[0][0]
        if depth <= 0.0:
            continue
        tested += 1
        ways = [depth_by_linear_programme(p, d, half, n) for n in directions]
        assert depth <= min(ways) + 1e-9
        assert min(ways) <= depth * 1.5  # and some direction comes near
    assert tested > 6


@pytest.mark.parametrize(
    ("p", "d", "depth"),
    [
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 0.2),  # a point in the middle: out through the nearest face
        ([0.25, 0.0, 0.0], [0.0, 0.0, 0.0], 0.05),
        ([0.0, 0.0, 0.0], [9.0, 0.0, 0.0], 0.2),  # through the whole box
        ([0.0, 0.3, 0.0], [9.0, 0.0, 0.0], 0.1),
        ([0.0, 0.35, 0.0], [9.0, 0.0, 0.0], 0.05),
        ([0.0, 0.3, 0.15], [1.0, -1.0, 0.0], 0.05),  # across a corner of the plan, near the top
        ([0.25, 0.35, 0.0], [1.0, -1.0, 0.0], 0.1 / np.sqrt(2.0)),  # cutting an upright edge
        ([0.3, 0.0, 0.0], [0.0, 0.1, 0.0], 0.0),  # touching
    ],
)
def test_depths_are_those_of_the_drawing(p, d, depth):
    assert to_box(p, d, [0.3, 0.4, 0.2])[0][0] == pytest.approx(-depth, abs=1e-15)
    pose = make_pose((0.3, -0.2, 0.1), (0.4, -1.0, 2.0))
    moved, turned = transform_points(pose, np.array([p]))[0], pose[:3, :3] @ d
    assert to_box(moved, turned, [0.3, 0.4, 0.2], 0.05, pose)[0][0] == pytest.approx(-depth - 0.05, abs=1e-14)


def test_segment_to_segment_is_what_dense_sampling_finds():
    rng = np.random.default_rng(9)
    for _ in range(1500 // BLOCK):
        a, u, b, v = rng.uniform(-1.0, 1.0, (4, BLOCK, 3))
        parallel = rng.random(BLOCK) < 0.3
        v[parallel] = (u * rng.uniform(-2.0, 2.0, (BLOCK, 1)) + rng.choice([0.0, 1e-9], (BLOCK, 1)) * v)[parallel]
        u[rng.random(BLOCK) < 0.1] = 0.0
        v[rng.random(BLOCK) < 0.1] = 0.0
        ours, (s, t) = to_segment((a, u), (b, v))
        np.testing.assert_allclose(
            ours, np.linalg.norm(a + s[:, None] * u - b - t[:, None] * v, axis=1), atol=1e-15, rtol=0.0
        )
        for lane in range(BLOCK):
            sampled = segment_distance_by_sampling(a[lane], u[lane], b[lane], v[lane])
            assert ours[lane] <= sampled + 5e-8
            assert sampled - ours[lane] <= 2.0 * np.linalg.norm(u[lane]) / 400.0 + 1e-12


def test_crossing_segments_have_distance_zero():
    x, y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    assert to_segment((0.0 * x, 0.5 * x), (0.0 * y, 0.5 * y))[0][0] == 0.0
    assert to_segment((0.0 * x, 0.5 * x), (0.0 * y, 0.5 * y), 0.03)[0][0] == -0.03


lengths = st.one_of(st.floats(-2.0, 2.0), st.sampled_from([0.0, -0.0, 0.5, -0.5, 1e-9, -1e-160, 5e-324, 1e3]))
points = st.tuples(lengths, lengths, lengths).map(np.array)
halves = st.tuples(*[st.floats(1e-3, 1.0)] * 3).map(np.array)


@settings(max_examples=300, deadline=None)
@given(points, points, halves, points, st.sampled_from([1.0, 1e-3, 1e-7, 1e-12]))
@example(np.full(3, 0.5), np.zeros(3), np.full(3, 0.5), np.zeros(3), 1.0)  # a point on a corner
@example(np.array([0.5, 0.0, 0.0]), np.array([0.0, 0.5, 0.0]), np.full(3, 0.5), np.ones(3), 1e-3)  # within a face
@example(np.array([1e3, 1e3, 1e3]), np.array([1e3, 0.0, 0.0]), np.full(3, 1e-3), -np.ones(3), 1.0)  # far away
def test_the_distance_to_a_box_follows_every_motion_and_never_faster(p, d, half, step, size):
    """A signed distance of bodies of which one is shifted changes by no more than the shift."""
    shift = step * size
    distance = to_box(np.stack([p, p + shift, -p, p]), np.stack([d, d, -d, -d]), half)[0]
    assert np.isfinite(distance).all()
    scale = 1.0 + np.abs(p).max() + np.abs(d).max() + np.abs(shift).max()
    assert abs(distance[1] - distance[0]) <= np.linalg.norm(shift) + 1e-14 * scale
    assert distance[2] == pytest.approx(distance[0], abs=1e-14 * scale)  # mirrored
    assert distance[3] == pytest.approx(distance[0], abs=1e-14 * scale)  # its ends exchanged


@settings(max_examples=300, deadline=None)
@given(points, points, points, points, points)
def test_the_distance_of_segments_is_symmetric_and_follows_every_motion(a, u, b, v, shift):
    distance = to_segment(
        (np.stack([a, b, a + shift]), np.stack([u, v, u])), (np.stack([b, a, b]), np.stack([v, u, v]))
    )
    distance = distance[0]
    scale = 1.0 + max(np.abs(x).max() for x in (a, u, b, v, shift))
    assert np.isfinite(distance).all()
    assert distance[1] == pytest.approx(distance[0], abs=5e-8 * scale)
    assert abs(distance[2] - distance[0]) <= np.linalg.norm(shift) + 5e-8 * scale


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.3))
def test_nothing_nearer_is_ever_left_out(seed, radius):
    rng = np.random.default_rng(seed)
    first, second = rng.uniform(-1.0, 1.0, (2, 2, BLOCK, 3)) * rng.choice([0.05, 0.3, 1.0], (2, 2, 1, 1))
    half = rng.uniform(0.01, 0.6, 3)
    pose = make_pose(rng.uniform(-1.0, 1.0, 3), rng.uniform(-3.0, 3.0, 3))
    distance, _ = to_box(*first, half, radius, pose)
    nearest = np.full(BLOCK, -1e3)
    nearest[7] = distance[7] + 1e-12
    assert any_box_nearer(to_lanes(*first), pose, half, radius, nearest)
    distance, _ = to_segment(first, second, radius)
    nearest = np.full(BLOCK, -1e3)
    nearest[11] = distance[11] + 1e-12
    assert any_segment_nearer(to_lanes(*first), to_lanes(*second), radius, nearest)


def test_capsules_and_turned_boxes_are_as_far_apart_as_in_coal():
    coal = pytest.importorskip("coal")
    rng = np.random.default_rng(10)
    overlaps = 0
    for _ in range(2000 // BLOCK):
        p, d = rng.uniform(-0.5, 0.5, (2, BLOCK, 3)) * [[[1.0]], [[0.4]]]
        d[0] *= 1e-6
        half, radius = rng.uniform(0.05, 0.3, 3), float(rng.uniform(0.02, 0.1))
        T = make_pose(rng.uniform(-0.4, 0.4, 3), rng.uniform(-3.0, 3.0, 3))
        ours, _ = to_box(p, d, half, radius, T)
        box = coal.Box(2.0 * half)
        for lane in range(BLOCK):
            turn, _ = Rotation.align_vectors([d[lane]], [[0.0, 0.0, 1.0]])
            capsule = coal.Capsule(radius, 2.0 * float(np.linalg.norm(d[lane])))
            theirs = coal.distance(
                capsule, coal.Transform3s(turn.as_matrix(), p[lane]), box, coal.Transform3s(T[:3, :3], T[:3, 3]),
                coal.DistanceRequest(), coal.DistanceResult(),
            )  # fmt: skip
            overlaps += ours[lane] < -radius
            assert theirs == pytest.approx(ours[lane], abs=1e-6)
    assert overlaps > 100
