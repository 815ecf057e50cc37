"""How the sewing machine looks: casting, covers and bed of a lockstitch machine within the boxes of the cell file."""

from itertools import pairwise

import numpy as np

from sewcell.geometry.poses import Array
from sim.camera.mesh import Mesh
from sim.camera.primitives import join_meshes, make_box, make_capsule, make_loft, round_rectangle
from sim.world.looks import (
    ACCENT,
    BED,
    BRIGHT,
    DARK,
    GREY,
    STEEL,
    THREAD,
    TOWARDS_X,
    TOWARDS_Y,
    WHITE,
    Colour,
    Point,
    make_disc,
    make_turned,
)
from sim.world.parameters import Body, Machine

UPRIGHT = np.eye(4)
FLUSH = 4e-5
"""Height of what is let into the table [m]: enough to be seen, too little to hold up cloth."""
WHEEL_GAP = 30e-3
"""Room for the hand wheel at the column's end [m]."""
THREAD_RADIUS = 0.8e-3


def make_machine(machine: Machine) -> list[Mesh]:
    """What does not move, in the needle frame. Boxes other than `head` and `column` are drawn as bevelled boxes.

    Nothing but what is let into the table stands out of the boxes; the bars above the foot are in `make_needle_bar`.
    """
    boxes = {body.name: body for body in machine.bodies}
    meshes = _bed(machine)
    if {"head", "column"} <= boxes.keys():
        head, column = boxes.pop("head"), boxes.pop("column")
        meshes += [_casting(head, column), *_covers(head), *_thread_path(head)]
    meshes += [make_box(body.name, body.low, body.high, WHITE, bevel=6e-3) for body in boxes.values()]
    return meshes


def make_hand_wheel(machine: Machine) -> list[Mesh]:
    """The hand wheel about the z axis of its own frame, and its grips; empty when the machine has no head."""
    if not any(body.name == "head" for body in machine.bodies):
        return []
    rim = [(0.0, 2e-3), (0.018, 2e-3), (0.020, 5e-3), (0.040, 5e-3), (0.043, 1e-3), (0.053, 1e-3), (0.056, 4e-3)]
    rim += [(0.056, 18e-3), (0.053, 21e-3), (0.040, 21e-3), (0.030, 26e-3), (0.0, 26e-3)]
    wheel = make_turned("hand wheel", rim, UPRIGHT, (0.0, 0.0, 0.0), DARK)
    grips = []
    for turn in 2.0 * np.pi * np.arange(3) / 3.0:
        at = (0.030 * float(np.cos(turn)), 0.030 * float(np.sin(turn)), 2.5e-3)
        grips.append(make_disc("grip", 6e-3, 4e-3, UPRIGHT, at, STEEL, 1e-3))
    return [wheel, join_meshes("wheel grips", grips)]


def hand_wheel_at(machine: Machine) -> Point:
    """Where the hand wheel's outer face is centred, in the needle frame; it turns about y."""
    head = next(body for body in machine.bodies if body.name == "head")
    return 0.0, head.low[1] + 1e-3, head.high[2] - 0.100


def _casting(head: Body, column: Body) -> Mesh:
    """Column, arm and head in one: upright sections along y with the arch between column and head."""
    top, under = head.high[2] - 0.045, head.low[2]
    half = min(-head.low[0], head.high[0])
    begin, inner, face = head.low[1] + WHEEL_GAP, column.high[1] - 1e-3, head.high[1] - 4e-3
    wide, slim, nose = half - 6e-3, half - 21e-3, half - 17e-3
    arch, rise = under + 0.062, np.linspace(0.0, np.pi / 2.0, 9)[1:]
    foot = column.low[2]
    stations = [
        (begin, foot, top - 4e-3, wide - 4e-3),
        (begin + 4e-3, foot, top, wide),
        (inner - 4e-3, foot, top, wide),
    ]
    stations += [
        (inner - 1e-3, foot, top, wide - 1e-3),
        (inner, foot, top, wide - 2e-3),
        (inner + 1e-4, under, top, wide - 2e-3),
    ]
    for a in rise:
        share = 1.0 - np.cos(a)
        low = under + (arch - under) * np.sin(a)
        stations.append((inner + 0.042 * share, low, top, wide - 2e-3 + (slim - wide + 2e-3) * share))
    chin = under + 0.010
    reach = face - 0.062
    for a in np.linspace(0.0, np.pi, 9):
        share = 0.5 * (1.0 - np.cos(a))
        low = arch + (chin - arch) * share
        stations.append((reach - 0.036 + 0.036 * share, low, top, slim + (nose - slim) * share))
    stations += [(face - 3e-3, chin, top, nose), (face, chin + 3e-3, top - 3e-3, nose - 3e-3)]
    return make_loft("casting", [_section(*station, radius=0.016) for station in stations], WHITE)


def _section(y: float, low: float, high: float, half_x: float, radius: float) -> Array:
    """Upright ring across y, counter-clockwise about y."""
    outline = round_rectangle((high - low) / 2.0, half_x, radius, 7)
    return np.column_stack([outline[:, 1], np.full(len(outline), y), outline[:, 0] + (high + low) / 2.0])


def _covers(head: Body) -> list[Mesh]:
    """Face plate, side panels, motor cover and screws."""
    top, under, face, begin = head.high[2] - 0.045, head.low[2], head.high[1], head.low[1] + WHEEL_GAP
    nose, wide = head.high[0] - 17e-3, head.high[0] - 6e-3
    low, high = under + 0.018, top - 0.008
    plate = [
        _section(y, low + b, high - b, nose - 7e-3 - b, 0.010)
        for y, b in ((face - 5e-3, 0), (face - 2e-3, 0), (face - 1e-3, 1e-3))
    ]
    slot = make_box("take-up slot", (-3e-3, face - 1.5e-3, high - 0.075), (3e-3, face - 0.6e-3, high - 0.012), DARK)
    screws = [
        make_disc("screw", 3e-3, 1e-3, TOWARDS_Y, (x, face - 1.4e-3, z), GREY, 0.3e-3)
        for x in (-0.029, 0.029)
        for z in (low + 8e-3, high - 8e-3)
    ]
    motor = [(0.0, 0.0), (0.052, 0.0), (0.052, 2e-3), (0.0, 2e-3)]
    middle = (begin + head.high[1]) / 2.0
    meshes = [
        make_loft("face plate", plate, STEEL, "metal"),
        slot,
        join_meshes("screws", screws),
        make_turned("wheel seat", motor, TOWARDS_Y, (0.0, begin - 2e-3, head.high[2] - 0.100), GREY),
        make_box("lid", (-0.030, begin + 0.012, top - 1e-3), (0.030, begin + 0.070, top + 2.5e-3), GREY, bevel=1.5e-3),
    ]
    for side in (-1.0, 1.0):
        x, panel = side * wide, side * (head.high[0] - 21e-3)
        ends = sorted((x, x + side * 1.5e-3))
        meshes.append(
            make_box("panel", (ends[0], begin + 7e-3, 0.030), (ends[1], begin + 0.033, 0.140), GREY, bevel=0.7e-3)
        )
        ends = sorted((panel, panel + side * 1.5e-3))
        band = ((ends[0], middle - 0.052, top - 0.036), (ends[1], middle + 0.052, top - 0.024))
        meshes.append(make_box("band", *band, ACCENT, bevel=0.7e-3))
    return meshes


def _thread_path(head: Body) -> list[Mesh]:
    """Spool on its pin, guides, tension discs, and the thread from the spool to the take-up lever."""
    top, face, nose = head.high[2] - 0.045, head.high[1], head.high[0] - 17e-3
    spool_y, guide_y, front = head.low[1] + 0.140, face - 0.030, -nose
    spool = [(0.0, 0.0), (0.017, 0.0), (0.017, 2e-3), (0.015, 3e-3), (0.012, 0.036), (0.0, 0.036)]
    discs = [(0.0, 0.0), (4e-3, 0.0), (4e-3, 2e-3), (0.013, 3e-3), (0.013, 4e-3), (0.011, 4.6e-3), (0.013, 5.2e-3)]
    discs += [(0.013, 6.2e-3), (5e-3, 8e-3), (5e-3, 0.014), (0.0, 0.014)]
    tension = (front + 1e-3, face - 0.034, top - 0.070)
    turned = TOWARDS_X @ np.diag([1.0, -1.0, -1.0, 1.0])
    way = [
        (0.0, spool_y, top + 0.041),
        (0.0, guide_y, top + 0.026),
        (front + 3.5e-3, guide_y, top - 3.4e-3),
        (front - 0.8e-3, guide_y, top - 0.018),
        (tension[0] - 4.6e-3, tension[1] + 0.012, tension[2]),
        (front - 0.5e-3, face - 5e-3, top - 0.052),
        (front + 8e-3, face - 0.9e-3, top - 0.046),
        (-4e-3, face - 0.9e-3, top - 0.034),
        (2e-3, face - 0.9e-3, head.low[2] + 0.020),
    ]
    strands = [make_capsule("strand", a, b, THREAD_RADIUS, THREAD, segments=8) for a, b in pairwise(way)]
    return [
        make_disc("spool pin", 2e-3, 0.044, UPRIGHT, (0.0, spool_y, top - 1e-3), BRIGHT, 1e-3),
        make_turned("spool", spool, UPRIGHT, (0.0, spool_y, top + 3e-3), THREAD),
        make_disc("spool seat", 0.019, 3.5e-3, UPRIGHT, (0.0, spool_y, top - 0.5e-3), DARK, 1e-3),
        make_disc("guide", 1.5e-3, 0.028, UPRIGHT, (0.0, guide_y, top - 1e-3), BRIGHT, 0.7e-3),
        make_turned("tension discs", discs, turned, tension, BRIGHT, "metal"),
        make_box(
            "take-up", (-5e-3, face - 1.2e-3, top - 0.037), (5e-3, face - 0.4e-3, top - 0.031), BRIGHT, bevel=0.3e-3
        ),
        join_meshes("upper thread", strands),
    ]


def _bed(machine: Machine) -> list[Mesh]:
    """Bed, throat plate, slots of the feed dog and needle hole, let into the table."""
    back = min(body.low[1] for body in machine.bodies)
    bed = _inlay("bed", (-0.089, back), (0.089, 0.075), 0.020, BED, 0.0)
    slide = _inlay("slide plate", (-0.044, 0.024), (0.044, 0.066), 3e-3, STEEL, 1e-6)
    throat = _inlay("throat plate", (-0.034, -0.030), (0.034, 0.0225), 6e-3, BRIGHT, 1e-6)
    dark = [_inlay("slot", (-0.017, y - 1.6e-3), (0.017, y + 1.6e-3), 1.5e-3, DARK, 2e-6) for y in (-7e-3, 7e-3)]
    dark.append(_inlay("slot", (6e-3, -1.6e-3), (0.017, 1.6e-3), 1.5e-3, DARK, 2e-6))
    dark.append(_inlay("needle hole", (-1e-3, -1e-3), (1e-3, 1e-3), 0.95e-3, DARK, 2e-6))
    dark += [_inlay("screw", (x - 2e-3, -0.024), (x + 2e-3, -0.020), 1.9e-3, GREY, 2e-6) for x in (-0.027, 0.027)]
    return [bed, slide, throat, *dark]


def _inlay(
    name: str, low: tuple[float, float], high: tuple[float, float], radius: float, colour: Colour, lift: float
) -> Mesh:
    """Sheet between the corners `low` and `high` [m] whose face is `lift` above FLUSH."""
    half = ((high[0] - low[0]) / 2.0, (high[1] - low[1]) / 2.0)
    outline = round_rectangle(*half, radius) + (np.array(low) + np.array(high)) / 2.0
    rings = [np.column_stack([outline, np.full(len(outline), z)]) for z in (0.0, FLUSH + lift)]
    return make_loft(name, rings, colour, "metal" if colour in (STEEL, BRIGHT) else "plain", smooth=False)
