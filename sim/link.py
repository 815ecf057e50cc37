"""An in-process cable between the cell and an emulated controller, with byte times, latency and faults."""

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from sewcell.drivers.transport import ByteTransport
from sewcell.errors import LinkError
from sim.byte_faults import Faults, Portion, spoil

__all__ = ["NO_FAULTS", "Cable", "DeviceEnd", "Faults", "HostEnd", "make_cable"]

FIFO_BYTES = 16
"""A receiver sees bytes in portions of this size, as from the FIFO of a 16550 UART."""
NO_FAULTS = Faults()
BREAKING = 1e-3
"""From the last byte of a cable that is cut until the host's system notices [s]."""


class _Lane:
    """One direction: bytes queue up behind each other, then arrive `latency` after they were sent, in their order."""

    def __init__(self, cable: "Cable") -> None:
        self._cable = cable
        self._line_free_at = 0.0
        self._last_arrival = 0.0
        self._flying: deque[bytes] = deque()
        self._arrived = bytearray()
        self._reader: asyncio.Future[None] | None = None

    def send(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        begin = max(loop.time(), self._line_free_at)
        for first in range(0, len(data), FIFO_BYTES):
            sent = data[first : first + FIFO_BYTES]
            begin += len(sent) * self._cable.byte_time
            for portion in self._cable.spoil(sent):
                self._last_arrival = max(self._last_arrival, begin + self._cable.latency + portion.late)
                self._flying.append(portion.data)
                loop.call_at(self._last_arrival, self._arrive)
        self._line_free_at = begin
        if self._cable.is_worn_out:
            loop.call_at(self._last_arrival + BREAKING, self._cable.unplug)

    async def receive(self, check: Callable[[], None]) -> bytes:
        """At least one byte; a cancelled wait loses nothing. `check` raises when the reader has lost the line."""
        while True:
            check()
            if self._arrived:
                break
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._arrived)
        self._arrived.clear()
        return data

    def cut(self) -> None:
        """Everything on the way is lost."""
        self._flying = deque(b"" for _ in self._flying)
        self._arrived.clear()

    def wake(self) -> None:
        """Let the reader look again."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _arrive(self) -> None:
        self._arrived += self._flying.popleft()
        if self._arrived:
            self.wake()


class Cable:
    """Both directions of a line. `name` is what alarms call it; `faults` may be changed at any time."""

    def __init__(
        self, name: str, latency: float, byte_time: float, faults: Faults, rng: np.random.Generator | None
    ) -> None:
        if faults.random and rng is None:
            raise ValueError(f"the faults of {name} are random: give make_cable an rng")
        self.name = name
        self.latency = latency
        self.byte_time = byte_time
        self.faults = faults
        self.plugged = True
        self.closed = False
        self._carried = 0
        self._rng = rng if rng is not None else np.random.default_rng(0)
        self.to_device = _Lane(self)
        self.to_host = _Lane(self)

    def unplug(self) -> None:
        """Bytes on the way are lost; the host's reads and writes raise LinkError until `replug`."""
        self.plugged = False
        for lane in (self.to_device, self.to_host):
            lane.cut()
        self.to_host.wake()

    def replug(self) -> None:
        """The line works again; nothing that was sent in between arrives. `cut_after` is counted anew."""
        self.plugged = True
        self._carried = 0

    def close(self) -> None:
        """The host gives the line up for good."""
        self.closed = True
        self.to_host.wake()

    def check(self) -> None:
        """Raise LinkError when the host cannot use the line."""
        if self.closed:
            raise LinkError(f"{self.name} is closed; open it again before use")
        if not self.plugged:
            raise LinkError(f"{self.name} is gone; plug the cable in and connect again")

    @property
    def is_worn_out(self) -> bool:
        """Whether it has carried the last byte before its cut."""
        return self.faults.cut_after is not None and self._carried >= self.faults.cut_after

    def spoil(self, data: bytes) -> list[Portion]:
        """What this cable's faults leave of `data`."""
        if self.faults.cut_after is not None:
            data = data[: max(0, self.faults.cut_after - self._carried)]
        self._carried += len(data)
        return spoil(data, self.faults, self._rng)


class HostEnd(ByteTransport):
    """The end in the cell's computer."""

    def __init__(self, cable: Cable) -> None:
        self.name = cable.name
        self.cable = cable

    async def read(self) -> bytes:
        """At least one byte; raises LinkError while unplugged or after `close`."""
        return await self.cable.to_host.receive(self.cable.check)

    async def write(self, data: bytes) -> None:
        """Hand `data` to the line at once; raises LinkError while unplugged or after `close`."""
        self.cable.check()
        self.cable.to_device.send(data)

    async def reopen(self) -> None:
        """Nothing to do but to look: reads and writes work again once the cable is back."""
        self.cable.check()

    async def close(self) -> None:
        """Reads and writes raise from now on."""
        self.cable.close()


class DeviceEnd:
    """The end in the emulated controller, which does not notice when nobody listens."""

    def __init__(self, cable: Cable) -> None:
        self.cable = cable

    async def read(self) -> bytes:
        """At least one byte, as soon as one arrives."""
        return await self.cable.to_device.receive(lambda: None)

    def write(self, data: bytes) -> None:
        """Send `data`; lost while unplugged."""
        if self.cable.plugged:
            self.cable.to_host.send(data)


def make_cable(
    name: str,
    latency: float = 0.0,
    *,
    baud: float | None = 115200.0,
    bits_per_byte: int = 10,
    faults: Faults = NO_FAULTS,
    rng: np.random.Generator | None = None,
) -> tuple[HostEnd, DeviceEnd]:
    """Both ends of a new cable; `host_end.cable` unplugs it and changes its faults.

    Args:
        name: what the line is called in errors.
        latency: time [s] that every byte takes besides its time on the wire.
        baud: bits per second; None takes no time on the wire.
        bits_per_byte: 10 for 8N1, 11 for 8E1.
        faults: what the cable loses and spoils; needs `rng`.
    """
    cable = Cable(name, latency, 0.0 if baud is None else bits_per_byte / baud, faults, rng)
    return HostEnd(cable), DeviceEnd(cable)
