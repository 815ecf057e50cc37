"""Motions of the arm device against a small controller in memory, in virtual time."""

import asyncio

import numpy as np
import pytest

from sewcell.drivers.devices.arm import HORIZON
from sewcell.drivers.devices.arm_reports import ArmState
from sewcell.drivers.devices.joint_motion import MotionEncoder
from sewcell.drivers.devices.motion_clock import MotionClock
from sewcell.errors import DeviceFaultError, InterlockError, LinkError, MotionError
from tests.drivers.arm_rig import GOAL, HOME, disturb_after, path, with_arm

PERIOD = 0.02


def test_a_motion_ends_at_its_goal_and_takes_its_time(make_arm):
    async def scenario(arm, fake):
        report = await arm.move(path(), PERIOD)
        assert arm.position.joints == pytest.approx(GOAL, abs=1e-5)
        assert report.end - report.start == pytest.approx(2.0, abs=0.05)
        assert fake.most_ahead <= HORIZON + PERIOD
        assert arm.state is ArmState.READY

    with_arm(make_arm, scenario)


def test_the_receive_buffer_is_never_overrun(make_arm):
    async def scenario(arm, fake):
        await arm.move(path(), PERIOD, lead=0.3)
        assert 100 < fake.most_unanswered < 256

    with_arm(make_arm, scenario, rx=256)


def test_with_a_lead_the_start_is_foreseen(make_arm):
    async def scenario(arm, fake):
        loop = asyncio.get_running_loop()
        told = []
        report = await arm.move(path(), PERIOD, lead=0.25, on_start=lambda at: told.append((loop.time(), at)))
        ((when, at),) = told
        assert at - when > 0.24
        assert fake.first_move_at == pytest.approx(at, abs=0.001)
        assert report.start == pytest.approx(report.foreseen_start, abs=0.001)

    with_arm(make_arm, scenario)


def test_without_a_lead_the_start_is_told_when_it_has_happened(make_arm):
    async def scenario(arm, fake):
        told = []
        await arm.move(path(), PERIOD, on_start=told.append)
        assert told == [pytest.approx(fake.first_move_at, abs=0.001)]

    with_arm(make_arm, scenario)


def test_a_pause_within_a_motion_becomes_a_dwell_of_the_same_time():
    points = np.vstack([path(steps=2), np.tile(GOAL, (5, 1)), path(GOAL, HOME, 2)[1:]])
    encoder = MotionEncoder(points[0], PERIOD, lead=0.3)
    lines = [line for point in points[1:] for line in encoder.add(point)] + encoder.finish()
    assert [text[:2] for text, _ in lines] == [b"G4", b"G1", b"G1", b"G4", b"G1", b"G1"]
    assert lines[0] == (b"G4 P0.300\n", 0.0)
    assert lines[3] == (b"G4 P0.100\n", pytest.approx(0.14))
    assert lines[-1][1] == pytest.approx(0.18)


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (path(goal=HOME + np.deg2rad([0, 0, 90, 0, 0, 0])), "joint 3 would go to .* its range is -120 to 156 deg"),
        (path(steps=4), "joint 1 would turn at .* its limit is 300 deg/s"),
        (np.where(np.arange(101)[:, None] == 50, np.nan, path()), "joint 1 would go to nan"),
        (path(start=HOME + np.deg2rad([0, 0, 0, 0, 0, 2.0])), "joint 6 2.00 deg away from where the arm stands"),
        (path()[:1], "at least two set points"),
    ],
)
def test_a_motion_beyond_what_the_arm_can_do_moves_nothing(make_arm, points, text):
    async def scenario(arm, fake):
        with pytest.raises(MotionError, match=text):
            await arm.move(points, PERIOD)
        assert not any(line.startswith("G1") for line in fake.lines)
        assert arm.state is ArmState.READY

    with_arm(make_arm, scenario)


def test_a_refused_line_stops_the_arm_and_is_named(make_arm):
    async def scenario(arm, fake):
        fake.refuse = lambda line: b"error:2\r\n" if line.startswith("G1") and len(fake.lines) > 50 else None
        with pytest.raises(DeviceFaultError, match=r"line 'G1 X.*' with error:2.*check the cable"):
            await arm.move(path(), PERIOD)
        assert 0x19 in fake.real_time
        fake.refuse = lambda line: None
        await arm.move(path(arm.position.joints, HOME), PERIOD)
        assert arm.position.joints == pytest.approx(HOME, abs=1e-5)

    with_arm(make_arm, scenario)


@pytest.mark.parametrize(
    ("push", "text"),
    [
        (b"ALARM:1\r\n", "ALARM:1.*limit switch.*home the arm"),
        (b"\r\nGrblHAL 1.1f ['$' or '$HELP' for help]\r\n", "restarted.*home the arm"),
    ],
)
def test_after_an_alarm_or_restart_nothing_moves_before_homing(make_arm, push, text):
    async def scenario(arm, fake):
        disturb_after(1.0, lambda: fake.push(push))
        with pytest.raises(DeviceFaultError, match=text):
            await arm.move(path(), PERIOD)
        assert asyncio.get_running_loop().time() < 1.2
        assert arm.state is ArmState.FAULT
        with pytest.raises(DeviceFaultError, match=text):
            await arm.move(path(), PERIOD)
        await asyncio.sleep(2.0)
        await arm.unlock()
        with pytest.raises(InterlockError, match="home the arm"):
            await arm.move(path(), PERIOD)
        await arm.home()
        await arm.move(path(arm.position.joints, HOME), PERIOD)

    with_arm(make_arm, scenario)


def test_a_silent_controller_is_noticed_within_a_second_and_a_bit(make_arm):
    async def scenario(arm, fake):
        def fall_silent():
            fake.silent = True

        disturb_after(1.0, fall_silent)
        with pytest.raises(LinkError, match="fake port: the arm controller has not answered for 1 s"):
            await arm.move(path(), PERIOD)
        assert 1.9 < asyncio.get_running_loop().time() < 2.3
        assert arm.state is ArmState.LOST
        with pytest.raises(LinkError, match="fake port"):
            await arm.hold()
        fake.silent = False
        await arm.connect()
        assert arm.state is ArmState.READY

    with_arm(make_arm, scenario)


def test_a_lost_ok_is_noticed(make_arm):
    async def scenario(arm, fake):
        fake.drop_ok_of = 30
        with pytest.raises(LinkError, match=r"has not answered the line.*bytes were lost"):
            await arm.move(path(), PERIOD)
        assert asyncio.get_running_loop().time() < 5.0

    with_arm(make_arm, scenario)


def test_a_damaged_line_that_the_controller_took_is_found_at_the_end(make_arm):
    async def scenario(arm, fake):
        plan = fake._plan
        fake._plan = lambda line: plan(line.replace(" X40.000", " X40.500"))
        with pytest.raises(DeviceFaultError, match=r"joint 1 0.500 deg away from the end"):
            await arm.move(path(), PERIOD)

    with_arm(make_arm, scenario)


def test_a_line_cut_at_the_port_ends_the_motion(make_arm):
    async def scenario(arm, fake):
        disturb_after(0.5, lambda: fake.push(LinkError("fake port is gone")))
        with pytest.raises(LinkError, match="fake port is gone"):
            await arm.move(path(), PERIOD)
        assert arm.state is ArmState.LOST

    with_arm(make_arm, scenario)


def test_a_cancelled_motion_stops_the_arm(make_arm):
    async def scenario(arm, fake):
        motion = asyncio.create_task(arm.move(path(), PERIOD))
        await asyncio.sleep(0.8)
        motion.cancel()
        with pytest.raises(asyncio.CancelledError):
            await motion
        await asyncio.sleep(0.3)
        assert 0x19 in fake.real_time
        assert not fake.moves
        assert arm.state is ArmState.READY
        await arm.move(path(arm.position.joints, HOME), PERIOD)

    with_arm(make_arm, scenario)


def test_stop_ends_a_motion_and_the_next_one_starts_in_step(make_arm):
    async def scenario(arm, fake):
        motion = asyncio.create_task(arm.move(path(), PERIOD, lead=0.2))
        await asyncio.sleep(0.1)
        await arm.stop()
        with pytest.raises(MotionError, match="stopped on request"):
            await motion
        assert arm.position.joints == pytest.approx(HOME)
        await arm.move(path(), PERIOD)
        assert arm.position.joints == pytest.approx(GOAL, abs=1e-5)

    with_arm(make_arm, scenario)


def test_a_jog_is_ended_by_jog_cancel_for_it_ignores_a_hold(make_arm):
    async def scenario(arm, fake):
        fake.state = "Jog"
        await asyncio.sleep(0.2)
        assert arm.state is ArmState.MOVING
        await arm.hold()
        assert 0x85 in fake.real_time
        assert ord("!") not in fake.real_time

    with_arm(make_arm, scenario)


def test_two_motions_at_once_are_refused(make_arm):
    async def scenario(arm, fake):
        motion = asyncio.create_task(arm.move(path(), PERIOD))
        await asyncio.sleep(0.5)
        with pytest.raises(InterlockError, match="still carrying out"):
            await arm.move(path(), PERIOD)
        await motion

    with_arm(make_arm, scenario)


def test_unasked_messages_do_not_disturb_a_motion(make_arm):
    async def scenario(arm, fake):
        for k in range(10):
            disturb_after(
                0.2 * k,
                lambda: fake.push(
                    b"[MSG:tool]\r\n[GC:G1 G93]\r\n<Run|MPos:1,0,2,3,4,5,6>\r\n\xff\xfe\r\n<Run|FS:1,2>\r\n"
                ),
            )
        await arm.move(path(), PERIOD)

    with_arm(make_arm, scenario)


def test_the_motion_clock_stands_while_the_arm_is_held():
    clock = MotionClock()
    assert clock.elapsed(5.0) == 0.0
    clock.start(10.0)
    clock.hold(11.0)
    clock.hold(12.0)
    assert clock.elapsed(15.0) == 1.0
    clock.resume(10.9)
    assert clock.elapsed(15.0) == 1.0
    clock.resume(20.0)
    assert clock.elapsed(21.5) == 2.5
