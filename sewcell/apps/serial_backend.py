"""The hardware behind the three seams: serial ports, a camera, and the ordinary event loop."""

import asyncio

from sewcell.backend import CellPorts, Witness
from sewcell.config.layers import Job
from sewcell.drivers.devices.camera import CaptureSource
from sewcell.drivers.transport.serial_port import SerialTransport

CAMERA_NAME = "overhead"


class SerialBackend:
    """The ports and the camera that the cell file names."""

    def __init__(self, job: Job) -> None:
        self._ports = job.cell.ports

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """Wall time."""
        return asyncio.new_event_loop()

    async def open(self) -> CellPorts:
        """Open both lines; raises LinkError that names the port and what to do."""
        arm = await SerialTransport.open(self._ports.arm.url, self._ports.arm.baud)
        try:
            bus = await SerialTransport.open(self._ports.field_bus.url, self._ports.field_bus.baud, parity="E")
        except BaseException:
            await arm.close()
            raise
        return CellPorts(arm, bus, CaptureSource(CAMERA_NAME, self._ports.camera.device))

    async def close(self) -> None:
        """The transports are closed by those who use them."""

    def witness(self) -> Witness | None:
        """Hardware keeps its truth to itself."""
        return None

    def hands(self) -> None:
        """A person works at the hardware."""


def open_backend(job: Job, seed: int, count: int) -> SerialBackend:
    """The entry point `serial` of the group `sewcell.backends`; hardware takes neither seed nor count."""
    return SerialBackend(job)
