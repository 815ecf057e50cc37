"""Facts about cloth that falls, lies, slides and hangs."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sim.world.cloth_rig import COTTON, DT, LEVEL, POCKET, Rig, make_cloth, tool_at
from sim.world.textile_lab import AWAY, drape_round


def test_cloth_in_a_vacuum_falls_as_galileo_says_and_keeps_its_momentum():
    rig = Rig(make_cloth(PlanarPose(0.0, 0.0, 0.3), height=2.0), tool_at(9.0, 9.0, 9.0), air=0.0)
    rng = np.random.default_rng(1)
    rig.cloth.v[:] = rng.normal(0.0, 0.05, rig.cloth.v.shape)
    momentum = rig.cloth.mass @ rig.cloth.v
    steps = 60
    rig.wait(steps)
    expected = momentum + rig.cloth.mass.sum() * np.array([0.0, 0.0, -9.81]) * steps * DT
    assert rig.cloth.mass @ rig.cloth.v == pytest.approx(expected, abs=1e-9)


def test_cloth_laid_on_the_table_stays_and_falls_asleep():
    pose = PlanarPose(0.3, 0.2, 0.7)
    rig = Rig(make_cloth(pose, height=LEVEL + 0.2e-3))
    rig.wait(120)
    found = rig.cloth.fit_pose()
    assert rig.cloth.asleep
    assert np.hypot(found.x - pose.x, found.y - pose.y) < 1e-6
    assert abs(found.theta - pose.theta) < 1e-5
    assert rig.cloth.x[:, 2] == pytest.approx(LEVEL, abs=1e-9)


def test_cloth_lying_face_down_is_found_mirrored():
    pose = PlanarPose(0.3, 0.2, -1.2, mirrored=True)
    found = make_cloth(pose).fit_pose()
    assert found.mirrored
    assert (found.x, found.y, found.theta) == pytest.approx((pose.x, pose.y, pose.theta))


@pytest.mark.parametrize(("share", "slides"), [(0.95, False), (1.05, True)])
def test_cloth_slides_on_a_tilted_table_beyond_the_angle_of_friction(share, slides):
    angle = np.arctan(0.35) * share
    rig = Rig(
        make_cloth(PlanarPose(0.0, 0.2, 0.0)), gravity=(9.81 * np.sin(angle), 0.0, -9.81 * np.cos(angle)), air=0.0
    )
    rig.wait(60)
    travelled = rig.cloth.fit_pose().x
    free = 0.5 * 9.81 * (np.sin(angle) - 0.35 * np.cos(angle)) * (60 * DT) ** 2
    if slides:
        assert travelled == pytest.approx(free, rel=0.1)
    else:
        assert abs(travelled) < 1e-6


def test_stiff_cloth_on_a_fine_mesh_drapes_calmly():
    """Weft and warp of 10 kN/m on edges of 4.7 mm: the folds that form turn its triangles by some 20 deg in a step."""
    rig = drape_round(replace(COTTON, stretch_warp=10e3, stretch_weft=10e3), edge=4.7e-3)
    rig.wait(36)
    assert rig.cloth.strains().max() < 0.1
    assert np.abs(rig.cloth.v).max() < 2.0


@pytest.mark.parametrize("held", [False, True])
def test_cloth_calms_down_from_a_crumple_that_no_cloth_can_have(held):
    """Every vertex is put by about an edge of the mesh off its place, hence triangles are turned over and drawn out."""
    rig = Rig(make_cloth(PlanarPose(0.0, 0.0, 0.0), height=0.4), AWAY)
    cloth = rig.cloth
    if held:
        cloth.hold(np.flatnonzero(cloth.pattern[:, 1] > 0.11))
    free = cloth.inverse_mass > 0.0
    cloth.x[free] += np.random.default_rng(1).normal(0.0, 4.7e-3, (int(free.sum()), 3))
    rig.wait(72)
    assert cloth.strains().max() < 0.2
    assert np.abs(cloth.v - cloth.v.mean(axis=0)).max() < 3.0


def hang(steps: int) -> Rig:
    rig = Rig(make_cloth(PlanarPose(0.0, 0.0, 0.0), height=0.4))
    rig.cloth.hold(np.flatnonzero(POCKET[3, 1] - rig.cloth.pattern[:, 1] < 1e-3))
    rig.wait(steps)
    return rig


def test_hanging_cloth_stretches_less_than_one_percent_and_loses_energy():
    rig = hang(0)
    energies = []
    for _ in range(8):
        rig.wait(30)
        m, x, v = rig.cloth.mass, rig.cloth.x, rig.cloth.v
        energies.append(float(m @ (9.81 * x[:, 2]) + 0.5 * m @ np.sum(v**2, axis=1)))
        assert np.percentile(rig.cloth.strains(), 99) < 0.01
    assert all(b < a + 1e-7 for a, b in pairwise(energies))
    assert rig.cloth.x[:, 2].min() == pytest.approx(0.4 - 0.14, abs=0.01)


def test_the_same_commands_give_the_same_cloth_bit_for_bit():
    assert hang(60).cloth.x.tobytes() == hang(60).cloth.x.tobytes()


def test_a_coordinate_that_is_not_finite_stops_the_run_and_names_the_seed():
    rig = Rig(make_cloth(PlanarPose(0.0, 0.0, 0.0), height=0.4))
    rig.cloth.v[5] = np.nan
    with pytest.raises(RuntimeError, match="seed 0"):
        rig.step()
