"""One jog under way: short moves of one joint for as long as a key is held."""

import asyncio
from collections.abc import Callable

from sewcell.drivers.devices.grbl_link import REPORT_PERIOD, GrblLink
from sewcell.drivers.protocols import grbl
from sewcell.drivers.protocols.grbl import RealTime
from sewcell.errors import MotionError
from sewcell.units import DEG

JOG_SPEED = 10.0 * DEG
"""Fastest jog [rad/s]: a quarter of a metre per second at a reach of 1.4 m (ISO 10218-1, reduced speed)."""
JOG_AHEAD = 0.2
"""Most jog that is in the controller's hands [s]: what goes on when the host dies."""


class JogRun:
    """Turns `joint` (0 to 5) with `speed` [rad/s], signed, within `lower` and `upper` [rad].

    A joint that stands beyond its range is turned back into it only. `ended`: set it to end the jog.
    """

    def __init__(self, link: GrblLink, joint: int, speed: float, lower: float, upper: float) -> None:
        self.ended = False
        self._link = link
        self._joint = joint
        self._speed = speed
        self._range = lower, upper

    async def run(self, angle: float, pressed: Callable[[], bool]) -> None:
        """Jog from `angle` [rad] while `pressed()`, asked every 20 ms, is true; the controller has been told to end."""
        loop = asyncio.get_running_loop()
        until = loop.time()
        try:
            while pressed() and not self.ended:
                goal = self._limit(angle, angle + self._speed * JOG_AHEAD / 2.0)
                if until < loop.time() + JOG_AHEAD / 2.0 and abs(goal - angle) > grbl.POSITION_STEP:
                    await self._link.send(grbl.encode_jog(self._joint, goal, abs(self._speed)))
                    until = max(until, loop.time()) + abs(goal - angle) / abs(self._speed)
                    angle = goal
                await asyncio.sleep(REPORT_PERIOD)
        finally:
            if self._link.failure is None:
                self._link.urge(RealTime.JOG_CANCEL)
                self._link.abandon(MotionError("the jog has ended"))

    def _limit(self, angle: float, goal: float) -> float:
        lower, upper = self._range
        return min(goal, max(upper, angle)) if goal > angle else max(goal, min(lower, angle))
