"""What an arm controller is asked and told around a motion: homing, its modes, its steps, its delay, its state."""

import asyncio
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.devices.grbl_link import REPORT_PERIOD, GrblLink
from sewcell.drivers.protocols import grbl
from sewcell.drivers.protocols.grbl import Status
from sewcell.errors import DeviceFaultError, LinkError
from sewcell.units import DEG

Array = NDArray[np.float64]

ATTEMPTS = 3
BRAKING_TIME = 1.0
"""Longest time to come to rest [s]."""
HOMING_TIME = 60.0
"""Longest time for homing [s]."""
HOMING_REPORTS = 20
"""An arm that does not home in so many reports, 20 ms apart, will not."""
PINGS = 3
COARSEST_STEP = 0.05 * DEG
"""A motor step larger than this is taken for a damaged answer [rad]."""


async def home_joints(link: GrblLink) -> None:
    """Send all joints to their reference.

    Raises: DeviceFaultError when the controller refuses, or stands without having confirmed the end of its homing.
    """
    await link.synchronise()
    line = link.post(grbl.HOME, HOMING_TIME)
    strange = 0
    while not line.answer.done():
        await asyncio.sleep(REPORT_PERIOD)
        strange = 0 if (await link.report()).state == "Home" else strange + 1
        if strange > HOMING_REPORTS and not line.answer.done():
            failure = DeviceFaultError(
                f"{link.name}: the arm controller does not confirm its homing, the command or its answer was damaged: "
                "check the cable, then home the arm again"
            )
            link.abandon(failure)
            raise failure
    line.answer.result()


async def set_modes(link: GrblLink) -> None:
    """Set the modes of joint motion and make sure that they are set: a damaged G90 may pass for a G91.

    Raises: LinkError when they are not taken.
    """
    for _ in range(ATTEMPTS):
        for mode in grbl.MODES:
            await link.send(mode)
        if await link.read_modes() >= grbl.MODE_WORDS:
            return
    raise LinkError(
        f"{link.name}: the arm controller does not keep the modes of joint motion: check the cable and keep it away "
        "from motor cables, then connect again"
    )


async def require_reference(link: GrblLink) -> None:
    """Find out whether the controller of an arm that was not known before has a position.

    Where it does not say, it has lost it with a restart, unless it is set up to need no homing (absolute encoders).
    """
    for _ in range(ATTEMPTS):
        await link.report(grbl.RealTime.FULL_STATUS)
        if link.telemetry.homed is not None:
            break
    homed = link.telemetry.homed
    if homed is None:
        homed = grbl.RESTARTED not in await link.read_modes()
        homed = homed or (await link.read_settings()).get(grbl.HOMING_SETTING) == 0.0
    link.position_lost = link.position_lost or not homed


async def check_modes(link: GrblLink) -> None:
    """Make sure that the modes are still set; without them the controller has restarted, seen or unseen.

    Raises: DeviceFaultError after a restart; LinkError when the modes are not taken.
    """
    found = await link.read_modes()
    if grbl.RESTARTED in found:
        link.declare_restart()
        link.check()
    if not found >= grbl.MODE_WORDS:
        await set_modes(link)


async def measure_latency(link: GrblLink) -> float:
    """Half the shortest time from handing a line over to its `ok` [s]."""
    times = []
    for _ in range(PINGS):
        line = await link.send(grbl.NOTHING)
        times.append(line.answer.result() - line.sent.result())
    return min(times) / 2.0


async def read_steps(link: GrblLink) -> Array:
    """How exactly the controller can say where each joint stands, (6,) [rad]: its motor step, or that of the wire."""
    first, second = await link.read_settings(), await link.read_settings()
    steps = np.full(len(grbl.AXES), grbl.POSITION_STEP)
    for joint in range(len(steps)):
        number = grbl.STEPS_SETTING + joint
        per_degree = first.get(number, 0.0)
        # Asked twice: a damaged digit must not widen what counts as arrived.
        if per_degree > 0.0 and per_degree == second.get(number) and DEG / per_degree <= COARSEST_STEP:
            steps[joint] = max(steps[joint], DEG / per_degree)
    return steps


async def read_place(link: GrblLink) -> Status:
    """A report that tells where the joints are; raises DeviceFaultError when none does."""
    for _ in range(ATTEMPTS):
        report = await link.report()
        if link.telemetry.is_placed:
            return report
    raise DeviceFaultError(
        f"{link.name}: the controller does not report where its {len(grbl.AXES)} joints are: check its report mask "
        "($10) and the cable"
    )


async def await_report(
    link: GrblLink, wanted: Callable[[Status], bool], purpose: str, patience: float = BRAKING_TIME
) -> None:
    """Ask until a report is as `wanted`; raises DeviceFaultError, which tells the `purpose`, after `patience` [s]."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while not wanted(report := await link.report()):
        if loop.time() > deadline:
            raise DeviceFaultError(
                f"{link.name}: the arm did not {purpose} within {patience:g} s, its controller is in the state "
                f"{report.state}: use the emergency stop and check the controller"
            )
        await asyncio.sleep(REPORT_PERIOD)


async def stop_checking(link: GrblLink) -> None:
    """Wait until the arm stands, and end the check mode into which noise may have put the controller."""
    await await_report(link, lambda report: report.state in ("Idle", "Check"), "stop")
    if link.telemetry.is_in("Check"):
        await link.send(grbl.LEAVE_CHECK)
        await await_report(link, lambda report: report.state == "Idle", "leave its check mode")
