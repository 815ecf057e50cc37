"""Runs the steps of the process, keeps the state of the cell, and brings it to a safe rest when something fails."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from sewcell.cell.alarms import WARNING, Alarm, alarm_from_error
from sewcell.cell.states import State, Trigger, next_state
from sewcell.drivers.devices.gripper_io import Light
from sewcell.drivers.devices.link_watch import LinkState
from sewcell.errors import SewcellError
from sewcell.process.start_steps import GoHome, LookAtEmptyTable
from sewcell.process.steps import PresentPiece, Step, Task
from sewcell.process.workcell import Workcell
from sewcell.process.worklog import StepTime

BOBBIN_LOW = "sewing head: the bobbin thread is running out: change the bobbin after this piece"
WATCH_PERIOD = 0.1
"""Time between two looks at bobbin and lines [s]."""
STOP_DEADLINE = 1.0
"""Longest time for each command that brings the cell to rest [s]."""


class Supervisor:
    """One cell at work. `on_step` is told of every finished step."""

    def __init__(self, cell: Workcell, on_step: Callable[[StepTime], None]) -> None:
        self._cell = cell
        self._on_step = on_step
        self._step_name = "start"
        self.state = State.STOPPED
        self.alarms: list[Alarm] = []
        self._worries: set[str] = set()

    async def run(self, count: int) -> None:
        """Sew `count` sets of the recipe's pieces.

        Whatever ends it, the cell is brought to rest.

        Raises: SewcellError after its alarm has been logged.
        """
        watching = asyncio.create_task(self._watch_forever())
        try:
            self._go(Trigger.START)
            await self._start_up()
            self._go(Trigger.STATE_DONE)
            for _ in range(count):
                for recipe in self._cell.recipe.pieces:
                    await self._sew_piece(PresentPiece(Task(recipe, self._cell.worklog.begin_piece(recipe.piece.name))))
            self._go(Trigger.STATE_DONE)
            await self._cell.head.disable()
            await self._cell.gripper.light(Light.AMBER)
            self._go(Trigger.STATE_DONE)
        except SewcellError as error:
            self.alarms.append(alarm_from_error(error, self._step_name, asyncio.get_running_loop().time()))
            await self._come_to_rest()
            raise
        except BaseException:
            await self._come_to_rest()
            raise
        finally:
            watching.cancel()

    async def _start_up(self) -> None:
        cell = self._cell
        await cell.arm.connect()
        await cell.head.connect()
        await cell.gripper.connect()
        cell.require_safe()
        await cell.gripper.light(Light.GREEN)
        await self._timed(-1, GoHome())
        await self._timed(-1, LookAtEmptyTable())

    async def _sew_piece(self, first: PresentPiece) -> None:
        step: Step | None = first
        while step is not None:
            step = await self._timed(first.task.log.index, step)

    async def _timed(self, piece: int, step: Step) -> Step | None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._step_name = step.name
        try:
            return await step.run(self._cell)
        finally:
            worklog = self._cell.worklog
            time = StepTime(piece, step.name, started, loop.time() - started, worklog.news)
            worklog.news = ""
            worklog.steps.append(time)
            self._on_step(time)

    async def _watch_forever(self) -> None:
        """Warn of what will soon stop the cell, once each time that it begins; the cell sews on."""
        while True:
            worries = set(self._list_worries())
            now = asyncio.get_running_loop().time()
            self.alarms += [Alarm(now, WARNING, self._step_name, text) for text in sorted(worries - self._worries)]
            self._worries = worries
            await asyncio.sleep(WATCH_PERIOD)

    def _list_worries(self) -> Iterator[str]:
        cell = self._cell
        if cell.head.bobbin_low:
            yield BOBBIN_LOW
        for port, state in ((cell.arm.name, cell.arm.link_state), (cell.head.name, cell.head.link_state)):
            if state is LinkState.DEGRADED:
                yield f"{port}: answers are missing: check its plugs and keep the cable away from motor cables"

    async def _come_to_rest(self) -> None:
        """Needle first, then the arm, then the light; each as far as its line still answers."""
        self._go(Trigger.ABORT)
        cell = self._cell
        for command in (cell.head.stop, cell.arm.stop, lambda: cell.gripper.light(Light.RED)):
            await self._try(command)
        self._go(Trigger.STATE_DONE)

    async def _try(self, command: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(STOP_DEADLINE):
                await command()
        except (SewcellError, TimeoutError) as error:
            text = str(error) or "a device did not come to rest in time: use the emergency stop"
            if all(text != alarm.text for alarm in self.alarms):
                time = asyncio.get_running_loop().time()
                self.alarms.append(Alarm(time, type(error).__name__, "come to rest", text))

    def _go(self, trigger: Trigger) -> None:
        self.state = next_state(self.state, trigger)
