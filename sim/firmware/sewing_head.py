"""Emulated sewing head: registers, commands and states of docs/protocols/sewing_head.md."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate
from math import floor

from sim.firmware.modbus_slave import BAD_STATE, RefusalError
from sim.firmware.parts import HeartbeatWatch, Stroke
from sim.firmware.shaft import POSITIONING_SPEED, ShaftMove, plan_move, plan_stop
from sim.plant import Plant

IDENT, VERSION = 0x5345, 2
FOOT_STROKE_TIME = 0.08
TRIM_TIME = 0.25
START_DELAY = 2e-3
NEEDLE_DOWN_STOP = 0.375
"""135 deg as a part of a turn: needle position 1, where a stitch counts."""
PLATE_DOWN_DEG, PLATE_UP_DEG = 75.0, 195.0
NEEDLE_UP_WINDOW_DEG = 5.0

WORD = (0, 0xFFFF)
LIMITS = (
    WORD,
    (0, 1),
    (0, 1),
    (0, 1),
    (100, 5000),
    (50, 500),
    (1, 10000),
    (0, 20),
    (0, 20),
    (100, 2000),
    (500, 20000),
    (0, 500),
    (0, 6),
    WORD,
    (100, 1000),
)
POWER_ON = (0, 0, 0, 0, 1000, 250, 1, 0, 0, 400, 2000, 120, 0, 0, 300)


class Reg(IntEnum):
    """Holding registers."""

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


class Status(IntEnum):
    """Values of STATUS."""

    DISABLED = 0
    READY = 1
    WAITING_FOOT = 2
    SEWING = 3
    TRIMMING = 4
    TEMPORARY_STOP = 5
    FAULT = 6


class Fault(IntEnum):
    """Values of FAULT that this head can raise."""

    NONE = 0
    THREAD_BREAK = 1
    BOBBIN_EMPTY = 2
    DRIVE_BLOCKED = 3
    NEEDLE_STRUCK = 4
    REFUSED = 5


class Command(IntEnum):
    """Values of COMMAND."""

    NONE = 0
    SEW = 1
    STOP = 2
    TRIM = 3
    CLEAR = 4
    NEEDLE_UP = 5
    NEEDLE_DOWN = 6


@dataclass(frozen=True, slots=True)
class Seam:
    """Turns of a seam that begins in turn `first`: where each section ends, and which way it feeds."""

    first: int
    section_ends: tuple[int, ...]  # [turns since first]
    signs: tuple[int, ...]

    def sign_at(self, place: float) -> int:
        """1 for forward feed, -1 for reverse, in the turn that holds `place` [turns]."""
        turn = min(floor(place) - self.first, self.section_ends[-1] - 1)
        return self.signs[bisect_right(self.section_ends, turn)]


class SewingHead:
    """Turns `plant.shaft_turns`, moves `plant.foot_down`, sets `plant.feed_length`; watches thread and safety chain.

    An opened safety chain stops the shaft as command 2 does, with FAULT 3 (drive blocked).
    """

    limits: Sequence[tuple[int, int]] = LIMITS

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._holdings = list(POWER_ON)
        self._place = 0.0  # of the shaft at rest [turns]
        self._move: ShaftMove | None = None
        self._seam: Seam | None = None
        self._counted_from = 0.0  # place at which the stitch count began [turns]
        self._stitch_length = self._holdings[Reg.STITCH_LENGTH] * 1e-5
        self._sew_requested_at: float | None = None  # waits for the foot
        self._foot = Stroke(FOOT_STROKE_TIME)
        self._trim_end: float | None = None
        self._trimmed = False
        self._fault = Fault.NONE
        self._heartbeat = HeartbeatWatch()
        self._host_lost = False
        self._command_echo = 0

    # Registers.

    def read_inputs(self, now: float) -> list[int]:
        """All input registers."""
        place, speed = self._shaft(now)
        angle_deg = (place - floor(place)) * 360.0
        flags = (
            min(angle_deg, 360.0 - angle_deg) <= NEEDLE_UP_WINDOW_DEG,
            PLATE_DOWN_DEG <= angle_deg < PLATE_UP_DEG,
            self._foot.at(now) == 1.0,
            self._move is not None,
            self._fault is Fault.THREAD_BREAK,
            self._plant.bobbin_low,
            self._host_lost,
            self._trimmed,
        )
        return [
            IDENT,
            VERSION,
            self._status(),
            sum(1 << bit for bit, flag in enumerate(flags) if flag),
            (floor(place - NEEDLE_DOWN_STOP) - floor(self._counted_from - NEEDLE_DOWN_STOP)) & 0xFFFF,
            floor(angle_deg * 10.0),
            round(speed * 60.0),
            self._fault,
            self._holdings[Reg.HEARTBEAT],
            self._command_echo,
        ]

    def read_holdings(self) -> list[int]:
        """All holding registers."""
        return list(self._holdings)

    def write(self, address: int, values: Sequence[int], now: float) -> None:
        """Write registers and begin what they ask for.

        Raises:
            RefusalError: the command is not possible in the present state; nothing is changed but FAULT.
        """
        after = self._holdings.copy()
        after[address : address + len(values)] = values
        command = Command.NONE
        is_new = after[Reg.COMMAND_SEQUENCE] != self._holdings[Reg.COMMAND_SEQUENCE]
        if is_new:
            command = Command(after[Reg.COMMAND])
            if not self._is_possible(command, bool(after[Reg.ENABLE]), now):
                if self._fault is Fault.NONE:
                    self._fault = Fault.REFUSED
                raise RefusalError(BAD_STATE)
        before, self._holdings = self._holdings, after
        self._heartbeat.timeout = after[Reg.HEARTBEAT_TIMEOUT] * 1e-3
        self._heartbeat.observe(after[Reg.HEARTBEAT], now)
        self._foot.move(float(after[Reg.FOOT]), now)
        if after[Reg.ENABLE] > before[Reg.ENABLE]:
            self._heartbeat.changed_at = now
        elif after[Reg.ENABLE] < before[Reg.ENABLE]:
            self._stop(now)
        if is_new:
            self._command_echo = after[Reg.COMMAND_SEQUENCE]
            if self._fault is Fault.REFUSED:
                self._fault = Fault.NONE
            self._begin(command, now)
        self.update(now)

    # Time.

    def update(self, now: float) -> None:
        """Bring shaft, foot and watches up to `now` [s]."""
        if self._sew_requested_at is not None and self._foot.at(now) == 1.0:
            self._start_seam(max(self._sew_requested_at + START_DELAY, self._foot.arrival))
        if self._move is not None and now >= self._move.end_time:
            self._place = self._move.end
            self._move = None
        if self._trim_end is not None and now >= self._trim_end:
            self._trim_end = None
            self._trimmed = True
        self._watch(now)
        place, _ = self._shaft(now)
        self._plant.shaft_turns = place
        self._plant.foot_down = self._foot.at(now)
        sign = self._seam.sign_at(place) if self._seam is not None else 1
        self._plant.feed_length = sign * self._stitch_length

    def _watch(self, now: float) -> None:
        if self._holdings[Reg.ENABLE] and not self._host_lost and self._heartbeat.is_silent(now):
            self._host_lost = True
            self._stop(now)
        if self._move is not None and self._fault in (Fault.NONE, Fault.REFUSED):
            if not self._plant.emergency_stop_released:
                self._fault = Fault.DRIVE_BLOCKED
                self._stop(now)
            elif self._plant.needle_struck:
                self._fault = Fault.NEEDLE_STRUCK
                self._stop(now)
            elif self._seam is not None and (self._plant.thread_broken or self._plant.bobbin_empty):
                self._fault = Fault.THREAD_BREAK if self._plant.thread_broken else Fault.BOBBIN_EMPTY
                self._stop(now)

    def _shaft(self, now: float) -> tuple[float, float]:
        return (self._place, 0.0) if self._move is None else self._move.at(now)

    def _status(self) -> Status:
        if self._fault not in (Fault.NONE, Fault.REFUSED):
            return Status.FAULT
        if self._host_lost:
            return Status.TEMPORARY_STOP
        if self._trim_end is not None:
            return Status.TRIMMING
        if self._move is not None:
            return Status.SEWING
        if self._sew_requested_at is not None:
            return Status.WAITING_FOOT
        return Status.READY if self._holdings[Reg.ENABLE] else Status.DISABLED

    # Commands.

    def _is_possible(self, command: Command, enabled: bool, now: float) -> bool:
        if command is Command.NONE:
            return True
        if command is Command.CLEAR:
            return not self._host_lost or not self._heartbeat.is_silent(now)
        if command is Command.STOP:
            return enabled
        ready = enabled and self._status() in (Status.READY, Status.DISABLED)
        if command is Command.TRIM:
            return ready and self._place == floor(self._place)
        return ready and self._plant.emergency_stop_released

    def _begin(self, command: Command, now: float) -> None:
        match command:
            case Command.NONE:
                pass
            case Command.SEW:
                self._sew_requested_at = now
                self._counted_from = self._place
            case Command.STOP:
                self._stop(now)
            case Command.TRIM:
                self._trim_end = now + TRIM_TIME
            case Command.CLEAR:
                self._fault = Fault.NONE
                self._host_lost = False
            case Command.NEEDLE_UP:
                self._position(now, to=0.0)
            case Command.NEEDLE_DOWN:
                self._position(now, to=NEEDLE_DOWN_STOP)

    def _acceleration(self) -> float:
        return self._holdings[Reg.ACCELERATION] / 60.0

    def _stop(self, now: float) -> None:
        """Bring the needle up and stand."""
        self._sew_requested_at = None
        place, speed = self._shaft(now)
        move = plan_stop(place, speed, now)
        self._move = move if move.end_time > now else None

    def _position(self, now: float, to: float) -> None:
        """Turn on to the next place whose part of a turn is `to`, with forward feed."""
        end = floor(self._place) + to
        if end < self._place:
            end += 1.0
        self._seam = None
        self._stitch_length = self._holdings[Reg.STITCH_LENGTH] * 1e-5
        if end > self._place:
            self._move = plan_move(self._place, 0.0, [(end, POSITIONING_SPEED)], self._acceleration(), now)

    def _start_seam(self, begin: float) -> None:
        self._sew_requested_at = None
        registers = self._holdings
        main, backtack = registers[Reg.SPEED] / 60.0, registers[Reg.BACKTACK_SPEED] / 60.0
        at_start, at_end = registers[Reg.BACKTACK_START], registers[Reg.BACKTACK_END]
        sections = [  # turns, sign of the feed, speed limit [turns/s]
            (at_start, 1, backtack),
            (at_start, -1, backtack),
            (registers[Reg.STITCH_TARGET], 1, main),
            (at_end, -1, backtack),
            (at_end, 1, backtack),
        ]
        sections = [section for section in sections if section[0] > 0]
        ends = tuple(accumulate(turns for turns, _, _ in sections))
        first = floor(self._place)
        self._seam = Seam(first, ends, tuple(sign for _, sign, _ in sections))
        self._stitch_length = registers[Reg.STITCH_LENGTH] * 1e-5
        self._trimmed = False
        borders = [float(first + end) for end in ends]
        if registers[Reg.NEEDLE_STOP]:
            borders[-1] += NEEDLE_DOWN_STOP - 1.0
        limits = [limit for _, _, limit in sections]
        self._move = plan_move(self._place, 0.0, list(zip(borders, limits, strict=True)), self._acceleration(), begin)
