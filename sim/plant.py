"""The wires between the emulated controllers and the simulated world: commands one way, sensor values the other."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


def _home() -> NDArray[np.float64]:
    return np.deg2rad([0.0, -90.0, 90.0, 0.0, 90.0, 0.0])


@dataclass(slots=True)
class Plant:
    """Present value of every wire. Firmware writes the commands, the world writes the sensors.

    `shaft_turns`: turns of the machine's main shaft since power-on; whole numbers are the needle-up stop.
    `feed_length`: feed of the present turn [m], negative in reverse.
    `foot_down`, `pins_out`: 0 to 1, position of the actuator within its stroke.
    """

    # commands
    joint_targets: NDArray[np.float64] = field(default_factory=_home)  # (6,) [rad], as the arm's pendant counts
    shaft_turns: float = 0.0
    feed_length: float = 0.0025
    foot_down: float = 0.0
    pins_out: float = 0.0
    loader_request: int = 0
    # sensors
    ply_thickness: float = 0.0  # of the fabric that the gripper holds [m]
    loader_echo: int = 0
    loader_ready: bool = False
    emergency_stop_released: bool = True
    door_closed: bool = True
    thread_broken: bool = False
    bobbin_low: bool = False
    bobbin_empty: bool = False
    needle_struck: bool = False  # the needle has hit something hard
    hook_misses: bool = False  # the hook misses the next loop of the needle thread
    arm_limit_hit: bool = False  # the arm has struck something: the controller raises ALARM:1
