"""The simulated cell behind the three seams: world, emulated controllers, cables, camera and virtual time."""

import asyncio
import math
from collections.abc import Callable

import numpy as np

from sewcell.backend import CellPorts, FilmWish, NeedlePoint, WindowWish, Witness
from sewcell.config.layers import Job
from sewcell.errors import ConfigError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import invert_pose
from sewcell.pattern.piece import Piece
from sewcell.units import DEG, MS, PERCENT
from sim.camera.dust import draw_specks
from sim.camera.lens import View
from sim.camera.renderer import make_light
from sim.camera.sensor import Sensor
from sim.camera.source import RenderedCamera
from sim.cell import ComingFault, SimulatedCell, SteppedWorld
from sim.clock import SimLoop
from sim.eyes.film import Film
from sim.eyes.window import Window
from sim.faults import FAULTS
from sim.firmware.arm_controller import ArmController
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus
from sim.firmware.sewing_head import SewingHead
from sim.hands import SimHands
from sim.link import make_cable
from sim.plant import Plant
from sim.snapshot import restore_snapshot
from sim.truth import Truth
from sim.world.from_config import draw_shift, make_world_parameters
from sim.world.parameters import WorldParameters
from sim.world.world import World

CAMERA_NAME = "overhead"
EVEN_PARITY_BITS = 11
"""Bits of a byte with start, parity and stop bit, 8E1."""


MakeWorld = Callable[[WorldParameters, Piece, int, int, Plant, Truth], SteppedWorld]
"""(parameters, piece, number of pieces, seed, plant, truth) -> the world"""


class SimBackend:
    """A simulated cell, whose controllers are in this process. Everything that varies in it depends on `seed`.

    With a `snapshot` (sim.snapshot) the cell goes on from there, at the time of the cell at which it was taken.
    """

    def __init__(
        self, job: Job, seed: int, count: int, make_world: MakeWorld = World, snapshot: bytes | None = None
    ) -> None:
        self._job = job
        self._make_world = make_world
        self._seed = seed
        self._count = count
        self.plant = Plant()
        self.truth = Truth()
        self.cell: SimulatedCell | None = None
        self._restored = None if snapshot is None else restore_snapshot(snapshot)
        self._watcher: Film | Window | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """Virtual time, as fast as the computer can, or as fast as the clock when somebody watches."""
        rate = 1.0 if isinstance(self._watcher, Window) else math.inf
        return SimLoop(rate, 0.0 if self._restored is None else self._restored.time)

    def show(self, wish: FilmWish | WindowWish) -> None:
        """Draw the cell into a video or a window from now on."""
        self._watcher = Film(wish.path, wish.side) if isinstance(wish, FilmWish) else Window()

    async def open(self) -> CellPorts:
        """Build the world and its controllers and let them run."""
        if self._restored is not None:
            self.plant, self.truth = self._restored.plant, self._restored.truth
            return self._connect(self._restored)
        cell = self.build()
        cell.start = asyncio.get_running_loop().time()
        return self._connect(cell)

    def build(self) -> SimulatedCell:
        """A new cell at its start, connected to nobody: `step` it, speak to its controllers by hand."""
        job, level = self._job, self._job.imperfections
        parameters = make_world_parameters(job.cell, job.fabric, level, self._seed)
        limits = job.arm.limits
        arm = ArmController(
            self.plant,
            self.plant.joint_targets,
            lower=np.array(limits.lower_deg) * DEG,
            upper=np.array(limits.upper_deg) * DEG,
        )
        view = self._make_view()
        cell = SimulatedCell(
            plant=self.plant,
            truth=self.truth,
            world=self._make_world(parameters, _loaded_piece(job), self._count, self._seed, self.plant, self.truth),
            arm=arm,
            bus=FieldBus({1: SewingHead(self.plant), 2: IoModule(self.plant)}),
            hands=SimHands(job, parameters, view, self.plant, arm, self._seed),
            coming=[ComingFault(event.at_s, FAULTS[event.fault]) for event in job.scenario.faults],
        )
        cell.camera = self._make_camera(cell, view)
        return cell

    def _connect(self, cell: SimulatedCell) -> CellPorts:
        """Lead the cell's lines outside, and let it run."""
        assert cell.camera is not None
        ports, latency = self._job.cell.ports, self._job.imperfections.links.latency_ms * MS
        rng = np.random.default_rng([self._seed, 7])
        arm_line, arm_port = make_cable("sim:arm", latency, baud=ports.arm.baud, rng=rng)
        bus_line, bus_port = make_cable(
            "sim:field_bus", latency, baud=ports.field_bus.baud, bits_per_byte=EVEN_PARITY_BITS, rng=rng
        )
        cell.arm_cable, cell.bus_cable = arm_line.cable, bus_line.cable
        self.cell = cell
        self._tasks = (
            asyncio.create_task(_tick(cell, self._watcher), name="world"),
            asyncio.create_task(cell.arm.run(arm_port), name="arm controller"),
            asyncio.create_task(cell.bus.run(bus_port), name="field bus modules"),
        )
        return CellPorts(arm_line, bus_line, cell.camera)

    async def close(self) -> None:
        """End the world; raises what broke it, if something did."""
        if self.cell is None:
            return
        cell, self.cell = self.cell, None
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        cell.world.close()
        if self._watcher is not None:
            self._watcher.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def wait_broken(self) -> None:
        """Wait until the world or a controller ends by itself; raises what broke it."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def witness(self) -> Witness:
        """The truth so far."""
        truth = self.truth
        return Witness(
            laid=tuple(PlanarPose(p.x, p.y, p.theta, p.mirrored) for p in truth.laid),
            picked=tuple(truth.picked.get(number, False) for number in range(len(truth.laid))),
            needle_points=tuple(NeedlePoint(p.piece, p.time, p.x, p.y, p.skipped) for p in truth.pierces),
            digest=truth.digest(),
            largest_strain=truth.largest_strain,
        )

    def hands(self) -> SimHands:
        """Who does what a calibration asks a person to do; there from `open` on."""
        if self.cell is None:
            raise RuntimeError("the simulated cell is not open")
        return self.cell.hands

    def _make_view(self) -> View:
        camera, spread = self._job.camera, self._job.imperfections.camera
        shift = draw_shift(np.random.default_rng([self._seed, 8]), spread.mount_sigma_mm, spread.mount_sigma_deg)
        T_camera_table = shift @ np.array(camera.T_camera_table)
        return View(
            image_size_px=camera.image_size_px,
            matrix=np.array(camera.camera_matrix),
            distortion=np.array(camera.distortion),
            T_camera_base=T_camera_table @ invert_pose(self._job.cell.table.pose.matrix()),
        )

    def _make_camera(self, cell: SimulatedCell, view: View) -> RenderedCamera:
        spread = self._job.imperfections.camera
        rng = np.random.default_rng([self._seed, 2])
        exposure = 1.0 + spread.light_percent * PERCENT * rng.uniform(-1.0, 1.0)
        sensor = Sensor(
            noise=spread.noise_sigma_levels,
            blur_px=spread.blur_sigma_px,
            exposure=exposure,
            specks=draw_specks(view.image_size_px, spread.lens_dust, np.random.default_rng([self._seed, 9])),
            flicker=spread.flicker_percent * PERCENT,
            flicker_rate=2.0 * spread.mains_Hz,
            shutter=spread.exposure_ms * MS,
            readout=spread.readout_ms * MS,
        )
        return RenderedCamera(CAMERA_NAME, cell.meshes, view, make_light(), sensor, spread.latency_ms * MS, rng)


def open_backend(job: Job, seed: int, count: int) -> SimBackend:
    """The entry point `sim` of the group `sewcell.backends`."""
    return SimBackend(job, seed, count)


def _loaded_piece(job: Job) -> Piece:
    """The one kind of piece that the loader brings."""
    sewn = [model.piece for model in job.garment.pieces if model.seams]
    if len(sewn) != 1:
        raise ConfigError(
            f"the simulated loader brings one kind of piece, the garment '{job.garment.name}' sews {len(sewn)}: "
            "give seams to exactly one of its pieces"
        )
    return job.pieces[sewn[0]]


async def _tick(cell: SimulatedCell, watcher: Film | Window | None) -> None:
    """Advance the cell with the clock; a world that breaks down takes its cables with it."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            cell.step()
            if watcher is not None and cell.steps % watcher.frame_steps == 0:
                watcher.show(cell.meshes(), cell.time)
            await asyncio.sleep(cell.time - loop.time())
    except (RuntimeError, ConfigError):
        for cable in (cell.arm_cable, cell.bus_cable):
            if cable is not None:
                cable.unplug()
        raise
