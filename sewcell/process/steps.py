"""The steps of one piece, from the loader to the finished piece on the table; each returns the next."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from sewcell.compute import compute
from sewcell.errors import DeviceFaultError
from sewcell.kinematics.collision import Box
from sewcell.process.actions import (
    feel_plies,
    go_home,
    inspect,
    move,
    put_back,
    require_held,
    see_more,
    sew_together,
    sight,
    together,
)
from sewcell.process.plan import SeamPlan, limit_acceleration, plan_seam_cycle
from sewcell.process.recipe import PieceRecipe, SeamRecipe
from sewcell.process.stacks import enclose_stack
from sewcell.process.station import Station
from sewcell.process.workcell import Workcell
from sewcell.process.worklog import InspectedSeam, PieceLog, SewnSeam, Sighting

PLAN_TIME = 0.7
"""Time that planning a cycle takes on the cell's computer [s]."""
PICK_ATTEMPTS = 3


class Step(Protocol):
    """One step of the process. A step is done once; it may fail with a SewcellError."""

    name: ClassVar[str]

    async def run(self, cell: Workcell) -> "Step | None":
        """Do it; returns the step that follows, or None when the piece is finished."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """What the steps of one piece are about: its recipe, which seam is next, how often it was tried to pick."""

    recipe: PieceRecipe
    log: PieceLog
    seam_index: int = 0
    attempt: int = 1

    @property
    def seam(self) -> SeamRecipe:
        """The seam to sew now."""
        return self.recipe.seams[self.seam_index]

    def count_plies(self, station: Station) -> int:
        """Plies where the piece lies now: a stack before its first seam, the piece alone from then on."""
        return 1 if self.seam_index > 0 else station.stacks.count(self.log.index)

    def enclose_stack(self, cell: Workcell) -> tuple[Box, ...]:
        """The room of the plies that lie under the piece before it is picked, and stay behind."""
        station, found = cell.station, self.log.found
        below = (station.stacks.count(self.log.index) - 1) * cell.recipe.thickness
        if below <= 0.0 or found is None:
            return ()
        return (enclose_stack(station.T_base_table, self.recipe.piece, found.located.pose, below),)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step whose motions are planned."""

    task: Task
    plan: SeamPlan


@dataclass(frozen=True, slots=True)
class PresentPiece:
    """Ask the loader for the next piece."""

    task: Task
    name: ClassVar[str] = "present"

    async def run(self, cell: Workcell) -> Step:
        stacks = cell.station.stacks
        stacks.require_agreement(cell.worklog.pieces)
        if not await cell.gripper.request_piece():
            self.task.log.more_to_pick = False
            raise DeviceFaultError(stacks.explain_empty())
        return Look(self.task)


@dataclass(frozen=True, slots=True)
class Look:
    """Find the piece with the camera."""

    task: Task
    name: ClassVar[str] = "look"

    async def run(self, cell: Workcell) -> Step:
        again = self.task.seam_index > 0
        zone = cell.station.place_zone if again else cell.station.pick_zone
        sighting = await sight(cell, self.task.recipe.piece, zone, self.task.count_plies(cell.station))
        if self.task.log.found is None:
            self.task.log.found = sighting
        return Plan(self.task, sighting)


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan and check every motion of this seam."""

    task: Task
    sighting: Sighting
    name: ClassVar[str] = "plan"

    async def run(self, cell: Workcell) -> Step:
        task = self.task
        plan = await compute(
            plan_seam_cycle,
            cell.station,
            task.recipe,
            task.seam,
            self.sighting.located.pose,
            cell.recipe.thickness,
            limit_acceleration(cell.recipe, task.recipe, task.seam, cell.station),
            (task.count_plies(cell.station) - 1) * cell.recipe.thickness,
            task.enclose_stack(cell),
            expected=PLAN_TIME,
        )
        for name, motion in plan.motions().items():
            if motion.certificate is not None:
                cell.worklog.certificates[name] = motion.certificate
        return Pick(task, plan)


class Pick(PlannedStep):
    """Go to the piece and push the pins into it."""

    name: ClassVar[str] = "pick"

    async def run(self, cell: Workcell) -> Step:
        await cell.gripper.pins_in()
        await move(cell, self.plan.approach)
        await cell.gripper.pins_out()
        return Lift(self.task, self.plan)


class Lift(PlannedStep):
    """Lift the piece, raise the presser foot meanwhile, and make sure that exactly one ply came up."""

    name: ClassVar[str] = "lift"

    async def run(self, cell: Workcell) -> Step:
        await cell.head.enable()
        async with together() as group:
            group.create_task(cell.head.foot_up())
            group.create_task(move(cell, self.plan.lift))
        plies = await feel_plies(cell)
        if plies == 1:
            self.task.log.picked = True
            return Carry(self.task, self.plan)
        if plies > 0:
            await put_back(cell, self.plan.lift)
        else:
            await cell.gripper.pins_in()
        found = "no fabric" if plies == 0 else f"{plies} plies"
        if self.task.attempt >= PICK_ATTEMPTS:
            counted = self.task.count_plies(cell.station)
            stack = f", and whether {counted} plies lie there (tell with --plies-left)" if counted > 1 else ""
            raise DeviceFaultError(
                f"the gripper holds {found} after {PICK_ATTEMPTS} attempts to pick {self.task.log.name}: check pins "
                f"and their penetration in this fabric{stack}"
            )
        return PickAgain(replace(self.task, attempt=self.task.attempt + 1))


@dataclass(frozen=True, slots=True)
class PickAgain:
    """Leave the picture and look anew after a failed pick."""

    task: Task
    name: ClassVar[str] = "pick again"

    async def run(self, cell: Workcell) -> Step:
        await go_home(cell, self.task.enclose_stack(cell))
        return Look(self.task)


class Carry(PlannedStep):
    """Bring the piece to the machine and lay it on the bed beside the needle."""

    name: ClassVar[str] = "carry"

    async def run(self, cell: Workcell) -> Step:
        await move(cell, self.plan.carry)
        return LayUnderFoot(self.task, self.plan)


class LayUnderFoot(PlannedStep):
    """Slide the piece's edge under the raised foot."""

    name: ClassVar[str] = "lay under foot"

    async def run(self, cell: Workcell) -> Step:
        await move(cell, self.plan.slide_in)
        return FootDown(self.task, self.plan)


class FootDown(PlannedStep):
    """Lower the presser foot onto the piece."""

    name: ClassVar[str] = "foot down"

    async def run(self, cell: Workcell) -> Step:
        await cell.head.foot_down()
        await require_held(cell, self.task.log, "on its way to the machine")
        return Sew(self.task, self.plan)


class Sew(PlannedStep):
    """Sew the seam with its backtacks while the arm guides the piece with the feed."""

    name: ClassVar[str] = "sew"

    async def run(self, cell: Workcell) -> Step:
        loop = asyncio.get_running_loop()
        started = loop.time()
        stitches = await sew_together(cell, self.plan)
        program, seam = self.plan.program, self.task.seam
        if stitches != program.turns:
            raise DeviceFaultError(
                f"the machine counted {stitches} stitches in seam '{seam.name}', {program.turns} were ordered: "
                "check needle, thread and the piece"
            )
        line = self.plan.grip.line
        sewn = SewnSeam(seam.name, line, program.stitch_length, stitches, started, loop.time(), seam.tolerance)
        self.task.log.seams.append(sewn)
        return Trim(self.task, self.plan)


class Trim(PlannedStep):
    """Cut the thread."""

    name: ClassVar[str] = "trim"

    async def run(self, cell: Workcell) -> Step:
        await cell.head.trim()
        return FootUp(self.task, self.plan)


class FootUp(PlannedStep):
    """Raise the presser foot."""

    name: ClassVar[str] = "foot up"

    async def run(self, cell: Workcell) -> Step:
        await cell.head.foot_up()
        return TakeOut(self.task, self.plan)


class TakeOut(PlannedStep):
    """Pull the piece from under the foot, away from the needle, and bring it to its place on the table."""

    name: ClassVar[str] = "take out"

    async def run(self, cell: Workcell) -> Step:
        await move(cell, self.plan.take_out)
        return PutDown(self.task, self.plan)


class PutDown(PlannedStep):
    """Let go of the piece and leave the picture."""

    name: ClassVar[str] = "put down"

    async def run(self, cell: Workcell) -> Step:
        await require_held(cell, self.task.log, "on its way from the machine")
        await cell.gripper.pins_in()
        await move(cell, self.plan.retreat)
        return LookAgain(self.task)


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Make sure that the piece lies where it was put."""

    task: Task
    name: ClassVar[str] = "look again"

    async def run(self, cell: Workcell) -> Step:
        sighting = await sight(cell, self.task.recipe.piece, cell.station.place_zone)
        self.task.log.finished = sighting
        return Inspect(self.task, sighting)


@dataclass(frozen=True, slots=True)
class Inspect:
    """Judge the seam from the same picture, flag the piece if it is out of tolerance; then the next seam, if any."""

    task: Task
    sighting: Sighting
    name: ClassVar[str] = "inspect"

    async def run(self, cell: Workcell) -> Step | None:
        task, sighting = self.task, self.sighting
        verdict = await inspect(cell, task.recipe.piece, task.seam, sighting)
        task.log.inspected.append(InspectedSeam(sighting.image, verdict))
        following = task.seam_index + 1
        if following < len(task.recipe.seams):
            return Plan(replace(task, seam_index=following, attempt=1), sighting)
        return LookAtStack(task, sighting) if cell.station.stacks.plies > 1 else None


@dataclass(frozen=True, slots=True)
class LookAtStack:
    """See in the same picture whether any of the stack is left, which the next piece holds against the count."""

    task: Task
    sighting: Sighting
    name: ClassVar[str] = "look at stack"

    async def run(self, cell: Workcell) -> None:
        log = self.task.log
        left = cell.station.stacks.count(log.index) - 1
        log.more_to_pick = await see_more(cell, self.task.recipe.piece, self.sighting, left)
        cell.worklog.news = cell.station.stacks.tell(log)
