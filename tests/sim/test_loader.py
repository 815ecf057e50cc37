"""What the loader lays: single pieces or stacks, picked from the top, seen by the camera as one outline."""

import asyncio
import math

import numpy as np
import pytest

from sewcell.config.layers import Job, load_job
from sewcell.config.values import make_camera_model, make_recipe, make_station
from sewcell.geometry.planar import planar_from_matrix
from sewcell.geometry.poses import invert_pose
from sewcell.process.looking import SightOrder, decide
from sewcell.process.stacks import list_shapes
from sewcell.vision.background import make_background
from sewcell.vision.fiducials import align_camera
from sim.backend import SimBackend
from sim.clock import SimLoop
from sim.plant import Plant
from sim.world.from_config import make_world_parameters
from sim.world.loader import LOADING_TIME, Loader

PLIES = 5
STEP = 1.0 / 240.0


@pytest.fixture(scope="module")
def job() -> Job:
    return load_job("shirt-pocket", scenario="stack")


def make_loader(job: Job, count: int, seed: int = 1) -> Loader:
    parameters = make_world_parameters(job.cell, job.fabric, job.imperfections, seed)
    return Loader(parameters, job.pieces["POCKET"], count, seed, request=0)


def test_a_stack_is_laid_with_the_first_request_and_lasts_for_all_of_its_plies(job):
    loader = make_loader(job, count=7)
    laid = [list(loader.bring()) for _ in range(8)]
    assert laid == [[4, 3, 2, 1, 0], [], [], [], [], [9, 8, 7, 6, 5], [], []]
    assert loader.asked == 7


def test_a_stack_that_somebody_took_away_is_followed_by_a_new_one(job):
    loader = make_loader(job, count=9)
    loader.bring()
    loader.lose_stack()
    assert list(loader.bring()) == [5, 4, 3, 2, 1]


def test_the_first_stack_may_be_part_used_and_the_next_one_is_full():
    loader = make_loader(load_job("shirt-pocket", scenario="stack", plies_left=2), count=4)
    assert [list(loader.bring()) for _ in range(4)] == [[1, 0], [], [6, 5, 4, 3, 2], []]


def test_a_short_stack_has_half_of_its_plies_once_and_an_empty_magazine_leaves_what_lies_there(job):
    loader = make_loader(job, count=9)
    loader.next_is_short = True
    assert [list(loader.bring()) for _ in range(3)] == [[1, 0], [], [6, 5, 4, 3, 2]]
    loader.empty_magazine()
    assert [list(loader.bring()) for _ in range(5)] == [[]] * 5
    assert loader.asked == 7


def test_plies_lie_one_thickness_above_each_other_each_cut_anew_and_a_little_beside(job):
    plies = list(make_loader(job, count=1).bring().values())
    T = invert_pose(job.cell.table.pose.matrix())
    poses = [planar_from_matrix(T @ cloth.fit_pose().matrix()) for cloth in plies]
    heights = [float(cloth.x[:, 2].mean()) for cloth in plies]
    assert np.diff(heights) == pytest.approx(0.3e-3, abs=0.05e-3)
    assert 0.0 < np.std([pose.x for pose in poses]) < 3.0 * 0.2e-3
    assert len({len(cloth.x) for cloth in plies}) > 1 or not np.array_equal(plies[0].pattern, plies[1].pattern)


def test_the_loader_needs_its_time_and_jams(job):
    loader, plant = make_loader(job, count=1), Plant()
    plant.loader_request = 1
    assert not loader.is_due(plant, 10.0, STEP)
    assert loader.is_due(plant, 10.0 + LOADING_TIME, STEP)
    loader.jammed, plant.loader_request = True, 2
    assert not any(loader.is_due(plant, time, STEP) for time in np.arange(11.0, 15.0, STEP))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "seed", "within", "shapes"),
    [
        ("typical", 1, 0.2e-3, 1),
        ("typical", 2, 0.2e-3, 1),
        ("typical", 3, 0.2e-3, 1),
        ("worn", 2, 0.25e-3, 2),
        ("worn", 9, 0.25e-3, 2),
    ],
)
def test_the_camera_finds_the_middle_of_a_stack_whose_height_it_knows(level, seed, within, shapes):
    """All plies look alike, so the outline spans from one outermost ply to the other; uneven ones look larger."""
    job = load_job("shirt-pocket", scenario="stack", imperfections=level)
    backend = SimBackend(job, seed, count=1)
    cell, piece = backend.build(), job.pieces["POCKET"]
    with asyncio.Runner(loop_factory=lambda: SimLoop(math.inf, 0.0)) as runner:
        empty = runner.run(cell.camera.grab())
        backend.plant.loader_request += 1
        for _ in range(round((LOADING_TIME + 0.1) / STEP)):
            cell.step()
        image = runner.run(cell.camera.grab())
    T, centre = invert_pose(job.cell.table.pose.matrix()), piece.outline.mean(axis=0, keepdims=True)
    plies = [planar_from_matrix(T @ cloth.fit_pose().matrix()).apply(centre)[0] for cloth in cell.world.cloths.values()]
    cell.world.close()
    station, recipe = make_station(job), make_recipe(job)
    camera = align_camera(make_camera_model(job), image.pixels, station.fiducials)
    height = job.fabric.thickness_mm * 1e-3 * (1 + PLIES) / 2.0
    found = []
    for shape in list_shapes(piece, PLIES):
        order = SightOrder(shape, station.pick_zone, camera, height, recipe.max_residual, recipe.min_confidence)
        found.append(decide(order, image, make_background([empty])).located)
        if found[-1] is not None:
            break
    assert len(plies) == PLIES
    assert len(found) == shapes
    seen = found[-1].pose.apply(centre)[0]
    assert np.linalg.norm(seen - (np.max(plies, axis=0) + np.min(plies, axis=0)) / 2.0) < within
