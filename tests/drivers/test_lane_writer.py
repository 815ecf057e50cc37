"""Who goes first on the wire to the arm controller."""

import asyncio

from sewcell.drivers.devices.lane_writer import AHEAD, BYTE_TIME, LaneWriter
from sewcell.drivers.devices.line_queue import LineQueue
from sim.clock import run_virtual

LINE = b"G1 X12.345 Y-90.123 Z90.234 A0.123 B90.456 C0.789 F3000.000\n"


class Wire:
    """What was written, each with the time at which its last byte is out [s]."""

    name = "wire"

    def __init__(self):
        self.out = []

    async def write(self, data):
        begin = max(asyncio.get_running_loop().time(), self.out[-1][1] if self.out else 0.0)
        self.out.append((data, begin + len(data) * BYTE_TIME))


def write_lines(number, script):
    """The wire after `script(writer)` while `number` lines are waiting."""

    async def main():
        wire, lines = Wire(), LineQueue()
        lines.receive_bytes = 100_000
        writer = LaneWriter(wire, lines, BYTE_TIME)
        for _ in range(number):
            lines.post(LINE, 0.0)
        task = asyncio.create_task(writer.run())
        await script(writer)
        task.cancel()
        return wire.out

    return run_virtual(main())


def test_an_urgent_byte_waits_behind_ten_milliseconds_and_one_line_at_the_most():
    asked = []

    async def script(writer):
        writer.in_step = True
        writer.wake()
        for _ in range(10):
            await asyncio.sleep(0.0123)
            asked.append(asyncio.get_running_loop().time())
            writer.urge(b"!")
        await asyncio.sleep(0.5)

    out = write_lines(40, script)
    done = [end for data, end in out if data == b"!"]
    assert len(done) == 10
    for begin, end in zip(asked, done, strict=True):
        assert end - begin <= AHEAD + (len(LINE) + 1) * BYTE_TIME + 1e-9


def test_lines_follow_each_other_without_a_gap_on_the_wire():
    async def script(writer):
        writer.in_step = True
        writer.wake()
        await asyncio.sleep(1.0)

    out = write_lines(40, script)
    assert len(out) == 40
    assert out[-1][1] - out[0][1] <= 39 * len(LINE) * BYTE_TIME + 1e-9


def test_out_of_step_only_urgent_bytes_are_written():
    async def script(writer):
        writer.wake()
        writer.urge(b"$I\n")
        await asyncio.sleep(0.1)

    assert [data for data, _ in write_lines(3, script)] == [b"$I\n"]
