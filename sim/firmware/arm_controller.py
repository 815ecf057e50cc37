"""Emulated arm controller: the state machine of the grblHAL dialect in docs/protocols/arm.md."""

import asyncio
from enum import StrEnum
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.firmware import arm_codes as codes
from sim.firmware.arm_report import StatusReporter, render_modal, render_settings
from sim.firmware.gcode import Dwell, GcodeError, Modal, interpret_jog, interpret_line
from sim.firmware.line_buffer import MAX_LINE, RX_BYTES, LineBuffer
from sim.firmware.planner import CAPACITY, Planner
from sim.firmware.port import DevicePort
from sim.plant import Plant

HOMING_TIME = 2.0
LIMIT_TOLERANCE_DEG = 1e-6
HOME_DEG = np.array([0.0, -90.0, 90.0, 0.0, 90.0, 0.0])
BANNER = "\r\nGrblHAL 1.1f ['$' or '$HELP' for help]"
IDENTITY = ("[VER:1.1f.20260101:sewcell]", f"[OPT:VNML+,{CAPACITY},{RX_BYTES},6,0]")


class State(StrEnum):
    """As the status report names it."""

    IDLE = "Idle"
    RUN = "Run"
    HOLD = "Hold"
    JOG = "Jog"
    HOME = "Home"
    ALARM = "Alarm"
    CHECK = "Check"
    SLEEP = "Sleep"


class ArmController:
    """Takes bytes, moves `plant.joint_targets`.

    Args:
        plant: the wires; the drives are assumed to follow `joint_targets`.
        posture: (6,) joint positions [rad] at power-on; the axes are homed.
        lower, upper: (6,) soft limits [rad]; None takes those of the KR 6 R700.
    """

    def __init__(
        self, plant: Plant, posture: ArrayLike, *, lower: ArrayLike | None = None, upper: ArrayLike | None = None
    ) -> None:
        self.state = State.IDLE
        self.homed = True
        self._plant = plant
        self._port: DevicePort | None = None
        self._planner = Planner(np.rad2deg(np.asarray(posture, dtype=np.float64)))
        self._lower = np.array(codes.LOWER_DEG) if lower is None else np.rad2deg(np.asarray(lower, dtype=np.float64))
        self._upper = np.array(codes.UPPER_DEG) if upper is None else np.rad2deg(np.asarray(upper, dtype=np.float64))
        self._reporter = StatusReporter()
        self._modal = Modal()
        self._override_percent = 100
        self._input = LineBuffer()
        self._dwell: tuple[float, float] | None = None  # asked at, duration [s]
        self._stopping = False  # brakes, then drops the queue
        self._limit_was_hit = False
        self._publish()

    async def run(self, port: DevicePort) -> None:
        """Power up on `port` and serve it for ever."""
        loop = asyncio.get_running_loop()
        self._port = port
        self._send(BANNER)
        while True:
            data = await port.read()
            self.receive(data, loop.time())

    def update(self, now: float) -> None:
        """Bring everything that time alone changes up to `now` [s]."""
        self._planner.advance(now)
        self._watch_inputs()
        if self._stopping and self._planner.stands:
            self._stopping = False
            self._planner.clear()
            if self.state is not State.ALARM:
                self.state = State.IDLE
        if self._planner.is_empty:
            if self.state is State.HOME:
                self.homed = True
                self._send("ok")
            if self.state in (State.RUN, State.JOG, State.HOME):
                self.state = State.IDLE
        self._finish_dwell(now)
        self._work(now)
        self._publish()

    def receive(self, data: bytes, now: float) -> None:
        """Bytes that arrived at `now` [s]: real-time bytes act at once, the others wait their turn."""
        self.update(now)
        for byte in data:
            if byte in codes.REAL_TIME:
                self._act(byte)
            else:
                self._input.push(byte)
                if byte == ord("\n"):
                    self._work(now)
        self._publish()

    def restart(self, now: float) -> None:
        """The power fails and comes back at `now` [s]: only where the joints are is known, and they are not homed."""
        self.update(now)
        self._stand()
        self.state = State.IDLE
        self.homed = False
        self._forget_input()
        self._modal = Modal()
        self._override(100)
        self._send(BANNER)

    def jog_from_pendant(self, posture: NDArray[np.float64], speed: float) -> float:
        """A person jogs to `posture` (6,) [rad], its longest way at `speed` [rad/s]. Returns: how long it takes [s]."""
        duration = float(np.abs(posture - np.deg2rad(self._planner.position)).max()) / speed
        if self.state is not State.IDLE or duration == 0.0:
            return 0.0
        self._planner.push(np.rad2deg(posture), duration)
        self.state = State.JOG
        return duration

    def _publish(self) -> None:
        self._plant.joint_targets = self._planner.position * (pi / 180.0)

    def _send(self, text: str) -> None:
        if self._port is not None:
            self._port.write(text.encode("ascii") + b"\r\n")

    def _watch_inputs(self) -> None:
        hit = self._plant.arm_limit_hit
        if hit and not self._limit_was_hit:
            self._raise_alarm(codes.ALARM_HARD_LIMIT)
            self.homed = False
        self._limit_was_hit = hit
        if not self._plant.emergency_stop_released and self.state is not State.ALARM:
            self.homed = self.homed and self._planner.stands
            self._raise_alarm(codes.ALARM_EMERGENCY_STOP)

    def _raise_alarm(self, code: int) -> None:
        """Stand at once and lock out every line."""
        self._stand()
        self.state = State.ALARM
        self._send(f"ALARM:{code}")

    def _stand(self) -> None:
        """Stop at once and drop what was to be done."""
        self._planner.clear()
        self._stopping = False
        self._dwell = None

    # Real-time bytes.

    def _act(self, byte: int) -> None:
        if byte in codes.STATUS or byte == codes.FULL_STATUS:
            self._report(full=byte == codes.FULL_STATUS)
        elif byte in codes.HOLD:
            if self.state in (State.RUN, State.IDLE) and not self._stopping:
                self._planner.hold()
                self.state = State.HOLD
        elif byte in codes.START:
            if self.state is State.HOLD and not self._stopping:
                self._planner.release()
                self.state = State.IDLE if self._planner.is_empty else State.RUN
        elif byte == codes.JOG_CANCEL:
            self._forget_input(keep_complete=self.state is not State.JOG)
            if self.state is State.JOG:
                self._brake()
        elif byte == codes.STOP:
            self._stop()
        elif byte == codes.RESET:
            self._reset()
        elif byte == codes.OVERRIDE_RESET:
            self._override(100)
        elif byte in codes.OVERRIDES:
            self._override(self._override_percent + codes.OVERRIDES[byte])

    def _report(self, full: bool) -> None:
        standing = ":0" if self._planner.stands else ":1"
        self._send(
            self._reporter.render(
                f"{self.state}{standing if self.state is State.HOLD else ''}",
                self._planner,
                rx_free=self._input.free,
                override_percent=self._override_percent,
                homed=self.homed,
                full=full,
                pins=("" if self._plant.emergency_stop_released else "E") + ("X" if self._plant.arm_limit_hit else ""),
            )
        )

    def _override(self, percent: int) -> None:
        self._override_percent = min(200, max(10, percent))
        self._planner.override = self._override_percent / 100.0

    def _brake(self) -> None:
        self._planner.hold()
        self._stopping = True

    def _stop(self) -> None:
        self._forget_input()
        if self.state is State.HOME:
            self.homed = False
            self._raise_alarm(codes.ALARM_RESET_IN_MOTION)
        elif not self._planner.stands:
            self._brake()
        elif self.state in (State.RUN, State.HOLD, State.JOG):
            self._planner.clear()
            self.state = State.IDLE

    def _reset(self) -> None:
        self._forget_input()
        if not self._planner.stands:
            self.homed = False
            self._raise_alarm(codes.ALARM_RESET_IN_MOTION)
        elif self.state is not State.ALARM:
            self._planner.clear()
            self.state = State.IDLE
        self._stopping = False
        self._modal = Modal()
        self._override(100)
        self._send(BANNER)

    def _forget_input(self, keep_complete: bool = False) -> None:
        """Lines that wait vanish without an answer."""
        self._input.clear(keep_oldest=keep_complete)
        if not keep_complete:
            self._dwell = None

    # Lines.

    def _work(self, now: float) -> None:
        """Take lines in their order until one has to wait."""
        while (line := self._input.peek()) is not None:
            if self._stopping or self._dwell is not None or self.state in (State.HOME, State.SLEEP):
                return
            try:
                if not self._take(line, now):
                    return
            except GcodeError as error:
                self._send(str(error))
            self._input.drop()

    def _take(self, line: bytes, now: float) -> bool:
        """Carry a line out and answer it; False when it has to wait for room in the queue."""
        if len(line.rstrip(b"\r")) > MAX_LINE:
            raise GcodeError(codes.ERROR_LINE_TOO_LONG)
        text = line.decode("ascii", "replace").strip().upper()
        if self.state is State.ALARM and text not in ("$X", "$H", "$I", "$I+"):
            raise GcodeError(codes.ERROR_LOCKED)
        if text.startswith("$J="):
            return self._jog(text[3:])
        if text.startswith("$"):
            self._command(text)
            return True
        if self.state is State.JOG:
            raise GcodeError(codes.ERROR_LOCKED)
        return self._move(text, now)

    def _move(self, text: str, now: float) -> bool:
        if self._planner.free == 0:
            return False
        modal, wish = interpret_line(text, self._modal, self._planner.end)
        self._modal = modal
        if wish is None or self.state is State.CHECK:
            self._send("ok")
        elif isinstance(wish, Dwell):
            self._dwell = (now, wish.duration)
            self._finish_dwell(now)
        elif self._is_beyond_limits(wish.target):
            self._send(f"ALARM:{codes.ALARM_SOFT_LIMIT}")
            self.state = State.ALARM
            self._brake()
        else:
            self._planner.push(wish.target, wish.duration)
            if self.state is State.IDLE and not self._planner.is_empty:
                self.state = State.RUN
            self._send("ok")
        return True

    def _jog(self, text: str) -> bool:
        if self.state not in (State.IDLE, State.JOG):
            raise GcodeError(codes.ERROR_NOT_IDLE)
        if self._planner.free == 0:
            return False
        move = interpret_jog(text, self._modal, self._planner.end)
        if self._is_beyond_limits(move.target):
            raise GcodeError(codes.ERROR_JOG_BEYOND_LIMITS)
        self._planner.push(move.target, move.duration)
        if not self._planner.is_empty:
            self.state = State.JOG
        self._send("ok")
        return True

    def _is_beyond_limits(self, target: NDArray[np.float64]) -> bool:
        below, above = target < self._lower - LIMIT_TOLERANCE_DEG, target > self._upper + LIMIT_TOLERANCE_DEG
        return self.homed and bool(np.any(below | above))

    def _finish_dwell(self, now: float) -> None:
        if self._dwell is None or not self._planner.is_empty:
            return
        asked_at, duration = self._dwell
        if now >= max(asked_at, self._planner.idle_since) + duration:
            self._dwell = None
            self._send("ok")

    def _command(self, text: str) -> None:
        match text:
            case "$I" | "$I+":
                for line in IDENTITY:
                    self._send(line)
            case "$G":
                self._send(render_modal(self._modal))
            case "$$":
                for line in render_settings(self._lower, self._upper):
                    self._send(line)
            case "$X":
                self._unlock()
            case "$H":
                self._home()
                return
            case "$C":
                if self.state not in (State.IDLE, State.CHECK):
                    raise GcodeError(codes.ERROR_NOT_IDLE)
                self.state = State.IDLE if self.state is State.CHECK else State.CHECK
            case "$SLP":
                if self.state is not State.IDLE:
                    raise GcodeError(codes.ERROR_NOT_IDLE)
                self.state = State.SLEEP
            case _:
                raise GcodeError(codes.ERROR_UNKNOWN_COMMAND)
        self._send("ok")

    def _unlock(self) -> None:
        if self.state is State.ALARM:
            if not self._plant.emergency_stop_released:
                raise GcodeError(codes.ERROR_LOCKED)
            self.state = State.IDLE
            self._send("[MSG:Caution: Unlocked]")

    def _home(self) -> None:
        if self.state not in (State.IDLE, State.ALARM):
            raise GcodeError(codes.ERROR_NOT_IDLE)
        if not self._plant.emergency_stop_released:
            raise GcodeError(codes.ERROR_LOCKED)
        self._planner.push(HOME_DEG.copy(), HOMING_TIME)
        self.state = State.HOME
