"""The field bus, the sewing head and the gripper against units in memory, in virtual time."""

import asyncio
import itertools

import pytest

from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.devices.gripper_io import GripperIo, Light
from sewcell.drivers.devices.link_watch import LinkState
from sewcell.drivers.devices.sewing_head import SewingHead
from sewcell.drivers.protocols.io_module import Input
from sewcell.drivers.protocols.sewing_head import Command, SeamSettings
from sewcell.errors import DeviceFaultError, InterlockError, LinkError
from sewcell.units import MM, SPM
from sim.clock import run_virtual

SEAM = SeamSettings(43, 2.5 * MM, 1000 * SPM, 2000 * SPM, 3, 3, 400 * SPM)
STATUS, FLAGS, STITCHES, FAULT, COMMAND_ECHO = 2, 3, 4, 7, 9


def with_cell(make_bus, scenario, prepare=lambda fake: None):
    """Run `scenario(head, io, fake, bus)` with connected devices."""

    async def main():
        fake = make_bus()
        prepare(fake)
        bus = FieldBus(fake)
        head, io = SewingHead(bus), GripperIo(bus)
        try:
            await head.connect()
            await io.connect()
            return await scenario(head, io, fake, bus)
        finally:
            await bus.close()

    return run_virtual(main())


def later(seconds, action):
    asyncio.get_running_loop().call_later(seconds, action)


def test_both_units_get_a_changing_heartbeat_every_100_ms(make_bus):
    async def scenario(head, io, fake, bus):
        fake.writes.clear()
        await asyncio.sleep(5.0)
        for unit in (1, 2):
            beats = [(time, values[0]) for time, u, address, values in fake.writes if (u, address) == (unit, 0)]
            assert len(beats) > 80
            for (before, old), (after, new) in itertools.pairwise(beats):
                assert after - before <= 0.1
                assert old != new

    with_cell(make_bus, scenario)


def test_every_request_follows_a_silence_of_three_and_a_half_characters(make_bus):
    async def scenario(head, io, fake, bus):
        await asyncio.sleep(1.0)
        gaps = [b[0] - a[0] for a, b in zip(fake.requests[:-1], fake.requests[1:], strict=True)]
        assert min(gaps) >= fake.delay + 0.00175 - 1e-9

    with_cell(make_bus, scenario)


def test_a_lost_reply_is_asked_for_again(make_bus):
    async def scenario(head, io, fake, bus):
        fake.lost = 2
        await io.light(Light.GREEN)
        assert fake.holdings[2][3] == 4

    with_cell(make_bus, scenario)


def test_a_unit_that_stays_silent_is_named(make_bus):
    async def scenario(head, io, fake, bus):
        fake.dead_units.add(2)
        started = asyncio.get_running_loop().time()
        with pytest.raises(LinkError, match=r"fake port: the gripper and I/O module \(unit 2\) does not answer"):
            await io.pins_out()
        assert asyncio.get_running_loop().time() - started < 0.5
        await asyncio.sleep(started + 0.8 - asyncio.get_running_loop().time())
        assert bus.state is LinkState.DEGRADED
        await asyncio.sleep(0.6)
        assert bus.state is LinkState.LOST
        with pytest.raises(LinkError, match=r"fake port.*unit 2"):
            _ = head.status
        fake.dead_units.clear()
        await asyncio.sleep(0.3)
        assert bus.state is LinkState.CONNECTED
        io.require_safe()

    with_cell(make_bus, scenario)


def test_a_unit_that_no_longer_repeats_the_heartbeat_is_taken_for_dead(make_bus):
    async def scenario(head, io, fake, bus):
        await io.refresh()
        fake.frozen_echo = True
        await asyncio.sleep(1.5)
        with pytest.raises(LinkError, match="does not answer"):
            _ = io.status

    with_cell(make_bus, scenario)


def test_a_missing_head_is_noticed_when_connecting(make_bus):
    with pytest.raises(LinkError, match="unit 1 does not answer"):
        with_cell(make_bus, None, lambda fake: fake.dead_units.add(1))


@pytest.mark.parametrize(
    ("register", "value", "text"), [(0, 7, "0x0007, not 0x5345"), (1, 1, "version 1, this program speaks 2")]
)
def test_another_device_or_version_is_refused(make_bus, register, value, text):
    def prepare(fake):
        fake.inputs[1][register] = value

    with pytest.raises(DeviceFaultError, match=text):
        with_cell(make_bus, None, prepare)


def test_a_refusal_names_unit_and_reason(make_bus):
    async def scenario(head, io, fake, bus):
        fake.refusal = 4
        with pytest.raises(DeviceFaultError, match=r"sewing head \(unit 1\).*not possible in the present state"):
            await head.trim()

    with_cell(make_bus, scenario)


def test_pins_wait_for_the_confirmation_of_their_end(make_bus):
    async def scenario(head, io, fake, bus):
        fake.on_write = lambda unit, address, values: (
            later(0.3, lambda: fake.inputs.__setitem__(2, [0x494F, 1, 0b10111, 0, 0, 31, 0])) if address == 1 else None
        )
        started = asyncio.get_running_loop().time()
        await io.pins_out()
        assert 0.3 <= asyncio.get_running_loop().time() - started < 0.4
        assert Input.FABRIC_HELD in io.status.inputs
        assert io.status.ply_thickness == pytest.approx(0.31 * MM)

    with_cell(make_bus, scenario)


def test_pins_that_do_not_arrive_are_a_fault(make_bus):
    async def scenario(head, io, fake, bus):
        with pytest.raises(DeviceFaultError, match=r"did not push its pins out within 1 s"):
            await io.pins_out()
        fake.inputs[2][3] = 1
        with pytest.raises(DeviceFaultError, match="free them of lint"):
            await io.pins_out()

    with_cell(make_bus, scenario)


@pytest.mark.parametrize(("piece", "presented"), [(1 << 5, True), (0, False)])
def test_the_loader_is_asked_with_a_new_number(make_bus, piece, presented):
    def prepare(fake):
        fake.holdings[2][4] = 7
        fake.on_write = lambda unit, address, values: (
            later(0.5, lambda: fake.inputs.__setitem__(2, [0x494F, 1, 3 | piece, 0, 0, 0, values[0]]))
            if (unit, address) == (2, 4)
            else None
        )

    async def scenario(head, io, fake, bus):
        assert await io.request_piece() is presented
        assert fake.holdings[2][4] == 8

    with_cell(make_bus, scenario, prepare)


def test_an_open_door_and_a_pressed_emergency_stop_forbid_motion(make_bus):
    async def scenario(head, io, fake, bus):
        io.require_safe()
        for bits, text in ((0b01, "guard door"), (0b10, "emergency stop")):
            fake.inputs[2][2] = bits
            await io.refresh()
            with pytest.raises(InterlockError, match=text):
                io.require_safe()

    with_cell(make_bus, scenario)


def test_a_timed_seam_begins_when_it_was_ordered_to(make_bus):
    async def scenario(head, io, fake, bus):
        await head.configure(SEAM)
        await asyncio.sleep(1.0)
        at = asyncio.get_running_loop().time() + 0.2
        assert await head.sew(at) == pytest.approx(at, abs=0.001)
        (message,) = [entry for entry in fake.writes if entry[2] == 12]
        # The fake has the message at once, a real line needs 13 bytes of 11 bits; the seam starts 2 ms later.
        assert message[0] + 13 * 11 / 115200 + 0.002 == pytest.approx(at, abs=0.0005)

    with_cell(make_bus, scenario)


def test_a_timed_seam_that_is_too_late_is_not_begun(make_bus):
    async def scenario(head, io, fake, bus):
        await head.configure(SEAM)
        with pytest.raises(LinkError, match="late and was not sent"):
            await head.sew(asyncio.get_running_loop().time() - 0.05)
        assert not any(address == 12 and values[0] == Command.SEW for _, _, address, values in fake.writes)

    with_cell(make_bus, scenario)


def test_a_timed_seam_whose_reply_is_lost_is_not_begun_twice(make_bus):
    async def scenario(head, io, fake, bus):
        await head.configure(SEAM)
        await asyncio.sleep(0.5)

        def take(unit, address, values):
            if address == 12:
                fake.lost = 1
                fake.inputs[1][COMMAND_ECHO] = values[1]

        fake.on_write = take
        at = asyncio.get_running_loop().time() + 0.2
        assert await head.sew(at) == at
        assert len([entry for entry in fake.writes if entry[2] == 12]) == 1

    with_cell(make_bus, scenario)


def sews(fake, stitches, end=(1, 1, 0)):
    """Let the unit sew for 0.5 s after a sew command, and then show (status, flags, fault)."""

    def take(unit, address, values):
        if (unit, address) == (1, 12) and values[0] == 1:
            fake.inputs[1][STATUS : STITCHES + 1] = [3, 8, 0]
            fake.inputs[1][COMMAND_ECHO] = values[1]
            later(0.5, finish)
        elif (unit, address) == (1, 12):
            fake.inputs[1][COMMAND_ECHO] = values[1]

    def finish():
        fake.inputs[1][STATUS], fake.inputs[1][FLAGS], fake.inputs[1][FAULT] = end
        fake.inputs[1][STITCHES] = stitches

    fake.on_write = take


def test_a_finished_seam_tells_its_stitches(make_bus):
    async def scenario(head, io, fake, bus):
        sews(fake, SEAM.total_stitches)
        await head.configure(SEAM)
        await head.sew()
        assert await head.wait_seam(asyncio.get_running_loop().time() + 5.0) == 43 + 2 * 6

    with_cell(make_bus, scenario)


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ((1, 1, 0), "ended after 20 of 55 stitches"),
        ((6, 1, 1), "thread broke"),
        ((5, 1 | 1 << 6, 0), "heard nothing from the host"),
        ((2, 1, 0), "lower the foot first"),
        ((3, 8, 0), "20 of 55 stitches at its deadline"),
    ],
)
def test_a_seam_that_goes_wrong_says_why(make_bus, end, text):
    async def scenario(head, io, fake, bus):
        sews(fake, 20, end)
        await head.configure(SEAM)
        await head.sew()
        with pytest.raises(DeviceFaultError, match=text):
            await head.wait_seam(asyncio.get_running_loop().time() + 3.0)

    with_cell(make_bus, scenario)


def test_a_cancelled_wait_stops_the_needle(make_bus):
    async def scenario(head, io, fake, bus):
        sews(fake, 20)
        await head.configure(SEAM)
        await head.sew()
        waiting = asyncio.create_task(head.wait_seam(asyncio.get_running_loop().time() + 3.0))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert [values[0] for _, _, address, values in fake.writes if address == 12] == [1, 2]

    with_cell(make_bus, scenario)


def test_commands_go_before_polls(make_bus):
    async def scenario(head, io, fake, bus):
        fake.delay = 0.02
        await asyncio.sleep(0.205)
        first = len(fake.requests)
        await asyncio.gather(*(bus.write(2, 3, [k]) for k in range(4)))
        functions = [data[1] for _, data in fake.requests[first:] if data[1] == 6 and data[3] == 3]
        assert len(functions) == 4
        # At most one poll exchange that was under way stands before them.
        assert all(data[3] == 3 for _, data in fake.requests[first : first + 4])

    with_cell(make_bus, scenario)
