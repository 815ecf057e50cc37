"""How the arm device finds its controller, and when it trusts where the arm stands."""

import asyncio

import pytest

from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.arm_reports import ArmState
from sewcell.drivers.devices.link_watch import LinkState
from sewcell.errors import DeviceFaultError, InterlockError, LinkError
from sim.clock import run_virtual
from tests.drivers.arm_rig import HOME, LIMITS, path, with_arm

PERIOD = 0.02


def test_connecting_reads_the_identity_without_a_reset(make_arm):
    async def scenario(arm, fake):
        assert 0x18 not in fake.sent
        assert fake.lines[0] == "$I+"
        assert arm.state is ArmState.READY
        assert arm.position.joints == pytest.approx(HOME)

    with_arm(make_arm, scenario)


def test_a_controller_with_three_axes_is_not_the_arm(make_arm):
    with pytest.raises(DeviceFaultError, match=r"fake port.*3 axes.*6"):
        with_arm(make_arm, None, axes=3)


@pytest.mark.parametrize(
    ("answer", "text"), [(None, "fake port.*does not answer.*switched on"), (b"\xff\x00#@\n", "no grblHAL.*baud rate")]
)
def test_a_port_without_a_grbl_controller_is_named_within_seconds(make_arm, answer, text):
    async def main():
        fake = make_arm()
        fake.answer = lambda data: answer and fake.push(answer)
        arm = ArmDevice(fake, LIMITS)
        with pytest.raises(LinkError, match=text):
            await arm.connect()
        assert asyncio.get_running_loop().time() < 3.5
        assert arm.state is ArmState.DISCONNECTED
        await arm.close()

    run_virtual(main())


def test_an_arm_found_in_alarm_can_be_homed(make_arm):
    async def main():
        fake = make_arm()
        fake.state = "Alarm:10"
        arm = ArmDevice(fake, LIMITS)
        with pytest.raises(DeviceFaultError, match=r"ALARM:10.*release the emergency stop"):
            await arm.connect()
        assert arm.state is ArmState.FAULT
        await arm.home()
        assert arm.state is ArmState.READY
        assert (await arm.move(path(), PERIOD)).end > 0.0
        await arm.close()

    run_virtual(main())


@pytest.mark.parametrize(
    ("reference", "feed_mode", "trusted"),
    [
        ("|H:1,63", b"G94", True),
        ("|H:0,0", b"G94", False),
        ("|H:0,0", b"G93", False),  # another program has set the modes and has not homed
        ("", b"G93", True),
        ("", b"G94", False),  # it has restarted, and does not say that it is homed
    ],
)
def test_an_arm_that_nobody_has_homed_since_its_controller_started_moves_nowhere(
    make_arm, reference, feed_mode, trusted
):
    async def main():
        fake = make_arm()
        fake.reference, fake.feed_mode = reference, feed_mode
        arm = ArmDevice(fake, LIMITS)
        await arm.connect()
        assert arm.must_home is not trusted
        if not trusted:
            assert fake.feed_mode == feed_mode  # the next program sees it as well
            with pytest.raises(InterlockError, match="home the arm"):
                await arm.move(path(), PERIOD)
            await arm.home()
        await arm.move(path(), PERIOD)
        await arm.close()

    run_virtual(main())


def test_an_arm_that_is_set_up_without_homing_is_trusted_after_a_restart(make_arm):
    async def main():
        fake = make_arm()
        fake.reference = ""
        fake.refuse = lambda line: b"$22=0\r\n$100=2000.000\r\nok\r\n" if line == "$$" else None
        arm = ArmDevice(fake, LIMITS)
        await arm.connect()
        await arm.move(path(), PERIOD)
        await arm.close()

    run_virtual(main())


@pytest.mark.parametrize("lost", ["line", "answer"])
def test_a_line_that_is_taken_up_again_while_bytes_are_lost_is_taken_up_at_last(make_arm, lost):
    async def scenario(arm, fake):
        asked = []

        def lose_the_first(line):
            if line != "$G" or asked:
                return None
            asked.append(line)
            return b"" if lost == "line" else b"[GC:G1 G54 G17 G21 G90 G93 M5]\r\n"

        fake.silent = True
        await asyncio.sleep(1.5)
        assert arm.link_state is LinkState.LOST
        fake.refuse, fake.silent = lose_the_first, False
        await asyncio.sleep(2.0)
        assert asked
        assert arm.link_state is LinkState.CONNECTED
        await arm.move(path(), PERIOD)
        fake.silent = True
        await asyncio.sleep(1.5)
        assert arm.link_state is LinkState.LOST

    with_arm(make_arm, scenario)


def test_another_controller_in_the_place_of_the_arms_own_is_refused(make_arm):
    async def scenario(arm, fake):
        fake.silent = True
        await asyncio.sleep(1.5)
        fake.axes, fake.joints, fake.silent = 3, [1.0, 2.0, 3.0], False
        await asyncio.sleep(1.0)
        with pytest.raises(DeviceFaultError, match=r"has 3 axes, the one before had 6: plug the arm's own in"):
            await arm.move(path(), PERIOD)

    with_arm(make_arm, scenario)


def test_an_alarm_without_a_number_is_told_with_what_to_do_in_the_operators_language(make_arm, monkeypatch):
    async def main():
        fake = make_arm()
        fake.state = "Alarm"
        arm = ArmDevice(fake, LIMITS)
        with pytest.raises(DeviceFaultError) as error:
            await arm.connect()
        await arm.close()
        return str(error.value)

    assert "make the cell safe, then unlock and home the arm" in run_virtual(main())
    monkeypatch.setenv("SEWCELL_LANGUAGE", "fr")
    assert "mettez la cellule en sécurité" in run_virtual(main())


def test_a_homing_whose_confirmation_was_lost_can_be_repeated(make_arm):
    async def scenario(arm, fake):
        fake.drop_ok_of = len(fake.lines)
        with pytest.raises(DeviceFaultError, match="does not confirm its homing"):
            await arm.home()
        await arm.home()
        await arm.move(path(), PERIOD)

    with_arm(make_arm, scenario)
