"""What the drivers of a cell go through: damaged bytes, pulled cables, a frozen host, restarts, a drifting machine."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.drivers_rig import HOME, LIMITS, Rig, Wishes, last_change, make_seam, make_workcell, run_rig
from sewcell.drivers.devices.arm import ArmState
from sewcell.drivers.devices.link_watch import LinkState
from sewcell.errors import SewcellError
from sewcell.process.actions import sew_together
from sewcell.units import DEG
from sim.link import NO_FAULTS, Faults

Array = NDArray[np.float64]

SEGMENT = 0.3
"""Planned time of a motion between two near end points [s]."""
HOMING = 2.0
"""Time that the emulated controller takes for homing [s]."""
STEP = 1e-3 * DEG
"""What counts as one step of a joint [rad]: that of the wire, the coarser one."""
RETURN_AFTER = 1.5
"""A pulled cable comes back after this [s]."""


@dataclass(slots=True)
class LineTrial:
    """Outcome of many lines over a bad cable. `longest_wait`: of a call beyond the time of its motion [s]."""

    lines: int = 0
    arrivals: int = 0
    wrong_arrivals: int = 0
    largest_error: float = 0.0
    longest_wait: float = 0.0
    unhandled: int = 0
    errors: Counter[str] = field(default_factory=Counter)


def send_lines(
    lines: int, faults: Faults, seed: int, period: float = 0.01, on_sent: Callable[[int], object] = lambda sent: None
) -> LineTrial:
    """Segment after segment, until `lines` have been sent, on a cable with `faults`.

    `on_sent` is told after every segment how many lines have been sent.
    """
    trial = LineTrial()
    rng = np.random.default_rng([seed, 1])

    async def call(rig: Rig, action: Awaitable[object], planned: float) -> bool:
        began = rig.loop.time()
        try:
            await action
        except SewcellError as error:
            trial.errors[str(error).split(":")[0][:40]] += 1
            return False
        except Exception as error:
            trial.unhandled += 1
            trial.errors[repr(error)[:80]] += 1
            return False
        finally:
            trial.longest_wait = max(trial.longest_wait, rig.loop.time() - began - planned)
        return True

    async def recover(rig: Rig) -> None:
        while rig.arm.state is not ArmState.READY or rig.arm.must_home:
            rig.history.clear()
            if rig.arm.link_state is LinkState.LOST:
                await call(rig, rig.arm.connect(), 0.0)
            elif rig.arm.state is ArmState.FAULT or rig.arm.must_home:
                await call(rig, rig.arm.home(), HOMING)
            else:
                await call(rig, rig.arm.stop(), 0.0)

    async def scenario(rig: Rig) -> LineTrial:
        rig.arm_cable.faults = faults
        while trial.lines < lines:
            rig.history.clear()
            await recover(rig)
            start = rig.arm.position.joints
            goal = HOME + rng.uniform(-10.0, 10.0, 6) * DEG
            # A damaged number may have taken a joint far away: the fastest moment of this law has 1.5 times its mean.
            planned = max(SEGMENT, 1.6 * float(np.max(np.abs(goal - start) / LIMITS.velocity)))
            s = np.linspace(0.0, 1.0, round(planned / period) + 1)[:, None]
            points = start + (goal - start) * s**2 * (3.0 - 2.0 * s)
            arrived = await call(rig, rig.arm.move(points, period), planned)
            trial.lines = rig.lines_sent
            on_sent(trial.lines)
            if arrived:
                error = float(np.max(np.abs(rig.plant.joint_targets - goal)))
                trial.arrivals += 1
                trial.largest_error = max(trial.largest_error, error)
                trial.wrong_arrivals += error > STEP
        return trial

    return run_rig(scenario, Wishes(seed=seed, tick=0.01, with_bus=False))


@dataclass(frozen=True, slots=True)
class PullTrial:
    """Outcome of a pulled cable, times from the pull [s]. `named`: the error names the port. `moved_on_return`: after
    the cable came back, before anybody asked for it."""

    needle_still: float
    arm_still: float
    needle_up: bool
    named: bool
    reconnected: float
    moved_on_return: bool


def pull_cable(cable: str, at: float, speed_spm: float, seed: int, vanishes: bool = True) -> PullTrial:
    """Pull the "arm" or the "bus" cable `at` [s] after the beginning of a seam.

    `vanishes`: the port goes with it, as that of a USB adapter; else the wire is cut behind the port, which stays.
    """
    seam = make_seam(speed_spm, 80, backtack=3)

    async def scenario(rig: Rig) -> PullTrial:
        await rig.head.enable()
        await rig.head.foot_down()
        line = rig.arm_cable if cable == "arm" else rig.bus_cable
        spoilt = Faults(drop=1.0)
        rig.loop.call_later(0.5 + at, line.unplug if vanishes else partial(setattr, line, "faults", spoilt))
        pulled = rig.loop.time() + 0.5 + at
        named = False
        try:
            await sew_together(make_workcell(rig, seam), seam)
        except SewcellError as error:
            named = line.name in str(error)
        await asyncio.sleep(pulled + RETURN_AFTER - rig.loop.time())
        line.faults = NO_FAULTS
        line.replug()
        back = rig.loop.time()
        while LinkState.LOST in (rig.arm.link_state, rig.bus.state) and rig.loop.time() < back + 5.0:
            await asyncio.sleep(0.01)
        reconnected = rig.loop.time() - back
        await asyncio.sleep(2.0)
        turns = [(time, turns) for time, _, turns in rig.history]
        joints = [(time, joints) for time, joints, _ in rig.history]
        return PullTrial(
            last_change(turns, pulled) - pulled,
            last_change(joints, pulled) - pulled,
            abs(rig.plant.shaft_turns - round(rig.plant.shaft_turns)) < 1e-9,
            named,
            reconnected,
            last_change(turns, back) > back or last_change(joints, back) > back,
        )

    return run_rig(scenario, Wishes(seed=seed, tick=2e-3))


@dataclass(frozen=True, slots=True)
class FreezeTrial:
    """Outcome of a frozen host: how long the arm went on from its beginning [s], and whether the needle ended up."""

    motion_left: float
    needle_up: bool
    told: bool


def freeze_host(seconds: float, at: float) -> FreezeTrial:
    """The host freezes `at` [s] after the beginning of a seam, for so many `seconds`."""
    seam = make_seam(1000.0, 80)

    async def scenario(rig: Rig) -> FreezeTrial:
        await rig.head.enable()
        await rig.head.foot_down()
        began = rig.loop.time() + 0.5 + at
        rig.loop.call_at(began, rig.freeze_host, seconds)
        told = False
        try:
            await sew_together(make_workcell(rig, seam), seam)
        except SewcellError:
            told = True
        await asyncio.sleep(2.0)
        joints = [(time, joints) for time, joints, _ in rig.history]
        up = abs(rig.plant.shaft_turns - round(rig.plant.shaft_turns)) < 1e-9
        return FreezeTrial(last_change(joints, began) - began, up, told)

    return run_rig(scenario, Wishes(tick=2e-3))


def restart_controller(at: float, unseen: bool, seed: int) -> bool:
    """The arm controller restarts `at` [s] after the beginning of work; `unseen`: its cable is out meanwhile.

    Returns: whether the next motion was refused for it, at the latest.
    """

    async def scenario(rig: Rig) -> bool:
        points = HOME + np.linspace(0.0, 1.0, 101)[:, None] * np.array([20.0, 5.0, -5.0, 0.0, 0.0, 10.0]) * DEG

        def restart() -> None:
            if unseen:
                rig.arm_cable.unplug()
                rig.loop.call_later(0.3, rig.arm_cable.replug)
            rig.controller.restart(rig.loop.time())

        rig.loop.call_later(at, restart)
        noticed = False
        try:
            await rig.arm.move(points, 0.02)
            await rig.arm.hold()
            await rig.arm.resume()
            await rig.arm.move(points[::-1], 0.02)
        except SewcellError:
            noticed = True
        await asyncio.sleep(max(0.0, at + 2.5 - rig.loop.time()))
        here = rig.arm.position.joints
        try:
            await rig.arm.move(here + (points - points[0]), 0.02)
        except SewcellError as error:
            return "restarted" in str(error) or (noticed and "home the arm" in str(error))
        return False

    return run_rig(scenario, Wishes(seed=seed, tick=5e-3))


@dataclass(frozen=True, slots=True)
class StepTrial:
    """How well arm and machine kept together: largest error [stitches]; largest difference of a stitch from its ordered
    length, and longest less shortest stitch, both as a share of that length."""

    largest_error: float
    deviation: float
    spread: float


def sew_in_step(
    rate: float = 1.0, lag: float = 0.0, period: float = 0.02, stall: float = 0.0, speed_spm: float = 2000.0
) -> StepTrial:
    """A seam whose machine runs `rate` times as fast as ordered and starts `lag` [s] late, on a host that stalls twice.

    A host that stalls for longer than the head's heartbeat timeout stops the needle; it is set to 0.8 s for this.
    """
    seam = make_seam(speed_spm, 120, period)

    async def scenario(rig: Rig) -> StepTrial:
        await rig.head.enable()
        await rig.head.foot_down()
        first = rig.plant.shaft_turns
        rig.history.clear()
        if stall:
            for at in (1.0, 2.9):
                rig.loop.call_later(0.5 + at, rig.freeze_host, stall)
        await sew_together(make_workcell(rig, seam), seam)
        lengths = seam.measure_stitches(rig.history, first)
        largest = float(np.max(np.abs(seam.measure_errors(rig.history, first))))
        shares = lengths / seam.program.stitch_length
        return StepTrial(largest, float(np.max(np.abs(shares - 1.0))), float(np.ptp(shares)))

    wishes = Wishes(tick=5e-4, machine_rate=rate, machine_lag=lag, heartbeat_timeout=0.8)
    return run_rig(scenario, wishes)
