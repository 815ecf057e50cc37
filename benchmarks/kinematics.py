"""Inverse kinematics: as fast as claimed against its peers, exact for a million postures and on the singular sets."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks import kinematics_peers as peers
from benchmarks.harness import Line, at_most, compare, main, measure_interleaved
from sewcell import load_arm
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm import Arm, IkStatus
from sewcell.kinematics.arm_model import OpwParameters, ParallelParameters

TIMED = ("kr6_r700", "ur5e")
"""One arm of each family that has a closed form."""
EXACT = ("kr6_r700", "irb2400", "puma560", "ur5e")
MICRO = 1e6
_POSES = 64
_BATCH = 10_000
_PATH = 1000
_RANDOM = 1_000_000
_SINGULAR = 100_000
_BLOCK = 20_000


def build_lines() -> Iterator[Line]:
    """Every claim about inverse kinematics."""
    for name in TIMED:
        arm = load_arm(name)
        yield from time_single(arm)
        yield from time_batch(arm)
        yield from time_track(arm)
    for name in EXACT:
        arm = load_arm(name)
        yield from check_random(arm)
        yield from check_singular(arm)


def time_single(arm: Arm) -> Iterator[Line]:
    """One pose: all branches, and the nearest posture inside the limits; input checked, output newly allocated."""
    name, limits = arm.model.name, arm.model.limits
    rng = np.random.default_rng(1)
    postures = rng.uniform(limits.lower, limits.upper, (_POSES, 6))
    poses = list(arm.forward(postures))
    near = list(postures + rng.normal(0.0, 0.1, postures.shape))

    def over(solve: Callable[[Array], object]) -> Callable[[], object]:
        return lambda: [solve(T) for T in poses]

    rtb = peers.RtbPeer(arm.model)
    opw = peers.opw_peer(arm.model)
    ikpy = peers.ikpy_peer(arm.model)
    slow = {
        "pinocchio": over(peers.pinocchio_peer(arm.model, postures)),
        "pybullet": over(peers.pybullet_peer(arm.model)),
        "ikpy": lambda: [ikpy(T) for T in poses[:4]],
    }
    all_of_them = {"EAIK": over(peers.eaik_peer(arm.model).IK), **({"py-opw": over(opw)} if opw else {})}
    slow_times = measure_interleaved(slow, rounds=3)
    slow_times["ikpy"] *= _POSES // 4
    times = measure_interleaved({"sewcell": over(arm.solve_all), "rtb": over(rtb.solve), **all_of_them}, rounds=31)
    times = {key: value / _POSES for key, value in times.items()}
    others = {key: value / _POSES for key, value in slow_times.items()}
    title = f"{name}, one pose, all branches [us]"
    yield compare(f"{title}, against rtb", times | others, 120.0, against=["rtb"], scale=MICRO)
    yield compare(f"{title}, against closed forms", times, 5.0, against=list(all_of_them), scale=MICRO)

    solve = arm.solve
    assert all(solve(T, q).status is IkStatus.OK for T, q in zip(poses, near, strict=True))
    nearest = measure_interleaved(
        {
            "sewcell": lambda: [solve(T, q) for T, q in zip(poses, near, strict=True)],
            "rtb": over(rtb.solve),
            "rtb from near": lambda: [rtb.solve_near(T, q) for T, q in zip(poses, near, strict=True)],
        },
        rounds=31,
    )
    nearest = {key: value / _POSES for key, value in nearest.items()} | others
    yield compare(f"{name}, one pose, nearest inside limits [us]", nearest, 80.0, against=["rtb"], scale=MICRO)


def time_batch(arm: Arm) -> Iterator[Line]:
    """10,000 poses, all branches, one thread, into given arrays."""
    limits = arm.model.limits
    postures = np.random.default_rng(2).uniform(limits.lower, limits.upper, (_BATCH, 6))
    poses = arm.forward(postures)
    out = np.empty((_BATCH, 8, 6)), np.empty((_BATCH, 8), dtype=np.bool_)
    eaik, rtb, opw = peers.eaik_peer(arm.model), peers.RtbPeer(arm.model), peers.opw_peer(arm.model)
    some = list(poses[:_POSES])
    whole = measure_interleaved(
        {"sewcell": lambda: arm.solve_batch(poses, out), "EAIK": lambda: eaik.IK_batched(poses, 1)}, rounds=31
    )
    part = measure_interleaved(
        {
            "sewcell": lambda: arm.solve_batch(poses, out),
            "rtb": lambda: [rtb.solve(T) for T in some],
            **({"py-opw": lambda: [opw(T) for T in some]} if opw else {}),
        },
        rounds=31,
    )
    times = {"sewcell": part["sewcell"] / _BATCH} | {k: v / _POSES for k, v in part.items() if k != "sewcell"}
    times["EAIK"] = whole["EAIK"] / _BATCH * part["sewcell"] / whole["sewcell"]
    title = f"{arm.model.name}, 10,000 poses, all branches [us per pose]"
    yield compare(f"{title}, against rtb", times, 900.0, against=["rtb"], scale=MICRO)
    closed = [peer for peer in times if peer in ("EAIK", "py-opw")]
    yield compare(f"{title}, against closed forms", times, 40.0, against=closed, scale=MICRO)


def time_track(arm: Arm) -> Iterator[Line]:
    """A path of 1,000 poses from a posture that reaches its first one."""
    first, last = np.array([-0.5, -0.8, 0.9, -0.3, 0.4, 0.0]), np.array([0.5, -0.4, 1.3, 0.3, 0.9, 0.7])
    postures = np.linspace(first, last, _PATH)
    poses = arm.forward(postures)
    rtb = peers.RtbPeer(arm.model)
    assert np.abs(arm.track(poses, first) - postures).max() < 1e-9
    times = measure_interleaved(
        {"sewcell": lambda: arm.track(poses, first), "rtb": lambda: rtb.track(poses, first)}, rounds=31
    )
    times = {key: value / _PATH for key, value in times.items()}
    yield compare(f"{arm.model.name}, path of 1,000 poses [us per pose]", times, 100.0, scale=MICRO)


def check_random(arm: Arm) -> Iterator[Line]:
    """One million random postures."""
    rng = np.random.default_rng(3)
    worst = _Worst(arm)
    for _ in range(_RANDOM // _BLOCK):
        worst.add(rng.uniform(-np.pi, np.pi, (_BLOCK, 6)))
    name = f"{arm.model.name}, 1,000,000 random poses"
    yield at_most(f"{name}: without the original posture among the answers", worst.lost, 0)
    yield from worst.error_lines(name)


def check_singular(arm: Arm) -> Iterator[Line]:
    """100,000 postures on and near the singular sets: half of them exactly on, the others 1e-16 to 1e-3 beside."""
    rng = np.random.default_rng(4)
    worst = _Worst(arm)
    for _ in range(_SINGULAR // _BLOCK):
        worst.add(_move_to_singular_sets(arm, rng.uniform(-np.pi, np.pi, (_BLOCK, 6)), rng))
    name = f"{arm.model.name}, 100,000 poses at singular sets"
    yield at_most(f"{name}: without an answer", worst.unanswered, 0)
    yield from worst.error_lines(name)


class _Worst:
    """What went worst over many postures."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self.lost = self.unanswered = 0
        self.position = self.rotation = 0.0

    def add(self, postures: Array) -> None:
        T = self._arm.forward(postures)
        Q, valid = self._arm.solve_batch(T)
        away = np.abs((Q - postures[:, None] + np.pi) % (2.0 * np.pi) - np.pi).max(axis=2)
        self.lost += int((~(valid & (away < 1e-6)).any(axis=1)).sum())
        self.unanswered += int((~valid.any(axis=1)).sum())
        reached = self._arm.forward(Q)
        position = np.linalg.norm(reached[..., :3, 3] - T[:, None, :3, 3], axis=-1)
        rotation = np.linalg.norm(reached[..., :3, :3] - T[:, None, :3, :3], axis=(-2, -1)) / np.sqrt(2.0)
        self.position = max(self.position, float(position[valid].max()))
        self.rotation = max(self.rotation, float(rotation[valid].max()))

    def error_lines(self, name: str) -> Iterator[Line]:
        yield at_most(f"{name}: largest error of a valid answer [m]", self.position, 1e-9)
        yield at_most(f"{name}: largest error of a valid answer [rad]", self.rotation, 1e-9)


def _move_to_singular_sets(arm: Arm, q: Array, rng: np.random.Generator) -> Array:
    """The postures moved to the sets: wrist, elbow, shoulder, two at a time and all three, in turn."""
    geometry = arm.model.geometry
    assert isinstance(geometry, OpwParameters | ParallelParameters)
    n = len(q)
    beside = np.where(rng.random((n, 3)) < 0.5, 0.0, 10.0 ** rng.uniform(-16, -3, (n, 3)))
    beside *= rng.choice([-1.0, 1.0], (n, 3))
    fold = np.pi * rng.integers(0, 2, (n, 2))
    which = np.arange(n) % 7 + 1
    theta = q * geometry.signs - geometry.offsets
    stretched = -np.arctan2(geometry.a2, geometry.c3) if isinstance(geometry, OpwParameters) else 0.0
    theta[:, 4] = np.where(which & 1, fold[:, 0] + beside[:, 0], theta[:, 4])
    theta[:, 2] = np.where(which & 2, stretched + fold[:, 1] + beside[:, 1], theta[:, 2])
    ahead = []
    for angle in (0.0, np.pi / 2.0, np.pi):  # the distance ahead of axis 1 is c + a cos(theta2) + b sin(theta2)
        turned = theta.copy()
        turned[:, 1] = angle
        ahead.append(arm.singularity_distance((turned + geometry.offsets) * geometry.signs).shoulder)
    c, a = (ahead[0] + ahead[2]) / 2.0, (ahead[0] - ahead[2]) / 2.0
    b = ahead[1] - c
    cosine = (beside[:, 2] - c) / np.hypot(a, b)
    over_axis = np.arctan2(b, a) + np.arccos(np.clip(cosine, -1.0, 1.0))
    theta[:, 1] = np.where((which & 4 > 0) & (np.abs(cosine) <= 1.0), over_axis, theta[:, 1])
    found: Array = (theta + geometry.offsets) * geometry.signs
    return found


if __name__ == "__main__":
    main(build_lines)
