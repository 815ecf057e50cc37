"""What the cell does with its gripper when a pick has brought up none or too many, with devices that note commands."""

import asyncio
from types import SimpleNamespace

import pytest

from sewcell.config.layers import load_job
from sewcell.config.values import make_recipe, make_station
from sewcell.errors import DeviceFaultError
from sewcell.process import steps
from sewcell.process.steps import PICK_ATTEMPTS, Carry, Lift, PickAgain, PutDown, Task
from sewcell.process.worklog import PieceLog

PLY = 0.3e-3


class Device:
    """Notes the commands that it is given, and answers that the gripper feels `thickness` [m]."""

    def __init__(self, thickness=0.0):
        self.commands = []
        self.thickness = thickness

    def __getattr__(self, name):
        async def command(*args):
            self.commands.append(name)
            return SimpleNamespace(ply_thickness=self.thickness)

        return command


@pytest.fixture
def job():
    return load_job("shirt-pocket", scenario="stack")


def make_cell(job, monkeypatch, plies):
    """A cell whose gripper feels so many plies; its motions are noted with the gripper's commands."""
    gripper = Device(plies * PLY)

    async def note(cell, *motions):
        gripper.commands.extend(motions)

    monkeypatch.setattr(steps, "move", note)
    monkeypatch.setattr("sewcell.process.actions.move", note)
    return SimpleNamespace(gripper=gripper, head=Device(), station=make_station(job), recipe=make_recipe(job))


class Up(str):
    """The name of a motion."""

    def reverse(self, name):
        return name


def lift(job, monkeypatch, plies, attempt=1):
    """The next step and the gripper's commands after a lift with so many plies."""
    cell = make_cell(job, monkeypatch, plies)
    task = Task(cell.recipe.pieces[0], PieceLog(0, "POCKET"), attempt=attempt)
    following = asyncio.run(Lift(task, SimpleNamespace(lift=Up("lift"))).run(cell))
    return following, [command for command in cell.gripper.commands if command != "refresh"]


def test_one_ply_is_carried_on(job, monkeypatch):
    following, commands = lift(job, monkeypatch, 1)
    assert isinstance(following, Carry)
    assert commands == ["lift"]


@pytest.mark.parametrize(("plies", "after"), [(0, ["pins_in"]), (2, ["put back", "pins_in", "lift"])])
def test_the_pins_are_drawn_in_once_before_the_next_attempt(job, monkeypatch, plies, after):
    following, commands = lift(job, monkeypatch, plies)
    assert isinstance(following, PickAgain)
    assert commands == ["lift", *after]


def test_the_last_attempt_at_a_stack_asks_whether_it_is_as_high_as_counted(job, monkeypatch):
    with pytest.raises(DeviceFaultError, match=r"holds no fabric after 3 .* whether 5 plies lie there"):
        lift(job, monkeypatch, 0, PICK_ATTEMPTS)
    with pytest.raises(DeviceFaultError, match=r"penetration in this fabric$"):
        lift(load_job("shirt-pocket"), monkeypatch, 0, PICK_ATTEMPTS)


def test_a_piece_that_is_lost_between_machine_and_table_is_missed_before_the_pins_let_go(job, monkeypatch):
    cell = make_cell(job, monkeypatch, 0)
    task = Task(cell.recipe.pieces[0], PieceLog(0, "POCKET"))
    with pytest.raises(DeviceFaultError, match="POCKET fell from the gripper on its way from the machine"):
        asyncio.run(PutDown(task, SimpleNamespace(retreat="retreat")).run(cell))
    assert cell.gripper.commands == ["refresh"]
