"""Joins a job, the open ports and the journal into one cell at work."""

from dataclasses import dataclass

from sewcell.backend import CellPorts
from sewcell.cell.journal import Journal
from sewcell.config.layers import Job
from sewcell.config.values import make_camera_model, make_recipe, make_station
from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.devices.gripper_io import GripperIo
from sewcell.drivers.devices.sewing_head import SewingHead
from sewcell.drivers.transport.recording import RecordingTransport
from sewcell.process.workcell import Workcell
from sewcell.process.worklog import Worklog


@dataclass(frozen=True, slots=True)
class WiredCell:
    """A cell with its lines; `close` gives them all back."""

    workcell: Workcell
    arm_line: RecordingTransport
    bus: FieldBus

    async def close(self) -> None:
        """Stop what still moves and close the lines and the camera."""
        await self.workcell.arm.close()
        await self.bus.close()
        await self.workcell.camera.close()


def wire_cell(job: Job, ports: CellPorts, journal: Journal, worklog: Worklog) -> WiredCell:
    """Devices on recorded lines, with everything that the process needs to know of the job."""
    station = make_station(job)
    arm_line = RecordingTransport(ports.arm, lambda way, data, time: journal.add_bytes("arm", way, data, time))
    bus_line = RecordingTransport(
        ports.field_bus, lambda way, data, time: journal.add_bytes("field_bus", way, data, time)
    )
    bus = FieldBus(bus_line, job.cell.ports.field_bus.byte_time)
    workcell = Workcell(
        arm=ArmDevice(arm_line, station.arm.model.limits, job.cell.ports.arm.byte_time),
        head=SewingHead(bus),
        gripper=GripperIo(bus),
        camera=ports.camera,
        camera_model=make_camera_model(job),
        station=station,
        recipe=make_recipe(job),
        worklog=worklog,
        on_image=journal.add_image,
        on_decision=journal.add_decision,
        on_verdict=journal.add_verdict,
        on_empty_table=journal.add_empty_table,
    )
    return WiredCell(workcell, arm_line, bus)
