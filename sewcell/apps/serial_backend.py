"""The hardware behind the three seams: serial ports, a camera, and the ordinary event loop."""

import asyncio

from sewcell.apps.wall_loop import WallLoop
from sewcell.backend import CellPorts, FilmWish, WindowWish, Witness
from sewcell.config.layers import Job
from sewcell.config.models_cell import CameraModel
from sewcell.config.models_ports import PortsModel
from sewcell.drivers.devices.camera import CameraSettings, CaptureSource
from sewcell.drivers.transport.serial_port import SerialTransport
from sewcell.drivers.transport.urgency import hurry, relax
from sewcell.errors import ConfigError
from sewcell.units import MS

CAMERA_NAME = "overhead"


class SerialBackend:
    """The ports and the camera that the cell file or the ports file names."""

    def __init__(self, job: Job) -> None:
        self._ports = job.cell.ports
        self._camera = job.camera

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """Wall time."""
        return WallLoop()

    async def open(self) -> CellPorts:
        """Open both lines, in a hurry from now on; raises LinkError that names the port and what to do."""
        hurry()
        loop = asyncio.get_running_loop()
        if isinstance(loop, WallLoop):
            loop.warm_up()
        arm_port, bus_port = self._ports.arm, self._ports.field_bus
        arm = await SerialTransport.open(arm_port.url, arm_port.baud, arm_port.parity)
        try:
            bus = await SerialTransport.open(bus_port.url, bus_port.baud, bus_port.parity)
        except BaseException:
            await arm.close()
            raise
        return CellPorts(arm, bus, CaptureSource(CAMERA_NAME, make_camera_settings(self._ports, self._camera)))

    async def close(self) -> None:
        """The hurry is over; the transports are closed by those who use them."""
        relax()

    def witness(self) -> Witness | None:
        """Hardware keeps its truth to itself."""
        return None

    def show(self, wish: FilmWish | WindowWish) -> None:
        """Hardware shows itself."""
        raise ConfigError("only the simulated cell can be drawn: leave --video out, or choose --backend sim")

    def hands(self) -> None:
        """A person works at the hardware."""


def make_camera_settings(ports: PortsModel, camera: CameraModel) -> CameraSettings:
    """How the camera of the ports is opened."""
    port = ports.camera
    return CameraSettings(
        device=port.device,
        size=camera.image_size_px,
        api=port.api,
        frame_rate=port.frame_rate_hz,
        exposure=None if port.exposure_ms is None else port.exposure_ms * MS,
        gain=port.gain,
        latency=port.latency_ms * MS,
    )


def open_backend(job: Job, seed: int, count: int) -> SerialBackend:
    """The entry point `serial` of the group `sewcell.backends`; hardware takes neither seed nor count."""
    if job.scenario.faults:
        raise ConfigError(
            f"'{job.scenario.faults[0].fault}' can be caused only in the simulated cell: leave --fault and --scenario "
            "out, or choose --backend sim"
        )
    return SerialBackend(job)
