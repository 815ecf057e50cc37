"""The one writer of the line to a grblHAL controller: urgent bytes first, lines when wire and controller have room."""

import asyncio
import contextlib
from typing import Final

from sewcell.drivers.devices.line_queue import LineQueue
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import LinkError

BYTE_TIME: Final = 10 / 115200
"""One byte, 8N1, at 115200 baud [s]."""
AHEAD = 0.01
"""A line is handed over at most this long before the wire is free for it [s]: an urgent byte waits behind no more than
that and one line."""


class LaneWriter:
    """Writes urgent bytes at once, and the lines of `lines` while `in_step`, which says that their answers can be told
    apart. `byte_time`: of a byte on the wire [s].

    What the operating system has taken cannot be overtaken, so it is given no more than the wire carries in AHEAD.
    """

    def __init__(self, transport: ByteTransport, lines: LineQueue, byte_time: float) -> None:
        self.in_step = False
        self._transport = transport
        self._lines = lines
        self._byte_time = byte_time
        self._urgent = bytearray()
        self._wire_free_at = 0.0
        self._wake = asyncio.Event()

    def urge(self, data: bytes) -> None:
        """Send `data` before every waiting line."""
        self._urgent += data
        self._wake.set()

    def wake(self) -> None:
        """A line has come, or room for one."""
        self._wake.set()

    async def run(self) -> None:
        """Write until the port is gone; raises LinkError then, without the urgent bytes."""
        loop = asyncio.get_running_loop()
        while True:
            due = self._wire_free_at - AHEAD
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due if due > loop.time() else None):
                    await self._wake.wait()
            self._wake.clear()
            while data := self._next(loop.time()):
                self._wire_free_at = max(self._wire_free_at, loop.time()) + len(data) * self._byte_time
                await self._write(data)

    async def finish(self) -> None:
        """Write the urgent bytes that are left; raises LinkError when the port is gone."""
        if self._urgent:
            await self._write(self._take_urgent())

    def _next(self, now: float) -> bytes | None:
        if self._urgent:
            return self._take_urgent()
        return self._lines.next() if self.in_step and now >= self._wire_free_at - AHEAD else None

    def _take_urgent(self) -> bytes:
        data = bytes(self._urgent)
        self._urgent.clear()
        return data

    async def _write(self, data: bytes) -> None:
        try:
            await self._transport.write(data)
        except LinkError:
            self._urgent.clear()
            raise
