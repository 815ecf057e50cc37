"""Facts about cloth that theory or another simulator tells: bending, stretch, drape, friction, energy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sewcell.config.loader import load_yaml
from sewcell.config.models import FabricModel
from sewcell.geometry.planar import PlanarPose
from sim.world.cloth_rig import COTTON, DT, Rig, make_cloth, tool_at
from sim.world.drape import describe_hem
from sim.world.from_config import make_material
from sim.world.textile_lab import (
    drape_round,
    droop_angle,
    hang_strip,
    hang_weight,
    measure_bending_length,
    measure_elongation,
    measure_energy,
    measure_middle_strain,
    measure_motion,
    overhang,
    settle,
)

FABRICS = Path(__file__).parents[2] / "configs" / "fabrics"
GRAVITY = 9.81
COARSE, FINE = 4.7e-3, 2.45e-3
"""Edges with which a shirt pocket has 800 and 3,000 vertices [m]."""


def read_fabric(name):
    return make_material(load_yaml(FABRICS / f"{name}.yaml", FabricModel))


def test_the_elastica_agrees_with_peirce_at_his_angle():
    assert droop_angle(2.0) == pytest.approx(41.5, abs=0.3)


OTHER_FABRICS = [
    pytest.param(n, marks=pytest.mark.slow) for n in ("cotton-plain", "linen-shirting", "poplin", "denim", "jersey")
]


@pytest.mark.parametrize("name", ["cotton-shirting", *OTHER_FABRICS])
@pytest.mark.parametrize("along_weft", [False, True], ids=["warp", "weft"])
def test_every_fabric_droops_over_an_edge_as_peirce_says_on_two_meshes_and_two_lattices(name, along_weft):
    material = read_fabric(name)
    bending = material.bending_weft if along_weft else material.bending_warp
    expected = (bending / material.areal_mass / GRAVITY) ** (1.0 / 3.0)
    lengths = []
    for edge, skew in ((COARSE, 0.0), (COARSE, 0.4), (FINE, 0.0), (FINE, 0.4)):
        strip = overhang(material, 2.0 * expected, edge, along_weft, skew)
        lengths.append(measure_bending_length(strip, 2.0 * expected))
    assert lengths == pytest.approx([expected] * 4, rel=0.10)
    # Rigidity goes with the third power of the bending length.
    rigidities = np.array(lengths) ** 3
    assert rigidities[2:] / rigidities[0] == pytest.approx(np.ones(2), abs=0.15)
    assert rigidities[2:] / rigidities[1] == pytest.approx(np.ones(2), abs=0.15)


@pytest.mark.parametrize(
    ("edge", "stiffness", "substeps"),
    [(COARSE, 4000.0, 20), (FINE, 4000.0, 20), (COARSE, 250.0, 20), (7e-3, 4000.0, 640)],
)
def test_a_hanging_strip_stretches_by_its_weight_over_its_stiffness(edge, stiffness, substeps):
    strip = hang_strip(replace(COTTON, stretch_warp=stiffness), 0.1, 0.03, edge)
    strip.substeps = substeps
    found = []
    for _ in range(120):
        strip.cloth.wake()
        strip.wait(1)
        found.append(measure_elongation(strip))
    expected = COTTON.areal_mass * GRAVITY * 0.1 / 2.0 / stiffness
    assert np.mean(found[60:]) == pytest.approx(expected, rel=0.05)
    assert np.percentile(strip.cloth.strains(), 99) < 20.0 * expected


@pytest.mark.parametrize("edge", [COARSE, FINE])
@pytest.mark.parametrize("pull", [2.0, 20.0])
def test_a_strip_pulled_in_its_plane_stretches_by_the_force_over_its_stiffness(edge, pull):
    length, width = 0.12, 0.05
    strip = hang_strip(COTTON, length, width, edge)
    hang_weight(strip, pull * width)
    found = []
    for _ in range(240):
        strip.wait(1)
        found.append(measure_elongation(strip))
    expected = (pull + COTTON.areal_mass * GRAVITY * length / 2.0) / COTTON.stretch_warp
    assert np.mean(found[120:]) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("degrees", [-1.0, 1.0])
def test_cloth_slides_on_a_tilted_table_within_one_degree_of_the_angle_of_friction(degrees):
    angle = np.arctan(COTTON.friction_table) + np.deg2rad(degrees)
    down = 9.81 * np.array([np.sin(angle), 0.0, -np.cos(angle)])
    rig = Rig(make_cloth(PlanarPose(0.0, 0.2, 0.0)), gravity=tuple(down), air=0.0)
    rig.wait(60)
    travelled = rig.cloth.fit_pose().x
    if degrees < 0.0:
        assert abs(travelled) < 1e-6
    else:
        pull = 9.81 * (np.sin(angle) - COTTON.friction_table * np.cos(angle))
        assert travelled == pytest.approx(0.5 * pull * (60 * DT) ** 2, rel=0.1)


@pytest.mark.parametrize("name", ["jersey", "cotton-shirting", "denim"])
@pytest.mark.parametrize("start", ["swinging", "trembling"])
def test_no_cloth_ever_moves_or_rises_by_more_than_the_energy_that_it_had_at_any_time_before(name, start):
    """Without air, at every step. What is stored in stretch and bending is never negative, so nothing else could.

    The sum itself is not looked at: vertices that tremble by a part of an edge in one substep have more energy stored
    in the stretch of stiff cloth than they had as motion.
    """
    length, width = 0.12, 0.08
    strip = hang_strip(read_fabric(name), length, width, 6e-3)
    cloth, strip.air = strip.cloth, 0.0
    below, across = length - cloth.pattern[:, 1], cloth.pattern[:, 0]
    if start == "trembling":
        cloth.v[:] = np.random.default_rng(4).normal(0.0, 0.3, cloth.v.shape)
    else:
        cloth.v[:, 1] = 0.8 * np.sin(np.pi * below / length) + 6.0 * below * (
            1.0 + 0.5 * np.cos(np.pi * across / width)
        )
    cloth.v[cloth.held] = 0.0
    least = before = measure_energy(strip)
    for _ in range(240):
        strip.wait(1)
        assert measure_motion(strip) <= least + 1e-12 * before, "rounding alone"
        least = min(least, measure_energy(strip))
    assert least < before


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.6, 0.0, 0.8)], ids=["flat", "over", "askew"])
def test_cloth_that_spins_in_free_flight_keeps_its_angular_momentum_but_for_forces_one_step_old(axis):
    """What holds the cloth together pulls along directions that are at most a step dt old, so it brakes by w dt w."""
    cloth = make_cloth(PlanarPose(0.0, 0.0, 0.3), height=2.0)
    rig = Rig(cloth, tool_at(9.0, 9.0, 9.0), gravity=(0.0, 0.0, 0.0), air=0.0)

    def spin():
        x, v = (values - cloth.mass @ values / cloth.mass.sum() for values in (cloth.x, cloth.v))
        return cloth.mass @ np.cross(x, v)

    rate, steps = 10.0, 60
    cloth.v[:] = np.cross(rate * np.array(axis), cloth.x - cloth.mass @ cloth.x / cloth.mass.sum())
    cloth.v += (0.2, -0.1, 0.3)
    before = spin()
    largest = np.linalg.norm(before)
    for _ in range(steps):
        rig.step()
        assert np.linalg.norm(spin()) < largest * (1.0 + 1e-9), "it never spins up"
    lost = 1.0 - np.exp(-(rate**2) * DT * steps * DT)
    assert np.linalg.norm(spin() - before) < lost * largest


@pytest.mark.parametrize("edge", [COARSE, FINE])
@pytest.mark.parametrize("warp", [(1.0, 1.0), (1.0, -1.0)], ids=["left", "right"])
@pytest.mark.parametrize(
    ("values", "pull"),
    [({}, 2.0), ({"stretch_warp": 400.0, "stretch_weft": 400.0, "shear": 200.0}, 2.0)],
    ids=["shirting", "as stiff in all directions"],
)
def test_a_strip_cut_on_the_bias_stretches_by_its_shear_stiffness(edge, warp, values, pull):
    """1 / E45 = (1 / E_warp + 1 / E_weft + 1 / G) / 4 for cloth without Poisson's effect (Jones 1975, eq. 2.97)."""
    length, width = 0.15, 0.03
    material = replace(COTTON, **values)
    strip = hang_strip(material, length, width, edge, warp)
    hang_weight(strip, pull * width)
    found = []
    for _ in range(480):
        strip.cloth.wake()
        strip.wait(1)
        found.append(measure_middle_strain(strip))
    compliance = (1.0 / material.stretch_warp + 1.0 / material.stretch_weft + 1.0 / material.shear) / 4.0
    expected = compliance * (pull + material.areal_mass * GRAVITY * length / 2.0)
    assert np.mean(found[240:]) == pytest.approx(expected, rel=0.05)


def test_air_brakes_falling_cloth_to_the_speed_at_which_drag_is_its_weight():
    rig = Rig(make_cloth(PlanarPose(0.0, 0.0, 0.0), height=40.0), tool_at(9.0, 9.0, 9.0))
    rig.wait(480)
    m = COTTON.areal_mass
    # 0.5 rho c v (v + 0.3) = m g, with rho 1.2 kg/m3 and c 1.2 in the rig
    drag = 0.5 * 1.2 * 1.2
    expected = -0.15 + np.sqrt(0.15**2 + m * GRAVITY / drag)
    assert -rig.cloth.v[:, 2].mean() == pytest.approx(expected, rel=0.05)


@pytest.mark.slow
def test_a_round_drapes_over_a_disc_as_in_mujoco():
    """Reference: `python -m tools.drape_reference`, MuJoCo 4.0.0, a mesh of 1,976 vertices; see docs/cloth.md."""
    mujoco_drop, mujoco_coefficient = 45.56e-3, 0.5323
    hem = {}
    for edge in (9e-3, 6.5e-3):
        rig = settle(drape_round(edge=edge), 3.0)
        hem[edge] = describe_hem(rig.cloth.pattern, rig.cloth.x - [0.0, 0.0, 0.5])
    assert hem[9e-3].coefficient == pytest.approx(hem[6.5e-3].coefficient, rel=0.15)
    assert hem[6.5e-3].drop == pytest.approx(mujoco_drop, rel=0.05)
    assert hem[6.5e-3].coefficient == pytest.approx(mujoco_coefficient, rel=0.12)
