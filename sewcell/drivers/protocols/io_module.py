"""The gripper and I/O module's register map: registers to SI values and back.

Source: docs/protocols/io.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from sewcell.units import MM

UNIT: Final = 2
IDENT: Final = 0x494F
VERSION: Final = 1
INPUT_COUNT: Final = 7
HEARTBEAT_ECHO: Final = 4
"""Address of the input register that repeats the heartbeat."""


class Holding(IntEnum):
    """Addresses of the holding registers."""

    HEARTBEAT = 0
    PINS = 1
    VACUUM = 2
    LIGHT_TOWER = 3
    LOADER_REQUEST = 4


class Input(IntFlag):
    """Bits of the register INPUTS."""

    EMERGENCY_STOP_RELEASED = 1 << 0
    DOOR_CLOSED = 1 << 1
    PINS_OUT = 1 << 2
    PINS_IN = 1 << 3
    FABRIC_HELD = 1 << 4
    PIECE_PRESENTED = 1 << 5
    VACUUM_REACHED = 1 << 6


class Light(IntFlag):
    """Bits of the register LIGHT_TOWER."""

    OFF = 0
    RED = 1 << 0
    AMBER = 1 << 1
    GREEN = 1 << 2
    BUZZER = 1 << 3


_FAULTS: Final = {
    1: "the gripper's pins did not reach their end position: free them of lint and check the air supply",
    2: "its supply voltage is low: check the 24 V supply",
}


def explain_fault(code: int) -> str:
    """Cause and action of a value of the register FAULT."""
    return _FAULTS.get(code, f"it reports fault {code}, which this protocol version does not know: check its firmware")


@dataclass(frozen=True, slots=True)
class IoStatus:
    """The input registers in SI: `ply_thickness` of the fabric held [m], 0 when none."""

    ident: int
    version: int
    inputs: Input
    fault: int
    heartbeat_echo: int
    ply_thickness: float
    loader_echo: int


def decode_status(registers: Sequence[int]) -> IoStatus:
    """IoStatus of the INPUT_COUNT input registers from address 0 on."""
    ident, version, inputs, fault, heartbeat, thickness, loader = registers
    return IoStatus(
        ident=ident,
        version=version,
        inputs=Input(inputs & 0x7F),
        fault=fault,
        heartbeat_echo=heartbeat,
        ply_thickness=thickness * 0.01 * MM,
        loader_echo=loader,
    )
