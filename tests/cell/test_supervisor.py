"""What the supervisor warns of, and that it brings the cell to rest whatever ends a run."""

import asyncio
from types import SimpleNamespace

import pytest

from sewcell.cell.alarms import WARNING
from sewcell.cell.states import State
from sewcell.cell.supervisor import BOBBIN_LOW, Supervisor
from sewcell.drivers.devices.link_watch import LinkState
from sewcell.errors import DeviceFaultError
from sewcell.process.start_steps import GoHome
from sim.clock import run_virtual


class Device:
    """Answers every command at once; `log` is told of it."""

    def __init__(self, name, log):
        self.name, self.log = name, log
        self.link_state = LinkState.CONNECTED
        self.bobbin_low = False

    def __getattr__(self, command):
        async def carry_out(*_):
            self.log.append((self.name, command))

        return carry_out


def run_cell(script):
    """Alarms, log and state of a run that ends as `script(cell)` does, which stands for the going home."""

    async def main():
        log = []
        devices = {name: Device(name, log) for name in ("arm", "head", "gripper")}
        cell = SimpleNamespace(**devices, recipe=SimpleNamespace(pieces=()), require_safe=lambda: None)
        supervisor = Supervisor(cell, lambda step: None)
        supervisor._timed = lambda piece, step: script(cell) if isinstance(step, GoHome) else asyncio.sleep(0)
        ended = None
        try:
            await supervisor.run(1)
        except BaseException as error:
            ended = error
        return supervisor, log, ended

    return run_virtual(main())


def test_a_line_that_answers_badly_and_a_bobbin_that_runs_low_are_told_once_each_time_and_stop_nothing():
    async def script(cell):
        for state in (LinkState.DEGRADED, LinkState.CONNECTED, LinkState.DEGRADED):
            cell.arm.link_state, cell.head.bobbin_low = state, True
            await asyncio.sleep(0.5)
        cell.arm.link_state = LinkState.CONNECTED

    supervisor, _, ended = run_cell(script)
    assert ended is None
    assert supervisor.state is State.COMPLETE
    texts = [alarm.text for alarm in supervisor.alarms]
    assert {alarm.kind for alarm in supervisor.alarms} == {WARNING}
    assert texts.count(BOBBIN_LOW) == 1
    assert sum(text.startswith("arm: answers are missing") for text in texts) == 2


@pytest.mark.parametrize("error", [DeviceFaultError("the needle thread broke: change it"), ZeroDivisionError()])
def test_whatever_ends_a_run_the_needle_stops_first_then_the_arm_and_the_light_turns_red(error):
    async def script(cell):
        raise error

    supervisor, log, ended = run_cell(script)
    assert ended is error
    assert supervisor.state is State.ABORTED
    assert log[-3:] == [("head", "stop"), ("arm", "stop"), ("gripper", "light")]
