"""One motion of the arm under way: lines fed to the controller in time, and the arrival at the goal."""

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.devices.grbl_link import REPORT_PERIOD, GrblLink
from sewcell.drivers.devices.joint_motion import MotionEncoder
from sewcell.drivers.devices.line_queue import Line
from sewcell.drivers.devices.motion_clock import MotionClock
from sewcell.drivers.protocols.grbl import is_dwell
from sewcell.errors import DeviceFaultError, InterlockError, MotionError, SewcellError
from sewcell.units import DEG

Array = NDArray[np.float64]

HORIZON = 0.9
"""Most motion that is in the controller's hands at a time [s]: what goes on when the host dies."""
OVERDUE = 0.8
"""The arm arrives at most this long after its motion should be done [s]."""
DROPPED = 0.15
"""An arm that stands with more than this left of the motion it was given has lost it [s]."""
LAG, LEAD = 0.3, 0.1
"""A moving arm may be so much behind its planned time, or before it [s] ..."""
OFF_PATH = 1.0 * DEG
"""... and besides so far from where it should be [rad]."""
_LONGEST_LINE = 80
"""More than any line of a motion has [bytes]."""
_CHECKS = 3
"""So many reports must agree on something wrong: one may be damaged."""


class MotionRun:
    """Feeds `points` (N, 6) [rad], `period` [s] apart, to the controller, at most `horizon` [s] ahead."""

    def __init__(self, link: GrblLink, points: Array, period: float, lead: float, horizon: float) -> None:
        self.clock = MotionClock()
        self.rate = 1.0
        self.hold_is_asked = False
        self.interruption: SewcellError | None = None
        self._link = link
        self._points = points
        self._period = period
        self._lead = lead
        self._horizon = horizon
        self._pending: deque[tuple[Line, float]] = deque()
        self._given = 0.0  # the motion up to here was taken [s]
        self._dwells: list[tuple[float, float]] = []
        self._judged_at = 0.0
        self._strange_holds = 0
        self._strange_places = 0
        self._strange_stops = 0

    @property
    def duration(self) -> float:
        """Planned time of the motion [s]."""
        return (len(self._points) - 1) * self._period

    async def stream(
        self, latency: float, on_start: Callable[[float], None] | None, correct: Callable[[int, Array], Array]
    ) -> tuple[float, float]:
        """Feed the set points as `correct(row, point)` leaves them; returns the start as foreseen and as measured."""
        loop = asyncio.get_running_loop()
        self.check()
        encoder = MotionEncoder(self._points[0], self._period, self._lead)
        first: tuple[Line, float] | None = None
        foreseen: float | None = None
        for row in range(1, len(self._points) + 1):
            while first is not None and not self._may_post(row, loop.time()):
                await asyncio.sleep(REPORT_PERIOD / 4)
                self._settle()
                self._require_supply(loop.time())
                if not self.clock.running and first[0].answer.done():
                    self._start(first[0].answer.result() - latency, on_start)
            self._settle()
            last = row == len(self._points)
            for text, done in encoder.finish() if last else encoder.add(correct(row, self._points[row])):
                entry = self._post(text, done)
                if first is None:
                    first = entry
                    if is_dwell(text):
                        foreseen = await first[0].sent + latency + self._lead
                        self._start(foreseen, on_start)
        assert first is not None
        while self._pending:
            await asyncio.sleep(REPORT_PERIOD / 4)
            self._settle()
        taken = first[0].answer.result() - latency
        if foreseen is None:
            if not self.clock.running:
                self._start(taken, on_start)
            return taken, taken
        # A dwell is answered when it is over; the time that the motion itself stands at its start is part of it.
        return foreseen, taken - first[1]

    async def arrive(self, goal: Array, tolerance: Array) -> None:
        """Wait until the arm stands, and make sure that it stands at `goal` (6,) within `tolerance` (6,) [rad]."""
        loop = asyncio.get_running_loop()
        right = wrong = 0
        finished_at: float | None = None
        while True:
            self.check()
            report = await self._link.report()
            joints = np.array(self._link.telemetry.joints)
            now = loop.time()
            gaps = np.abs(joints - goal)
            there = report.state == "Idle" and self._link.telemetry.is_placed and bool(np.all(gaps <= tolerance))
            right = right + 1 if there else 0
            if right == 2:  # one report may be damaged
                return
            rest = self.duration - self.clock.elapsed(now)
            wrong = wrong + 1 if report.state == "Idle" and rest <= 0.0 and not there else 0
            finished_at = None if rest > 0.0 or self.hold_is_asked else finished_at or now
            overdue = finished_at is not None and now > finished_at + OVERDUE
            if wrong >= _CHECKS or overdue:
                joint = int(np.argmax(gaps))
                raise DeviceFaultError(
                    f"{self._link.name}: the arm stands with joint {joint + 1} {gaps[joint] / DEG:.3f} deg away from "
                    "the end of its motion: a line was lost or damaged; check the cable, then plan anew from where "
                    "the arm stands"
                )
            if not there:
                await asyncio.sleep(min(max(rest / self.rate, REPORT_PERIOD), 5 * REPORT_PERIOD))

    def check(self) -> None:
        """Raise whatever has ended the motion."""
        if self.interruption is not None:
            raise self.interruption
        self._link.check()
        status, at = self._link.telemetry.status, self._link.telemetry.status_at
        if status is None or at <= self._judged_at:
            return
        self._judged_at = at
        held = status.state in ("Hold", "Door")
        if held:
            self.clock.hold(at)
        elif not self.hold_is_asked:
            self.clock.resume(at)
        self._strange_holds = self._strange_holds + 1 if held and not self.hold_is_asked else 0
        if self._strange_holds >= _CHECKS:
            raise InterlockError(
                f"{self._link.name}: the arm was held at its controller (state {status.state}), not by this program: "
                "close the guard door or release the hold there, or check the cable; then plan anew from where the "
                "arm stands"
            )
        self._require_tracking(at)
        left = self._given - self.clock.elapsed(at)
        lost = status.state == "Idle" and self.clock.running and left > DROPPED and not self._is_dwelling(at)
        self._strange_stops = self._strange_stops + 1 if lost else 0
        if self._strange_stops >= _CHECKS:
            raise DeviceFaultError(
                f"{self._link.name}: the arm stands with {left:.1f} s of its motion left: a damaged byte stopped it, "
                "or its controller has restarted; check the cable, then plan anew from where the arm stands"
            )

    def _require_tracking(self, at: float) -> None:
        """Raise when reports agree that the arm is not where it should be by now: a stop byte in damaged bytes drops
        the queue, and the next line would then be a leap."""
        told = self._link.telemetry
        if not self.clock.running or not told.is_placed:
            return
        elapsed = self.clock.elapsed(at)
        first, last = (int((elapsed + shift) / self._period) for shift in (-LAG, LEAD))
        path = self._points[max(first, 0) : max(last, 0) + 2]
        path = path if len(path) else self._points[-1:]
        joints = np.array(told.joints)
        excess = np.maximum(path.min(axis=0) - joints, joints - path.max(axis=0))
        self._strange_places = self._strange_places + 1 if np.any(excess > OFF_PATH) else 0
        if self._strange_places >= 2:
            joint = int(np.argmax(excess))
            raise DeviceFaultError(
                f"{self._link.name}: joint {joint + 1} is {excess[joint] / DEG:.1f} deg off its path: a line was lost "
                "or damaged; check the cable, then plan anew from where the arm stands"
            )

    def _require_supply(self, now: float) -> None:
        """Raise when the host was so late that the arm has run out of motion."""
        posted = self._pending[-1][1] if self._pending else self._given
        late = self.clock.elapsed(now) - posted
        if late > self._period:
            raise MotionError(
                f"the computer was {late:.2f} s late with the arm's next set point, so the arm has stopped within its "
                "motion: close other programs; then plan anew from where the arm stands"
            )

    def _is_dwelling(self, at: float) -> bool:
        elapsed = self.clock.elapsed(at)
        return any(begin - DROPPED < elapsed < end + DROPPED for begin, end in self._dwells)

    def _may_post(self, row: int, now: float) -> bool:
        """Whether the lines of `row` are due, and go out at once: none waits here while the host is frozen."""
        reach = self.clock.elapsed(now) + self._horizon * min(self.rate, 1.0)
        return row * self._period <= reach and self._link.has_room(2 * _LONGEST_LINE)

    def _post(self, text: bytes, done: float) -> tuple[Line, float]:
        pause = 0.0
        if is_dwell(text):
            begin = self._pending[-1][1] if self._pending else self._given
            pause = done - begin
            self._dwells.append((begin, done))
        # Lines wait in the controller behind a dwell, and where its planner is smaller than the horizon.
        waits = self._link.blocks * self._period < self._horizon or any(end >= self._given for _, end in self._dwells)
        expected = pause + self._horizon + (0.0 if self.clock.running else self._lead) if waits else 0.0
        entry = self._link.post(text, expected), done
        self._pending.append(entry)
        return entry

    def _start(self, at: float, on_start: Callable[[float], None] | None) -> None:
        self.clock.start(at)
        if on_start is not None:
            on_start(at)

    def _settle(self) -> None:
        """Drop the lines that were taken; raise whatever has ended the motion."""
        self.check()
        while self._pending and self._pending[0][0].answer.done():
            line, done = self._pending.popleft()
            line.answer.result()
            self._given = done
