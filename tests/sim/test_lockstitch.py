"""Facts about plies that are sewn together and lifted off the machine."""

import numpy as np
import pytest

from sim.world.cloth_rig import DT
from sim.world.plies import Plies
from sim.world.ply_rig import PlyRig
from tests.sim.foot_rig import FootRig, sheet

STITCHES, LIFT, STEPS = 5, 40e-3, 120


def sew_two_plies(thread):
    """Two plies from under the needle, with the foot lifted; the rig that sewed them."""
    low, high = (-0.04, -0.02), (0.02, 0.02)
    lower = sheet(low, high)
    upper = sheet(low, high, height=1.5 * lower.material.thickness)
    rig = FootRig(lower, upper)
    rig.thread = thread
    rig.lower()
    rig.sew(STITCHES)
    rig.lift()
    assert rig.bed.cloths == ()
    return lower, upper, rig


def gaps(stitches):
    """Distance between the two ends of each stitch, (S,) [m]."""
    ends = [
        [p.share @ c.x[c.triangles[p.triangle]] for c, p in ((s.lower, s.lower_point), (s.upper, s.upper_point))]
        for s in stitches
    ]
    return np.linalg.norm(np.diff(np.array(ends), axis=1), axis=(1, 2))


def in_space(lower, upper, stitches):
    plies = Plies()
    plies.add(lower)
    plies.add(upper)
    return PlyRig(plies, stitches=stitches)


@pytest.mark.parametrize("thread", [True, False])
def test_sewn_plies_come_up_together_when_the_upper_one_is_lifted_and_unsewn_ones_part(thread):
    lower, upper, sewn = sew_two_plies(thread)
    rig = in_space(lower, upper, sewn.bed.stitches)
    start = upper.x.copy()
    upper.hold(np.arange(len(upper.x)))
    for s in np.linspace(0.0, 1.0, STEPS + 1)[1:]:
        rig.step({upper: start + np.array([0.0, 0.0, LIFT * s * s * (3.0 - 2.0 * s)])})
    rig.wait(40)
    if thread:
        assert len(rig.stitches) == STITCHES
        assert gaps(rig.stitches).max() < lower.material.thickness + 0.2e-3
        assert lower.x[:, 2].max() > LIFT - 1e-3
        assert np.isfinite(lower.x).all()
    else:
        assert rig.stitches == []
        assert lower.x[:, 2].max() < 1e-3


def test_stitches_keep_their_places_when_the_foot_hands_the_plies_over():
    lower, upper, sewn = sew_two_plies(thread=True)
    before = np.concatenate([lower.x, upper.x])
    rig = in_space(lower, upper, sewn.bed.stitches)
    rig.step()
    moved = np.concatenate([lower.x, upper.x]) - before
    fastest = max(float(np.abs(c.v).max()) for c in (lower, upper))
    assert np.abs(moved).max() < 20e-6 + fastest * DT
    rig.wait(30)
    assert np.abs(np.concatenate([lower.x, upper.x]) - before)[:, :2].max() < 50e-6


@pytest.mark.parametrize("thread", [True, False])
def test_a_sewn_ply_that_sleeps_goes_along_when_the_other_is_lifted_a_little_and_drawn_away(thread):
    lower, upper, sewn = sew_two_plies(thread)
    rig = in_space(lower, upper, sewn.bed.stitches)
    rig.wait(150)
    assert lower.asleep
    start, here = upper.x.copy(), lower.x.copy()
    upper.hold(np.arange(len(upper.x)))
    for n in range(1, 41):
        rig.step({upper: start + np.array([-0.2e-3 * n, 0.0, 0.3e-3])})
    assert (here - lower.x)[:, 0].mean() == pytest.approx(8e-3 if thread else 0.0, abs=0.8e-3)
