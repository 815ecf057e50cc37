"""The six-axis arm: timed joint motion, hold, stop, homing, position.

Source: docs/protocols/arm.md.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.devices.arm_reports import ArmState, JointReport, MoveReport
from sewcell.drivers.devices.grbl_link import REPORT_PERIOD, GrblLink, Line
from sewcell.drivers.devices.joint_motion import AXES, check_motion, encode_motion
from sewcell.drivers.devices.motion_clock import MotionClock
from sewcell.drivers.protocols import grbl
from sewcell.drivers.protocols.grbl import RealTime, Status
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import DeviceFaultError, InterlockError, LinkError, MotionError, SewcellError
from sewcell.kinematics.arm_model import JointLimits
from sewcell.units import DEG

__all__ = ["ArmDevice", "ArmState", "JointReport", "MoveReport"]

Array = NDArray[np.float64]

HORIZON = 1.0
"""Most motion that is in the controller's hands at a time [s]: what goes on when the host dies."""
POSITION_TOLERANCE = 0.05 * DEG
"""Largest difference between commanded and reported joints at rest [rad]."""
BRAKING_TIME = 3.0
"""Longest time to come to rest [s]."""
HOMING_TIME = 60.0
_MISSES = 3


class ArmDevice:
    """The arm at one port. After a failure `state` tells what the arm is ready for."""

    def __init__(self, transport: ByteTransport, limits: JointLimits) -> None:
        self.name = transport.name
        self._limits = limits
        self._link = GrblLink(transport)
        self._connected = False
        self._moving = False
        self._clock = MotionClock()
        self._interruption: SewcellError | None = None

    @property
    def state(self) -> ArmState:
        """What the arm is ready for, by its last report."""
        if not self._connected:
            return ArmState.DISCONNECTED
        if self._link.failure is not None:
            return ArmState.LOST if isinstance(self._link.failure, LinkError) else ArmState.FAULT
        if self._is_held():
            return ArmState.HELD
        standing = self._link.status is None or self._link.status.state == "Idle"
        return ArmState.READY if standing and not self._moving else ArmState.MOVING

    @property
    def position(self) -> JointReport:
        """The last reported joints; raises LinkError before the first report."""
        if self._link.joints is None:
            raise LinkError(f"{self.name}: the arm has not reported its position yet: connect first")
        return JointReport(np.array(self._link.joints), self._link.joints_at)

    async def connect(self) -> None:
        """Greet the controller without resetting it, and set its modes.

        Raises: LinkError when no grbl controller answers; DeviceFaultError when it has not six axes or is in alarm
        (the link then stands: `unlock` or `home`).
        """
        identity = await self._link.open()
        self._connected = True
        if identity.axes != AXES:
            raise DeviceFaultError(
                f"{self.name}: the controller there has {identity.axes} axes, the arm needs {AXES}: check the arm's "
                "port in the cell file"
            )
        await self._link.report()
        await self._measure_latency()

    async def close(self) -> None:
        """Stop a motion that is under way, end all tasks and close the port."""
        if self._moving and self._link.failure is None:
            await self.stop()
        self._connected = False
        await self._link.close()

    async def move(
        self,
        set_points: Array,
        period: float,
        *,
        lead: float = 0.0,
        on_start: Callable[[float], None] | None = None,
    ) -> MoveReport:
        """Run through the postures `set_points` (N, 6) [rad], row k at k `period` [s] after the start; returns at rest.

        Row 0 is where the arm stands. With a `lead` [s] the motion starts that much later, with its first lines already
        waiting in the controller. `on_start` is told the loop time of the start: with a lead as soon as it is foreseen,
        else when it has happened.

        Raises: MotionError when a posture or a speed is beyond the limits, the arm stands elsewhere, or on `stop`;
        DeviceFaultError on an alarm, a refused line, or a wrong end point; LinkError when the line is lost. The arm
        stands then, or, when the line is lost or the caller is cancelled, has been told to stop.
        """
        points = np.asarray(set_points, dtype=np.float64)
        check_motion(points, period, self._limits)
        self._require_free()
        self._moving = True
        self._interruption = None
        self._clock = MotionClock()
        try:
            latency = await self._measure_latency()
            await self._check_start(points[0])
            try:
                foreseen, start = await self._stream(encode_motion(points, period, lead), lead, latency, on_start)
                await self._arrive(points[-1], (len(points) - 1) * period)
            except BaseException as cause:
                if self._interruption is None:
                    self._break_off()
                    if isinstance(cause, SewcellError) and self._link.failure is None:
                        with contextlib.suppress(SewcellError):
                            await self._await_report(_stands_idle, "stop")
                raise
        finally:
            self._moving = False
        return MoveReport(foreseen, start, asyncio.get_running_loop().time(), latency)

    async def hold(self) -> None:
        """Brake and stand; the rest of the motion is kept for `resume`, a jog ends."""
        self._link.check()
        # A hold is ignored in Jog.
        self._link.urge(RealTime.JOG_CANCEL if self._is_in("Jog") else RealTime.HOLD)
        self._clock.hold(asyncio.get_running_loop().time())
        await self._await_report(
            lambda report: report.state == "Idle" or (report.state == "Hold" and not report.substate), "stand still"
        )

    async def resume(self) -> None:
        """Go on after `hold`."""
        self._link.check()
        self._link.urge(RealTime.RESUME)
        await self._await_report(lambda report: report.state not in ("Hold", "Door"), "resume")

    async def stop(self) -> None:
        """Brake, drop the rest of the motion, keep the position; returns at rest.

        A `move` that is under way raises MotionError.
        """
        self._interruption = MotionError("the motion was stopped on request: plan anew from where the arm stands")
        self._break_off()
        self._link.check()
        await self._await_report(_stands_idle, "stop")
        while self._moving:
            await asyncio.sleep(REPORT_PERIOD)

    async def unlock(self) -> None:
        """Clear an alarm; where the alarm has cost the position, `home` must follow before the next motion."""
        self._require_free()
        self._link.clear_failure()
        await self._link.send(grbl.UNLOCK)
        await self._await_report(lambda report: report.state != "Alarm", "leave its alarm")

    async def home(self) -> None:
        """Send all joints to their reference and take the position from there; clears an alarm."""
        self._require_free()
        self._link.clear_failure()
        await self._link.send(grbl.HOME, HOMING_TIME)
        await self._await_report(_stands_idle, "end its homing", HOMING_TIME)
        self._link.position_lost = False

    # ---- checks before a motion

    def _require_free(self) -> None:
        if self._moving:
            raise InterlockError("the arm is still carrying out a motion: wait for its end or stop it")

    async def _check_start(self, start: Array) -> None:
        report = await self._link.report()
        if self._link.position_lost:
            raise InterlockError("the arm's position is not to be trusted after its last fault: home the arm")
        if report.state != "Idle":
            raise InterlockError(
                f"the arm controller is in the state {report.state}, a motion starts from Idle: resume or stop it first"
            )
        joint, gap = self._compare(start)
        if gap > POSITION_TOLERANCE:
            raise MotionError(
                f"the motion begins with joint {joint + 1} {gap / DEG:.2f} deg away from where the arm stands: plan it "
                "from the present position"
            )

    def _compare(self, posture: Array) -> tuple[int, float]:
        """The joint that is farthest off `posture` in the last report, and by how much [rad]."""
        gaps = np.abs(self.position.joints - posture)
        joint = int(np.argmax(gaps))
        return joint, float(gaps[joint])

    async def _measure_latency(self) -> float:
        """Set the modes of joint motion; returns half the shortest time from handing a line over to its `ok` [s]."""
        times = []
        for mode in grbl.MODES:
            line = await self._link.send(mode)
            times.append(line.answer.result() - line.sent.result())
        return min(times) / 2.0

    # ---- a motion

    async def _stream(
        self,
        lines: list[tuple[bytes, float]],
        lead: float,
        latency: float,
        on_start: Callable[[float], None] | None,
    ) -> tuple[float, float]:
        """Feed the lines, at most HORIZON ahead; returns the start as foreseen and as measured [s]."""
        loop = asyncio.get_running_loop()
        self._check_going()
        first = self._link.post(lines[0][0], HORIZON + lead)
        foreseen = None
        if grbl.is_dwell(first.text):
            foreseen = await first.sent + latency + lead
            self._start_clock(foreseen, on_start)
        pending = deque([first])
        for text, done in lines[1:]:
            while done > self._clock.elapsed(loop.time()) + HORIZON:
                await asyncio.sleep(REPORT_PERIOD / 2)
                self._settle(pending)
                if not self._clock.running and first.answer.done():
                    self._start_clock(first.answer.result() - latency, on_start)
            self._settle(pending)
            pending.append(self._link.post(text, HORIZON + lead))
        while pending:
            await asyncio.sleep(REPORT_PERIOD / 2)
            self._settle(pending)
        taken = first.answer.result() - latency
        if foreseen is None:
            if not self._clock.running:
                self._start_clock(taken, on_start)
            return taken, taken
        # A dwell is answered when it is over; the time that the motion itself stands at its start is part of it.
        return foreseen, taken - lines[0][1]

    def _start_clock(self, at: float, on_start: Callable[[float], None] | None) -> None:
        self._clock.start(at)
        if on_start is not None:
            on_start(at)

    def _settle(self, pending: deque[Line]) -> None:
        """Drop the lines that were taken; raise whatever has ended the motion."""
        self._check_going()
        while pending and pending[0].answer.done():
            pending.popleft().answer.result()

    def _check_going(self) -> None:
        if self._interruption is not None:
            raise self._interruption
        self._link.check()
        if self._is_held():
            self._clock.hold(self._link.status_at)
        else:
            self._clock.resume(self._link.status_at)

    async def _arrive(self, goal: Array, duration: float) -> None:
        """Wait until the arm stands, and make sure that it stands at `goal` (6,) [rad]."""
        loop = asyncio.get_running_loop()
        last = self.position.joints
        moved_at = loop.time()
        misses = 0
        while True:
            self._check_going()
            report = await self._link.report()
            joints, now = self.position.joints, loop.time()
            if self._is_held() or np.any(joints != last):
                last, moved_at = joints, now
            joint, gap = self._compare(goal)
            if report.state == "Idle" and gap <= POSITION_TOLERANCE:
                return
            # One damaged report must not stop the cell: a wrong end point is believed when it stays.
            standing = report.state == "Idle" and self._clock.elapsed(now) > duration
            misses = misses + 1 if standing else 0
            if misses >= _MISSES or now - moved_at > HORIZON + BRAKING_TIME:
                raise DeviceFaultError(
                    f"the arm stands with joint {joint + 1} {gap / DEG:.3f} deg away from the end of its motion: a "
                    "line was lost or damaged; check the cable, then plan anew from where the arm stands"
                )
            rest = duration - self._clock.elapsed(now)
            await asyncio.sleep(min(max(rest, REPORT_PERIOD), 5 * REPORT_PERIOD))

    def _break_off(self) -> None:
        if not isinstance(self._link.failure, DeviceFaultError):
            # In Jog the byte 0x19 is not defined by every firmware; in Run 0x85 would let the motion go on.
            self._link.urge(RealTime.JOG_CANCEL if self._is_in("Jog") else RealTime.STOP)
        self._link.abandon(self._interruption or MotionError("the motion was broken off"))

    # ---- waiting

    def _is_in(self, *states: str) -> bool:
        return self._link.status is not None and self._link.status.state in states

    def _is_held(self) -> bool:
        return self._is_in("Hold", "Door")

    async def _await_report(
        self, wanted: Callable[[Status], bool], purpose: str, patience: float = BRAKING_TIME
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while not wanted(report := await self._link.report()):
            if loop.time() > deadline:
                raise DeviceFaultError(
                    f"the arm did not {purpose} within {patience:g} s, its controller is in the state {report.state}: "
                    "use the emergency stop and check the controller"
                )
            await asyncio.sleep(REPORT_PERIOD)


def _stands_idle(report: Status) -> bool:
    return report.state == "Idle"
