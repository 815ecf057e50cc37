"""The drivers against the emulated controllers, which were written from the same pages by other hands."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest

from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.arm_reports import ArmState
from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.devices.gripper_io import GripperIo
from sewcell.drivers.devices.sewing_head import SewingHead
from sewcell.drivers.protocols.io_module import Input
from sewcell.drivers.protocols.sewing_head import SeamSettings, State
from sewcell.errors import DeviceFaultError, LinkError, SewcellError
from sewcell.kinematics.arm_model import JointLimits
from sewcell.units import MM, SPM
from sim.clock import run_virtual
from sim.firmware.arm_controller import ArmController
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus as EmulatedBus
from sim.firmware.sewing_head import SewingHead as EmulatedHead
from sim.link import Faults, make_cable
from sim.plant import Plant

LIMITS = JointLimits(*np.deg2rad([[-180] * 6, [180] * 6, [300] * 6, [1e4] * 6, [1e5] * 6]))
HOME = np.deg2rad([0.0, -90.0, 90.0, 0.0, 90.0, 0.0])
PERIOD, TICK, LATENCY = 0.02, 0.001, 0.001


def path(start, goal, seconds=2.0):
    s = np.linspace(0.0, 1.0, round(seconds / PERIOD) + 1)[:, None]
    return start + (goal - start) * s**3 * (10.0 - 15.0 * s + 6.0 * s**2)


GOAL = HOME + np.deg2rad([30.0, 20.0, -20.0, 10.0, 10.0, 40.0])


@dataclass
class Cell:
    plant: Plant
    arm: ArmDevice
    bus: FieldBus
    head: SewingHead
    io: GripperIo
    arm_cable: object
    bus_cable: object
    history: list  # (time, joints, shaft turns)


def with_cell(scenario):
    async def main():
        plant, loop = Plant(), asyncio.get_running_loop()
        rng = np.random.default_rng(1)
        arm_host, arm_device = make_cable("arm cable", LATENCY, rng=rng)
        bus_host, bus_device = make_cable("bus cable", LATENCY, bits_per_byte=11)
        controller = ArmController(plant, HOME)
        slaves = EmulatedBus({1: EmulatedHead(plant), 2: IoModule(plant)})
        history = []

        async def world():
            while True:
                controller.update(loop.time())
                slaves.update(loop.time())
                history.append((loop.time(), plant.joint_targets.copy(), plant.shaft_turns))
                await asyncio.sleep(TICK)

        jobs = [controller.run(arm_device), slaves.run(bus_device), world()]
        tasks = [asyncio.create_task(job) for job in jobs]
        bus = FieldBus(bus_host)
        arm, head, io = ArmDevice(arm_host, LIMITS), SewingHead(bus), GripperIo(bus)
        await arm.connect()
        await head.connect()
        await io.connect()
        try:
            return await scenario(Cell(plant, arm, bus, head, io, arm_host.cable, bus_host.cable, history))
        finally:
            await arm.close()
            await bus.close()
            for task in tasks:
                task.cancel()

    return run_virtual(main())


def test_arm_and_shaft_start_within_three_milliseconds_of_each_other():
    async def scenario(cell):
        loop = asyncio.get_running_loop()
        await cell.head.enable()
        await cell.head.foot_down()
        await cell.head.configure(SeamSettings(10, 2.5 * MM, 1000 * SPM, 2000 * SPM, 3, 3))
        await asyncio.sleep(0.5)
        started, turns = loop.create_future(), cell.plant.shaft_turns
        # A ramp that shows in the first millisecond when the arm starts.
        points = HOME + np.linspace(0.0, 1.0, 51)[:, None] * np.deg2rad([20.0, 0, 0, 0, 0, 0])
        async with asyncio.TaskGroup() as group:
            motion = group.create_task(cell.arm.move(points, PERIOD, lead=0.3, on_start=started.set_result))
            await cell.head.sew(await started)
            assert await cell.head.wait_seam(loop.time() + 20.0) == 22
        arm_at = next(time for time, q, _ in cell.history if abs(q[0]) > 1e-9)
        shaft_at = next(time for time, _, phi in cell.history if phi > turns + 1e-9)
        assert arm_at == pytest.approx(shaft_at, abs=0.003)
        assert motion.result().start == pytest.approx(arm_at, abs=0.002)

    with_cell(scenario)


def test_the_needle_goes_to_the_stop_that_is_named_and_a_repeated_command_leaves_it_there():
    async def scenario(cell):
        await cell.head.enable()
        for goal, angle in ((cell.head.needle_down, 135.0 / 360.0), (cell.head.needle_up, 0.0)):
            await goal()
            reached = cell.plant.shaft_turns
            assert reached % 1.0 == pytest.approx(angle, abs=1e-6)
            await goal()
            assert cell.plant.shaft_turns == reached

    with_cell(scenario)


def test_the_vacuum_is_there_when_it_was_switched_on_and_gone_when_it_was_switched_off():
    async def scenario(cell):
        loop = asyncio.get_running_loop()
        began = loop.time()
        await cell.io.vacuum_on()
        assert loop.time() - began >= 0.2
        assert Input.VACUUM_REACHED in cell.io.status.inputs
        await cell.io.vacuum_off()
        assert Input.VACUUM_REACHED not in (await cell.io.refresh()).inputs

    with_cell(scenario)


def test_a_held_motion_goes_on_to_its_goal():
    async def scenario(cell):
        motion = asyncio.create_task(cell.arm.move(path(HOME, GOAL), PERIOD))
        await asyncio.sleep(0.8)
        await cell.arm.hold()
        assert cell.arm.state is ArmState.HELD
        await asyncio.sleep(10.0)
        assert cell.arm.state is ArmState.HELD
        await cell.arm.resume()
        await motion
        assert cell.plant.joint_targets == pytest.approx(GOAL, abs=2e-5)

    with_cell(scenario)


def test_a_limit_switch_in_a_motion_is_named_and_homing_recovers():
    async def scenario(cell):
        motion = asyncio.create_task(cell.arm.move(path(HOME, GOAL), PERIOD))
        await asyncio.sleep(0.8)
        cell.plant.arm_limit_hit = True
        with pytest.raises(DeviceFaultError, match="ALARM:1"):
            await motion
        cell.plant.arm_limit_hit = False
        await cell.arm.home()
        await cell.arm.move(path(HOME, GOAL), PERIOD)

    with_cell(scenario)


def test_a_pulled_field_bus_stops_the_needle_and_is_taken_up_again_without_sewing():
    async def scenario(cell):
        loop = asyncio.get_running_loop()
        await cell.head.enable()
        await cell.head.foot_down()
        await cell.head.configure(SeamSettings(100, 2.5 * MM, 1000 * SPM, 2000 * SPM))
        await cell.head.sew()
        loop.call_later(1.0, cell.bus_cable.unplug)
        with pytest.raises(LinkError, match="bus cable"):
            await cell.head.wait_seam(loop.time() + 20.0)
        await asyncio.sleep(2.0)
        cell.bus_cable.replug()
        await cell.head.connect()
        assert cell.head.status.state is State.TEMPORARY_STOP
        await cell.head.enable()
        before = cell.plant.shaft_turns
        assert before == pytest.approx(round(before), abs=1e-6)
        await asyncio.sleep(1.0)
        assert cell.plant.shaft_turns == before

    with_cell(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("faults", [Faults(flip=3e-4), Faults(drop=3e-4)])
def test_a_bad_cable_gives_errors_in_words_and_no_wrong_position(faults):
    async def scenario(cell):
        goals, failures = (GOAL, HOME), 0
        for k in range(12):
            goal = goals[k % 2]
            cell.arm_cable.faults = faults
            try:
                await cell.arm.move(path(cell.arm.position.joints, goal), PERIOD)
                assert np.rad2deg(np.abs(cell.plant.joint_targets - goal).max()) <= 0.05
            except SewcellError:
                failures += 1
                cell.arm_cable.faults = Faults()
                await asyncio.sleep(1.5)
                await recover(cell.arm)
        assert failures > 0

    async def recover(arm):
        try:
            await arm.connect()
            await arm.stop()
        except DeviceFaultError:
            pass
        await arm.home()

    with_cell(scenario)
