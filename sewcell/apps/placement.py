"""A placement of machine and table, put into a job: whether it may stand there, its scores, its lines for the file."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from shapely import MultiPoint, Polygon, unary_union
from shapely.geometry.base import BaseGeometry

from sewcell.config.base import BoxModel, PoseModel
from sewcell.config.layers import Job
from sewcell.config.values import make_recipe, make_station
from sewcell.errors import MotionError
from sewcell.geometry.poses import Array, invert_pose, transform_points
from sewcell.process.grip import plan_grip
from sewcell.process.layout import Judge, Placement
from sewcell.process.layout_score import LayoutScore, estimate_layout, plan_layout
from sewcell.process.plan import SIDESTEP
from sewcell.process.recipe import Recipe
from sewcell.process.station import Station
from sewcell.units import DEG, MM

_TURNS = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
CIRCLE = np.column_stack([np.cos(_TURNS), np.sin(_TURNS)]) / np.cos(np.pi / 16.0)
"""Corners (16, 2) of a polygon around the unit circle."""


def read_placement(job: Job) -> Placement:
    """The placement that the job's cell file gives."""
    needle, table = job.cell.machine.needle, job.cell.table.pose
    return Placement(
        needle.xyz_mm[0] * MM,
        needle.xyz_mm[1] * MM,
        needle.rpy_deg[2] * DEG,
        table.xyz_mm[0] * MM,
        table.xyz_mm[1] * MM,
    )


def place_cell(job: Job, placement: Placement) -> Job:
    """The job with machine and table at a placement; heights and other angles stay."""
    cell = job.cell
    needle = _move(cell.machine.needle, placement.needle_x, placement.needle_y, placement.needle_yaw)
    table = _move(cell.table.pose, placement.table_x, placement.table_y, cell.table.pose.rpy_deg[2] * DEG)
    machine = cell.machine.model_copy(update={"needle": needle})
    moved = {"machine": machine, "table": cell.table.model_copy(update={"pose": table})}
    return replace(job, cell=cell.model_copy(update=moved))


def write_lines(job: Job) -> str:
    """The lines of the cell file that hold the job's placement."""
    needle, table = job.cell.machine.needle, job.cell.table.pose
    return f"table:\n  pose: {_write_pose(table)}\nmachine:\n  needle: {_write_pose(needle)}\n"


def make_judge(job: Job) -> Judge:
    """Scores of placements for the job's seams. Placements where the machine cannot stand are refused first."""
    recipe = make_recipe(job)

    def estimate(placement: Placement) -> LayoutScore:
        station = _place_station(place_cell(job, placement), recipe)
        return estimate_layout(station, recipe)

    def plan(placement: Placement) -> LayoutScore:
        station = _place_station(place_cell(job, placement), recipe)
        return plan_layout(station, recipe)

    return Judge(estimate, plan)


def _place_station(job: Job, recipe: Recipe) -> Station:
    """The station of a job. Raises: MotionError when machine, cloth or arm would stand where they must not."""
    _require_ground(job)
    station = make_station(job)
    _require_free(job, station, recipe)
    return station


def _require_ground(job: Job) -> None:
    """The machine stands on the tabletop and out of the way from the camera to the working area."""
    top = _rectangle(np.eye(4), job.cell.table.slab)
    T_needle, area = job.cell.machine.needle.matrix(), _working_area(job)
    if not top.covers(area):
        raise MotionError("the working area would stick out of the tabletop")
    for body in job.cell.machine.bodies:
        if not top.covers(_rectangle(T_needle, body)):
            raise MotionError(f"the {body.name} of the machine would stick out of the tabletop")
    for body in job.cell.machine.bodies:
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
        low, high = np.array(body.from_mm) * MM, np.array(body.to_mm) * MM
        points = transform_points(T_needle, low + corners * (high - low))
        if _cast(job, points, np.zeros(len(points))).intersects(area):
            raise MotionError(f"the {body.name} of the machine would hide a part of the working area from the camera")


def _require_free(job: Job, station: Station, recipe: Recipe) -> None:
    """Cloth at the machine stays on the tabletop and off everything; the arm at home is out of the picture."""
    top, needle = _rectangle(np.eye(4), job.cell.table.slab), job.cell.machine.needle.matrix()
    bases = [capsule for capsule in station.arm.model.capsules if capsule.link == 0]
    foot = unary_union([MultiPoint([c.start[:2], c.end[:2]]).convex_hull.buffer(c.radius) for c in bases])
    zones = {name: _on_table(job, corners) for name, corners in _list_zones(station)}
    for name, zone in zones.items():
        if zone.intersects(foot):
            raise MotionError(f"the {name} would reach under the arm's foot")
    for cloth in _list_cloths(station, recipe):
        if not top.covers(cloth):
            raise MotionError("the piece at the machine would hang over the edge of the tabletop")
        if cloth.intersects(foot):
            raise MotionError("the piece at the machine would run against the arm's foot")
        for name, zone in zones.items():
            if cloth.intersects(zone):
                raise MotionError(f"the piece at the machine would lie on the {name}")
        for body in job.cell.machine.bodies:
            if body.from_mm[2] <= 0.0 and cloth.intersects(_rectangle(needle, body)):
                raise MotionError(f"the piece at the machine would run against its {body.name}")
    links = station.arm.forward_links(station.home)
    for capsule in station.arm.model.capsules:
        ends = transform_points(links[capsule.link], np.stack([capsule.start, capsule.end]))
        if _cast(job, ends, np.full(2, capsule.radius)).intersects(_working_area(job)):
            raise MotionError("the arm at home would stand in the picture of the working area")


def _list_zones(station: Station) -> Iterator[tuple[str, Array]]:
    yield "pick zone", station.pick_zone
    yield "place", station.place_zone


def _list_cloths(station: Station, recipe: Recipe) -> Iterator[BaseGeometry]:
    """What each seam's piece covers on the bed from the moment it is laid beside the needle, in base."""
    for piece in recipe.pieces:
        for seam in piece.seams:
            grip = plan_grip(piece.piece, seam, station.plate_size)
            outline = grip.needle_piece.apply(piece.piece.outline)
            places = [outline + np.array([along, aside]) for along in (0.0, grip.length) for aside in (0.0, SIDESTEP)]
            yield MultiPoint(_flat(station.T_base_needle, np.concatenate(places))).convex_hull


def _working_area(job: Job) -> BaseGeometry:
    width, depth = (side * MM for side in job.cell.table.size_mm)
    return _on_table(job, np.array([[0.0, 0.0], [width, 0.0], [width, depth], [0.0, depth]]))


def _on_table(job: Job, corners: Array) -> BaseGeometry:
    return Polygon(_flat(job.cell.table.pose.matrix(), corners))


def _rectangle(T_base_frame: Array, box: BoxModel) -> BaseGeometry:
    (x0, y0, _), (x1, y1, _) = box.from_mm, box.to_mm
    return Polygon(_flat(T_base_frame, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) * MM))


def _cast(job: Job, points: Array, radii: Array) -> BaseGeometry:
    """What balls at `points` (N, 3) in base with `radii` (N,) [m], and all between them, hide from the camera."""
    camera = job.cell.table.pose.matrix() @ invert_pose(np.array(job.camera.T_camera_table))
    eye = camera[:3, 3]
    scale = eye[2] / (eye[2] - points[:, 2])
    shadows = eye[:2] + (points[:, :2] - eye[:2]) * scale[:, None]
    discs = shadows[:, None] + (radii * scale)[:, None, None] * CIRCLE
    return MultiPoint(discs.reshape(-1, 2)).convex_hull


def _flat(T_base_frame: Array, points: Array) -> Array:
    """Points (N, 2) of a horizontal frame in the plane of base, (N, 2)."""
    return transform_points(T_base_frame, np.column_stack([points, np.zeros(len(points))]))[:, :2]


def _move(pose: PoseModel, x: float, y: float, yaw: float) -> PoseModel:
    roll, pitch, _ = pose.rpy_deg
    at = round(x / MM, 6), round(y / MM, 6), pose.xyz_mm[2]
    return pose.model_copy(update={"xyz_mm": at, "rpy_deg": (roll, pitch, round(yaw / DEG, 6))})


def _write_pose(pose: PoseModel) -> str:
    xyz, rpy = (", ".join(f"{value:g}" for value in values) for values in (pose.xyz_mm, pose.rpy_deg))
    return f"{{xyz_mm: [{xyz}], rpy_deg: [{rpy}]}}"
