"""The Modbus master of the cell's field bus: requests with deadlines, polling, heartbeats.

Source: docs/protocols/sewing_head.md.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from typing import Final

from sewcell.drivers.protocols import modbus
from sewcell.drivers.protocols.modbus import Function, ModbusDecoder, Reply
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import DeviceFaultError, LinkError
from sewcell.units import MS

POLL_PERIOD = 0.05
"""Time between polls of every unit [s]."""
REPLY_TIME = 0.1
"""Longest time for a reply [s]."""
RETRIES = 2
GAP = 1.75 * MS
"""Silence before every request [s]: it ends the message before (Modbus over serial line V1.02, 2.5.1.1)."""
SILENCE = 1.0
"""Longest time that a caller waits for a poll [s]."""
RESERVE = 0.02
"""The line is kept free this long before a timed write [s]: longer than any exchange that is answered."""
LATE = 2 * MS
"""A timed write that would leave later than this is not sent [s]."""
BYTE_TIME: Final = 11 / 115200
"""One byte, 8E1, at 115200 baud [s]."""
HEARTBEAT: Final = 0
"""Address of the register HEARTBEAT in every unit."""
_WRITE_ONE_BYTES: Final = 8


class Priority(IntEnum):
    """Who goes first when several exchanges wait for the line."""

    COMMAND = 0
    POLL = 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """The input registers of a unit, asked for at loop time `at` [s]."""

    registers: tuple[int, ...]
    at: float


@dataclass(slots=True)
class _Unit:
    """A polled unit. `ready` is exchanged for a new future at every poll."""

    name: str
    input_count: int
    ready: asyncio.Future[Inputs]
    inputs: Inputs | None = None


class _Turns:
    """One exchange at a time; the most urgent waits shortest."""

    def __init__(self) -> None:
        self._busy = False
        self._order = count()
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def take(self, priority: Priority) -> AsyncIterator[None]:
        await self._acquire(priority)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, priority: Priority) -> None:
        if not self._busy:
            self._busy = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False


class FieldBus:
    """Registers of the units on one line.

    After LinkError the bus is silent (the units stop by themselves) until `open` is called again.
    """

    def __init__(self, transport: ByteTransport, byte_time: float = BYTE_TIME) -> None:
        self.name = transport.name
        self.messages = 0
        self.failure: LinkError | None = None
        self._transport = transport
        self._byte_time = byte_time
        self._decoder = ModbusDecoder()
        self._turns = _Turns()
        self._units: dict[int, _Unit] = {}
        self._heartbeat = 0
        self._quiet_since = 0.0
        self._expects: Callable[[Reply], bool] = lambda _: False
        self._reply: asyncio.Future[Reply] | None = None
        self._round_trips: deque[float] = deque(maxlen=50)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start polling; nothing happens when the bus is open already."""
        if self._tasks and self.failure is None:
            return
        await self._stop_tasks()
        self.failure = None
        self._tasks = [asyncio.create_task(job()) for job in (self._read_forever, self._poll_forever)]

    async def close(self) -> None:
        """End polling and close the transport: the sewing head stops needle up for want of heartbeats."""
        await self._stop_tasks()
        self._fail(LinkError(f"{self.name}: the field bus is closed: connect again"))
        await self._transport.close()

    def add_unit(self, unit: int, name: str, input_count: int) -> None:
        """From now on send heartbeats to `unit` and poll its input registers 0 to `input_count` - 1."""
        self._units[unit] = _Unit(name, input_count, asyncio.get_running_loop().create_future())

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
            async with asyncio.timeout(SILENCE):
                return await asyncio.shield(ready)
        except TimeoutError:
            raise LinkError(
                f"{self.name}: no poll of {self._units[unit].name} came to its end in {SILENCE:g} s"
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
        send_at = at - self._estimate_way(_count_write_bytes(values))
        await _sleep_until(send_at - RESERVE)
        async with self._turns.take(Priority.COMMAND):
            await _sleep_until(send_at)
            late = loop.time() - send_at
            if late > LATE:
                raise LinkError(
                    f"{self.name}: a timed command would come {late / MS:.0f} ms late and was not sent: give it more "
                    "lead, or check the line for lost replies"
                )
            await self._write(unit, address, values, retries=0)
        return at + max(0.0, late)

    # ---- exchanges

    def _estimate_way(self, size: int) -> float:
        """Time [s] from handing over `size` bytes until the unit has them, from the fastest exchange of late."""
        wire = 2 * _WRITE_ONE_BYTES * self._byte_time
        rest = min(self._round_trips, default=wire) - wire
        return size * self._byte_time + max(0.0, rest) / 2.0

    async def _read(
        self, unit: int, function: Function, address: int, number: int, priority: Priority
    ) -> tuple[int, ...]:
        encode = modbus.encode_read_input if function is Function.READ_INPUT else modbus.encode_read_holding
        async with self._turns.take(priority):
            reply = await self._exchange(
                unit, function, encode(unit, address, number), lambda reply: len(reply.registers) == number
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
        loop = asyncio.get_running_loop()
        self._expects = lambda reply: (
            reply.unit == unit and reply.function == function and (reply.exception > 0 or fits(reply))
        )
        for _ in range(1 + retries):
            self._check()
            await _sleep_until(self._quiet_since + GAP)
            self._decoder.reset()
            self._reply = loop.create_future()
            asked = loop.time()
            try:
                await self._transport.write(request)
                async with asyncio.timeout(REPLY_TIME):
                    reply = await self._reply
            except TimeoutError:
                continue
            except LinkError as failure:
                self._fail(failure)
                raise
            finally:
                self._reply = None
            self.messages += 1
            if reply.exception:
                raise DeviceFaultError(
                    f"{self._name_of(unit)} refused a command: {modbus.explain_exception(reply.exception)}"
                )
            if function is Function.WRITE_ONE:
                self._round_trips.append(loop.time() - asked)
            return reply
        silence = LinkError(
            f"{self.name}: {self._name_of(unit)} does not answer: check its power, its cable and its unit number"
        )
        if retries:
            self._fail(silence)
        raise silence

    def _name_of(self, unit: int) -> str:
        return f"the {self._units[unit].name} (unit {unit})" if unit in self._units else f"unit {unit}"

    # ---- tasks

    async def _read_forever(self) -> None:
        try:
            while True:
                data = await self._transport.read()
                self._quiet_since = asyncio.get_running_loop().time()
                for reply in self._decoder.feed(data):
                    if self._reply is not None and not self._reply.done() and self._expects(reply):
                        self._reply.set_result(reply)
        except LinkError as failure:
            self._fail(failure)

    async def _poll_forever(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                self._heartbeat = (self._heartbeat + 1) % 0x10000
                for number in list(self._units):
                    await self._poll(number)
                due = max(due + POLL_PERIOD, loop.time())
                await _sleep_until(due)
        except LinkError as failure:
            self._fail(failure)
        except DeviceFaultError as refusal:
            self._fail(
                LinkError(f"{self.name}: polling has ended because {refusal}: check that the unit's protocol fits")
            )

    async def _poll(self, number: int) -> None:
        unit = self._units[number]
        async with self._turns.take(Priority.POLL):
            await self._write(number, HEARTBEAT, [self._heartbeat])
        asked = asyncio.get_running_loop().time()
        registers = await self._read(number, Function.READ_INPUT, 0, unit.input_count, Priority.POLL)
        unit.inputs = Inputs(registers, asked)
        ready, unit.ready = unit.ready, asyncio.get_running_loop().create_future()
        ready.set_result(unit.inputs)

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
        self.failure = self.failure or failure
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(self.failure)
        for unit in self._units.values():
            ready, unit.ready = unit.ready, asyncio.get_running_loop().create_future()
            ready.set_exception(self.failure)
            # Marked as seen: nobody may be waiting for this one.
            ready.exception()


def _count_write_bytes(values: Sequence[int]) -> int:
    return _WRITE_ONE_BYTES if len(values) == 1 else 9 + 2 * len(values)


async def _sleep_until(due: float) -> None:
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
