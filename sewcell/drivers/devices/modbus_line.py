"""Requests and replies on a Modbus line: one exchange at a time, each with a deadline and a few repetitions.

Source: docs/protocols/sewing_head.md.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from sewcell.drivers.protocols.modbus import Function, ModbusDecoder, Reply
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import LinkError
from sewcell.units import MS

REPLY_TIME = 0.04
"""Longest time for a reply [s]: 5 ms of the unit, 6 ms on the wire, 16 ms twice in a USB adapter."""
RETRIES = 2
GAP = 1.75 * MS
"""Silence before every request [s]: it ends the message before (Modbus over serial line V1.02, 2.5.1.1)."""
BYTE_TIME: Final = 11 / 115200
"""One byte, 8E1, at 115200 baud [s]."""
WRITE_ONE_BYTES: Final = 8


class ModbusLine:
    """The line as its master uses it. `listen` must run as a task; callers keep their turns.

    `messages`: exchanges that were answered. `asked_at`: loop time of the last request [s]. `waited`: time that was
    spent on waiting in vain [s].
    """

    def __init__(self, transport: ByteTransport, byte_time: float = BYTE_TIME) -> None:
        self.name = transport.name
        self.messages = 0
        self.asked_at = 0.0
        self.waited = 0.0
        self._transport = transport
        self._byte_time = byte_time
        self._decoder = ModbusDecoder()
        self._quiet_since = 0.0
        self._expects: Callable[[Reply], bool] = lambda _: False
        self._reply: asyncio.Future[Reply] | None = None
        self._round_trips: deque[float] = deque(maxlen=50)

    async def listen(self) -> None:
        """Read replies until the port is gone; raises LinkError then."""
        while True:
            data = await self._transport.read()
            self._quiet_since = asyncio.get_running_loop().time()
            for reply in self._decoder.feed(data):
                if self._reply is not None and not self._reply.done() and self._expects(reply):
                    self._reply.set_result(reply)

    async def exchange(
        self, unit: int, function: Function, request: bytes, fits: Callable[[Reply], bool], retries: int = RETRIES
    ) -> Reply | None:
        """The reply to `request`, which may be a refusal; None when no attempt is answered.

        Raises: LinkError when the port is gone.
        """
        loop = asyncio.get_running_loop()
        self._expects = lambda reply: (
            reply.unit == unit and reply.function == function and (reply.exception > 0 or fits(reply))
        )
        for _ in range(1 + retries):
            await sleep_until(self._quiet_since + GAP)
            self._decoder.reset()
            self._reply = loop.create_future()
            self.asked_at = loop.time()
            try:
                await self._transport.write(request)
                async with asyncio.timeout(REPLY_TIME):
                    reply = await self._reply
            except TimeoutError:
                self.waited += REPLY_TIME
                continue
            finally:
                self._reply = None
            self.messages += 1
            if function is Function.WRITE_ONE:
                self._round_trips.append(loop.time() - self.asked_at)
            return reply
        return None

    def interrupt(self, failure: LinkError) -> None:
        """Let an exchange that is under way fail."""
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(failure)

    def estimate_way(self, size: int) -> float:
        """Time [s] from handing over `size` bytes until the unit has them, from the fastest exchange of late."""
        wire = 2 * WRITE_ONE_BYTES * self._byte_time
        rest = min(self._round_trips, default=wire) - wire
        return size * self._byte_time + max(0.0, rest) / 2.0

    async def reopen(self) -> None:
        """Open the port again; raises LinkError while it is gone."""
        await self._transport.reopen()

    async def close(self) -> None:
        """Give the port back."""
        await self._transport.close()


async def sleep_until(due: float) -> None:
    """Wait until the loop time `due` [s]."""
    rest = due - asyncio.get_running_loop().time()
    if rest > 0.0:
        await asyncio.sleep(rest)
