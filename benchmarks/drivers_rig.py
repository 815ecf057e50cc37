"""The drivers of a cell on emulated controllers in virtual time, whose cables, host and controllers can fail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.devices.gripper_io import GripperIo
from sewcell.drivers.devices.sewing_head import HEARTBEAT_TIMEOUT, SewingHead
from sewcell.drivers.transport.recording import RecordingTransport
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.shaft import SeamProgram, ShaftMotion
from sewcell.motion.trajectory import count_steps, sample_times
from sewcell.units import DEG, MM, SPM
from sim.clock import SimLoop, run_virtual
from sim.firmware.arm_controller import ArmController
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus as EmulatedBus
from sim.firmware.sewing_head import SewingHead as EmulatedHead
from sim.link import Cable, make_cable
from sim.plant import Plant

Array = NDArray[np.float64]
T = TypeVar("T")

LATENCY = 1e-3
LIMITS = JointLimits(*(np.array(row) * DEG for row in ([-180.0] * 6, [180.0] * 6, [300.0] * 6, [1e4] * 6, [1e5] * 6)))
HOME = np.array([0.0, -90.0, 90.0, 0.0, 90.0, 0.0]) * DEG
GUIDE = 1.7
"""Joint 1 guides the cloth: so far it turns for a metre of seam [rad/m]: the bench cell sews 0.59 m away."""


class LateHead(EmulatedHead):
    """A sewing head that starts `lag` [s] late."""

    def __init__(self, plant: Plant, lag: float) -> None:
        super().__init__(plant)
        self._lag = lag

    def _start_seam(self, begin: float) -> None:
        super()._start_seam(begin + self._lag)


class DriftingUnit:
    """A unit whose clock, and so everything it does, runs `rate` times as fast as it should."""

    def __init__(self, unit: EmulatedHead, rate: float) -> None:
        self.limits = unit.limits
        self._unit = unit
        self._rate = rate

    def read_inputs(self, now: float) -> list[int]:
        """All input registers."""
        return self._unit.read_inputs(now * self._rate)

    def read_holdings(self) -> list[int]:
        """All holding registers."""
        return self._unit.read_holdings()

    def write(self, address: int, values: Sequence[int], now: float) -> None:
        """Write registers."""
        self._unit.write(address, values, now * self._rate)

    def update(self, now: float) -> None:
        """Bring everything up to `now` [s]."""
        self._unit.update(now * self._rate)


@dataclass(slots=True)
class Rig:
    """Devices, the controllers behind them, and what happened.

    `lines_sent`: motions to the arm controller. `history`: (loop time [s], joints [rad], shaft [turns]).
    """

    loop: SimLoop
    plant: Plant
    controller: ArmController
    slaves: EmulatedBus
    arm: ArmDevice
    bus: FieldBus
    head: SewingHead
    io: GripperIo
    arm_cable: Cable
    bus_cable: Cable
    lines_sent: int = 0
    history: list[tuple[float, Array, float]] = field(default_factory=list)

    def tick(self) -> None:
        """Bring the controllers up to the present."""
        now = self.loop.time()
        self.controller.update(now)
        self.slaves.update(now)
        self.history.append((now, self.plant.joint_targets.copy(), self.plant.shaft_turns))

    def count(self, data: bytes) -> None:
        """Bytes went to the arm controller."""
        self.lines_sent += data.count(b"G1 ")

    def freeze_host(self, seconds: float) -> None:
        """The host does nothing for so long, while the controllers go on, and the bytes that are on their way."""
        end, lane = self.loop.time() + seconds, self.arm_cable.to_device
        arrivals = sorted(timer for timer in self.loop._scheduled if timer._callback == lane._arrive)
        while self.loop.time() < end:
            self.loop._clock.now += 1e-3
            while arrivals and arrivals[0].when() <= self.loop.time():
                arrivals[0]._run()
                arrivals.pop(0).cancel()
            arrived = bytes(lane._arrived)
            lane._arrived.clear()
            self.controller.receive(arrived, self.loop.time())
            self.tick()


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a rig is to be: `tick` of the controllers [s]; speed, lag [s] and heartbeat timeout [s] of the machine."""

    seed: int = 1
    tick: float = 1e-3
    machine_rate: float = 1.0
    machine_lag: float = 0.0
    heartbeat_timeout: float = HEARTBEAT_TIMEOUT
    with_bus: bool = True


def run_rig(scenario: Callable[[Rig], Awaitable[T]], wishes: Wishes = Wishes()) -> T:
    """Run `scenario` with connected devices, in virtual time."""

    async def main() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        plant = Plant()
        rng = np.random.default_rng(wishes.seed)
        arm_host, arm_device = make_cable("arm cable", LATENCY, rng=rng)
        bus_host, bus_device = make_cable("bus cable", LATENCY, bits_per_byte=11, rng=rng)
        controller = ArmController(plant, HOME, lower=LIMITS.lower, upper=LIMITS.upper)
        machine = DriftingUnit(LateHead(plant, wishes.machine_lag), wishes.machine_rate)
        slaves = EmulatedBus({1: machine, 2: IoModule(plant)})
        bus = FieldBus(bus_host)
        arm_line = RecordingTransport(arm_host, lambda way, data, _: rig.count(data) if way == "sent" else None)
        arm, head, io = ArmDevice(arm_line, LIMITS), SewingHead(bus, wishes.heartbeat_timeout), GripperIo(bus)
        rig = Rig(loop, plant, controller, slaves, arm, bus, head, io, arm_host.cable, bus_host.cable)

        async def world() -> None:
            while True:
                rig.tick()
                await asyncio.sleep(wishes.tick)

        tasks = [asyncio.create_task(job) for job in (controller.run(arm_device), slaves.run(bus_device), world())]
        try:
            await arm.connect()
            if wishes.with_bus:
                await head.connect()
                await io.connect()
            return await scenario(rig)
        finally:
            await arm.close()
            await bus.close()
            for task in tasks:
                task.cancel()

    return run_virtual(main())


@dataclass(frozen=True, slots=True)
class Seam:
    """A straight seam that joint 1 guides; serves as the plan that `sew_together` takes."""

    program: SeamProgram
    shaft: ShaftMotion
    period: float

    @property
    def seam(self) -> SimpleNamespace:
        """The motion of the seam, as the process knows it."""
        return SimpleNamespace(shaft=self.shaft, trajectory=self)

    def set_points(self, period: float) -> tuple[Array, Array]:
        """Times [s] from the shaft's start and joints [rad]."""
        times = sample_times(0.0, self.shaft.duration, period, anchor=float(self.shaft.pierce_times[0]))
        times = times[:: count_steps(period)]
        points = np.tile(HOME, (len(times), 1))
        points[:, 0] += GUIDE * self.shaft.mean_feed(self.shaft.turns_at(times))
        return times, points

    def measure_errors(self, history: list[tuple[float, Array, float]], first_turn: float) -> Array:
        """How far the arm is ahead of the shaft in every sample [stitches]."""
        turns = np.array([turns for _, _, turns in history]) - first_turn
        arm = np.array([joints[0] - HOME[0] for _, joints, _ in history]) / GUIDE
        errors: Array = (arm - self.shaft.mean_feed(turns)) / self.program.stitch_length
        return errors

    def measure_stitches(self, history: list[tuple[float, Array, float]], first_turn: float) -> Array:
        """Lengths of the stitches [m]: how far the arm went from pierce to pierce."""
        turns = np.array([turns for _, _, turns in history]) - first_turn
        arm = np.array([joints[0] - HOME[0] for _, joints, _ in history]) / GUIDE
        moving = np.concatenate([[True], np.diff(turns) > 0.0])
        lengths: Array = np.diff(np.interp(self.shaft.pierce_turns, turns[moving], arm[moving]))
        return lengths


def make_seam(speed_spm: float = 2000.0, stitches: int = 120, period: float = 0.02, backtack: int = 0) -> Seam:
    """A seam of stitches of 2.5 mm with an acceleration of 2000 spm/s."""
    program = SeamProgram(stitches, 2.5 * MM, speed_spm * SPM, backtack, backtack, 400 * SPM, 2000 * SPM)
    return Seam(program, ShaftMotion(program), period)


def make_workcell(rig: Rig, seam: Seam) -> SimpleNamespace:
    """What `sew_together` needs of a work cell."""
    station = SimpleNamespace(period=seam.period)
    return SimpleNamespace(
        arm=rig.arm, head=rig.head, gripper=rig.io, station=station, require_safe=rig.io.require_safe
    )


def last_change(values: list[tuple[float, Any]], since: float, until: float = inf) -> float:
    """Loop time [s] of the last change between `since` and `until`; `since` when there is none."""
    changed = since
    for (_, before), (time, after) in pairwise(values):
        if since < time <= until and np.any(before != after):
            changed = time
    return changed
