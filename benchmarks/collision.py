"""Collision of the bench cell against pybullet and pinocchio with coal: same bodies, pairs, postures, same questions.

Every side starts from joint coordinates. The question of an edge: at each of 200 postures on a straight joint move, how
near are the nearest two bodies, which are they, and in which points do they come closest?
"""

import numpy as np

from benchmarks.collision_peers import BulletPeer, CoalPeer
from benchmarks.harness import Line, at_most, compare, main, measure_interleaved
from sewcell.config.layers import load_job
from sewcell.config.values import make_arm_model, make_collision_model
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import JointLimits
from sewcell.kinematics.collision import CollisionModel

GARMENT = "configs/garments/shirt-pocket.yaml"
POSTURES = 10_000
SAMPLES = 200
EDGES = 4
BAND = 0.1e-3
"""Verdicts are compared where the bodies are farther than this from touching [m]."""


def lines() -> list[Line]:
    """The claims about collision."""
    job = load_job(GARMENT)
    arm = make_arm_model(job)
    model = make_collision_model(job.cell, arm)
    bullet, coal, warm = BulletPeer(model), CoalPeer(model, warm=False), CoalPeer(model, warm=True)
    rng = np.random.default_rng(1)
    Q = _draw(rng, arm.limits, POSTURES)
    ours = model.clearance(Q).per_sample
    theirs = {
        name: np.array([found[0] for found in peer.edge(Q)]) for name, peer in (("pybullet", bullet), ("coal", coal))
    }
    clear_cut = np.abs(ours) > BAND
    found = [
        at_most(
            f"collision: verdicts unlike {name}'s, of {POSTURES} random postures, outside {BAND * 1e3:g} mm",
            int((((ours < 0.0) != (distances < 0.0)) & clear_cut).sum()),
            0,
        )
        for name, distances in theirs.items()
    ]
    found.append(
        at_most(
            "collision: largest difference from coal's signed distances, m",
            float(np.abs(ours - theirs["coal"]).max()),
            1e-9,
        )
    )
    edges = _draw_edges(rng, arm.limits, model)
    seconds = measure_interleaved(
        {
            "sewcell": lambda: [model.clearance(edge) for edge in edges],
            "sewcell, every pair": lambda: [model.distances(edge) for edge in edges],
            "pybullet": lambda: [bullet.edge(edge) for edge in edges],
            "coal": lambda: [coal.edge(edge) for edge in edges],
            "coal, warm": lambda: [warm.edge(edge) for edge in edges],
        },
        rounds=9,
    )
    seconds = {name: value / EDGES for name, value in seconds.items()}
    every = {**seconds, "sewcell": seconds.pop("sewcell, every pair")}
    every.pop("sewcell, every pair")
    pairs = len(model.pairs)
    for peers, required in ((("pybullet",), 150.0), (("coal", "coal, warm"), 15.0)):
        name = f"collision, us: edge of {SAMPLES}, nearest of {pairs} pairs with its points, against {peers[0]}"
        found.append(compare(name, seconds, required, against=peers, scale=1e6))
        name = f"collision, us: edge of {SAMPLES}, distances of all {pairs} pairs, against {peers[0]}"
        found.append(compare(name, every, required, against=peers, scale=1e6))
    return found


def _draw(rng: np.random.Generator, limits: JointLimits, n: int) -> Array:
    return limits.lower + rng.random((n, 6)) * (limits.upper - limits.lower)


def _draw_edges(rng: np.random.Generator, limits: JointLimits, model: CollisionModel) -> list[Array]:
    """Straight joint moves between random postures, all of it clear, (SAMPLES, 6) each."""
    edges: list[Array] = []
    while len(edges) < EDGES:
        edge = np.linspace(*_draw(rng, limits, 2), SAMPLES)
        if model.check_path(edge[[0, -1]]).is_clear:
            edges.append(edge)
    return edges


if __name__ == "__main__":
    main(lines)
