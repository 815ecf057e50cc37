"""The six-axis arm: timed joint motion, feed override, jog, hold, stop, homing, position.

Source: docs/protocols/arm.md.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.devices.arm_reports import ArmState, JointReport, MoveReport
from sewcell.drivers.devices.arm_setup import (
    BRAKING_TIME,
    await_report,
    check_modes,
    home_joints,
    measure_latency,
    read_place,
    read_steps,
    require_reference,
    set_modes,
    stop_checking,
)
from sewcell.drivers.devices.feed_override import FeedOverride
from sewcell.drivers.devices.grbl_link import REPORT_PERIOD, GrblLink
from sewcell.drivers.devices.jog_run import JOG_SPEED, JogRun
from sewcell.drivers.devices.joint_motion import AXES, check_motion
from sewcell.drivers.devices.lane_writer import BYTE_TIME
from sewcell.drivers.devices.link_watch import LinkState
from sewcell.drivers.devices.motion_run import HORIZON, MotionRun
from sewcell.drivers.protocols import grbl
from sewcell.drivers.protocols.grbl import RealTime, Status
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import DeviceFaultError, InterlockError, LinkError, MotionError, SewcellError
from sewcell.kinematics.arm_model import JointLimits
from sewcell.units import DEG

Array = NDArray[np.float64]
Correction = Callable[[int, Array], Array]
"""(row, planned posture (6,) [rad]) -> the posture to go to instead, told at the last moment."""

CORRECTED_HORIZON = 0.15
"""Most motion that is in the controller's hands while the set points are corrected by what is seen [s]."""
START_TOLERANCE = 0.05 * DEG
"""A motion may begin this far from where the arm stands [rad]."""


class ArmDevice:
    """The arm at one port. After a failure `state` tells what the arm is ready for.

    `byte_time`: of a byte on the wire [s].
    """

    def __init__(self, transport: ByteTransport, limits: JointLimits, byte_time: float = BYTE_TIME) -> None:
        self.name = transport.name
        self._limits = limits
        self._link = GrblLink(transport, byte_time)
        self._connected = False
        self._busy = False
        self._run: MotionRun | None = None
        self._jog: JogRun | None = None
        self._feed = FeedOverride()
        self._latency = 0.0
        self._steps = np.full(AXES, grbl.POSITION_STEP)

    @property
    def state(self) -> ArmState:
        """What the arm is ready for, by its last report."""
        if not self._connected:
            return ArmState.DISCONNECTED
        if self._link.failure is not None:
            return ArmState.LOST if isinstance(self._link.failure, LinkError) else ArmState.FAULT
        if self._link.telemetry.is_in("Hold", "Door"):
            return ArmState.HELD
        standing = self._link.telemetry.status is None or self._link.telemetry.is_in("Idle")
        return ArmState.READY if standing and not self._busy else ArmState.MOVING

    @property
    def link_state(self) -> LinkState:
        """How well the controller answers."""
        lost = not self._connected or isinstance(self._link.failure, LinkError)
        return LinkState.LOST if lost else self._link.watch.state

    @property
    def must_home(self) -> bool:
        """True after a fault that has cost the position, until `home`."""
        return self._link.position_lost

    @property
    def silence(self) -> float:
        """For how long the controller has been asked in vain [s]."""
        return self._link.watch.silence

    @property
    def position(self) -> JointReport:
        """The last reported joints; raises LinkError before the first report."""
        told = self._link.telemetry
        if told.joints is None:
            raise LinkError(f"{self.name}: the arm has not reported its position yet: connect first")
        return JointReport(np.array(told.joints), told.joints_at)

    async def connect(self) -> None:
        """Greet the controller without resetting it, and set its modes unless the arm must be homed first.

        A controller that says that it is not homed, or has restarted and does not say that it is, has no position.

        Raises: LinkError when no grbl controller answers; DeviceFaultError when it has not six axes, is in alarm or has
        restarted since it was known (the link then stands: `unlock` or `home`).
        """
        identity = await self._link.open()
        known, self._connected = self._connected, True
        if identity.axes != AXES:
            raise DeviceFaultError(
                f"{self.name}: the controller there has {identity.axes} axes, the arm needs {AXES}: check the arm's "
                "port in the cell file"
            )
        await self._link.report()
        if known:
            await check_modes(self._link)
            return
        await require_reference(self._link)
        if not self.must_home:
            await set_modes(self._link)
        self._steps = await read_steps(self._link)

    async def close(self) -> None:
        """Stop a motion that is under way, end all tasks and close the port."""
        if self._busy and self._link.failure is None:
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
        on_break: Callable[[], object] | None = None,
        correct: Correction | None = None,
    ) -> MoveReport:
        """Run through the postures `set_points` (N, 6) [rad], row k at k `period` [s] after the start; returns at rest.

        Row 0 is where the arm stands. With a `lead` [s] the motion starts that much later, with its first lines already
        waiting in the controller. `on_start` is told the loop time of the start: with a lead as soon as it is foreseen,
        else when it has happened. `on_break` is called when the motion is broken off, before the arm
        stands. `correct` may change every set point, at most CORRECTED_HORIZON before its time.

        Raises: MotionError when a posture or a speed is beyond the limits, the arm stands elsewhere, or on `stop`;
        InterlockError when it is held at its controller; DeviceFaultError on an alarm, a refused line, or a wrong end
        point; LinkError when the line is lost. The arm stands then, or, when the line is lost or the caller is
        cancelled, has been told to stop.
        """
        points = np.array(set_points, dtype=np.float64)
        check_motion(points, period, self._limits)
        horizon = HORIZON if correct is None else CORRECTED_HORIZON
        run = MotionRun(self._link, points, period, lead, horizon)

        def adjust(row: int, point: Array) -> Array:
            if correct is None:
                return point
            points[row] = correct(row, point)
            check_motion(points[row - 1 : row + 1], period, self._limits)
            corrected: Array = points[row]
            return corrected

        with self._occupy():
            self._run = run
            try:
                await self._prepare(points[0])
                foreseen, start = await run.stream(self._latency, on_start, adjust)
                await run.arrive(points[-1], self._steps + 1e-9)
            except BaseException as cause:
                if run.interruption is None:
                    self._break_off(MotionError("the motion was broken off"))
                    if on_break is not None:
                        on_break()
                    if isinstance(cause, SewcellError) and self._link.failure is None:
                        with contextlib.suppress(SewcellError):
                            await await_report(self._link, _stands_idle, "stop")
                raise
            finally:
                self._run = None
                if self._link.failure is None:
                    self._send_feed(self._feed.reset(asyncio.get_running_loop().time()))
        return MoveReport(foreseen, start, asyncio.get_running_loop().time(), self._latency)

    def set_feed(self, fraction: float) -> None:
        """Run the present motion at `fraction` of its planned speed, in steps of 1 %; its end sets it back to 1."""
        run = self._run
        if run is None or self._link.failure is not None:
            return
        now = asyncio.get_running_loop().time()
        told, believed = self._link.telemetry, self._feed.percent
        if told.override is not None and (steps := self._feed.confirm(told.override, told.override_at)):
            self._send_feed(steps)
            wrong_since = (told.override_before + told.override_at) / 2.0
            run.clock.shift((told.override - believed) / 100.0 * (now + self._latency - wrong_since))
        self._send_feed(self._feed.change(fraction, now))
        rate = self._feed.percent / 100.0
        if rate != run.rate:
            run.rate = rate
            run.clock.set_rate(rate, now + self._latency)

    def elapsed(self, at: float) -> float:
        """How much of the present motion's planned time is done at loop time `at` [s]; 0 when there is none."""
        return 0.0 if self._run is None else self._run.clock.elapsed(at)

    async def jog(self, joint: int, speed: float, pressed: Callable[[], bool]) -> None:
        """Turn `joint` (0 to 5) with `speed` [rad/s], signed, for as long as `pressed()`, asked every 20 ms, is true.

        Stops at the joint's limit, on `hold` and `stop`, and within JOG_AHEAD when the host dies.

        Raises: MotionError for a joint or speed that is none; others as `move`.
        """
        if not 0 <= joint < AXES or not 0.0 < abs(speed) <= JOG_SPEED:
            raise MotionError(
                f"a jog turns one of the joints 1 to {AXES} with at most {JOG_SPEED / DEG:g} deg/s; asked for joint "
                f"{joint + 1} with {speed / DEG:g} deg/s"
            )
        with self._occupy():
            self._require_state(await read_place(self._link), "Idle")
            self._jog = JogRun(self._link, joint, speed, self._limits.lower[joint], self._limits.upper[joint])
            try:
                await self._jog.run(float(self.position.joints[joint]), pressed)
            finally:
                self._jog = None
            await await_report(self._link, _stands_idle, "end its jog")

    async def hold(self) -> None:
        """Brake and stand; the rest of the motion is kept for `resume`, a jog ends."""
        self._link.check()
        if self._run is not None:
            self._run.hold_is_asked = True
            self._run.clock.hold(asyncio.get_running_loop().time())
        if self._jog is not None:
            self._jog.ended = True
        # A hold is ignored in Jog.
        self._link.urge(RealTime.JOG_CANCEL if self._link.telemetry.is_in("Jog") else RealTime.HOLD)
        await await_report(
            self._link,
            lambda report: report.state == "Idle" or (report.state == "Hold" and not report.substate),
            "stand still",
        )

    async def resume(self) -> None:
        """Go on after `hold`."""
        self._link.check()
        self._link.urge(RealTime.RESUME)
        await await_report(self._link, lambda report: report.state not in ("Hold", "Door"), "resume")
        if self._run is not None:
            self._run.hold_is_asked = False
            self._run.clock.resume(self._link.telemetry.status_at)

    async def stop(self) -> None:
        """Brake, drop the rest of the motion, keep the position; returns at rest.

        A `move` that is under way raises MotionError; a jog ends.
        """
        reason = MotionError("the motion was stopped on request: plan anew from where the arm stands")
        if self._run is not None:
            self._run.interruption = reason
        if self._jog is not None:
            self._jog.ended = True
        self._break_off(reason)
        self._link.check()
        await stop_checking(self._link)
        try:
            async with asyncio.timeout(BRAKING_TIME):
                while self._busy:
                    await asyncio.sleep(REPORT_PERIOD)
        except TimeoutError:
            raise DeviceFaultError(f"{self.name}: the arm does not end its motion: use the emergency stop") from None

    async def unlock(self) -> None:
        """Clear an alarm; where the alarm has cost the position, `home` must follow before the next motion."""
        with self._occupy():
            self._link.clear_failure()
            await self._link.send(grbl.UNLOCK)
            await await_report(self._link, lambda report: report.state != "Alarm", "leave its alarm")
            if not self.must_home:
                await set_modes(self._link)

    async def home(self) -> None:
        """Send all joints to their reference and take the position from there; clears an alarm."""
        with self._occupy():
            self._link.clear_failure()
            await home_joints(self._link)
            await set_modes(self._link)
            self._link.position_lost = False

    # ---- before a motion

    @contextlib.contextmanager
    def _occupy(self) -> Iterator[None]:
        if self._busy:
            raise InterlockError("the arm is still carrying out a motion: wait for its end or stop it")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    async def _prepare(self, start: Array) -> None:
        """Make sure that a motion from `start` (6,) [rad] may begin, and measure the delay to the controller."""
        report = await read_place(self._link)
        if self._link.position_lost:
            raise InterlockError(
                "the arm's position is not to be trusted since its last fault or restart: home the arm "
                "(`sewcell arm home`)"
            )
        self._require_state(report, "Idle")
        gaps = np.abs(self.position.joints - start)
        joint = int(np.argmax(gaps))
        if gaps[joint] > START_TOLERANCE:
            raise MotionError(
                f"the motion begins with joint {joint + 1} {gaps[joint] / DEG:.2f} deg away from where the arm stands: "
                "plan it from the present position"
            )
        self._send_feed(self._feed.reset(asyncio.get_running_loop().time()))
        await check_modes(self._link)
        self._latency = await measure_latency(self._link)

    def _require_state(self, report: Status, wanted: str) -> None:
        if report.state != wanted:
            raise InterlockError(
                f"the arm controller is in the state {report.state}, a motion starts from {wanted}: resume or stop it "
                "first"
            )

    # ---- bytes and waiting

    def _send_feed(self, steps: list[RealTime]) -> None:
        for byte in steps:
            self._link.urge(byte)

    def _break_off(self, reason: MotionError) -> None:
        if not isinstance(self._link.failure, DeviceFaultError):
            self._link.halt()
        self._link.abandon(reason)


def _stands_idle(report: Status) -> bool:
    return report.state == "Idle"
