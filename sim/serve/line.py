"""A cable of the simulated cell, led outside: its host's end comes out at pseudo-terminals and TCP ports."""

import asyncio
from collections.abc import Sequence

from sewcell.errors import LinkError
from sim.link import Cable, HostEnd
from sim.serve.outlets import Outlet

LOOK_PERIOD = 0.05
"""Time between looks whether a pulled cable is back [s]."""


class ServedLine:
    """Passes bytes between the host's end of a cable and its outlets; byte times, latency and faults are the cable's.

    When the cable is unplugged the outlets vanish, as a USB adapter does, and are there again when it is back.
    """

    def __init__(self, host: HostEnd, outlets: Sequence[Outlet]) -> None:
        self._host = host
        self._outlets = outlets
        self.ready = asyncio.Event()

    @property
    def cable(self) -> Cable:
        """The cable behind it."""
        return self._host.cable

    async def run(self) -> None:
        """Serve until cancelled. Raises: ConfigError when an outlet cannot be served."""
        try:
            while True:
                for outlet in self._outlets:
                    await outlet.plug(self._take)
                self.ready.set()
                await self._pass_until_pulled()
                while not self.cable.plugged:
                    await asyncio.sleep(LOOK_PERIOD)
        finally:
            self._unplug()

    async def _pass_until_pulled(self) -> None:
        try:
            while True:
                data = await self._host.read()
                for outlet in self._outlets:
                    outlet.write(data)
        except LinkError:
            self._unplug()

    def _take(self, data: bytes) -> None:
        if self.cable.plugged:
            self.cable.to_device.send(data)

    def _unplug(self) -> None:
        for outlet in self._outlets:
            outlet.unplug()
