"""Modbus RTU as a slave hears it: CRC, framing by length and silence, requests answered from register units."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from sim.firmware.port import DevicePort

SILENCE = 1.75e-3
"""Silence [s] that ends a message above 19200 baud (Modbus over serial line V1.02, 2.5.1.1)."""
ANSWER_DELAY = 1.5e-3
"""Time [s] from the end of a request to the start of the answer."""

READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_SEVERAL = 3, 4, 6, 16
UNKNOWN_FUNCTION, UNKNOWN_REGISTER, BAD_VALUE, BAD_STATE = 1, 2, 3, 4
MAX_READ, MAX_WRITE = 125, 123
MAX_MESSAGE = 256


class RefusalError(Exception):
    """A request is answered with the exception `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class RegisterUnit(Protocol):
    """The registers of one device. `limits` holds the smallest and the largest value of each holding register."""

    limits: Sequence[tuple[int, int]]

    def read_inputs(self, now: float) -> list[int]:
        """All input registers."""
        ...

    def read_holdings(self) -> list[int]:
        """All holding registers."""
        ...

    def write(self, address: int, values: Sequence[int], now: float) -> None:
        """Write registers that exist with values in their range; raises RefusalError and then changes nothing."""
        ...

    def update(self, now: float) -> None:
        """Bring everything that time alone changes up to `now` [s]."""
        ...


def _crc_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def append_crc(body: bytes) -> bytes:
    """`body` and its CRC-16/MODBUS, low byte first (Modbus over serial line V1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in body:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return body + crc.to_bytes(2, "little")


def has_valid_crc(message: bytes) -> bool:
    """Whether the last two bytes are the CRC of the others."""
    return len(message) >= 4 and append_crc(message[:-2]) == message


class RequestFramer:
    """Cuts the stream into requests: by length where the function tells it, otherwise at the next silence."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_waiting(self) -> bool:
        """Whether a message has begun."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> bytes | None:
        """The request (with a valid CRC) that these bytes complete."""
        self._buffer += data
        del self._buffer[: -2 * MAX_MESSAGE]
        length = self._expected_length()
        if length is None or len(self._buffer) < length or not has_valid_crc(bytes(self._buffer[:length])):
            return None
        return self._take(length)

    def end(self) -> bytes | None:
        """The line fell silent: what stands in the buffer is a whole message, or noise."""
        message = self._take(len(self._buffer))
        return message if has_valid_crc(message) else None

    def _take(self, length: int) -> bytes:
        message = bytes(self._buffer[:length])
        self._buffer.clear()
        return message

    def _expected_length(self) -> int | None:
        if len(self._buffer) < 2:
            return None
        if self._buffer[1] in (READ_HOLDING, READ_INPUT, WRITE_ONE):
            return 8
        if self._buffer[1] == WRITE_SEVERAL and len(self._buffer) > 6:
            return 9 + self._buffer[6]
        return None


def answer_request(unit: RegisterUnit, request: bytes, now: float) -> bytes:
    """Carry out a request to `unit` and return the answer, both with address and CRC."""
    address, function = request[0], request[1]
    try:
        body = _carry_out(unit, function, request[2:-2], now)
    except RefusalError as refusal:
        return append_crc(bytes((address, function | 0x80, refusal.code)))
    return append_crc(bytes((address, function)) + body)


def _carry_out(unit: RegisterUnit, function: int, body: bytes, now: float) -> bytes:
    if function not in (READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_SEVERAL):
        raise RefusalError(UNKNOWN_FUNCTION)
    if len(body) < 4:
        raise RefusalError(BAD_VALUE)
    first, second = int.from_bytes(body[:2]), int.from_bytes(body[2:4])
    if function in (READ_HOLDING, READ_INPUT):
        registers = unit.read_holdings() if function == READ_HOLDING else unit.read_inputs(now)
        if not 1 <= second <= MAX_READ:
            raise RefusalError(BAD_VALUE)
        if first + second > len(registers):
            raise RefusalError(UNKNOWN_REGISTER)
        data = b"".join(value.to_bytes(2) for value in registers[first : first + second])
        return bytes((len(data),)) + data
    if function == WRITE_ONE:
        _write(unit, first, [second], now)
    else:
        data = body[5:]
        if not 1 <= second <= MAX_WRITE or body[4] != 2 * second or len(data) != 2 * second:
            raise RefusalError(BAD_VALUE)
        _write(unit, first, [int.from_bytes(data[i : i + 2]) for i in range(0, len(data), 2)], now)
    return body[:4]


def _write(unit: RegisterUnit, address: int, values: list[int], now: float) -> None:
    if address + len(values) > len(unit.limits):
        raise RefusalError(UNKNOWN_REGISTER)
    for value, (low, high) in zip(values, unit.limits[address:], strict=False):
        if not low <= value <= high:
            raise RefusalError(BAD_VALUE)
    unit.write(address, values, now)


class FieldBus:
    """Several units behind one port, each answering to its own address."""

    def __init__(self, units: Mapping[int, RegisterUnit]) -> None:
        self.units = units
        self._framer = RequestFramer()

    def update(self, now: float) -> None:
        """Bring every unit up to `now` [s]."""
        for unit in self.units.values():
            unit.update(now)

    async def run(self, port: DevicePort) -> None:
        """Serve the units on `port` for ever."""
        loop = asyncio.get_running_loop()
        while True:
            request = await self._receive(port)
            unit = self.units.get(request[0])
            if unit is not None:
                now = loop.time()
                unit.update(now)
                answer = answer_request(unit, request, now)
                await asyncio.sleep(ANSWER_DELAY)
                port.write(answer)

    async def _receive(self, port: DevicePort) -> bytes:
        while True:
            try:
                async with asyncio.timeout(SILENCE if self._framer.is_waiting else None):
                    request = self._framer.feed(await port.read())
            except TimeoutError:
                request = self._framer.end()
            if request is not None:
                return request
