"""The grblHAL dialect of the arm controller: commands to bytes, bytes to messages.

Source: docs/protocols/arm.md.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

AXES = "XYZABC"
POSITION_STEP = math.radians(1e-3)
"""Resolution of joint positions on the wire [rad]."""
MAX_LINE = 256
"""Longest line [bytes]; longer ones are dropped."""


class RealTime(IntEnum):
    """Single bytes that the controller picks out of the stream."""

    STATUS = 0x3F
    HOLD = 0x21
    RESUME = 0x7E
    SOFT_RESET = 0x18
    STOP = 0x19
    JOG_CANCEL = 0x85
    FULL_STATUS = 0x87
    FEED_100_PERCENT = 0x90
    FEED_PLUS_10_PERCENT = 0x91
    FEED_MINUS_10_PERCENT = 0x92
    FEED_PLUS_1_PERCENT = 0x93
    FEED_MINUS_1_PERCENT = 0x94


IDENTIFY = b"$I+\n"
"""With a bit turned over, `$I` may be `$H`, the order to home; `$H+` is none."""
LEAVE_CHECK = b"$C\n"
"""Ends the check mode, into which a `$G` with a bit turned over leads."""
SHOW_MODES = b"$G\n"
SHOW_SETTINGS = b"$$\n"
NOTHING = b"\n"
"""An empty line: answered with `ok`."""
HOME = b"$H\n"
UNLOCK = b"$X\n"
MODES = (b"G21\n", b"G90\n", b"G93\n")
"""Millimetre (degree), absolute, inverse time: the modes of every joint move."""
MODE_WORDS = frozenset({"G21", "G90", "G93"})
"""Those modes as `[GC:...]` tells them."""
RESTARTED = "G94"
"""The mode after a start or a reset, never set by us: it gives a restart away that nobody saw."""
HOMING_SETTING = 22
"""Number of the setting that is 0 where homing is off."""
STEPS_SETTING = 100
"""Number of the setting with the motor steps per degree of the first joint; those of the others follow."""


def encode_joint_move(joints: NDArray[np.float64], seconds: float) -> bytes:
    """A line of the G93 mode: move linearly in joint space to `joints` (6,) [rad] within `seconds`."""
    words = " ".join(f"{axis}{_fixed(math.degrees(q))}" for axis, q in zip(AXES, joints, strict=True))
    return f"G1 {words} F{60.0 / seconds:.3f}\n".encode("ascii")


def encode_dwell(seconds: float) -> bytes:
    """Wait until the planner is empty, then `seconds` (rounded to milliseconds); answered when it is over."""
    return f"G4 P{seconds:.3f}\n".encode("ascii")


def encode_jog(axis: int, angle: float, speed: float) -> bytes:
    """Jog joint `axis` (0 to 5) to `angle` [rad] with `speed` [rad/s]."""
    return f"$J=G90 G21 {AXES[axis]}{_fixed(math.degrees(angle))} F{math.degrees(speed) * 60.0:.1f}\n".encode("ascii")


def is_dwell(line: bytes) -> bool:
    """True for a line that is answered only when its time is over."""
    return line.startswith(b"G4 ")


def _fixed(value: float) -> str:
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text


@dataclass(frozen=True, slots=True)
class Ok:
    """The oldest unanswered line was taken."""


@dataclass(frozen=True, slots=True)
class Error:
    """The oldest unanswered line was refused."""

    code: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """The controller has locked itself."""

    code: int


@dataclass(frozen=True, slots=True)
class Status:
    """A status report.

    `joints`: machine position [rad], None when the report does not tell it. `free_blocks`, `free_bytes`: of planner and
    receive buffer. `override`: of the feed [%]. `homed`: whether all joints have their reference. `fields`: every field
    by key, as text.
    """

    state: str
    substate: int | None = None
    joints: tuple[float, ...] | None = None
    free_blocks: int | None = None
    free_bytes: int | None = None
    override: int | None = None
    homed: bool | None = None
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Banner:
    """The greeting after a start or a reset."""

    text: str


@dataclass(frozen=True, slots=True)
class Info:
    """An information line `[KEY:value]`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting `$number=value`."""

    number: int
    value: float


@dataclass(frozen=True, slots=True)
class Identity:
    """What `[OPT:...]` tells: planner blocks, bytes of the receive buffer, number of axes."""

    blocks: int
    receive_bytes: int
    axes: int


def parse_options(value: str) -> Identity | None:
    """Identity in the value of the information line OPT ("VNML+,100,1024,6,0"), None when it is damaged."""
    parts = value.split(",")
    if len(parts) < 4 or not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts[1:4]):
        return None
    return Identity(int(parts[1]), int(parts[2]), int(parts[3]))


@dataclass(frozen=True, slots=True)
class Note:
    """A line that means nothing to us: noise, a push message, another device."""

    text: str


Message = Ok | Error | Alarm | Status | Banner | Info | Setting | Note

_CODED = re.compile(r"(error|ALARM):(\d{1,3})")
_INFO = re.compile(r"\[([A-Za-z0-9]+):?(.*)\]")
_SETTING = re.compile(r"\$(\d{1,3})=(-?\d{1,9}(?:\.\d{1,6})?)")
_STATUS = re.compile(r"<([A-Z][a-z]+)(?::(\d{1,3}))?((?:\|[^|<>]*)*)>")
_BANNER = re.compile(r"grbl(hal)? \d", re.IGNORECASE)
_NUMBERS = re.compile(r"-?\d{1,6}(\.\d{1,6})?(,-?\d{1,6}(\.\d{1,6})?)*")


class GrblDecoder:
    """Turns the bytes of the controller into messages; holds at most MAX_LINE unfinished bytes."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._too_long = False
        self._offset: tuple[float, ...] | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Messages completed by `data`, in order. Lines may be cut anywhere; noise becomes a Note."""
        messages: list[Message] = []
        *finished, rest = data.replace(b"\r", b"\n").split(b"\n")
        for part in finished:
            self._append(part)
            if self._too_long:
                messages.append(Note(f"a line of more than {MAX_LINE} bytes"))
            elif self._line:
                messages.append(self._parse(self._line.decode("ascii", errors="replace")))
            self._line.clear()
            self._too_long = False
        self._append(rest)
        return messages

    def _append(self, part: bytes) -> None:
        if self._too_long or len(self._line) + len(part) > MAX_LINE:
            self._too_long = True
            self._line.clear()
        else:
            self._line += part

    def _parse(self, line: str) -> Message:
        if line == "ok":
            return Ok()
        if coded := _CODED.fullmatch(line):
            code = int(coded[2])
            return Error(code) if coded[1] == "error" else Alarm(code)
        if status := _STATUS.fullmatch(line):
            return self._parse_status(status)
        if info := _INFO.fullmatch(line):
            return Info(info[1], info[2])
        if setting := _SETTING.fullmatch(line):
            return Setting(int(setting[1]), float(setting[2]))
        if _BANNER.match(line):
            return Banner(line)
        return Note(line)

    def _parse_status(self, match: re.Match[str]) -> Message:
        pairs = (part.partition(":") for part in match[3].split("|")[1:])
        fields = {key: value for key, _, value in pairs}
        numbers = {key: _read_numbers(fields[key]) for key in ("MPos", "WPos", "WCO", "Bf", "Ov", "H") if key in fields}
        if any(values is None for values in numbers.values()):
            return Note(match[0])
        self._offset = numbers.get("WCO") or self._offset
        buffers, overrides = numbers.get("Bf") or (), numbers.get("Ov") or ()
        homed = numbers.get("H")
        return Status(
            state=match[1],
            substate=int(match[2]) if match[2] else None,
            joints=self._find_joints(numbers.get("MPos"), numbers.get("WPos")),
            free_blocks=int(buffers[0]) if len(buffers) == 2 else None,
            free_bytes=int(buffers[1]) if len(buffers) == 2 else None,
            override=int(overrides[0]) if len(overrides) == 3 else None,
            homed=None if homed is None else homed[0] == 1.0,
            fields=MappingProxyType(fields),
        )

    def _find_joints(
        self, machine: tuple[float, ...] | None, work: tuple[float, ...] | None
    ) -> tuple[float, ...] | None:
        # Which of the two is reported depends on setting $10; MPos = WPos + WCO.
        if machine is None and work is not None and self._offset is not None and len(work) == len(self._offset):
            machine = tuple(w + o for w, o in zip(work, self._offset, strict=True))
        return None if machine is None else tuple(math.radians(value) for value in machine)


def _read_numbers(text: str) -> tuple[float, ...] | None:
    return tuple(float(number) for number in text.split(",")) if _NUMBERS.fullmatch(text) else None
