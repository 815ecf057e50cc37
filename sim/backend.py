"""The simulated cell behind the three seams: world, emulated controllers, cables, camera and virtual time."""

import asyncio

import numpy as np

from sewcell.backend import CellPorts, NeedlePoint, Witness
from sewcell.config.layers import Job
from sewcell.errors import ConfigError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import invert_pose
from sewcell.pattern.piece import Piece
from sewcell.units import DEG, MS, PERCENT
from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.renderer import make_light
from sim.camera.sensor import Sensor
from sim.camera.source import RenderedCamera
from sim.clock import SimLoop
from sim.faults import FAULTS, SimulatedCell
from sim.firmware.arm_controller import ArmController
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus
from sim.firmware.sewing_head import SewingHead
from sim.hands import SimHands
from sim.link import make_cable
from sim.plant import Plant
from sim.truth import Truth
from sim.world.from_config import make_world_parameters
from sim.world.world import STEP, World

CAMERA_NAME = "overhead"
EVEN_PARITY_BITS = 11
"""Bits of a byte with start, parity and stop bit, 8E1."""


class SimBackend:
    """A cell that exists only in this process. Everything that varies in it depends on `seed`."""

    def __init__(self, job: Job, seed: int, count: int) -> None:
        self._job = job
        self._seed = seed
        self._count = count
        self.plant = Plant()
        self.truth = Truth()
        self.cell: SimulatedCell | None = None
        self._hands: SimHands | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """Virtual time, as fast as the computer can."""
        return SimLoop()

    async def open(self) -> CellPorts:
        """Build the world and its controllers and let them run."""
        job, scenario = self._job, self._job.scenario
        parameters = make_world_parameters(job.cell, job.fabric, scenario)
        world = World(parameters, _loaded_piece(job), self._count, self._seed, self.plant, self.truth)
        latency = scenario.links.latency_ms * MS
        arm_line, arm_port = make_cable("sim:arm", latency, baud=job.cell.ports.arm.baud)
        bus_line, bus_port = make_cable(
            "sim:field_bus", latency, baud=job.cell.ports.field_bus.baud, bits_per_byte=EVEN_PARITY_BITS
        )
        limits = job.arm.limits
        arm = ArmController(
            self.plant,
            self.plant.joint_targets,
            lower=np.array(limits.lower_deg) * DEG,
            upper=np.array(limits.upper_deg) * DEG,
        )
        bus = FieldBus({1: SewingHead(self.plant), 2: IoModule(self.plant)})
        view = self._make_view()
        self._hands = SimHands(job, parameters, view, self.plant, arm, self._seed)
        camera = self._make_camera(world, self._hands, view)
        self.cell = SimulatedCell(self.plant, world, arm_line.cable, bus_line.cable, camera)
        self._tasks = (
            asyncio.create_task(_tick(self.cell, arm, bus), name="world"),
            asyncio.create_task(arm.run(arm_port), name="arm controller"),
            asyncio.create_task(bus.run(bus_port), name="field bus modules"),
        )
        for event in scenario.faults:
            asyncio.get_running_loop().call_later(event.at_s, FAULTS[event.fault], self.cell)
        return CellPorts(arm_line, bus_line, camera)

    async def close(self) -> None:
        """End the world; raises what broke it, if something did."""
        if self.cell is None:
            return
        cell, self.cell = self.cell, None
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        cell.world.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def witness(self) -> Witness:
        """The truth so far."""
        truth = self.truth
        return Witness(
            laid=tuple(PlanarPose(p.x, p.y, p.theta, p.mirrored) for p in truth.laid),
            picked=tuple(truth.picked.get(number, False) for number in range(len(truth.laid))),
            needle_points=tuple(NeedlePoint(p.piece, p.time, p.x, p.y, p.skipped) for p in truth.pierces),
            digest=truth.digest(),
        )

    def hands(self) -> SimHands:
        """Who does what a calibration asks a person to do; there from `open` on."""
        if self._hands is None:
            raise RuntimeError("the simulated cell is not open")
        return self._hands

    def _make_view(self) -> View:
        camera = self._job.camera
        return View(
            image_size_px=camera.image_size_px,
            matrix=np.array(camera.camera_matrix),
            distortion=np.array(camera.distortion),
            T_camera_base=np.array(camera.T_camera_table) @ invert_pose(self._job.cell.table.pose.matrix()),
        )

    def _make_camera(self, world: World, hands: SimHands, view: View) -> RenderedCamera:
        spread = self._job.scenario.camera
        rng = np.random.default_rng([self._seed, 2])
        exposure = 1.0 + spread.light_percent * PERCENT * rng.uniform(-1.0, 1.0)
        sensor = Sensor(noise=spread.noise_sigma_levels, blur_px=spread.blur_sigma_px, exposure=exposure)

        def meshes() -> list[Mesh]:
            return [*world.meshes(), *hands.meshes]

        return RenderedCamera(CAMERA_NAME, meshes, view, make_light(), sensor, spread.latency_ms * MS, rng)


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


async def _tick(cell: SimulatedCell, arm: ArmController, bus: FieldBus) -> None:
    """Advance controllers and world together; a world that breaks down takes its cables with it."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    steps = 0
    try:
        while True:
            now = loop.time()
            arm.update(now)
            bus.update(now)
            cell.world.step(STEP)
            steps += 1
            await asyncio.sleep(started + steps * STEP - now)
    except RuntimeError:
        cell.arm_cable.unplug()
        cell.bus_cable.unplug()
        raise
