"""The arm's driver needs nothing of a controller but what the protocol page promises."""

import asyncio
import re

import numpy as np
import pytest

from sewcell.drivers.devices.arm import ArmDevice
from sewcell.kinematics.arm_model import JointLimits
from sim.clock import run_virtual
from sim.firmware.arm_controller import ArmController
from sim.link import make_cable
from sim.plant import Plant

LIMITS = JointLimits(*np.deg2rad([[-180] * 6, [180] * 6, [300] * 6, [1e4] * 6, [1e5] * 6]))
HOME = np.deg2rad([0.0, -90.0, 90.0, 0.0, 90.0, 0.0])
PATH = HOME + np.linspace(0.0, 1.0, 101)[:, None] * np.deg2rad([20.0, 5.0, -5.0, 0.0, 0.0, 10.0])
OFFSET = np.array([10.0, 20.0, -30.0, 0.0, 5.0, -5.0])


def shuffle_fields(text, rng):
    def shuffle(match):
        state, *fields = match[1].split("|")
        return "<" + "|".join([state, *rng.permutation(fields)]) + ">"

    return re.sub(r"<([^>]*)>", shuffle, text)


def report_work_positions(text, rng):
    """As with another $10: WPos in place of MPos, and the offset only now and then."""

    def replace(match):
        machine = np.array([float(number) for number in match[1].split(",")])
        work = ",".join(f"{value:.3f}" for value in machine - OFFSET)
        seldom = "|WCO:" + ",".join(f"{value:.3f}" for value in OFFSET) if rng.random() < 0.4 else ""
        return f"WPos:{work}{seldom}"

    return re.sub(r"MPos:([-0-9.,]+)", replace, text).replace("|WCO:0.000,0.000,0.000,0.000,0.000,0.000", "")


def chatter(text, rng):
    """Messages and reports that nobody asked for, before any line."""
    noise = ["[MSG:Pgm End]\r\n", "[GC:G1 G54]\r\n", "<Run|FS:100,0>\r\n", "[NEWOPT:ENUMS,RT+]\r\n", "\r\n", "$N0=\r\n"]
    return "".join(rng.choice(noise) + line for line in text.splitlines(keepends=True))


def report_less(text, rng):
    """Only state and position, with fewer decimals in some fields and new ones."""
    return re.sub(r"\|(Bf|FS|Ov|Pn|WCO):[^|>]*", "", text).replace(">", "|New:a,b|H:1,63>")


class StrangePort:
    """A controller's end of a cable, which rewords what the controller says."""

    def __init__(self, port, reword, rng):
        self._port, self._reword, self._rng = port, reword, rng

    async def read(self):
        return await self._port.read()

    def write(self, data):
        self._port.write(self._reword(data.decode("ascii"), self._rng).encode("ascii"))


@pytest.mark.parametrize("reword", [shuffle_fields, report_work_positions, chatter, report_less])
def test_a_controller_that_says_it_otherwise_is_understood(reword):
    async def main():
        plant, loop = Plant(), asyncio.get_running_loop()
        host, device = make_cable("arm cable", 1e-3)
        controller = ArmController(plant, HOME)

        async def tick():
            while True:
                controller.update(loop.time())
                await asyncio.sleep(1e-3)

        port = StrangePort(device, reword, np.random.default_rng(2))
        tasks = [asyncio.create_task(job) for job in (controller.run(port), tick())]
        arm = ArmDevice(host, LIMITS)
        await arm.connect()
        await arm.move(PATH, 0.02, lead=0.2)
        assert plant.joint_targets == pytest.approx(PATH[-1], abs=1e-5)
        await arm.home()
        await arm.move(PATH, 0.02)
        await arm.close()
        for task in tasks:
            task.cancel()

    run_virtual(main())
