"""All of a simulated cell but the cables' far ends: plant, world, controllers, camera, and what will still go wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sim.camera.mesh import Mesh
from sim.camera.source import RenderedCamera
from sim.firmware.arm_controller import ArmController
from sim.firmware.modbus_slave import FieldBus
from sim.hands import SimHands
from sim.link import Cable
from sim.plant import Plant
from sim.truth import Truth
from sim.world.mishaps import Mishap
from sim.world.world import STEP


class SteppedWorld(Protocol):
    """What a simulated cell needs of its world, here or in another process."""

    def step(self, dt: float) -> None:
        """Advance by `dt` [s]."""
        ...

    def meshes(self) -> list[Mesh]:
        """Surfaces of all bodies, in base."""
        ...

    def suffer(self, mishap: Mishap) -> None:
        """It happens now."""
        ...

    def close(self) -> None:
        """End it; may be repeated."""
        ...


@dataclass(frozen=True, slots=True)
class ComingFault:
    """`cause` happens at the time `at` [s] of the cell."""

    at: float
    cause: "Callable[[SimulatedCell], None]"


@dataclass(slots=True)
class SimulatedCell:
    """The parts of an open simulated cell, advanced together in steps of the world.

    `start` [s]: when the first step was due. `steps`: made so far; a step's time follows from their number alone, so
    that the cell's future depends on nothing but its state and the bytes that reach its controllers. The cables are
    there while somebody is connected.
    """

    plant: Plant
    truth: Truth
    world: SteppedWorld
    arm: ArmController
    bus: FieldBus
    hands: SimHands
    arm_cable: Cable | None = None
    bus_cable: Cable | None = None
    camera: RenderedCamera | None = None
    coming: list[ComingFault] = field(default_factory=list)
    start: float = 0.0
    steps: int = 0

    @property
    def time(self) -> float:
        """Of the next step [s]."""
        return self.start + self.steps * STEP

    def step(self) -> None:
        """Cause the faults that are due, then advance controllers and world."""
        now = self.time
        for fault in [fault for fault in self.coming if fault.at <= now]:
            self.coming.remove(fault)
            fault.cause(self)
        self.arm.update(now)
        self.bus.update(now)
        self.world.step(STEP)
        self.steps += 1

    def meshes(self) -> list[Mesh]:
        """Everything that a camera can see, in base."""
        return [*self.world.meshes(), *self.hands.meshes]
