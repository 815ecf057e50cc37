"""What the process does with the devices when one of them fails, in virtual time."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.drivers_rig import HOME, Rig, last_change, make_seam, make_workcell, run_rig
from sewcell.drivers.protocols.sewing_head import State
from sewcell.errors import LinkError, SewcellError
from sewcell.process.actions import make_settings, move
from sewcell.units import DEG

TRANSFER = HOME + np.linspace(0.0, 1.0, 201)[:, None] * np.array([40.0, 5.0, -5.0, 0.0, 0.0, 10.0]) * DEG


def transfer_with(disturb) -> tuple[SewcellError, float]:
    """What a transfer of 4 s raises that is disturbed after 1 s, and for how long the arm moves on then [s]."""

    async def scenario(rig: Rig) -> tuple[SewcellError, float]:
        at = rig.loop.time() + 1.0
        rig.loop.call_at(at, disturb, rig)
        motion = SimpleNamespace(set_points=lambda period: (None, TRANSFER))
        with pytest.raises(SewcellError) as error:
            await move(make_workcell(rig, make_seam()), motion)
        await asyncio.sleep(2.0)
        return error.value, last_change([(time, joints) for time, joints, _ in rig.history], at) - at

    return run_rig(scenario)


def test_a_field_bus_that_is_pulled_in_a_transfer_stops_the_arm():
    error, moved = transfer_with(lambda rig: rig.bus_cable.unplug())
    assert isinstance(error, LinkError)
    assert "bus cable" in str(error)
    assert moved < 0.5


@pytest.mark.parametrize(
    ("wire", "words"),
    [("door_closed", "the guard door is open"), ("emergency_stop_released", "the emergency stop is pressed")],
)
def test_a_safety_chain_that_opens_in_a_transfer_stops_the_arm(wire, words):
    error, moved = transfer_with(lambda rig: setattr(rig.plant, wire, False))
    assert words in str(error)
    assert moved < 0.5


def test_a_sew_command_that_is_cancelled_on_its_way_leaves_the_needle_up():
    async def scenario(rig: Rig) -> tuple[float, State]:
        await rig.head.enable()
        await rig.head.foot_down()
        await rig.head.configure(make_settings(make_seam(1000.0, 80).program))
        at = rig.loop.time() + 0.3
        sewing = asyncio.create_task(rig.head.sew(at=at))
        await asyncio.sleep(at + 0.0005 - rig.loop.time())
        sewing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sewing
        await asyncio.sleep(1.0)
        return rig.plant.shaft_turns % 1.0, rig.head.status.state

    turns, state = run_rig(scenario)
    assert turns == pytest.approx(0.0, abs=1e-9)
    assert state is not State.SEWING
