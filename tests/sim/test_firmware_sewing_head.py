"""The emulated sewing head keeps to docs/protocols/sewing_head.md."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from sim.firmware.modbus_slave import RefusalError
from sim.firmware.sewing_head import Reg, SewingHead
from sim.firmware.shaft import plan_move
from sim.plant import Plant
from tests.sim.head_bench import (
    CLEAR,
    COMMAND_ECHO,
    DISABLED,
    DOWN,
    FAULT,
    FAULTED,
    FLAGS,
    FOOT_DOWN,
    HOST_LOST,
    NEEDLE_DOWN,
    NEEDLE_UP,
    READY,
    SEW,
    SEWING,
    SHAFT_ANGLE,
    SPEED,
    STATUS,
    STITCH_COUNT,
    STOP,
    TEMPORARY_STOP,
    THREAD_BREAK,
    TRIM,
    TRIMMED,
    TRIMMING,
    TURNING,
    UP,
    WAITING,
    Bench,
)


def speed_limit_at(phi: float, sections: list[tuple[float, float]], a: float) -> float:
    """The page's formula: min over every point p of sqrt(lim(p)^2 + 2 a |phi - p|); phi in turns from the start."""
    total = sum(turns for turns, _ in sections)
    squares = [2 * a * phi, 2 * a * (total - phi)]
    begin = 0.0
    for turns, limit in sections:
        distance = max(begin - phi, 0.0, phi - begin - turns)
        squares.append(limit**2 + 2 * a * distance)
        begin += turns
    return float(np.sqrt(min(squares)))


@settings(max_examples=60, deadline=None)
@given(
    sections=st.lists(st.tuples(st.integers(1, 60), st.integers(100, 5000)), min_size=1, max_size=5),
    acceleration=st.integers(500, 20000),
    part=st.floats(0.02, 0.98),
)
def test_the_shaft_follows_the_profile_of_the_page(sections, acceleration, part):
    a = acceleration / 60.0
    profile = [(float(turns), spm / 60.0) for turns, spm in sections]
    borders = np.cumsum([turns for turns, _ in profile])
    move = plan_move(0.0, 0.0, list(zip(borders, (v for _, v in profile), strict=True)), a, 0.0)
    phi, speed = move.at(part * move.end_time)
    assert speed == pytest.approx(speed_limit_at(phi, profile, a), rel=1e-6, abs=1e-6)
    assert move.at(move.end_time) == (borders[-1], 0.0)


def test_the_time_of_a_seam_is_the_integral_of_its_slowness():
    profile = [(3.0, 400 / 60), (3.0, 400 / 60), (43.0, 1000 / 60), (3.0, 400 / 60), (3.0, 400 / 60)]
    a = 2000 / 60
    total = sum(turns for turns, _ in profile)

    # phi = u^2 near the ends takes the root's singularity out of the integrand.
    def slowness(phi: float) -> float:
        return 1.0 / speed_limit_at(phi, profile, a)

    knots = np.sqrt([0.0, 0.7, 6.0, 9.0, 27.5])
    first = sum(quad(lambda u: 2 * u * slowness(u * u), lo, hi, limit=500)[0] for lo, hi in pairwise(knots))
    theory = 2 * first  # this seam is symmetric

    bench = Bench()
    bench.set_seam()
    bench.command(SEW)
    begin = bench.now
    bench.run_until_rest()
    assert bench.plant.shaft_turns == total
    assert bench.now - begin - 0.002 == pytest.approx(theory, abs=2e-3)


def test_a_seam_begins_two_milliseconds_after_its_command_and_counts_every_stitch():
    bench = Bench()
    bench.set_seam()
    bench.command(SEW)
    bench.run(0.002)
    assert bench.plant.shaft_turns == 0.0
    bench.run(0.01)
    # Half a (t)^2 from rest, a = 2000 spm/s.
    assert bench.plant.shaft_turns == pytest.approx(0.5 * (2000 / 60) * 0.01**2, rel=1e-6)
    assert bench.read(STATUS) == SEWING
    bench.run_until_rest()
    assert bench.read(STITCH_COUNT) == 55
    assert bench.read(STATUS) == READY
    assert bench.read(SHAFT_ANGLE) == 0
    assert bench.read(FLAGS) & NEEDLE_UP
    assert bench.read(COMMAND_ECHO) == bench.sequence


def test_backtacks_feed_forward_and_back_then_the_seam_then_back_and_forward():
    bench = Bench()
    bench.set_seam(stitches=10, start=3, end=2)
    bench.command(SEW)
    bench.run_until_rest()
    # In the middle of the feed window of each turn (285 deg).
    feeds = [
        next(feed for _, turns, feed in bench.log if turns >= turn + 285 / 360)
        for turn in range(round(bench.plant.shaft_turns))
    ]
    assert feeds == pytest.approx([2.5e-3] * 3 + [-2.5e-3] * 3 + [2.5e-3] * 10 + [-2.5e-3] * 2 + [2.5e-3] * 2)


def test_needle_down_stops_are_at_135_degrees_and_the_next_seam_goes_on_from_there():
    bench = Bench()
    bench.set_seam(stitches=5, start=0, end=0, needle_stop=1)
    bench.command(SEW)
    bench.run_until_rest()
    assert bench.plant.shaft_turns == 4.375
    assert bench.read(SHAFT_ANGLE) == 1350
    assert bench.read(STITCH_COUNT) == 5
    assert bench.read(FLAGS) & NEEDLE_DOWN
    bench.set_seam(stitches=5, start=0, end=0, needle_stop=0)
    bench.command(SEW)
    bench.run_until_rest()
    assert bench.plant.shaft_turns == 9.0  # turn 1 of this seam is the turn in which the needle stood
    assert bench.read(STITCH_COUNT) == 4


def test_stop_brakes_hard_and_goes_on_to_the_next_needle_up_stop():
    bench = Bench()
    bench.set_seam(stitches=500, start=0, end=0)
    bench.command(SEW)
    bench.run(3.0)
    assert bench.read(SPEED) == 1000
    at_stop = bench.plant.shaft_turns
    bench.command(STOP)
    begin = len(bench.log)
    bench.run_until_rest()
    assert bench.plant.shaft_turns == np.ceil(at_stop + (1000 / 60) ** 2 / (2 * 20000 / 60))
    times, turns, _ = np.array(bench.log[begin:]).T
    speed = np.diff(turns) / np.diff(times)
    assert np.all(np.diff(speed) < 1e-6)  # only slower, never faster
    assert np.all(np.diff(speed) > -1.01 * 20000 / 60 * 1e-3)
    assert bench.read(STATUS) == READY


@settings(max_examples=60, deadline=None)
@given(at_ms=st.integers(1, 3000), spm=st.integers(100, 2000))
def test_up_to_2000_spm_the_needle_stands_up_within_160_milliseconds(at_ms, spm):
    bench = Bench()
    bench.set_seam(stitches=400, start=2, end=2, spm=spm)
    bench.command(SEW)
    bench.run(at_ms * 1e-3)
    begin = bench.now
    bench.command(STOP)
    assert bench.run_until_rest() - begin <= 0.161


def test_the_silence_that_stops_the_needle_is_a_setting():
    bench = Bench()
    bench.head.write(Reg.HEARTBEAT_TIMEOUT, [130], bench.now)
    bench.set_seam(stitches=500, start=0, end=0)
    bench.command(SEW)
    bench.run(1.0)
    bench.beats = False
    bench.run(0.135)
    assert bench.read(STATUS) == TEMPORARY_STOP


def test_an_empty_bobbin_stops_with_the_needle_up():
    bench = Bench()
    bench.set_seam(stitches=500, start=0, end=0)
    bench.command(SEW)
    bench.run(1.0)
    bench.plant.bobbin_empty = True
    bench.run_until_rest()
    assert (bench.read(STATUS), bench.read(FAULT), bench.read(SHAFT_ANGLE)) == (FAULTED, 2, 0)


@settings(max_examples=60, deadline=None)
@given(at_ms=st.integers(1, 3000), spm=st.integers(100, 5000), accel=st.integers(500, 20000))
def test_whenever_the_stop_comes_the_needle_ends_up(at_ms, spm, accel):
    bench = Bench()
    bench.set_seam(stitches=400, start=2, end=2, spm=spm, accel=accel)
    bench.command(SEW)
    bench.run(at_ms * 1e-3)
    assume(bench.read(FLAGS) & TURNING)
    before = bench.plant.shaft_turns
    bench.command(STOP)
    bench.run_until_rest()
    assert bench.plant.shaft_turns % 1.0 == 0.0
    assert before <= bench.plant.shaft_turns
    assert bench.read(SHAFT_ANGLE) == 0


def test_a_seam_waits_for_the_presser_foot_and_begins_when_it_is_down():
    bench = Bench(foot=False)
    bench.set_seam(stitches=2, start=0, end=0)
    bench.command(SEW)
    bench.run(1.0)
    assert bench.read(STATUS) == WAITING
    assert bench.plant.shaft_turns == 0.0
    bench.head.write(Reg.FOOT, [1], bench.now)
    bench.run(0.04)
    assert bench.plant.foot_down == pytest.approx(0.5)
    bench.run(0.06)
    assert bench.read(FLAGS) & FOOT_DOWN
    assert bench.plant.shaft_turns == pytest.approx(0.5 * (2000 / 60) * 0.02**2, rel=1e-6)


def test_trimming_needs_the_needle_up_and_takes_250_milliseconds():
    bench = Bench()
    bench.command(DOWN)
    bench.run_until_rest()
    assert bench.plant.shaft_turns == 0.375
    with pytest.raises(RefusalError) as refusal:
        bench.command(TRIM)
    assert refusal.value.code == 4
    assert bench.read(FAULT) == 5
    assert bench.read(STATUS) == READY
    bench.command(UP)
    bench.run_until_rest()
    assert bench.plant.shaft_turns == 1.0
    assert bench.read(FAULT) == 0
    bench.command(TRIM)
    bench.run(0.24)
    assert bench.read(STATUS) == TRIMMING
    bench.run(0.02)
    assert bench.read(STATUS) == READY
    assert bench.read(FLAGS) & TRIMMED
    bench.set_seam(stitches=1, start=0, end=0)
    bench.command(SEW)
    bench.run(0.01)
    assert not bench.read(FLAGS) & TRIMMED


def test_a_repeated_command_with_the_same_number_is_harmless():
    bench = Bench()
    bench.set_seam(stitches=2, start=0, end=0)
    bench.command(SEW)
    bench.run_until_rest()
    bench.head.write(Reg.COMMAND, [SEW, bench.sequence], bench.now)
    bench.run(0.5)
    assert bench.plant.shaft_turns == 2.0


def test_a_silent_host_stops_the_seam_with_the_needle_up_until_it_is_cleared():
    bench = Bench()
    bench.set_seam(stitches=500, start=0, end=0)
    bench.command(SEW)
    bench.run(1.0)
    bench.beats = False
    bench.run(0.24)  # the last beat was up to 50 ms ago
    assert bench.read(STATUS) == SEWING
    bench.run(0.07)
    assert bench.read(STATUS) == TEMPORARY_STOP
    bench.run_until_rest()
    assert bench.read(FLAGS) & HOST_LOST
    assert bench.read(SHAFT_ANGLE) == 0
    with pytest.raises(RefusalError):
        bench.command(CLEAR)
    bench.beats = True
    bench.run(0.1)
    assert bench.read(STATUS) == TEMPORARY_STOP
    bench.command(CLEAR)
    standing = bench.plant.shaft_turns
    bench.run(1.0)
    assert bench.read(STATUS) == READY
    assert bench.plant.shaft_turns == standing


def test_a_thread_break_stops_with_the_needle_up_until_the_fault_is_cleared():
    bench = Bench()
    bench.set_seam(stitches=500, start=0, end=0)
    bench.command(SEW)
    bench.run(1.0)
    bench.plant.thread_broken = True
    bench.run(0.002)
    assert bench.read(STATUS) == FAULTED
    bench.run_until_rest()
    assert bench.read(FAULT) == 1
    assert bench.read(FLAGS) & THREAD_BREAK
    assert bench.read(SHAFT_ANGLE) == 0
    with pytest.raises(RefusalError):
        bench.command(SEW)
    bench.plant.thread_broken = False
    bench.command(CLEAR)
    assert bench.read(STATUS) == READY
    assert not bench.read(FLAGS) & THREAD_BREAK


def test_an_opened_safety_chain_stops_the_shaft_and_bars_the_next_seam():
    bench = Bench()
    bench.set_seam(stitches=500, start=0, end=0)
    bench.command(SEW)
    bench.run(1.0)
    bench.plant.emergency_stop_released = False
    bench.run_until_rest()
    assert (bench.read(STATUS), bench.read(FAULT)) == (FAULTED, 3)
    bench.command(CLEAR)
    with pytest.raises(RefusalError):
        bench.command(SEW)


def test_disabling_brings_the_needle_up_first():
    bench = Bench()
    bench.command(DOWN)
    bench.run_until_rest()
    bench.head.write(Reg.ENABLE, [0], bench.now)
    bench.run_until_rest()
    assert bench.plant.shaft_turns == 1.0
    assert bench.read(STATUS) == DISABLED
    with pytest.raises(RefusalError):
        bench.command(SEW)


def test_the_result_does_not_depend_on_how_often_the_head_is_looked_at():
    def turns_after(ticks: int) -> float:
        plant = Plant()
        head = SewingHead(plant)
        head.write(Reg.ENABLE, [1, 1], 0.0)
        head.update(0.1)
        head.write(Reg.SPEED, [1000, 250, 43, 3, 3, 400, 2000], 0.1)
        head.write(Reg.COMMAND, [SEW, 1], 0.1)
        for i in range(1, ticks + 1):
            head.update(0.1 + 0.19 * i / ticks)
        return plant.shaft_turns

    assert turns_after(1) == turns_after(60) == turns_after(997)
