"""A transport that shows every byte to a sink, for the run's record."""

import asyncio
from collections.abc import Callable
from typing import Literal

from sewcell.drivers.transport import ByteTransport

Direction = Literal["sent", "received"]
ByteSink = Callable[[Direction, bytes, float], None]
"""(direction, bytes, loop time [s])"""


class RecordingTransport:
    """Passes bytes through to `inner`, tells `sink` about them and counts them."""

    def __init__(self, inner: ByteTransport, sink: ByteSink) -> None:
        self.name = inner.name
        self.bytes_sent = 0
        self.bytes_received = 0
        self._inner = inner
        self._sink = sink

    async def read(self) -> bytes:
        data = await self._inner.read()
        self.bytes_received += len(data)
        self._sink("received", data, asyncio.get_running_loop().time())
        return data

    async def write(self, data: bytes) -> None:
        # Noted before the bytes leave, so that the record never shows an answer before its question.
        self.bytes_sent += len(data)
        self._sink("sent", data, asyncio.get_running_loop().time())
        await self._inner.write(data)

    async def reopen(self) -> None:
        await self._inner.reopen()

    async def close(self) -> None:
        await self._inner.close()
