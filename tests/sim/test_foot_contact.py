"""Facts about forces under the presser foot: friction, feed, pivot, slack; judged against Coulomb and Hooke."""

import numpy as np
import pytest

from sim.world.cloth_rig import COTTON, DT, FEED
from tests.sim.foot_rig import MACHINE, FootRig, angle_of_cloth, area_ratios, sheet

SMOOTH = {"friction_foot": 0.0, "friction_feed_dog": 0.0, "friction_table": 0.0}


def hold_ends(cloth, reach=4e-3):
    """Hold both ends along x; returns masks of left and right among the held vertices."""
    x = cloth.x[:, 0]
    held = np.flatnonzero((x < x.min() + reach) | (x > x.max() - reach))
    cloth.hold(held)
    return x[held] < x.mean(), x[held] > x.mean()


def hold_end(cloth, reach=4e-3):
    """Hold the end that comes last to the needle."""
    held = np.flatnonzero(cloth.x[:, 0] < cloth.x[:, 0].min() + reach)
    cloth.hold(held)
    return cloth.x[held].copy()


@pytest.mark.parametrize("strain", [0.002, 0.006])
def test_a_stretched_strip_pulls_with_hookes_force(strain):
    strip = sheet((-0.1, -0.0125), (0.1, 0.0125), **SMOOTH)
    left, right = hold_ends(strip)
    start = strip.x[strip.held].copy()
    rig = FootRig(strip)
    for part in np.linspace(0.0, 1.0, 40):
        rig.targets[strip] = start + np.outer(right, [part * strain * (0.2 - 8e-3), 0.0, 0.0])
        rig.step(foot=1.0)
    rig.wait(60)
    free = np.ptp(strip.x[np.setdiff1d(np.arange(len(strip.x)), strip.held), 0])
    pull = rig.bed.forces().held[strip.held[right], 0].sum()
    length = strip.pattern[strip.held[right], 0].min() - strip.pattern[strip.held[left], 0].max()
    true_strain = strain * (0.2 - 8e-3) / length
    assert 0.0 < free < 0.2
    assert pull == pytest.approx(COTTON.stretch_weft * 0.025 * true_strain, rel=0.02)
    assert rig.bed.forces().held[strip.held[left], 0].sum() == pytest.approx(-pull, rel=1e-3)


@pytest.mark.parametrize("force", [25.0, 12.5])
def test_cloth_drawn_out_from_under_the_foot_resists_with_friction_times_force_on_both_faces(force):
    strip = sheet((-0.1, -0.03), (0.05, 0.03))
    start = hold_end(strip)
    rig = FootRig(strip, foot_force=force)
    rig.lower()
    drag = []
    for n in range(400):
        rig.targets[strip] = start - [40e-6 * n, 0.0, 0.0]
        rig.step()
        if n >= 300:
            drag.append(-rig.bed.forces().held[:, 0].sum())
    weight = 9.81 * strip.mass.sum()
    assert np.mean(drag) == pytest.approx(2 * COTTON.friction_foot * force + COTTON.friction_table * weight, rel=0.05)
    assert np.std(drag) < 0.02 * np.mean(drag)
    assert rig.bed.forces().foot[0] == pytest.approx(COTTON.friction_foot * force, rel=0.01)
    assert rig.smallest > 0.1


def feed_against_drag(part, stiffness, force=4.0, width=14e-3):
    """Feeds at the needle in a stitch of a strip as wide as the foot whose end gives way when it is pulled with `part`
    of the most that the dog can drag; and how many Hooke leaves of one.

    With the dog down, plate and sole hold 2 mu N at most: what was pulled harder springs back by then. The strip is
    free up to the sole, under which its tension falls from the rear end on: half of the way to the needle counts.
    """
    strip = sheet((-0.08, -width / 2.0), (0.02, width / 2.0), 4e-3, stretch_weft=stiffness, friction_table=0.0)
    end = hold_end(strip)
    rig = FootRig(strip, foot_force=force)
    rig.lower()
    drag = part * (COTTON.friction_feed_dog - COTTON.friction_foot) * force
    half = MACHINE.foot_length / 2.0
    compliance = (-half - end[:, 0].max() + half / 2.0) / (stiffness * width)

    def give_way():
        end[:, 0] += max(-rig.bed.forces().held[:, 0].sum() - drag, 0.0) * 0.75 * compliance
        rig.targets[strip] = end

    rig.sew(5, spm=100, each=give_way)
    sprung_back = max(drag - 2.0 * COTTON.friction_foot * force, 0.0) * compliance
    assert rig.smallest > 0.3
    return -np.diff(rig.points(strip)[-3:, 0]).mean() / FEED, 1.0 - sprung_back / FEED


@pytest.mark.parametrize(("part", "stiffness"), [(0.6, 5e3), (0.85, 5e3), (0.85, 10e3)])
def test_cloth_that_is_dragged_feeds_by_a_stitch_less_what_springs_back_of_it_while_the_dog_is_down(part, stiffness):
    feed, left = feed_against_drag(part, stiffness)
    assert feed == pytest.approx(left, abs=0.05)
    assert (left == 1.0) if part < 0.65 else (0.8 < left < 0.95)


def test_feed_collapses_where_the_drag_passes_what_the_dog_can_pull():
    feed, _ = feed_against_drag(1.15, 5e3)
    assert feed == pytest.approx(0.0, abs=0.01)


def turn_rim(rig, cloth, angle, steps=120):
    """Turn everything outside of 45 mm about the needle; returns the largest torque [N m]."""
    cloth.hold(np.flatnonzero(np.linalg.norm(cloth.x[:, :2], axis=1) > 45e-3))
    start = cloth.x[cloth.held].copy()
    torques = []
    for part in np.linspace(0.0, 1.0, steps):
        c, s = np.cos(part * angle), np.sin(part * angle)
        rig.targets[cloth] = start @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        rig.step()
        force = rig.bed.forces().held[cloth.held]
        r = cloth.x[cloth.held]
        torques.append(float((r[:, 0] * force[:, 1] - r[:, 1] * force[:, 0]).sum()))
    return max(torques)


def test_with_the_foot_up_cloth_turns_freely_about_the_needle_and_with_the_foot_down_it_does_not():
    torque, turned = {}, {}
    for foot in (0.0, 1.0):
        cloth = sheet((-0.06, -0.06), (0.06, 0.06))
        rig = FootRig(cloth)
        rig.lower()
        rig.turn_to(135.0 / 360.0)
        if foot == 0.0:
            rig.lift()
        torque[foot] = turn_rim(rig, cloth, np.deg2rad(30.0))
        turned[foot] = np.rad2deg(angle_of_cloth(cloth))
        assert cloth.point_at([0.0, 0.0]) == pytest.approx([0.06, 0.06], abs=0.1e-3)
        assert rig.smallest > 0.0
    assert turned[0.0] == pytest.approx(30.0, abs=0.2)
    assert torque[0.0] < 1e-3
    assert turned[1.0] < 20.0
    assert torque[1.0] > 20e-3


@pytest.mark.slow
@pytest.mark.parametrize("low", [-0.0375, -0.025])
def test_a_free_piece_feeds_straight(low):
    piece = sheet((-0.225, low), (0.015, low + 0.075))
    rig = FootRig(piece)
    rig.lower()
    rig.sew(80)
    points = rig.points(piece)
    assert np.ptp(points[:, 0]) == pytest.approx(79 * 2.5e-3, rel=0.01)
    slope = np.polyfit(points[:, 0], points[:, 1], 1)[0]
    assert abs(np.rad2deg(np.arctan(slope))) < 0.5
    assert abs(np.rad2deg(piece.fit_pose().theta)) < 0.5
    assert rig.smallest > 0.5


def turn_near_the_edge(friction=0.0, spm=1000.0, **material):
    """Angle [deg] by which a piece of 240 x 75 mm has turned after 80 stitches 12 mm beside its edge."""
    piece = sheet((-0.225, -0.012), (0.015, 0.063), friction_table=friction, **material)
    rig = FootRig(piece)
    rig.lower()
    rig.sew(80, spm=spm)
    return float(np.rad2deg(piece.fit_pose().theta))


@pytest.mark.slow
def test_the_table_turns_a_piece_that_is_sewn_near_its_edge_in_proportion_to_the_moment_of_its_drag():
    turned = [turn_near_the_edge(friction) for friction in (0.0, 0.35, 0.7)]
    assert turned[2] - turned[0] == pytest.approx(2.0 * (turned[1] - turned[0]), rel=0.15)
    assert 0.1 < turned[1] - turned[0] < 0.6


@pytest.mark.slow
def test_what_else_turns_it_is_inertia_and_changes_its_sign_where_the_feed_passes_the_pieces_own_frequency():
    """An oscillator on a spring that its support shakes at n turns a second answers to m n^2 alone, in phase below its
    own frequency, against it above. The foot holds the cloth by 0.3 N m per radian (docs/foot-contact.md): 13.6 Hz.
    """
    inertia = COTTON.areal_mass * 0.24 * 0.075 * (0.24**2 / 3.0)
    own_spm = 60.0 * np.sqrt(0.3 / inertia) / (2.0 * np.pi)
    slow, below, above = (turn_near_the_edge(spm=share * own_spm) for share in (0.3, 0.8, 1.2))
    assert abs(slow) < 0.05
    assert below < -0.1
    assert above > 0.1
    heavy = turn_near_the_edge(spm=0.7 * own_spm, areal_mass=4.0 * COTTON.areal_mass)
    assert heavy == pytest.approx(turn_near_the_edge(spm=1.4 * own_spm), rel=0.25)


def test_a_finger_that_pushes_the_cloth_sideways_turns_the_seam():
    piece = sheet((-0.15, -0.0375), (0.015, 0.0375))
    rig = FootRig(piece)
    rig.lower()
    rig.sew(4)
    finger = np.flatnonzero(np.linalg.norm(piece.x[:, :2] - [-0.06, 0.0], axis=1) < 8e-3)
    piece.hold(finger)
    at = piece.x[finger].copy()

    def push():
        at[:, :2] += np.array([2.5e-3, 1.2e-3]) * 1000.0 / 60.0 * DT
        rig.targets[piece] = at

    rig.sew(14, each=push)
    assert np.rad2deg(piece.fit_pose().theta) < -2.0
    first, last = rig.points(piece)[4:6], rig.points(piece)[-2:]
    heading = [np.arctan2(*(p[0] - p[1])[::-1]) for p in (first, last)]
    assert np.rad2deg(heading[1] - heading[0]) > 1.0
    assert rig.smallest > 0.0


def test_an_arm_that_runs_ahead_makes_slack_before_the_foot_and_one_that_lags_stretches_the_cloth():
    forces, heights, strains = {}, {}, {}
    for shift in (3e-3, -0.4e-3):
        piece = sheet((-0.05, -0.03), (0.03, 0.03))
        start = hold_end(piece, 12e-3)
        rig = FootRig(piece)
        rig.lower()
        for part in np.linspace(0.0, 1.0, 60):
            rig.targets[piece] = start + np.array([part * shift, 0.0, 0.0])
            rig.step()
        rig.wait(60)
        forces[shift] = rig.bed.forces().held[:, 0].sum()
        heights[shift] = piece.x[:, 2].max()
        strains[shift] = np.percentile(piece.strains(), 99)
        ahead = piece.x[piece.x[:, 2] > 0.5e-3, 0]
        assert np.all((ahead > -0.04) & (ahead < 0.0))
        assert rig.smallest > 0.3
    assert heights[3e-3] > 3e-3
    assert heights[-0.4e-3] < 1e-3
    assert abs(forces[3e-3]) < 1.0
    assert strains[3e-3] < 0.02
    assert forces[-0.4e-3] < -0.5
    assert strains[-0.4e-3] > 0.005


def test_the_dog_ahead_of_the_needle_can_feed_more_and_gathers_the_cloth_between_the_teeth():
    compressed = {}
    for ratio in (1.0, 1.5):
        piece = sheet((-0.1, -0.03), (0.02, 0.03))
        rig = FootRig(piece, differential=ratio)
        rig.lower()
        rig.sew(6)
        near = np.linalg.norm(piece.x[piece.triangles].mean(axis=1)[:, :2], axis=1) < 8e-3
        compressed[ratio] = area_ratios(piece)[near].mean()
    assert compressed[1.5] < compressed[1.0] - 0.02


@pytest.mark.parametrize("part", [1.0, 0.1])
def test_micro_lift_takes_the_load_off_the_cloth_while_the_needle_is_down(part):
    strip = sheet((-0.08, 0.001), (0.04, 0.03))  # beside the needle
    start = hold_end(strip)
    rig = FootRig(strip, micro_lift=part, foot_force=5.0)
    rig.targets[strip] = start
    rig.lower()
    rig.turn_to(135.0 / 360.0)
    for n in range(150):
        rig.targets[strip] = start - [40e-6 * n, 0.0, 0.0]
        rig.step()
    assert rig.bed.forces().foot[0] == pytest.approx(part * COTTON.friction_foot * 5.0, rel=0.02)


@pytest.mark.parametrize("seed", [1, 3])
def test_no_triangle_turns_over_however_the_arm_tears_at_the_cloth_while_it_is_sewn(seed):
    rng = np.random.default_rng(seed)
    piece = sheet((-0.08, -0.04), (0.04, 0.04))
    start = hold_end(piece, 40e-3)
    rig = FootRig(piece)
    rig.lower()
    at, speed, angle = np.array([-0.06, 0.0]), np.zeros(2), 0.0
    for _ in range(150):
        speed = 0.98 * (speed + rng.normal(0.0, 0.02, 2))
        at, angle = at + speed * DT, angle + rng.normal(0.0, 0.004)
        c, s = np.cos(angle), np.sin(angle)
        flat = (start[:, :2] - [-0.06, 0.0]) @ np.array([[c, s], [-s, c]]) + at
        rig.targets[piece] = np.column_stack([flat, start[:, 2]])
        rig.step(shaft=rig.shaft + 1000.0 / 60.0 * DT)
    assert np.linalg.norm(at - [-0.06, 0.0]) > 5e-3
    assert rig.smallest > 0.0
    assert np.isfinite(piece.x).all()
