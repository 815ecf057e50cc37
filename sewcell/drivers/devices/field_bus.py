"""The cell's field bus: registers of its units, polling, heartbeats both ways, and whether the units still answer.

Source: docs/protocols/sewing_head.md.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sewcell.drivers.devices.link_watch import LOST_AFTER, REOPEN_PERIOD, LinkState, LinkWatch
from sewcell.drivers.devices.modbus_line import BYTE_TIME, RETRIES, WRITE_ONE_BYTES, ModbusLine, sleep_until
from sewcell.drivers.devices.turns import Priority, Turns
from sewcell.drivers.protocols import modbus
from sewcell.drivers.protocols.modbus import Function, Reply
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import DeviceFaultError, LinkError
from sewcell.units import MS

POLL_PERIOD = 0.05
"""Time between polls of every unit [s]."""
RESERVE = 0.02
"""The line is kept free this long before a timed write [s]: longer than any exchange that is answered."""
LATE = 2 * MS
"""A timed write that would leave later than this is not sent [s]."""
HEARTBEAT: Final = 0
"""Address of the register HEARTBEAT in every unit."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The input registers of a unit, as they were at loop time `at` [s]."""

    registers: tuple[int, ...]
    at: float


@dataclass(slots=True)
class _Unit:
    """A polled unit. `echo`: its input register that repeats the heartbeat. `ready`: exchanged at every poll."""

    name: str
    input_count: int
    echo: int
    ready: asyncio.Future[Inputs]
    inputs: Inputs | None = None
    watch: LinkWatch = field(default_factory=LinkWatch)


class FieldBus:
    """Registers of the units on one line.

    A unit that does not answer for LOST_AFTER, or a port that is gone, is a `failure`: every waiting and later call
    raises it. Asking goes on (a port is opened again), and with the first answers the failure ends by itself. The units
    have stopped meanwhile, and nothing here starts them.
    """

    def __init__(self, transport: ByteTransport, byte_time: float = BYTE_TIME) -> None:
        self.name = transport.name
        self.failure: LinkError | None = None
        self._line = ModbusLine(transport, byte_time)
        self._turns = Turns()
        self._units: dict[int, _Unit] = {}
        self._heartbeat = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def messages(self) -> int:
        """Exchanges that were answered."""
        return self._line.messages

    @property
    def state(self) -> LinkState:
        """That of the unit that answers worst."""
        if self.failure is not None or not self._tasks:
            return LinkState.LOST
        watches = [unit.watch for unit in self._units.values()]
        return max(watches, key=lambda watch: watch.silence).state if watches else LinkState.CONNECTED

    @property
    def silence(self) -> float:
        """For how long the unit that answers worst has been asked in vain [s]."""
        return max((unit.watch.silence for unit in self._units.values()), default=0.0)

    async def open(self) -> None:
        """Start polling; nothing happens when the bus is open already and answers."""
        if self._tasks and self.failure is None:
            return
        gone = self.failure is not None
        await self._stop_tasks()
        if gone:
            await self._line.reopen()
        self.failure = None
        for unit in self._units.values():
            unit.watch.hear()
        self._tasks = [asyncio.create_task(job()) for job in (self._listen_forever, self._poll_forever)]

    async def close(self) -> None:
        """End polling and close the transport: the sewing head stops needle up for want of heartbeats."""
        await self._stop_tasks()
        self._fail(LinkError(f"{self.name}: the field bus is closed: connect again"))
        await self._line.close()

    def add_unit(self, unit: int, name: str, input_count: int, echo: int) -> None:
        """From now on send heartbeats to `unit` and poll its input registers 0 to `input_count` - 1.

        `echo`: the input register in which the unit repeats the heartbeat; one that does not is taken for dead.
        """
        self._units[unit] = _Unit(name, input_count, echo, asyncio.get_running_loop().create_future())

    def inputs(self, unit: int) -> Inputs:
        """The last poll of a unit that was added; raises LinkError when the bus has failed or was not polled yet."""
        self._check()
        known = self._units.get(unit)
        if known is None or known.inputs is None:
            raise LinkError(f"{self.name}: unit {unit} has not been asked yet: connect it first")
        return known.inputs

    async def next_inputs(self, unit: int) -> Inputs:
        """Wait for the next poll of a unit that was added."""
        self._check()
        ready = self._units[unit].ready
        try:
            async with asyncio.timeout(LOST_AFTER):
                return await asyncio.shield(ready)
        except TimeoutError:
            raise LinkError(
                f"{self.name}: no poll of {self._units[unit].name} came to its end in {LOST_AFTER:g} s: check the "
                "field bus cable"
            ) from None

    async def read_input(self, unit: int, address: int, number: int) -> tuple[int, ...]:
        """Input registers from `address` on."""
        return await self._read(unit, Function.READ_INPUT, address, number, Priority.COMMAND)

    async def read_holding(self, unit: int, address: int, number: int) -> tuple[int, ...]:
        """Holding registers from `address` on."""
        return await self._read(unit, Function.READ_HOLDING, address, number, Priority.COMMAND)

    async def write(self, unit: int, address: int, values: Sequence[int]) -> None:
        """Write the holding registers from `address` on, in one message.

        Raises: DeviceFaultError when the unit refuses; LinkError when it does not answer.
        """
        async with self._turns.take(Priority.COMMAND):
            await self._write(unit, address, values)

    async def write_at(self, unit: int, address: int, values: Sequence[int], at: float) -> float:
        """Like `write`, so that the unit has the whole message at loop time `at` [s]; returns when it has it [s].

        Raises: LinkError, without having sent anything, when the line does not become free in time.
        """
        loop = asyncio.get_running_loop()
        send_at = at - self._line.estimate_way(_count_write_bytes(values))
        await sleep_until(send_at - RESERVE)
        async with self._turns.take(Priority.COMMAND):
            await sleep_until(send_at)
            late = loop.time() - send_at
            if late > LATE:
                raise LinkError(
                    f"{self.name}: a timed command would come {late / MS:.0f} ms late and was not sent: give it more "
                    "lead, or check the line for lost replies"
                )
            await self._write(unit, address, values, retries=0)
        return at + max(0.0, late)

    # ---- exchanges

    async def _read(
        self, unit: int, function: Function, address: int, number: int, priority: Priority, retries: int = RETRIES
    ) -> tuple[int, ...]:
        encode = modbus.encode_read_input if function is Function.READ_INPUT else modbus.encode_read_holding
        async with self._turns.take(priority):
            reply = await self._exchange(
                unit, function, encode(unit, address, number), lambda reply: len(reply.registers) == number, retries
            )
        return reply.registers

    async def _write(self, unit: int, address: int, values: Sequence[int], retries: int = RETRIES) -> None:
        if len(values) == 1:
            request = modbus.encode_write_one(unit, address, values[0])
            await self._exchange(
                unit,
                Function.WRITE_ONE,
                request,
                lambda reply: reply.address == address and reply.registers == tuple(values),
                retries,
            )
        else:
            request = modbus.encode_write_many(unit, address, values)
            await self._exchange(unit, Function.WRITE_MANY, request, lambda reply: reply.address == address, retries)

    async def _exchange(
        self, unit: int, function: Function, request: bytes, fits: Callable[[Reply], bool], retries: int = RETRIES
    ) -> Reply:
        if not self._tasks:
            raise LinkError(f"{self.name}: the field bus is not open: connect first")
        reply = await self._line.exchange(unit, function, request, fits, retries)
        if reply is None:
            raise self._silence_of(unit)
        if reply.exception:
            raise DeviceFaultError(
                f"{self.name}: {self._name_of(unit)} refused a command: {modbus.explain_exception(reply.exception)}"
            )
        return reply

    def _name_of(self, unit: int) -> str:
        return f"the {self._units[unit].name} (unit {unit})" if unit in self._units else f"unit {unit}"

    def _silence_of(self, unit: int) -> LinkError:
        return LinkError(
            f"{self.name}: {self._name_of(unit)} does not answer: check its power, its cable and its unit number"
        )

    # ---- tasks

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._line.listen()
            except LinkError as failure:
                self._fail(failure)
            await asyncio.sleep(REOPEN_PERIOD)
            try:
                await self._line.reopen()
            except LinkError:
                continue

    async def _poll_forever(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._heartbeat = (self._heartbeat + 1) % 0x10000
            for number in list(self._units):
                await self._supervise(number)
            if self.failure is not None and all(u.watch.state is LinkState.CONNECTED for u in self._units.values()):
                self.failure = None
            due = max(due + POLL_PERIOD, loop.time())
            await sleep_until(due)

    async def _supervise(self, number: int) -> None:
        unit, waited = self._units[number], self._line.waited
        try:
            alive = await self._poll(number, unit)
        except LinkError:
            alive = False
        except DeviceFaultError as refusal:
            self._fail(LinkError(f"{self.name}: {refusal}: check that the unit's protocol fits"))
            alive = False
        if alive:
            unit.watch.hear()
            return
        unit.watch.wait(self._line.waited - waited + POLL_PERIOD)
        if unit.watch.state is LinkState.LOST:
            self._fail(self._silence_of(number))

    async def _poll(self, number: int, unit: _Unit) -> bool:
        """Exchange heartbeats and read the unit's inputs; True when it repeated the heartbeat."""
        async with self._turns.take(Priority.POLL):
            await self._write(number, HEARTBEAT, [self._heartbeat], retries=1)
        # A lost reply is made up for by the next poll.
        registers = await self._read(number, Function.READ_INPUT, 0, unit.input_count, Priority.POLL, retries=0)
        if registers[unit.echo] != self._heartbeat:
            return False
        unit.inputs = Inputs(registers, self._line.asked_at + self._line.estimate_way(WRITE_ONE_BYTES))
        ready, unit.ready = unit.ready, asyncio.get_running_loop().create_future()
        ready.set_result(unit.inputs)
        return True

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    # ---- failures

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
        if not self._tasks:
            raise LinkError(f"{self.name}: the field bus is not open: connect first")

    def _fail(self, failure: LinkError) -> None:
        if self.failure is not None:
            return
        self.failure = failure
        self._line.interrupt(failure)
        for unit in self._units.values():
            unit.watch.wait(LOST_AFTER)
            ready, unit.ready = unit.ready, asyncio.get_running_loop().create_future()
            ready.set_exception(failure)
            # Marked as seen: nobody may be waiting for this one.
            ready.exception()


def _count_write_bytes(values: Sequence[int]) -> int:
    return WRITE_ONE_BYTES if len(values) == 1 else 9 + 2 * len(values)
