"""Asks a serial port what is at its other end, without moving anything."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sewcell.drivers.protocols import grbl, modbus
from sewcell.drivers.transport import ByteTransport
from sewcell.drivers.transport.serial_port import SerialTransport

ANSWER_TIME = 0.25
"""Longest wait for an answer [s]."""
BAUDS = (115200, 57600, 38400, 19200, 9600, 230400)
"""Tried when nothing intelligible comes at the rate that the ports name."""
IDENTITY_REGISTERS = 2
MODULES = {1: "sewing head", 2: "gripper and I/O module"}

Parity = Literal["N", "E", "O"]
Kind = Literal["arm controller", "field bus", "something else", "nobody"]


@dataclass(frozen=True, slots=True)
class Module:
    """A Modbus unit and its first two registers."""

    unit: int
    ident: int
    version: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers at a port, at which rate.

    Of an arm controller: `version`; its `axes`, `state` and whether it is `homed`, None when not told.
    """

    kind: Kind
    baud: int
    version: str = ""
    axes: int | None = None
    state: str | None = None
    homed: bool | None = None
    modules: tuple[Module, ...] = ()


async def survey_port(url: str, baud: int, bus_parity: Parity = "E") -> Answer:
    """Ask for an arm controller (parity N) and for the modules of a field bus, first at `baud`.

    Raises: LinkError when the port cannot be opened.
    """
    heard = False
    network = "://" in url
    for rate in (baud,) if network else (baud, *(other for other in BAUDS if other != baud)):
        answer, noise = await _ask_at(url, rate, bus_parity)
        if answer is not None:
            return answer
        heard = heard or noise
    return Answer("something else" if heard else "nobody", baud)


async def _ask_at(url: str, baud: int, bus_parity: Parity) -> tuple[Answer | None, bool]:
    """The answer at this rate, and whether any bytes came."""
    line = await SerialTransport.open(url, baud)
    try:
        arm, noise = await _ask_arm(line, baud)
    finally:
        await line.close()
    if arm is not None:
        return arm, True
    line = await SerialTransport.open(url, baud, bus_parity)
    try:
        modules, more = await _ask_modules(line)
    finally:
        await line.close()
    return (Answer("field bus", baud, modules=modules) if modules else None), noise or more


async def _ask_arm(line: ByteTransport, baud: int) -> tuple[Answer | None, bool]:
    decoder = grbl.GrblDecoder()
    version, noise = "", False
    status: grbl.Status | None = None
    await line.write(bytes([grbl.RealTime.FULL_STATUS]) + grbl.NOTHING + grbl.IDENTIFY)
    try:
        async with asyncio.timeout(ANSWER_TIME):
            while True:
                data = await line.read()
                noise = True
                for message in decoder.feed(data):
                    match message:
                        case grbl.Status():
                            status = message
                        case grbl.Info(key="VER"):
                            version = message.value
                        case grbl.Info(key="OPT") if identity := grbl.parse_options(message.value):
                            state, homed = (None, None) if status is None else (status.state, status.homed)
                            return Answer("arm controller", baud, version, identity.axes, state, homed), True
    except TimeoutError:
        return None, noise


async def _ask_modules(line: ByteTransport) -> tuple[tuple[Module, ...], bool]:
    found: list[Module] = []
    noise = False
    for unit in MODULES:
        registers, heard = await _read_identity(line, unit)
        noise = noise or heard
        if registers:
            found.append(Module(unit, registers[0], registers[1]))
    return tuple(found), noise


async def _read_identity(line: ByteTransport, unit: int) -> tuple[Sequence[int], bool]:
    decoder = modbus.ModbusDecoder()
    noise = False
    await line.write(modbus.encode_read_input(unit, 0, IDENTITY_REGISTERS))
    try:
        async with asyncio.timeout(ANSWER_TIME):
            while True:
                data = await line.read()
                noise = True
                for reply in decoder.feed(data):
                    if reply.unit == unit and len(reply.registers) == IDENTITY_REGISTERS:
                        return reply.registers, True
    except TimeoutError:
        return (), noise
