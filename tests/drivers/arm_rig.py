"""An arm device on a small controller in memory, in virtual time."""

import asyncio

import numpy as np

from sewcell.drivers.devices.arm import ArmDevice
from sewcell.kinematics.arm_model import JointLimits
from sim.clock import run_virtual

LIMITS = JointLimits(
    *(
        np.deg2rad(row)
        for row in (
            [-170, -190, -120, -185, -120, -350],
            [170, 45, 156, 185, 120, 350],
            [300] * 6,
            [1e4] * 6,
            [1e5] * 6,
        )
    )
)
HOME = np.deg2rad([0.0, -90.0, 90.0, 0.0, 90.0, 0.0])
GOAL = HOME + np.deg2rad([40.0, 10.0, -10.0, 5.0, -5.0, 20.0])


def path(start=HOME, goal=GOAL, steps=100):
    s = np.linspace(0.0, 1.0, steps + 1)[:, None]
    return start + (goal - start) * s**2 * (3.0 - 2.0 * s)


def with_arm(fake_maker, scenario, **settings):
    """Run `scenario(arm, fake)` with a connected arm."""

    async def main():
        fake = fake_maker(**settings)
        arm = ArmDevice(fake, LIMITS)
        await arm.connect()
        try:
            return await scenario(arm, fake)
        finally:
            await arm.close()

    return run_virtual(main())


def disturb_after(seconds, action):
    asyncio.get_running_loop().call_later(seconds, action)
