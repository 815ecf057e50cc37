"""What can go wrong in the simulated cell, by the name that scenario files use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sewcell.config.models import FaultName
from sim.camera.source import RenderedCamera
from sim.link import Cable
from sim.plant import Plant
from sim.world.world import World


@dataclass(frozen=True, slots=True)
class SimulatedCell:
    """The parts of an open simulated cell that can fail."""

    plant: Plant
    world: World
    arm_cable: Cable
    bus_cable: Cable
    camera: RenderedCamera


def _strike_arm(cell: SimulatedCell) -> None:
    cell.plant.arm_limit_hit = True


def _unplug_camera(cell: SimulatedCell) -> None:
    cell.camera.connected = False


def _press_emergency_stop(cell: SimulatedCell) -> None:
    cell.plant.emergency_stop_released = False


def _open_door(cell: SimulatedCell) -> None:
    cell.plant.door_closed = False


def _break_thread(cell: SimulatedCell) -> None:
    cell.plant.thread_broken = True


def _miss_loop(cell: SimulatedCell) -> None:
    cell.plant.hook_misses = True


FAULTS: Mapping[FaultName, Callable[[SimulatedCell], None]] = {
    "arm cable pulled": lambda cell: cell.arm_cable.unplug(),
    "arm struck": _strike_arm,
    "camera unplugged": _unplug_camera,
    "emergency stop": _press_emergency_stop,
    "field bus cable pulled": lambda cell: cell.bus_cable.unplug(),
    "guard door open": _open_door,
    "piece taken away": lambda cell: cell.world.take_pieces_away(),
    "stitch skipped": _miss_loop,
    "thread break": _break_thread,
}
