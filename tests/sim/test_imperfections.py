"""Facts about how the simulated cell differs from its configuration."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sewcell.config.fault_names import FAULT_TEXTS
from sewcell.config.layers import load_job
from sewcell.config.values import make_arm_model
from sewcell.geometry.poses import make_pose, rotation_angle
from sewcell.kinematics.arm import Arm
from sim.camera.dust import draw_specks, make_lint
from sim.camera.sensor import Sensor
from sim.faults import FAULTS
from sim.world.bullet import RigidWorld
from sim.world.cloth_rig import BENCH
from sim.world.from_config import make_world_parameters

POCKET = Path(__file__).parents[2] / "configs" / "garments" / "shirt-pocket.yaml"
LEVELS = ("ideal", "typical", "worn")
POSTURES = np.deg2rad([[-20, -110, 120, 0, 80, -90], [30, -60, 100, 10, 60, 40], [-5, -80, 110, -20, 70, 0]])


def worlds(level, seeds=20):
    job = load_job(POCKET, imperfections=level)
    return job, [make_world_parameters(job.cell, job.fabric, job.imperfections, seed) for seed in range(seeds)]


def arm_errors(level):
    """How far the flange is from where the controller's own model has it [m], over seeds and postures."""
    job, many = worlds(level, 8)
    arm = Arm(make_arm_model(job))
    errors = []
    for parameters in many:
        rigid = RigidWorld(parameters, POSTURES[0])
        for q in POSTURES:
            rigid.stand(q)
            errors.append(np.linalg.norm(rigid.flange_pose()[:3, 3] - arm.forward(q)[:3, 3]))
        rigid.close()
    return np.array(errors)


def test_the_ideal_arm_is_the_drawn_one_and_a_calibrated_one_is_within_two_tenths():
    ideal, typical, worn = (arm_errors(level) for level in LEVELS)
    assert ideal.max() < 1e-6
    assert 0.05e-3 < typical.mean() < 0.2e-3, "calibrated arms of this size: 0.1 to 0.2 mm"
    assert 0.2e-3 < worn.mean() < 1.0e-3, "uncalibrated ones: up to 1 mm"


def test_an_axis_stands_still_until_its_motor_has_crossed_the_play():
    play = np.deg2rad(0.02)
    parameters = replace(BENCH, arm=replace(BENCH.arm, backlash=np.full(6, play), lag=np.zeros(6)))
    rigid = RigidWorld(parameters, POSTURES[0])

    def turned(motor):
        """Where axis 1 comes to stand."""
        before = rigid.flange_pose()
        rigid.follow(POSTURES[0] + motor * np.eye(6)[0], 1e-3)
        return rotation_angle(before[:3, :3].T @ rigid.flange_pose()[:3, :3])

    assert turned(0.4 * play) == pytest.approx(0.0, abs=1e-9)
    assert turned(2.0 * play) == pytest.approx(1.5 * play, rel=2e-3)
    assert turned(1.1 * play) == pytest.approx(0.0, abs=1e-9)
    assert turned(0.0) == pytest.approx(1.0 * play, rel=2e-3)
    rigid.close()


def test_a_joint_lags_its_ramp_by_its_time_constant():
    lag = np.linspace(2e-3, 20e-3, 6)
    rigid = RigidWorld(replace(BENCH, arm=replace(BENCH.arm, lag=lag)), POSTURES[0])
    speed, dt = 0.5, 1e-4
    for n in range(1, 2001):
        rigid.follow(POSTURES[0] + speed * n * dt, dt)
    assert POSTURES[0] + speed * 0.2 - rigid.joints == pytest.approx(speed * lag, rel=0.05)
    rigid.close()


@pytest.mark.parametrize("part", ["machine.T_base_needle", "gripper.T_flange_tool"])
def test_needle_and_tool_are_off_by_what_the_level_says_and_the_seed_draws(part):
    owner, name = part.split(".")
    spread = {}
    for level in LEVELS:
        _, many = worlds(level)
        poses = np.array([getattr(getattr(parameters, owner), name)[:3, 3] for parameters in many])
        drawn = np.array([getattr(getattr(BENCH, owner), name)[:3, 3]])
        spread[level] = np.sqrt(np.mean((poses - drawn) ** 2))
    assert spread["ideal"] == 0.0
    assert 0.0 < spread["typical"] < spread["worn"] < 0.5e-3


@pytest.mark.parametrize(("shutter", "left"), [(10e-3, 0.0), (20e-3, 0.0), (5e-3, 2.0 / np.pi), (1e-6, 1.0)])
def test_bands_of_the_mains_vanish_when_the_exposure_is_a_whole_number_of_its_periods(shutter, left):
    """The lamp's light is averaged numerically over the exposure of each row."""
    sensor = Sensor(flicker=0.3, flicker_rate=100.0, shutter=shutter, readout=30e-3)
    rows = sensor.row_light(1200, 0.123)
    assert np.ptp(rows) / 2.0 == pytest.approx(0.3 * left, abs=1e-3)
    for row in (0, 500, 1199):
        t = 0.123 + 30e-3 * row / 1199 + (np.arange(4000) + 0.5) / 4000 * shutter
        assert rows[row] == pytest.approx(np.mean(1.0 + 0.3 * np.cos(2.0 * np.pi * 100.0 * t)), abs=1e-6)


def test_the_picture_shows_the_bands_and_the_specks():
    grey = np.full((120, 160, 3), 0.5, dtype=np.float32)
    rng = np.random.default_rng(1)
    specks = draw_specks((160, 120), 3, rng)
    assert 0.6 < specks.min() < 0.97
    plain = Sensor(noise=0.0, vignetting=0.0, blur_px=0.0)
    banded = replace(plain, flicker=0.4, shutter=5e-3, readout=20e-3, specks=specks)
    ratio = banded.expose(grey, rng).astype(float) / plain.expose(grey, rng)
    assert ratio == pytest.approx(specks[..., None] * banded.row_light(120, 0.0)[:, None, None] * np.ones(3), abs=0.01)


def test_lint_lies_on_the_table_within_its_corners():
    T = make_pose((0.1, 0.2, 0.0), (0.0, 0.0, 0.3))
    corners = np.array([0.0, 0.0]), np.array([0.6, 0.4])
    mesh = make_lint("lint", 25, corners, T, np.random.default_rng(3))
    local = (mesh.vertices - T[:3, 3]) @ T[:3, :3]
    assert len(mesh.faces) == 50
    assert np.all((local[:, :2] > -2e-3) & (local[:, :2] < corners[1] + 2e-3))
    assert np.all((local[:, 2] > 0.0) & (local[:, 2] < 0.5e-3))
    assert make_lint("lint", 0, corners, T, np.random.default_rng(3)) is None


def test_every_fault_that_can_be_named_can_happen():
    assert set(FAULTS) == set(FAULT_TEXTS)


def test_the_page_lists_every_fault_with_what_happens_and_what_is_answered():
    page = (POCKET.parents[2] / "docs" / "simulation.md").read_text(encoding="utf-8")
    for name, text in FAULT_TEXTS.items():
        assert f"| `{name}` | {text.happens} | {text.answer} |" in page
