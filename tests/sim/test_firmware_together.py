"""The emulated controllers of a cell, at work together in virtual time."""

import asyncio
import hashlib
import time

import numpy as np

from sim.clock import run_virtual
from sim.firmware.arm_controller import ArmController
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus, append_crc
from sim.firmware.sewing_head import SewingHead
from sim.link import Faults, make_cable
from sim.plant import Plant


async def _work(seconds: float, seed: int) -> tuple[str, int]:
    """Set points at 50 Hz, arm reports and both modules at 20 Hz, a world at 240 Hz, on slightly lossy cables.

    Returns a digest of every byte that came back and of the plant at every tick, and the number of answers.
    """
    loop = asyncio.get_running_loop()
    plant = Plant()
    digest = hashlib.sha256()
    rng = np.random.default_rng(seed)
    arm = ArmController(plant, plant.joint_targets)
    bus = FieldBus({1: SewingHead(plant), 2: IoModule(plant)})
    arm_host, arm_device = make_cable("arm", 1e-3, faults=Faults(drop=1e-4, flip=1e-4), rng=rng)
    bus_host, bus_device = make_cable("bus", 1e-3, bits_per_byte=11, faults=Faults(drop=1e-4, flip=1e-4), rng=rng)
    answers = 0

    async def world() -> None:
        while True:
            arm.update(loop.time())
            bus.update(loop.time())
            digest.update(plant.joint_targets.tobytes() + np.float64(plant.shaft_turns).tobytes())
            await asyncio.sleep(1.0 / 240.0)

    async def listen(host) -> None:
        nonlocal answers
        while True:
            digest.update(await host.read())
            answers += 1

    async def move() -> None:
        await arm_host.write(b"G90\nG93\n")
        for i in range(round(seconds * 50)):
            await arm_host.write(b"G1 X%.3f Y-90.000 Z90.000 A0.000 B90.000 C0.000 F3000.0\n" % np.sin(i / 50))
            await asyncio.sleep(0.02)

    async def poll() -> None:
        requests = [append_crc(bytes.fromhex(h)) for h in ("01 04 00 00 00 0A", "02 04 00 00 00 07")]
        while True:
            await arm_host.write(b"?")
            for request in requests:
                await bus_host.write(request)
                await asyncio.sleep(0.025)

    running = [arm.run(arm_device), bus.run(bus_device), world(), listen(arm_host), listen(bus_host), poll()]
    tasks = [asyncio.create_task(coroutine) for coroutine in running]
    await move()
    for task in tasks:
        task.cancel()
    return digest.hexdigest(), answers


def test_two_runs_with_the_same_seed_are_identical_and_another_seed_differs():
    first = run_virtual(_work(10.0, seed=1))
    assert run_virtual(_work(10.0, seed=1)) == first
    assert run_virtual(_work(10.0, seed=2)) != first


def test_the_controllers_run_far_faster_than_real_time():
    began = time.monotonic()
    _, answers = run_virtual(_work(10.0, seed=1))
    assert answers > 500 + 400
    assert time.monotonic() - began < 5.0  # about 0.4 s on a free machine
