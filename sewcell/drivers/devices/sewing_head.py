"""The sewing head: foot, needle, seams, thread trimmer.

Source: docs/protocols/sewing_head.md.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.devices.identity import check_identity
from sewcell.drivers.devices.link_watch import LinkState
from sewcell.drivers.protocols import sewing_head as registers
from sewcell.drivers.protocols.sewing_head import Command, Flag, HeadStatus, Holding, SeamSettings, State
from sewcell.errors import DeviceFaultError, InterlockError, LinkError, SewcellError
from sewcell.units import MS

UNIT = registers.UNIT
FOOT_STROKE = 80 * MS
START_DELAY = 2 * MS
"""Time from the sew command to the start of the shaft [s]."""
PATIENCE = 2.0
"""Longest time for a command that moves foot or needle [s]."""
HEARTBEAT_TIMEOUT = 130 * MS
"""The head stops after a silence of this length [s]; it stands 0.16 s later at most, at up to 2000 spm."""


class SewingHead:
    """The sewing head on the field bus. Commands return when the state that they name is reported.

    Without the host's heartbeat for `heartbeat_timeout` [s] the head stops with the needle up. Longer bears a host that
    stalls, shorter stops sooner when the cable is pulled.
    """

    def __init__(self, bus: FieldBus, heartbeat_timeout: float = HEARTBEAT_TIMEOUT) -> None:
        self._bus = bus
        self._heartbeat_timeout = heartbeat_timeout
        self._sequence = 0
        self._seam: SeamSettings | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def status(self) -> HeadStatus:
        """The last poll; raises LinkError when the bus has failed."""
        return registers.decode_status(self._bus.inputs(UNIT).registers)

    @property
    def bobbin_low(self) -> bool:
        """Whether the bobbin thread is running out, by the last poll; False while the field bus has failed."""
        try:
            return Flag.BOBBIN_LOW in self.status.flags
        except LinkError:
            return False

    @property
    def silence(self) -> float:
        """For how long the field bus has been asked in vain [s]."""
        return self._bus.silence

    @property
    def link_state(self) -> LinkState:
        """How well the units of the field bus answer."""
        return self._bus.state

    @property
    def name(self) -> str:
        """The port of the field bus."""
        return self._bus.name

    async def connect(self) -> None:
        """Make sure that a sewing head of our protocol version answers, and start its heartbeat.

        Raises: LinkError when nothing answers; DeviceFaultError for another device, version, or a standing fault.
        """
        await self._bus.open()
        inputs = await self._bus.read_input(UNIT, 0, registers.INPUT_COUNT)
        check_identity("sewing head", self._bus.name, inputs, registers.IDENT, registers.VERSION)
        self._sequence = (await self._bus.read_holding(UNIT, Holding.COMMAND_SEQUENCE, 1))[0]
        self._bus.add_unit(UNIT, "sewing head", registers.INPUT_COUNT, registers.HEARTBEAT_ECHO)
        await self._bus.next_inputs(UNIT)
        if self.status.state is State.FAULT:
            raise DeviceFaultError(f"sewing head: {registers.explain_fault(self.status.fault)}")

    async def enable(self) -> None:
        """Drive on and ready. A temporary stop left by an earlier silence is cleared; nothing is resumed."""
        await self._write(Holding.HEARTBEAT_TIMEOUT, round(self._heartbeat_timeout / MS))
        await self._write(Holding.ENABLE, 1)
        if (await self._next()).state is State.TEMPORARY_STOP:
            await self.clear_fault()
        await self._until(lambda s: s.state is State.READY, "get ready")

    async def disable(self) -> None:
        """Needle up and drive off."""
        await self._write(Holding.ENABLE, 0)
        await self._until(lambda s: s.state is State.DISABLED, "switch its drive off")

    async def foot_down(self) -> None:
        """Presser foot on the cloth."""
        await self._write(Holding.FOOT, 1)
        await self._until(lambda s: Flag.FOOT_DOWN in s.flags, "lower its foot")

    async def foot_up(self) -> None:
        """Presser foot fully raised."""
        was_up = Flag.FOOT_DOWN not in self.status.flags
        await self._write(Holding.FOOT, 0)
        # The flag tells that the foot has left the cloth; no flag tells that it is up.
        await asyncio.sleep(0.0 if was_up else FOOT_STROKE)
        await self._until(lambda s: Flag.FOOT_DOWN not in s.flags, "raise its foot")

    async def configure(self, seam: SeamSettings) -> None:
        """Set what the next seam is; raises ConfigError when a value is out of the head's range."""
        await self._bus.write(UNIT, Holding.NEEDLE_STOP, registers.encode_seam(seam))
        self._seam = seam

    async def sew(self, at: float | None = None) -> float:
        """Begin the configured seam, at loop time `at` [s] when given; returns the time of its beginning, as expected.

        When the caller is cancelled, the needle is stopped up.

        Raises: LinkError when the time is missed or the command was not taken; InterlockError without `configure`.
        """
        if self._seam is None:
            raise InterlockError("no seam has been configured: configure one before sewing")
        self._sequence = (self._sequence + 1) % 0x10000
        values = (Command.SEW, self._sequence)
        loop = asyncio.get_running_loop()
        async with self._stopping_on_failure():
            if at is None:
                await self._bus.write(UNIT, Holding.COMMAND, values)
                return loop.time() + START_DELAY
            try:
                return await self._bus.write_at(UNIT, Holding.COMMAND, values, at - START_DELAY) + START_DELAY
            except LinkError:
                # Only the reply may have been lost; a second command would start the seam too late.
                if loop.time() < at or (await self._next()).command_echo != self._sequence:
                    raise
                return at

    async def wait_seam(self, deadline: float, on_progress: Callable[[float, float], None] | None = None) -> int:
        """Wait until the seam is finished, at most until loop time `deadline` [s]; returns the stitches counted.

        `on_progress` is told the turns of the shaft since the seam's beginning, and the loop time [s] when they were
        so, at every poll. When the caller is cancelled, the needle is stopped up.

        Raises: DeviceFaultError on a fault, when the seam ended early, or at the deadline (the needle is stopped up).
        """
        if self._seam is None:
            raise InterlockError("no seam has been configured: configure one before sewing")
        wanted, began = self._seam.total_stitches, False
        async with self._stopping_on_failure():
            while True:
                inputs = await self._bus.next_inputs(UNIT)
                status = registers.decode_status(inputs.registers)
                self._raise_fault(status)
                if status.state is State.DISABLED:
                    raise DeviceFaultError(
                        "sewing head: it has restarted or its drive was switched off in the seam: check its supply, "
                        "then enable it again"
                    )
                if status.state is State.WAITING_FOR_FOOT:
                    raise DeviceFaultError("sewing head: the sew command came with the foot up: lower the foot first")
                own = status.command_echo == self._sequence
                began = began or (own and (status.state is State.SEWING or status.stitches > 0))
                if began and status.state is State.READY:
                    break
                if own and on_progress is not None:
                    on_progress(status.turns, inputs.at)
                if asyncio.get_running_loop().time() > deadline:
                    raise DeviceFaultError(
                        f"sewing head: the seam has {status.stitches} of {wanted} stitches at its deadline: check the "
                        "head and the configured speed"
                    )
        if status.stitches < wanted:
            raise DeviceFaultError(
                f"sewing head: the seam ended after {status.stitches} of {wanted} stitches: check needle, thread "
                "and cloth"
            )
        return status.stitches

    @contextlib.asynccontextmanager
    async def _stopping_on_failure(self) -> AsyncIterator[None]:
        try:
            yield
        except (SewcellError, asyncio.CancelledError):
            # A second cancellation ends the waiting, not the stopping.
            self._stopping = asyncio.create_task(self._try_to_stop())
            await asyncio.shield(self._stopping)
            raise

    async def _try_to_stop(self) -> None:
        with contextlib.suppress(SewcellError):
            await self.stop()

    async def stop(self) -> None:
        """Needle up and shaft at rest; a running seam ends. A drive that is off already rests with its needle up."""
        if self.status.state is State.DISABLED:
            return
        await self._command(Command.STOP)
        await self._until(_needle_up_at_rest, "stop with the needle up", faults=False)

    async def trim(self) -> None:
        """Thread trimmed."""
        await self._command(Command.TRIM)
        await self._until(lambda s: s.state is State.READY and Flag.TRIMMED in s.flags, "trim the thread")

    async def needle_up(self) -> None:
        """Needle at its up stop."""
        await self._command(Command.NEEDLE_UP)
        await self._until(_needle_up_at_rest, "raise its needle")

    async def needle_down(self) -> None:
        """Needle at its down stop."""
        await self._command(Command.NEEDLE_DOWN)
        await self._until(lambda s: Flag.NEEDLE_DOWN in s.flags and Flag.TURNING not in s.flags, "lower its needle")

    async def clear_fault(self) -> None:
        """Fault or temporary stop cleared, after its cause is removed."""
        await self._command(Command.CLEAR_FAULT)
        await self._until(lambda s: s.state in (State.READY, State.DISABLED), "clear its fault", faults=False)

    async def _write(self, register: Holding, value: int) -> None:
        await self._bus.write(UNIT, register, [value])

    async def _command(self, command: Command) -> None:
        self._sequence = (self._sequence + 1) % 0x10000
        await self._bus.write(UNIT, Holding.COMMAND, (command, self._sequence))

    async def _next(self) -> HeadStatus:
        return registers.decode_status((await self._bus.next_inputs(UNIT)).registers)

    async def _until(self, reached: Callable[[HeadStatus], bool], purpose: str, *, faults: bool = True) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not reached(status := await self._next()):
            if faults:
                self._raise_fault(status)
            if loop.time() > deadline:
                raise DeviceFaultError(
                    f"sewing head: it did not {purpose} within {PATIENCE:g} s (state {status.state.name}): "
                    "check the head"
                )

    def _raise_fault(self, status: HeadStatus) -> None:
        if status.state is State.FAULT:
            raise DeviceFaultError(f"sewing head: {registers.explain_fault(status.fault)}")
        if status.state is State.TEMPORARY_STOP:
            raise DeviceFaultError(
                f"sewing head: it heard nothing from the host for {self._heartbeat_timeout / MS:.0f} ms and stopped "
                f"with the needle up: check the field bus {self._bus.name}, then enable the head again"
            )


def _needle_up_at_rest(status: HeadStatus) -> bool:
    return Flag.NEEDLE_UP in status.flags and Flag.TURNING not in status.flags
