"""Emulated controllers on real pseudo-terminals, in a thread of their own, for tests of the drivers and of commands."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sim.clock import SimLoop
from sim.firmware.arm_controller import ArmController
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus
from sim.firmware.sewing_head import SewingHead
from sim.link import Faults, make_cable
from sim.plant import Plant
from sim.serve.line import ServedLine
from sim.serve.outlets import PtyOutlet

TICK = 1.0 / 240.0


class OldHead(SewingHead):
    """A sewing head with firmware of protocol version 0."""

    def read_inputs(self, now: float) -> list[int]:
        inputs = super().read_inputs(now)
        return [inputs[0], 0, *inputs[2:]]


class ServedControllers:
    """Arm and field bus at `arm` and `bus` while the context is open.

    `head`: the class of the sewing head. `faults`: of both lines, seeded.
    """

    def __init__(
        self, folder: Path, *, baud: int = 115200, head: type[SewingHead] = SewingHead, faults: Faults | None = None
    ) -> None:
        self.arm, self.bus = str(folder / "arm"), str(folder / "field_bus")
        self.plant = Plant()
        rng = np.random.default_rng(1)
        faults = faults or Faults()
        self.arm_line, self._arm_port = make_cable("arm", baud=baud, faults=faults, rng=rng)
        self.bus_line, self._bus_port = make_cable("bus", baud=baud, bits_per_byte=11, faults=faults, rng=rng)
        self._outlets = PtyOutlet(folder / "arm", baud), PtyOutlet(folder / "field_bus", baud)
        self._head = head
        self._loop = SimLoop(1.0)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ServedControllers":
        self._thread.start()
        assert self._ready.wait(10.0)
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._stop.set)
        self._thread.join(10.0)

    def call(self, function: Callable[[], object]) -> None:
        """Have the controllers' thread call it soon."""
        self._loop.call_soon_threadsafe(function)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        arm = self.controller = ArmController(self.plant, self.plant.joint_targets)
        bus = FieldBus({1: self._head(self.plant), 2: IoModule(self.plant)})
        lines = [
            ServedLine(host, [outlet])
            for host, outlet in zip((self.arm_line, self.bus_line), self._outlets, strict=True)
        ]
        jobs = [arm.run(self._arm_port), bus.run(self._bus_port), self._tick(arm, bus), *(line.run() for line in lines)]
        tasks = [asyncio.create_task(job) for job in jobs]
        for line in lines:
            await line.ready.wait()
        self._ready.set()
        await self._stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self, arm: ArmController, bus: FieldBus) -> None:
        loop = asyncio.get_running_loop()
        while True:
            arm.update(loop.time())
            bus.update(loop.time())
            await asyncio.sleep(TICK)
