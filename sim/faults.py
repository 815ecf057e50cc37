"""What can go wrong in the simulated cell, by the name that scenario files and `--fault` use."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from sewcell.geometry.poses import make_pose
from sim.camera.source import RenderedCamera
from sim.cell import SimulatedCell
from sim.link import Cable, Faults
from sim.world.mishaps import Mishap

RESET = b"\x18"
KNOCK = make_pose((0.0, 0.0, 0.0), (np.deg2rad(0.1), np.deg2rad(0.1), 0.0))
"""By which a knocked camera turns."""
FAILED_BALLAST = 0.6
"""Share of the light that flickers when a ballast fails."""
DARK = 0.01
"""Share of the light that is left when the lamps are off."""
NOISY = Faults(flip=2e-4)


def _set_wire(name: str, value: bool, cell: SimulatedCell) -> None:
    setattr(cell.plant, name, value)


def _suffer(mishap: Mishap, cell: SimulatedCell) -> None:
    cell.world.suffer(mishap)


def _pull_arm(cell: SimulatedCell) -> None:
    _there(cell.arm_cable).unplug()


def _pull_bus(cell: SimulatedCell) -> None:
    _there(cell.bus_cable).unplug()


def _spoil_bus(cell: SimulatedCell) -> None:
    _there(cell.bus_cable).faults = NOISY


def _reset_arm(cell: SimulatedCell) -> None:
    cell.arm.receive(RESET, cell.time)


def _unplug_camera(cell: SimulatedCell) -> None:
    _camera(cell).connected = False


def _knock_camera(cell: SimulatedCell) -> None:
    _camera(cell).turn(KNOCK)


def _fail_ballast(cell: SimulatedCell) -> None:
    camera = _camera(cell)
    camera.sensor = replace(camera.sensor, flicker=FAILED_BALLAST)


def _switch_lamps_off(cell: SimulatedCell) -> None:
    camera = _camera(cell)
    camera.sensor = replace(camera.sensor, exposure=DARK * camera.sensor.exposure)


def _there(cable: Cable | None) -> Cable:
    assert cable is not None
    return cable


def _camera(cell: SimulatedCell) -> RenderedCamera:
    assert cell.camera is not None
    return cell.camera


FAULTS: Mapping[str, Callable[[SimulatedCell], None]] = {
    "arm-cable-pulled": _pull_arm,
    "arm-controller-reset": _reset_arm,
    "arm-struck": partial(_set_wire, "arm_limit_hit", True),
    "bobbin-end": partial(_set_wire, "bobbin_empty", True),
    "bobbin-low": partial(_set_wire, "bobbin_low", True),
    "camera-knocked": _knock_camera,
    "camera-unplugged": _unplug_camera,
    "emergency-stop": partial(_set_wire, "emergency_stop_released", False),
    "field-bus-cable-pulled": _pull_bus,
    "field-bus-noise": _spoil_bus,
    "guard-door-open": partial(_set_wire, "door_closed", False),
    "lamp-flicker": _fail_ballast,
    "lamp-off": _switch_lamps_off,
    "needle-strike": partial(_set_wire, "needle_struck", True),
    "stitch-skipped": partial(_set_wire, "hook_misses", True),
    "thread-break": partial(_set_wire, "thread_broken", True),
    **{str(mishap): partial(_suffer, mishap) for mishap in Mishap},
}
