"""Modbus RTU requests and replies, by pymodbus' framer and PDUs without its I/O.

Source: docs/protocols/sewing_head.md; Modbus Application Protocol 1.1b3.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

MAX_MESSAGE: Final = 256
"""Longest message on a serial line [bytes]."""
_MIN_MESSAGE: Final = 5


class Function(IntEnum):
    """Functions of the cell's field bus."""

    READ_HOLDING = 3
    READ_INPUT = 4
    WRITE_ONE = 6
    WRITE_MANY = 16


@dataclass(frozen=True, slots=True)
class Reply:
    """A unit's answer.

    `registers`: the values read, or of WRITE_ONE the value written. `address`: of writes, else 0. `exception`: the
    exception code of a refusal, else 0.
    """

    unit: int
    function: int
    registers: tuple[int, ...] = ()
    address: int = 0
    exception: int = 0


_FUNCTIONS: Final = frozenset(Function)
_REFUSALS: Final = {
    1: "it does not know the function",
    2: "it does not know the register",
    3: "a value is out of its range",
    4: "it is not possible in the present state",
    6: "it is busy",
}


def explain_exception(code: int) -> str:
    """Why a unit refused a request."""
    return _REFUSALS.get(code, f"of exception {code}")


_framer = FramerRTU(DecodePDU(False))


def encode_read_input(unit: int, address: int, count: int) -> bytes:
    """Ask `unit` for `count` input registers from `address` on."""
    return bytes(_framer.buildFrame(ReadInputRegistersRequest(dev_id=unit, address=address, count=count)))


def encode_read_holding(unit: int, address: int, count: int) -> bytes:
    """Ask `unit` for `count` holding registers from `address` on."""
    return bytes(_framer.buildFrame(ReadHoldingRegistersRequest(dev_id=unit, address=address, count=count)))


def encode_write_one(unit: int, address: int, value: int) -> bytes:
    """Write one holding register."""
    return bytes(_framer.buildFrame(WriteSingleRegisterRequest(dev_id=unit, address=address, registers=[value])))


def encode_write_many(unit: int, address: int, values: Sequence[int]) -> bytes:
    """Write the holding registers from `address` on, in one message."""
    request = WriteMultipleRegistersRequest(dev_id=unit, address=address, registers=list(values))
    return bytes(_framer.buildFrame(request))


class ModbusDecoder:
    """Turns the bytes of the line into replies; holds at most MAX_MESSAGE bytes.

    A reply may come in any pieces. A byte that begins no valid message is dropped and the search goes on behind it.
    """

    def __init__(self) -> None:
        self._data = bytearray()

    def reset(self) -> None:
        """Forget an unfinished message: to be called before a new request."""
        self._data.clear()

    def feed(self, data: bytes) -> list[Reply]:
        """Replies completed by `data`, in order."""
        replies = []
        for start in range(0, len(data), MAX_MESSAGE):
            self._data += data[start : start + MAX_MESSAGE]
            while (reply := self._take()) is not None:
                replies.append(reply)
        return replies

    def _take(self) -> Reply | None:
        while len(self._data) >= _MIN_MESSAGE:
            size = _find_size(self._data)
            if size is None or size > MAX_MESSAGE:
                del self._data[0]
            elif len(self._data) < size:
                return None
            elif (reply := _decode(bytes(self._data[:size]))) is None:
                del self._data[0]
            else:
                del self._data[:size]
                return reply
        return None


def _find_size(data: bytearray) -> int | None:
    """Length [bytes] of the reply that begins at the first byte; None when none begins there."""
    unit, function = data[0], data[1]
    if not 1 <= unit <= 247:
        return None
    if function & 0x80 and function & 0x7F in _FUNCTIONS:
        return 5
    if function in (Function.READ_HOLDING, Function.READ_INPUT):
        return 5 + data[2] if data[2] and data[2] % 2 == 0 else None
    return 8 if function in (Function.WRITE_ONE, Function.WRITE_MANY) else None


def _decode(message: bytes) -> Reply | None:
    try:
        _, pdu = _framer.handleFrame(message, 0, 0)
    except (ModbusException, ValueError, IndexError, struct.error):
        return None
    if pdu is None:
        return None
    if pdu.function_code & 0x80:
        return Reply(pdu.dev_id, pdu.function_code & 0x7F, exception=pdu.exception_code)
    return Reply(pdu.dev_id, pdu.function_code, tuple(pdu.registers), pdu.address)
