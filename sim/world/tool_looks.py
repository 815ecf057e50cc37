"""How the gripper looks: changer ring, rod, plate, and the bars whose pins go out through the plate."""

import numpy as np

from sewcell.geometry.poses import make_pose
from sim.camera.mesh import Mesh
from sim.camera.primitives import join_meshes, make_box, make_cylinder, place_mesh
from sim.world.looks import ACCENT, BRIGHT, DARK, GREY, STEEL, Point, make_disc, make_turned
from sim.world.parameters import GripperPlate

UPRIGHT = np.eye(4)
STROKE = 5e-3
"""How far the pin bars stand off the plate when the pins are in [m]."""
BAR = (7e-3, 4e-3)
"""Width and height of a pin bar [m]."""
BAR_GAP = 4e-3
"""Between pin bar and plate when the pins are out [m]."""
FOOT_RIM = 8e-3
"""How far the foot of the rod stands out of the rod [m]."""
PIN_RADIUS = 0.8e-3
HEAD = 2e-3
"""Height of the heads of the pins over the bar [m]."""
EDGE = 7e-3
"""Distance of the rows of pins from the edge of the plate [m]."""


def make_tool(plate: GripperPlate) -> list[Mesh]:
    """What does not move in the tool frame: z out of the pin face, hence the bodies lie at negative z."""
    x, y, z = _flange_at(plate)
    half_x, half_y, top = plate.size[0] / 2.0, plate.size[1] / 2.0, -plate.plate_height
    radius = 0.8 * plate.rod_radius
    ring = [(0.0, 0.0), (0.027, 0.0), (0.028, 1e-3), (0.028, 9e-3), (0.025, 10e-3), (0.025, 13e-3), (0.028, 14e-3)]
    ring += [(0.028, 20e-3), (0.026, 22e-3), (0.0, 22e-3)]
    foot = [(0.0, top - 9e-3), (radius + 1e-3, top - 9e-3), (radius + FOOT_RIM, top - 4e-3), (radius + FOOT_RIM, top)]
    bodies = [
        make_turned("tool changer", ring, UPRIGHT, (x, y, z), DARK, "metal"),
        place_mesh(make_cylinder("rod", radius, top - z - 0.02, STEEL, "metal", 1e-3, 48), make_pose((x, y, z + 0.02))),
        make_turned("rod foot", [*foot, (0.0, top)], UPRIGHT, (x, y, 0.0), GREY, "metal"),
        make_box("plate", (-half_x, -half_y, top), (half_x, half_y, 0.0), STEEL, "metal", bevel=1.2e-3),
        make_box("valve", (-0.030, -8e-3, top - 0.026), (0.030, 0.016, top), DARK, bevel=2e-3),
    ]
    for side in (-1.0, 1.0):
        at = (side * 0.022, 4e-3, top - 0.033)
        bodies.append(make_disc("fitting", 4e-3, 8e-3, UPRIGHT, at, BRIGHT, 0.8e-3))
    return bodies


def make_pins(plate: GripperPlate, pins_out: float) -> list[Mesh]:
    """The two pin bars, moved by `pins_out` from 0 (in) to 1 (out), in the tool frame."""
    half_x, half_y, top = plate.size[0] / 2.0 - EDGE, plate.size[1] / 2.0 - EDGE, -plate.plate_height
    x, _, _ = _flange_at(plate)
    beside_rod = 0.8 * plate.rod_radius + FOOT_RIM + BAR[0]
    rise = -STROKE * (1.0 - pins_out)
    under, over = top + rise - BAR_GAP, top + rise - BAR_GAP - BAR[1]
    tip = rise + plate.pin_penetration
    pin = make_cylinder("pin", PIN_RADIUS, tip - over + HEAD, BRIGHT, "metal", 0.2e-3, 8)
    bars, pins = [], []
    for y, left, right in (
        (half_y, -half_x, half_x),
        (-half_y, -half_x, x - beside_rod),
        (-half_y, x + beside_rod, half_x),
    ):
        low, high = (left - 3e-3, y - BAR[0] / 2.0, over), (right + 3e-3, y + BAR[0] / 2.0, under)
        bars.append(make_box("pin bar", low, high, ACCENT, bevel=1e-3))
        count = int((right - left) / plate.pin_pitch + 1e-9) + 1
        places = (left + right) / 2.0 + plate.pin_pitch * (np.arange(count) - (count - 1) / 2.0)
        pins += [place_mesh(pin, make_pose((float(place), y, over - HEAD))) for place in places]
    return [join_meshes("pin bars", bars), join_meshes("pins", pins)]


def _flange_at(plate: GripperPlate) -> Point:
    """Origin of the flange in the tool frame [m]."""
    x, y, z = (float(v) for v in -plate.T_flange_tool[:3, :3].T @ plate.T_flange_tool[:3, 3])
    return x, y, z
