"""Homing, jogging, feed override and corrected motion of the arm, against the emulated controller."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console

from benchmarks.drivers_rig import HOME, LIMITS, Wishes, last_change, make_seam, make_workcell, run_rig
from sewcell.apps.arm_motion import greet
from sewcell.drivers.devices.arm import CORRECTED_HORIZON, ArmDevice, ArmState
from sewcell.drivers.protocols import grbl
from sewcell.errors import DeviceFaultError, InterlockError, MotionError
from sewcell.process.actions import sew_together
from sewcell.units import DEG
from sim.clock import run_virtual

PERIOD = 0.02
WISHES = Wishes(with_bus=False)
PATH = HOME + np.linspace(0.0, 1.0, 101)[:, None] * np.array([20.0, 5.0, -5.0, 0.0, 0.0, 10.0]) * DEG


def joints(rig):
    return [(time, q) for time, q, _ in rig.history]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_jog_turns_one_joint_while_the_key_is_held_and_stops_when_it_is_let_go(sign):
    async def scenario(rig):
        begin = rig.loop.time()
        await rig.arm.jog(3, sign * 5.0 * DEG, lambda: rig.loop.time() < begin + 1.0)
        assert last_change(joints(rig), begin + 1.0) < begin + 1.3
        turned = rig.plant.joint_targets - HOME
        assert turned[3] == pytest.approx(sign * 5.0 * DEG, abs=1.0 * DEG)
        assert np.abs(np.delete(turned, 3)).max() < 1e-9
        await rig.arm.move(rig.plant.joint_targets + (PATH - HOME), PERIOD)

    run_rig(scenario, WISHES)


def test_a_jog_ends_at_the_limit_of_the_joint():
    async def scenario(rig):
        near = HOME + np.linspace(0.0, 1.0, 101)[:, None] * np.array([178.0, 0, 0, 0, 0, 0]) * DEG
        await rig.arm.move(near, PERIOD)
        begin = rig.loop.time()
        await rig.arm.jog(0, 5.0 * DEG, lambda: rig.loop.time() < begin + 2.0)
        assert rig.plant.joint_targets[0] == pytest.approx(LIMITS.upper[0], abs=1e-6)

    run_rig(scenario, WISHES)


def test_a_jog_ends_by_itself_when_the_host_dies():
    async def scenario(rig):
        begin = rig.loop.time()
        rig.loop.call_later(1.0, rig.freeze_host, 3.0)
        await rig.arm.jog(0, 5.0 * DEG, lambda: rig.loop.time() < begin + 2.0)
        assert last_change(joints(rig), begin + 1.0) < begin + 1.3

    run_rig(scenario, WISHES)


@pytest.mark.parametrize("how", ["stop", "hold"])
def test_stop_and_hold_end_a_jog_though_the_key_is_still_held(how):
    async def scenario(rig):
        jog = asyncio.create_task(rig.arm.jog(0, 5.0 * DEG, lambda: True))
        await asyncio.sleep(0.5)
        asked = rig.loop.time()
        await getattr(rig.arm, how)()
        assert rig.loop.time() - asked < 0.5
        await jog
        assert last_change(joints(rig), asked) < asked + 0.3

    run_rig(scenario, WISHES)


@pytest.mark.parametrize(("sign", "moves"), [(1.0, False), (-1.0, True)])
def test_a_joint_that_stands_beyond_its_range_is_jogged_back_into_it_only(make_arm, sign, moves):
    async def main():
        fake = make_arm()
        fake.joints[0] = 190.0
        arm = ArmDevice(fake, LIMITS)
        await arm.connect()
        until = asyncio.get_running_loop().time() + 0.5
        await arm.jog(0, sign * 5.0 * DEG, lambda: asyncio.get_running_loop().time() < until)
        await arm.close()
        return [float(line.split("X")[1].split()[0]) for line in fake.lines if line.startswith("$J")]

    goals = run_virtual(main())
    assert bool(goals) is moves
    assert all(before - after <= 1.0 for before, after in pairwise([190.0, *goals]))


@pytest.mark.parametrize(("joint", "speed"), [(6, 0.1), (-1, 0.1), (0, 0.0), (0, 20.0 * DEG)])
def test_a_jog_that_is_none_moves_nothing(joint, speed):
    async def scenario(rig):
        with pytest.raises(MotionError, match="a jog turns one of the joints"):
            await rig.arm.jog(joint, speed, lambda: True)

    run_rig(scenario, WISHES)


def test_an_arm_in_alarm_is_greeted_unlocked_and_homed():
    async def scenario(rig):
        rig.plant.arm_limit_hit = True
        await asyncio.sleep(0.2)
        rig.plant.arm_limit_hit = False
        with pytest.raises(DeviceFaultError, match=r"arm cable.*ALARM:1"):
            await rig.arm.move(PATH, PERIOD)
        await greet(rig.arm, Console(quiet=True))
        with pytest.raises(InterlockError, match="home the arm"):
            await rig.arm.move(PATH, PERIOD)
        assert rig.arm.must_home
        await rig.arm.home()
        assert rig.arm.state is ArmState.READY
        await rig.arm.move(PATH, PERIOD)

    run_rig(scenario, WISHES)


@pytest.mark.parametrize("fraction", [0.5, 0.87, 1.0, 1.5])
def test_the_feed_override_stretches_the_motion_and_the_host_knows_by_how_much(fraction):
    async def scenario(rig):
        motion = asyncio.create_task(rig.arm.move(PATH, PERIOD))
        await asyncio.sleep(0.5)
        rig.arm.set_feed(fraction)
        await asyncio.sleep(0.4)
        now = rig.loop.time()
        done = (rig.plant.joint_targets[0] - HOME[0]) / (PATH[-1, 0] - HOME[0]) * 2.0
        assert rig.arm.elapsed(now) == pytest.approx(done, abs=0.005)
        report = await motion
        before = rig.arm.elapsed(0.0)
        assert before == 0.0
        changed = 0.5 - report.start  # of the motion when the feed was changed
        assert report.end - report.start == pytest.approx(changed + (2.0 - changed) / fraction, abs=0.2)

    run_rig(scenario, WISHES)


def test_a_lost_override_byte_is_made_up_for():
    async def scenario(rig):
        motion = asyncio.create_task(rig.arm.move(PATH, PERIOD))
        await asyncio.sleep(0.4)
        rig.controller._override(130)  # as after damaged bytes
        for _ in range(20):
            await asyncio.sleep(0.05)
            rig.arm.set_feed(1.0)
        assert rig.controller._override_percent == 100
        await motion

    run_rig(scenario, WISHES)


@pytest.mark.parametrize("stray", [0x91, 0x92])
@pytest.mark.parametrize("machine_rate", [1.0, 1.02])
def test_a_stray_override_byte_in_a_seam_costs_less_than_half_a_stitch(stray, machine_rate):
    seam = make_seam(2000.0, 120)

    async def scenario(rig):
        await rig.head.enable()
        await rig.head.foot_down()
        first = rig.plant.shaft_turns
        rig.history.clear()
        rig.loop.call_later(2.0, lambda: rig.controller.receive(bytes([stray]), rig.loop.time()))
        await sew_together(make_workcell(rig, seam), seam)
        return seam.measure_errors(rig.history, first)

    assert np.abs(run_rig(scenario, Wishes(machine_rate=machine_rate))).max() < 0.5


def test_corrected_set_points_are_told_at_the_last_moment_and_kept_to():
    asked = []

    async def scenario(rig):
        def correct(row, point):
            asked.append((row * PERIOD, rig.arm.elapsed(rig.loop.time())))
            return point + np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1e-3]) * min(row, 50) / 50

        await rig.arm.move(PATH, PERIOD, correct=correct)
        assert rig.plant.joint_targets == pytest.approx(PATH[-1] + [0, 0, 0, 0, 0, 1e-3], abs=1e-5)
        assert max(planned - elapsed for planned, elapsed in asked) <= CORRECTED_HORIZON + 1e-9

    run_rig(scenario, WISHES)


def test_a_correction_beyond_the_limits_ends_the_motion():
    async def scenario(rig):
        with pytest.raises(MotionError, match="joint 1 would turn"):
            await rig.arm.move(PATH, PERIOD, correct=lambda row, point: point + (0.5 if row == 50 else 0.0))
        assert rig.arm.state is ArmState.READY

    run_rig(scenario, WISHES)


@pytest.mark.parametrize(
    ("byte", "text"), [(b"!", "held at its controller"), (b"\x19", "off its path|motion left|refused the line")]
)
def test_a_hold_or_stop_that_nobody_asked_for_ends_the_motion_at_once(byte, text):
    async def scenario(rig):
        rig.loop.call_later(1.0, lambda: rig.controller.receive(byte, rig.loop.time()))
        began = rig.loop.time()
        with pytest.raises((InterlockError, DeviceFaultError), match=text):
            await rig.arm.move(PATH, PERIOD)
        assert rig.loop.time() - began < 1.6
        assert rig.arm.state is ArmState.READY

    run_rig(scenario, WISHES)


def test_incremental_mode_left_by_a_damaged_line_is_found_before_the_next_motion():
    async def scenario(rig):
        rig.controller.receive(b"G91\n", rig.loop.time())
        await asyncio.sleep(0.1)
        await rig.arm.move(PATH, PERIOD)
        assert rig.plant.joint_targets == pytest.approx(PATH[-1], abs=1e-5)

    run_rig(scenario, WISHES)


def test_an_end_point_two_steps_off_is_found_and_one_within_a_step_is_not():
    async def scenario(rig):
        push = rig.controller._planner.push
        for error, wrong in ((0.0004, False), (0.002, True)):
            rig.controller._planner.push = lambda target, seconds, error=error: push(target + error, seconds)
            start = rig.arm.position.joints
            if wrong:
                with pytest.raises(DeviceFaultError, match=r"0\.002 deg away from the end"):
                    await rig.arm.move(start + (PATH - HOME), PERIOD)
            else:
                await rig.arm.move(start + (PATH - HOME), PERIOD)

    run_rig(scenario, WISHES)


def test_a_check_mode_that_noise_has_begun_moves_nothing_is_named_and_ends_with_stop():
    async def scenario(rig):
        rig.controller.receive(b"$C\n", rig.loop.time())
        await asyncio.sleep(0.2)
        with pytest.raises(InterlockError, match="is in the state Check, a motion starts from Idle"):
            await rig.arm.move(PATH, PERIOD)
        await rig.arm.stop()
        assert rig.arm.state is ArmState.READY
        await rig.arm.move(PATH, PERIOD)
        assert rig.plant.joint_targets == pytest.approx(PATH[-1], abs=1e-5)

    run_rig(scenario, WISHES)


def test_no_single_bit_makes_homing_of_the_question_who_is_there():
    orders = {b"$H", b"$X"}
    for place in range(len(grbl.IDENTIFY)):
        for bit in range(8):
            damaged = bytearray(grbl.IDENTIFY)
            damaged[place] ^= 1 << bit
            assert bytes(damaged).strip() not in orders
