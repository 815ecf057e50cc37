"""What the cell makes of a stack: how many plies are left, where the next is gripped, what the arm keeps clear of."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from sewcell.config.layers import load_job
from sewcell.config.values import make_recipe, make_station
from sewcell.errors import ConfigError, DeviceFaultError, MotionError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import invert_pose, transform_points
from sewcell.process.plan import place_pose, plan_seam_cycle
from sewcell.process.stacks import SPREAD, STACK, UNEVEN, Stacks, enclose_stack, list_shapes
from sewcell.process.worklog import PieceLog

POSE = PlanarPose(0.46, 0.2, 0.3)


@pytest.fixture(scope="module")
def bench():
    job = load_job("shirt-pocket")
    recipe = make_recipe(job)
    return make_station(job), recipe.pieces[0], recipe.thickness


def plan(bench, below=0.0, standing=()):
    station, piece, thickness = bench
    return plan_seam_cycle(station, piece, piece.seams[0], POSE, thickness, 2.0, below, standing)


def finished(*more_to_pick, picked=True):
    """Logs of pieces after which cloth was, or was not, seen in the pick zone; and of the one that is asked for now."""
    logs = [PieceLog(n, "POCKET", picked=picked, more_to_pick=more) for n, more in enumerate(more_to_pick)]
    return [*logs, PieceLog(len(logs), "POCKET")]


def test_each_piece_of_a_run_finds_one_ply_less_until_the_next_stack_comes():
    assert [Stacks(5, 5).count(piece) for piece in range(7)] == [5, 4, 3, 2, 1, 5, 4]
    assert [Stacks(5, 2).count(piece) for piece in range(8)] == [2, 1, 5, 4, 3, 2, 1, 5]
    assert [Stacks().count(piece) for piece in range(3)] == [1, 1, 1]


def test_a_run_tells_how_many_plies_it_has_left():
    taken = finished(True, True)[:2]
    assert Stacks(5, 5).count_left([]) == 5
    assert Stacks(5, 5).count_left(taken) == 3
    assert Stacks(5, 5).count_left(finished(True, True)) == 3, "the third was asked for, but not picked"
    assert Stacks(5, 2).count_left(taken) == 0
    assert Stacks(5, 5).count_left(finished(True, False)[:2]) == 0, "the camera saw none where three should be"
    assert Stacks(5, 5).count_left(finished(True, False)) == 0
    assert Stacks().count_left(taken) is None


def test_after_each_piece_the_run_tells_what_is_left_in_words():
    told = [Stacks(3, 3).tell(log) for log in finished(True, True, False)[:3]]
    assert told == ["2 plies of the stack left", "1 ply of the stack left", "the stack is used up"]


def test_a_stack_that_has_as_many_plies_as_were_counted_is_no_news():
    for logs in (finished(), finished(True), finished(True, False), finished(True, False, True), finished(None, None)):
        Stacks(2, 2).require_agreement(logs)


@pytest.mark.parametrize(
    ("stacks", "seen", "words"),
    [
        (Stacks(5, 5), (True, False), "the stack is empty though 3 plies should be left"),
        (Stacks(5, 2), (False,), "the stack is empty though 1 ply should be left"),
        (Stacks(2, 2), (True, True), "the stack should be used up, but cloth lies in the pick zone"),
    ],
)
def test_a_stack_that_was_lower_or_higher_than_counted_stops_the_run_before_the_next_piece(stacks, seen, words):
    with pytest.raises(DeviceFaultError, match=words) as fault:
        stacks.require_agreement(finished(*seen))
    assert "\n" not in str(fault.value)


def test_a_run_may_begin_with_a_part_used_stack_but_not_with_more_than_a_full_one():
    job = load_job("shirt-pocket", scenario="stack", plies_left=2)
    assert make_station(job).stacks == Stacks(5, 2)
    assert make_station(load_job("shirt-pocket", scenario="stack")).stacks == Stacks(5, 5)
    with pytest.raises(ConfigError, match="--plies-left must be 1 to 5, got 6: a full stack has 5 plies"):
        load_job("shirt-pocket", scenario="stack", plies_left=6)
    with pytest.raises(ConfigError, match="--plies-left must be 1 to 1, got 2: pieces come one by one"):
        load_job("shirt-pocket", plies_left=2)


def test_a_piece_on_others_is_gripped_higher_by_their_thickness_and_laid_down_on_the_bare_table(bench):
    station, *_ = bench

    def height(q):
        return (station.arm.forward(q) @ station.T_flange_tool)[2, 3]

    single, upper = plan(bench), plan(bench, 1.2e-3)
    assert height(upper.approach.goal) - height(single.approach.goal) == pytest.approx(1.2e-3, abs=1e-6)
    assert np.allclose(height(upper.take_out.goal), height(single.take_out.goal), atol=1e-6)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_room_of_a_stack_holds_every_ply_of_it(bench, mirrored):
    station, piece, _ = bench
    pose, height = replace(POSE, mirrored=mirrored), 4e-3
    box = enclose_stack(station.T_base_table, piece.piece, pose, height)
    for z in (0.0, height):
        corners = np.column_stack([pose.apply(piece.piece.outline), np.full(len(piece.piece.outline), z)])
        inside = np.abs(transform_points(invert_pose(box.pose), transform_points(station.T_base_table, corners)))
        assert np.all(inside <= box.half + 1e-9)
        assert np.all(inside[:, :2].max(axis=0) == pytest.approx(box.half[:2] - UNEVEN))


def test_a_stack_may_look_half_a_millimetre_larger_all_round_and_lies_in_the_same_frame(bench):
    _, recipe, _ = bench
    drawn, grown = list_shapes(recipe.piece, 2)
    assert list_shapes(recipe.piece, 1) == (drawn,)
    inner, outer = (shapely.Polygon(shape.outline) for shape in (drawn, grown))
    assert outer.contains(inner)
    assert outer.exterior.hausdorff_distance(inner.exterior) < 2.0 * SPREAD, "at the sharpest corner"
    assert min(outer.exterior.distance(shapely.Point(p)) for p in drawn.outline) == pytest.approx(SPREAD)
    assert inner.exterior.is_ccw == outer.exterior.is_ccw
    assert grown.sew_lines is drawn.sew_lines


def test_all_motions_keep_their_clearance_from_a_stack_that_is_higher_than_the_clearance(bench):
    """Forty plies of shirting, 12 mm: judged at the set points, body by body; the plate alone may touch the stack."""
    station, piece, thickness = bench
    below = 39 * thickness
    assert below > 2.0 * station.clearance
    box = enclose_stack(station.T_base_table, piece.piece, POSE, below)
    motions = plan(bench, below, (box,)).motions().values()
    model = station.collision.with_standing([box])
    near = [n for n, pair in enumerate(model.pairs) if STACK in pair]
    wanted = np.array([0.0 if "plate" in model.pairs[n] else station.clearance for n in near])
    assert len(near) > 8
    for motion in motions:
        _, points = motion.set_points(station.period)
        assert np.all(model.distances(points)[:, near] >= wanted - 0.05e-3)


@pytest.mark.slow
def test_a_motion_through_a_stack_is_refused_by_its_name(bench):
    station, piece, _ = bench
    box = enclose_stack(station.T_base_table, piece.piece, place_pose(station, piece), 12e-3)
    with pytest.raises(MotionError, match=rf"'take out' brings piece .* mm deep into {STACK}"):
        plan(bench, standing=(box,))
