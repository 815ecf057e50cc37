"""The gripper and I/O module: pins, vacuum, light tower, piece loader, safety chain.

Source: docs/protocols/io.md.
"""

import asyncio
from collections.abc import Callable

from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.devices.identity import check_identity
from sewcell.drivers.protocols import io_module as registers
from sewcell.drivers.protocols.io_module import Holding, Input, IoStatus, Light
from sewcell.errors import DeviceFaultError, InterlockError

__all__ = ["GripperIo", "Light"]

UNIT = registers.UNIT
PATIENCE = 1.0
"""Longest time for a stroke of the pins or the vacuum [s]."""
LOADER_TIME = 5.0
"""Longest time for the loader [s]."""


class GripperIo:
    """The gripper and I/O module on the field bus. Commands return when the state that they name is reported."""

    def __init__(self, bus: FieldBus) -> None:
        self._bus = bus
        self._request = 0

    @property
    def status(self) -> IoStatus:
        """The last poll; raises LinkError when the bus has failed."""
        return registers.decode_status(self._bus.inputs(UNIT).registers)

    def require_safe(self) -> None:
        """Raise InterlockError unless the safety chain allows motion."""
        inputs = self.status.inputs
        if Input.EMERGENCY_STOP_RELEASED not in inputs:
            raise InterlockError("the emergency stop is pressed: make the cell safe and release it")
        if Input.DOOR_CLOSED not in inputs:
            raise InterlockError("the guard door is open: close it")

    async def connect(self) -> None:
        """Make sure that an I/O module of our protocol version answers, and start its heartbeat.

        Raises: LinkError when nothing answers; DeviceFaultError for another device, version, or a standing fault.
        """
        await self._bus.open()
        inputs = await self._bus.read_input(UNIT, 0, registers.INPUT_COUNT)
        check_identity("gripper and I/O module", self._bus.name, inputs, registers.IDENT, registers.VERSION)
        self._request = (await self._bus.read_holding(UNIT, Holding.LOADER_REQUEST, 1))[0]
        self._bus.add_unit(UNIT, "gripper and I/O module", registers.INPUT_COUNT, registers.HEARTBEAT_ECHO)
        self._raise_fault(await self.refresh())

    async def refresh(self) -> IoStatus:
        """Wait for the next poll: what it tells was measured after this call."""
        return registers.decode_status((await self._bus.next_inputs(UNIT)).registers)

    async def pins_out(self) -> None:
        """Gripper needles fully out: the fabric is held."""
        await self._write(Holding.PINS, 1)
        await self._until(lambda s: Input.PINS_OUT in s.inputs, "push its pins out")

    async def pins_in(self) -> None:
        """Gripper needles fully in: the fabric is released."""
        await self._write(Holding.PINS, 0)
        await self._until(lambda s: Input.PINS_IN in s.inputs, "draw its pins in")

    async def vacuum_on(self) -> None:
        """Vacuum reached."""
        await self._write(Holding.VACUUM, 1)
        await self._until(lambda s: Input.VACUUM_REACHED in s.inputs, "reach its vacuum")

    async def vacuum_off(self) -> None:
        """Vacuum gone."""
        await self._write(Holding.VACUUM, 0)
        await self._until(lambda s: Input.VACUUM_REACHED not in s.inputs, "release its vacuum")

    async def light(self, lights: Light) -> None:
        """Exactly these lights of the tower are on."""
        await self._write(Holding.LIGHT_TOWER, int(lights))

    async def request_piece(self) -> bool:
        """Have the loader take finished pieces away and present the next; False when it has none left."""
        self._request = (self._request + 1) % 0x10000
        await self._write(Holding.LOADER_REQUEST, self._request)
        status = await self._until(lambda s: s.loader_echo == self._request, "present a piece", LOADER_TIME)
        return Input.PIECE_PRESENTED in status.inputs

    async def _write(self, register: Holding, value: int) -> None:
        await self._bus.write(UNIT, register, [value])

    async def _until(self, reached: Callable[[IoStatus], bool], purpose: str, patience: float = PATIENCE) -> IoStatus:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while not reached(status := await self.refresh()):
            self._raise_fault(status)
            if loop.time() > deadline:
                raise DeviceFaultError(
                    f"gripper and I/O module: it did not {purpose} within {patience:g} s: check its supply "
                    "of air and power"
                )
        return status

    def _raise_fault(self, status: IoStatus) -> None:
        if status.fault:
            raise DeviceFaultError(f"gripper and I/O module: {registers.explain_fault(status.fault)}")
