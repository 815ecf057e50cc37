"""The sewing head's register map: registers to SI values and back.

Source: docs/protocols/sewing_head.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from sewcell.errors import ConfigError
from sewcell.units import DEG, MM, SPM

UNIT: Final = 1
IDENT: Final = 0x5345
VERSION: Final = 2
INPUT_COUNT: Final = 10
HEARTBEAT_ECHO: Final = 8
"""Address of the input register that repeats the heartbeat."""
_COUNTING_PLACE: Final = 135.0 / 360.0
"""Needle position 1, where a stitch counts [turns]."""


class Holding(IntEnum):
    """Addresses of the holding registers."""

    HEARTBEAT = 0
    ENABLE = 1
    FOOT = 2
    NEEDLE_STOP = 3
    SPEED = 4
    STITCH_LENGTH = 5
    STITCH_TARGET = 6
    BACKTACK_START = 7
    BACKTACK_END = 8
    BACKTACK_SPEED = 9
    ACCELERATION = 10
    TENSION = 11
    COMMAND = 12
    COMMAND_SEQUENCE = 13
    HEARTBEAT_TIMEOUT = 14


class Command(IntEnum):
    """Values of the register COMMAND."""

    NONE = 0
    SEW = 1
    STOP = 2
    TRIM = 3
    CLEAR_FAULT = 4
    NEEDLE_UP = 5
    NEEDLE_DOWN = 6


class State(IntEnum):
    """Values of the register STATUS."""

    DISABLED = 0
    READY = 1
    WAITING_FOR_FOOT = 2
    SEWING = 3
    TRIMMING = 4
    TEMPORARY_STOP = 5
    FAULT = 6
    UNKNOWN = -1


class Flag(IntFlag):
    """Bits of the register FLAGS."""

    NEEDLE_UP = 1 << 0
    NEEDLE_DOWN = 1 << 1
    FOOT_DOWN = 1 << 2
    TURNING = 1 << 3
    THREAD_BREAK = 1 << 4
    BOBBIN_LOW = 1 << 5
    HEARTBEAT_LOST = 1 << 6
    TRIMMED = 1 << 7


_FAULTS: Final = {
    1: "the needle thread broke: thread the needle again, then clear the fault",
    2: "the bobbin is empty: put in a full bobbin, then clear the fault",
    3: "the drive is blocked: free the shaft of thread and cloth, then clear the fault",
    4: "the needle struck an object: check needle, gripper and cloth, then clear the fault",
    5: "it refused a command in its present state: bring it to rest with the foot down, then clear the fault",
}


def explain_fault(code: int) -> str:
    """Cause and action of a value of the register FAULT."""
    return _FAULTS.get(code, f"it reports fault {code}, which this protocol version does not know: check its firmware")


@dataclass(frozen=True, slots=True)
class HeadStatus:
    """The input registers in SI: `shaft_angle` [rad], `speed` [turns/s]; `stitches` since the last sew command."""

    ident: int
    version: int
    state: State
    flags: Flag
    stitches: int
    shaft_angle: float
    speed: float
    fault: int
    heartbeat_echo: int
    command_echo: int

    @property
    def turns(self) -> float:
        """How far a seam that began with the needle up has come [turns]: whole turns and part of the present one."""
        part = self.shaft_angle / (2.0 * math.pi)
        return self.stitches - (1 if part >= _COUNTING_PLACE else 0) + part


def decode_status(registers: Sequence[int]) -> HeadStatus:
    """HeadStatus of the INPUT_COUNT input registers from address 0 on."""
    ident, version, state, flags, stitches, angle, speed, fault, heartbeat, command = registers
    return HeadStatus(
        ident=ident,
        version=version,
        state=State(state) if state <= State.FAULT else State.UNKNOWN,
        flags=Flag(flags & 0xFF),
        stitches=stitches,
        shaft_angle=angle * 0.1 * DEG,
        speed=speed * SPM,
        fault=fault,
        heartbeat_echo=heartbeat,
        command_echo=command,
    )


@dataclass(frozen=True, slots=True)
class SeamSettings:
    """What the head is to sew.

    `stitches` of the main part; `stitch_length` [m]; `speed`, `backtack_speed` of the shaft [turns/s];
    `backtack_start`, `backtack_end` stitches of one leg; `acceleration` [turns/s2]; `tension` of the needle thread [N].
    """

    stitches: int
    stitch_length: float
    speed: float
    acceleration: float
    backtack_start: int = 0
    backtack_end: int = 0
    backtack_speed: float = 400 * SPM
    tension: float = 1.2
    needle_stop_down: bool = False

    @property
    def total_stitches(self) -> int:
        """Turns of the whole seam, each backtack twice."""
        return self.stitches + 2 * (self.backtack_start + self.backtack_end)


def encode_seam(seam: SeamSettings) -> tuple[int, ...]:
    """Values of the holding registers NEEDLE_STOP to TENSION.

    Raises: ConfigError that names the value and its range.
    """
    return (
        int(seam.needle_stop_down),
        _scale("speed", seam.speed, SPM, "spm", 100, 5000),
        _scale("stitch length", seam.stitch_length, 0.01 * MM, "x 0.01 mm", 50, 500),
        _scale("number of stitches", seam.stitches, 1, "stitches", 1, 10000),
        _scale("backtack at the start", seam.backtack_start, 1, "stitches", 0, 20),
        _scale("backtack at the end", seam.backtack_end, 1, "stitches", 0, 20),
        _scale("backtack speed", seam.backtack_speed, SPM, "spm", 100, 2000),
        _scale("acceleration", seam.acceleration, SPM, "spm/s", 500, 20000),
        _scale("thread tension", seam.tension, 0.01, "x 0.01 N", 0, 500),
    )


def _scale(name: str, value: float, unit: float, unit_name: str, low: int, high: int) -> int:
    count = round(value / unit)
    if not low <= count <= high:
        raise ConfigError(
            f"{name} of {count} {unit_name} is out of the sewing head's range {low} to {high}: correct the garment file"
        )
    return count
