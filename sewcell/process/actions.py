"""What several steps do with the devices: move, look, count plies, sew with arm and machine in step."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import numpy as np

from sewcell.compute import compute
from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.sewing_head import SewingHead
from sewcell.drivers.protocols.sewing_head import SeamSettings
from sewcell.errors import DeviceFaultError, InterlockError, LinkError, VisionError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.kinematics.collision import Box
from sewcell.motion.clear_path import plan_clear_move
from sewcell.motion.shaft import SeamProgram
from sewcell.motion.trajectory import Trajectory
from sewcell.pattern.piece import Piece
from sewcell.process.in_step import StitchFollower
from sewcell.process.looking import SeamOrder, SightOrder, Verdict, decide, judge
from sewcell.process.plan import TOUCHING, SeamPlan
from sewcell.process.recipe import SeamRecipe
from sewcell.process.stacks import list_shapes
from sewcell.process.workcell import Workcell
from sewcell.process.worklog import PieceLog, Sighting
from sewcell.units import DEG, MM
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.fiducials import LIMIT, align_camera, measure_shift
from sewcell.vision.ply_evidence import Thickness, count_plies

INSPECT_TIME = 0.2
"""Time that judging a seam takes on the cell's computer [s]."""
ALIGN_TIME = 0.03
"""Time that finding the fiducials takes on the cell's computer [s]."""
FARTHEST = 3.0 * MM
"""The camera may stand so far from where its file says [m]: more is no drift, and the picture has another edge."""
LOCATE_TIME = 0.05
"""Time that finding a piece takes on the cell's computer [s]."""
HOME_TIME = 0.1
"""Time that planning the way home takes on the cell's computer [s]."""
AT_HOME = 0.01 * DEG
"""The arm is at home when no joint is farther off [rad]."""
SEAM_LEAD = 0.4
"""The arm's motion waits this long in the controller before a seam, so that machine and arm start together [s]."""
ARM_SILENCE, BUS_SILENCE = 0.08, 0.12
"""In a seam a line that has not answered for this long ends it [s]: two lost answers in a row."""
WATCH_PERIOD = 0.02
NO_LIMITS: Mapping[ArmDevice | SewingHead, float] = MappingProxyType({})
SEAM_PATIENCE = 3.0
"""Longest time that a seam may take beyond its plan [s]."""


async def move(cell: Workcell, *motions: Trajectory) -> None:
    """Run planned motions one after the other, each to its end.

    The arm stops when the safety chain opens or a line is lost meanwhile.
    """
    for motion in motions:
        cell.require_safe()
        _, points = motion.set_points(cell.station.period)
        async with together() as group:
            arm = group.create_task(cell.arm.move(points, cell.station.period))
            group.create_task(_watch(cell, arm))


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks of which the first failure cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def _watch(
    cell: Workcell, *tasks: asyncio.Task[Any], silence: Mapping[ArmDevice | SewingHead, float] = NO_LIMITS
) -> None:
    """Look at the safety chain, and at the lines that may be silent for so long [s], until the `tasks` are done."""
    while not all(task.done() for task in tasks):
        await asyncio.sleep(WATCH_PERIOD)
        cell.require_safe()
        for line, most in silence.items():
            if line.silence > most:
                raise LinkError(
                    f"{line.name}: no answer for {line.silence:.2f} s in a seam, in which arm and machine must "
                    "know of each other: check the cable and the device's power"
                )


async def go_home(cell: Workcell, standing: Sequence[Box] = ()) -> None:
    """Plan and run the way from where the arm stands to its home posture, clear of what is `standing` besides."""
    station = cell.station
    here = cell.arm.position.joints
    if np.max(np.abs(here - station.home)) < AT_HOME:
        return
    motion = await compute(
        plan_clear_move,
        here,
        station.home,
        station.arm.model,
        station.joint_limits,
        station.period,
        "go home",
        station.collision.with_standing(standing),
        station.clearance,
        TOUCHING,
        expected=HOME_TIME,
    )
    await move(cell, motion)


async def put_back(cell: Workcell, lift: Trajectory) -> None:
    """Lay down what a `lift` has brought up where it was taken, for what falls from that height does not lie flat."""
    await move(cell, lift.reverse("put back"))
    await cell.gripper.pins_in()
    await move(cell, lift)


async def sight(cell: Workcell, piece: Piece, zone: Array, plies: int = 1) -> Sighting:
    """Take a picture and find the one `piece`, or stack of `plies`, in the `zone` (K, 2) of the table.

    All plies look alike, so the outline of a stack is that of its highest ply where the camera does not see its side,
    and that of its lowest where it does: in the mean it lies half as high as the stack's upper surface over its lowest.
    A stack that does not look like the piece is looked for as one whose plies lie unevenly.
    Raises: VisionError when unsure.
    """
    await asyncio.sleep(cell.station.camera_settle)
    image = await cell.grab()
    camera = await find_camera(cell, image)
    recipe = cell.recipe
    height = recipe.thickness * (1 + plies) / 2.0
    refusals = []
    for shape in list_shapes(piece, plies):
        order = SightOrder(shape, zone, camera, height, recipe.max_residual, recipe.min_confidence)
        decision = await compute(decide, order, image, cell.require_background(), expected=LOCATE_TIME)
        cell.on_decision(decision)
        if decision.located is not None:
            return Sighting(image, decision.located, camera, height)
        refusals.append(decision.refusal)
    raise VisionError(refusals[0])


async def see_more(cell: Workcell, piece: Piece, sighting: Sighting, plies: int) -> bool:
    """Whether cloth is seen in the pick zone, where `plies` are counted, in the picture of a `sighting` elsewhere."""
    assert sighting.image is not None
    recipe = cell.recipe
    height = recipe.thickness * (1 + plies) / 2.0
    zone = cell.station.pick_zone
    order = SightOrder(piece, zone, sighting.camera, height, recipe.max_residual, recipe.min_confidence)
    decision = await compute(decide, order, sighting.image, cell.require_background(), expected=LOCATE_TIME)
    cell.on_decision(decision)
    return not decision.empty


async def find_camera(cell: Workcell, image: Image) -> CameraModel:
    """The camera as it stands by the fiducials that `image` shows; as its file says where the table has none.

    Raises: InterlockError when it stands elsewhere than its file says, or than when the empty table was looked at.
    """
    fiducials = cell.station.fiducials
    if not fiducials:
        return cell.camera_model
    camera = await compute(align_camera, cell.camera_model, image.pixels, fiducials, expected=ALIGN_TIME)
    places = list(fiducials.values())
    shift = measure_shift(cell.camera_model, camera, places)
    if shift > FARTHEST:
        raise InterlockError(
            f"the camera stands {shift / MM:.1f} mm away from where its file says, {FARTHEST / MM:g} mm is the most: "
            "fasten it and run `sewcell calibrate table`"
        )
    moved = 0.0 if cell.camera_stood is None else measure_shift(cell.camera_stood, camera, places)
    if moved > LIMIT:
        raise InterlockError(
            f"the camera or the table has moved by {moved / MM:.1f} mm since the empty table was looked at: fasten it "
            "and start the run anew"
        )
    return camera


async def inspect(cell: Workcell, piece: Piece, seam: SeamRecipe, sighting: Sighting) -> Verdict:
    """Judge a sewn `seam` from the picture in which the `piece` was found, and tell the record of the verdict."""
    order = SeamOrder(piece, seam, sighting.located.pose, sighting.camera, cell.recipe.thickness)
    verdict = await compute(judge, order, sighting.image, expected=INSPECT_TIME)
    cell.on_verdict(verdict)
    return verdict


async def feel_plies(cell: Workcell) -> int:
    """How many plies the gripper holds, by the thickness that it feels now."""
    status = await cell.gripper.refresh()
    return count_plies([Thickness(status.ply_thickness, cell.recipe.thickness)]).plies


async def require_held(cell: Workcell, log: PieceLog, where: str) -> None:
    """Raises DeviceFaultError when the piece of `log` is no longer in the gripper; `where` it must have been lost."""
    if await feel_plies(cell) == 0:
        raise DeviceFaultError(
            f"{log.name} fell from the gripper {where}: check the pins, take the piece out of the way, and run again"
        )


async def sew_together(cell: Workcell, plan: SeamPlan) -> int:
    """Sew the planned seam; the machine's shaft starts at time 0 of the arm's motion. Returns the stitches counted.

    The arm's first lines wait in its controller behind a dwell; as soon as the end of the dwell is foreseen, the sew
    command is timed to it. From then on the arm's feed follows the turns that the machine has counted. Whichever device
    fails or falls silent, the needle is stopped first, then the arm.
    """
    cell.require_safe()
    await cell.head.configure(make_settings(plan.program))
    motion = plan.seam.trajectory
    times, points = motion.set_points(cell.station.period)
    start: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    follower = StitchFollower(plan.seam.shaft, float(times[0]))

    async def run_machine() -> int:
        shaft_start = await start - float(times[0])
        await cell.head.sew(at=shaft_start)
        return await cell.head.wait_seam(shaft_start + plan.seam.shaft.duration + SEAM_PATIENCE, keep_in_step)

    def keep_in_step(turns: float, at: float) -> None:
        cell.arm.set_feed(follower.plan_feed(turns, cell.arm.elapsed(at), at))

    async def lead_arm() -> None:
        period, stop_needle = cell.station.period, machine.cancel
        await cell.arm.move(points, period, lead=SEAM_LEAD, on_start=start.set_result, on_break=stop_needle)

    async with together() as group:
        machine = group.create_task(run_machine())
        arm = group.create_task(lead_arm())
        group.create_task(_watch(cell, machine, arm, silence={cell.arm: ARM_SILENCE, cell.head: BUS_SILENCE}))
    return machine.result()


def make_settings(program: SeamProgram) -> SeamSettings:
    """The sewing head's settings for `program`."""
    return SeamSettings(
        stitches=program.stitches,
        stitch_length=program.stitch_length,
        speed=program.speed,
        acceleration=program.acceleration,
        backtack_start=program.backtack_start,
        backtack_end=program.backtack_end,
        backtack_speed=program.backtack_speed,
        tension=program.thread_tension,
        needle_stop_down=program.needle_stop_down,
    )
