"""Claims about finding pieces: accuracy, speed, hard cases and sureness, against common ways with OpenCV."""

import argparse
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the claims are for one thread

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.harness import Line, at_least, at_most, compare, report
from benchmarks.vision_peers import PEERS
from benchmarks.vision_scoring import ShearFound, read_pieces, score
from benchmarks.vision_sureness import count_wrong
from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.pattern.piece import Piece
from sim.camera.suite.cases import FIRST_JUDGING_SEED, HARD, Case, make_case

PICTURES = 2_000
PICTURES_FULL = 10_000
PER_ACCURACY = 200
PER_HARD = 40
PER_PEER = 8
TELLING_SHEAR = 0.1e-2
"""Standard deviation of the shear below which an outline can tell 0.4 % of it for sure."""


def lines(pictures: int, resume: Path | None) -> Iterator[Line]:
    """All claims; `pictures` are searched for answers that are wrong and claim to be sure, `resume` keeps what was
    counted so far."""
    cv2.setNumThreads(1)
    pieces = read_pieces()
    yield from _accuracy("5 MP wide", "0.5 mm/px", pieces, ((0.10, 0.25), None), 10.0)
    yield from _accuracy("5 MP near", "0.25 mm/px", pieces, ((0.06, 0.15), (0.012, 0.04)), None)
    yield from _accuracy("20 MP", "0.23 mm/px", pieces, ((0.06, 0.15), (0.012, 0.04)), 15.0)
    yield from _peers(pieces)
    for kind in HARD:
        result = score(_take(kind, "5 MP wide", PER_HARD, pieces), pieces)
        yield at_least(f"{kind}: found [%]", 100.0 * result.found / result.pieces, 95.0)
        if kind == "folded":
            yield at_least("folded: flagged, of those found [%]", 100.0 * result.flagged / max(1, result.found), 95.0)
        if kind == "sheared":
            yield from _shear(result.shear)
        if kind == "thick":
            yield at_most("thick: bias towards the shadow [mm]", abs(float(np.mean(result.along_shadow))), 0.05)
    wrong = count_wrong(pictures, pieces, resume)
    yield at_most(f"wrong answers that claim to be sure, of {pictures} pictures", wrong, 0)


def _shear(found: Sequence[ShearFound]) -> Iterator[Line]:
    """0.4 % of shear in all pieces, and in those whose outline can tell it: with a standard deviation below 0.1 %."""

    def share(some: Sequence[ShearFound]) -> float:
        return 100.0 * float(np.mean([0.5 < one.ratio < 1.5 for one in some] or [0.0]))

    yield at_least("sheared by 0.4 %: reported as shear [%]", share(found), 95.0)
    telling = [one for one in found if one.sigma < TELLING_SHEAR]
    yield at_least("sheared by 0.4 %: reported, outlines that can tell it [%]", share(telling), 95.0)


def _accuracy(
    rig: str,
    resolution: str,
    pieces: Sequence[Piece],
    limits: tuple[tuple[float, float], tuple[float, float] | None],
    milliseconds: float | None,
) -> Iterator[Line]:
    result = score(_take("everyday", rig, PER_ACCURACY, pieces), pieces)
    figures = [("mm", result.millimetres, limits[0])]
    if limits[1] is not None:
        figures.append(("deg", result.degrees, limits[1]))
    for unit, errors, (mean, most) in figures:
        yield at_most(f"{rig}, {resolution}: mean error [{unit}]", float(np.mean(errors)), mean)
        yield at_most(f"{rig}, {resolution}: 95 % of errors below [{unit}]", float(np.quantile(errors, 0.95)), most)
    if milliseconds is not None:
        yield at_most(
            f"{rig}: time, one thread, 7 candidates [ms]", float(np.median(result.milliseconds)), milliseconds
        )


def _peers(pieces: Sequence[Piece]) -> Iterator[Line]:
    """The same pictures for all; the peers are told which piece lies there and which face is up."""
    cases = [case for case in _take("everyday", "5 MP wide", 4 * PER_PEER, pieces) if case.truths][:PER_PEER]
    ours = score(cases, pieces)
    millimetres, milliseconds = {"sewcell": _median(ours.millimetres)}, {"sewcell": _median(ours.milliseconds)}
    known = {piece.name: piece for piece in pieces}
    for name, find in PEERS.items():
        errors, times = [], []
        for case in cases:
            truth = case.truths[0]
            outline, flip = known[truth.piece].outline, truth.pose.mirrored
            drawn = outline * (1.0, -1.0) if flip else outline
            began = time.thread_time()
            found = find(case, drawn)
            times.append(1e3 * (time.thread_time() - began))
            pose = PlanarPose(found.x, found.y, found.theta, flip)
            errors.append(_error(pose, truth.pose, outline))
        millimetres[name], milliseconds[name] = _median(errors), _median(times)
    yield compare("median error on the same pictures [mm]", millimetres, 1.0)
    yield compare("time on the same pictures [ms]", milliseconds, 1.0)


def _error(found: PlanarPose, truth: PlanarPose, outline: np.ndarray) -> float:
    """Shift of the centre [mm], or 1000 for an answer turned by more than 20 degrees."""
    if abs(float(wrap_angle(found.theta - truth.theta))) > np.radians(20.0):
        return 1000.0
    return float(1e3 * np.hypot(*(found.apply(outline).mean(axis=0) - truth.apply(outline).mean(axis=0))))


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _take(kind: str, rig: str, count: int, pieces: Sequence[Piece]) -> Iterable[Case]:
    """The pictures of one kind, with a progress bar."""
    return track(
        (make_case(kind, rig, FIRST_JUDGING_SEED + seed, pieces) for seed in range(count)),
        f"{rig}, {kind}",
        total=count,
        console=Console(stderr=True),
        transient=True,
    )


def main() -> None:
    """The command line; ends with status 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description="Measures how well pieces are found.")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument("--full", action="store_true", help=f"{PICTURES_FULL} pictures instead of {PICTURES}")
    parser.add_argument("--pictures", type=int, help="another number of pictures")
    parser.add_argument("--resume", type=Path, help="file that keeps what was counted, to go on after a break")
    options = parser.parse_args()
    count = options.pictures or (PICTURES_FULL if options.full else PICTURES)
    raise SystemExit(0 if report(lines(count, options.resume), options.json) else 1)


if __name__ == "__main__":
    main()
