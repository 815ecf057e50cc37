"""How exactly and fast the edge at the needle is tracked, against the strongest gradient; lines for the vision page."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from benchmarks.harness import Line, at_most, main, measure_interleaved
from sewcell.image import Image
from sewcell.units import MM
from sewcell.vision.edge_tracker import EdgeSighting, EdgeTracker, learn_plate
from sim.camera.fabric_patterns import FABRICS
from sim.camera.needle_suite import AHEAD, H_NEEDLE_PX, find_truth, random_edge, random_scene
from sim.camera.needle_view import NeedleScene, draw_needle_view

PICTURES = 100
LIMITS_MM = {"plain": 0.05, "print": 0.15, "stripes": 0.15}
TIME_LIMIT_MS = 1.0


def build_lines() -> Iterator[Line]:
    """Errors at the needle and 20, 30 and 40 mm before it (p95 of all), lost edges, and the time of a picture."""
    bare = [_look(draw_needle_view(None, NeedleScene(), seed)) for seed in range(4)]
    tracker = EdgeTracker(learn_plate(bare, H_NEEDLE_PX, "bottom"))
    lost = 0
    for number, fabric in enumerate(FABRICS):
        rng = np.random.default_rng(100 + number)
        ours, peer = [], []
        for seed in range(PICTURES):
            edge, scene = random_edge(rng), random_scene(fabric, rng)
            image, truth = _look(draw_needle_view(edge, scene, seed)), find_truth(edge)[:, 0]
            sighting = tracker.find(image)
            lost += not sighting.found
            ours.append(_error(sighting, truth))
            peer.append(np.abs(find_steepest(image) - truth))
        limit = LIMITS_MM[fabric]
        yield at_most(f"edge at the needle, {fabric}: p95 mm", _p95(ours), limit, {"gradient peak": _p95(peer)})
    yield at_most(f"edge at the needle: pictures of {len(FABRICS) * PICTURES} in which it is lost", lost, 0)
    seconds = measure_interleaved({"sewcell": _call(tracker, image), "gradient peak": lambda: find_steepest(image)})
    peers = {"gradient peak": seconds["gradient peak"] * 1e3}
    yield at_most("edge at the needle: ms a picture", seconds["sewcell"] * 1e3, TIME_LIMIT_MS, peers)


def find_steepest(image: Image) -> np.ndarray:
    """The usual way: in every column the strongest gradient of brightness, a parabola through them without the
    farthest. Returns: offsets (4,) [m] at AHEAD."""
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_BGR2GRAY)
    gradient = np.abs(cv2.Sobel(cv2.GaussianBlur(grey, (0, 0), 1.0), cv2.CV_32F, 0, 1))[2:-2]
    row = gradient.argmax(axis=0)
    column = np.arange(gradient.shape[1])
    inner = np.clip(row, 1, len(gradient) - 2)
    before, here, after = (gradient[inner + shift, column] for shift in (-1, 0, 1))
    bend = before - 2.0 * here + after
    part = np.divide(0.5 * (before - after), bend, out=np.zeros_like(bend), where=bend < 0.0)
    points = np.column_stack((column, inner + 2 + part, np.ones(len(column)))) @ H_NEEDLE_PX.T
    x, y = points[:, 0], points[:, 1]
    fit = np.polyfit(x, y, 2)
    for _ in range(3):
        off = np.abs(y - np.polyval(fit, x))
        fit = np.polyfit(x, y, 2, w=(off <= max(2.5 * np.median(off), 0.05 * MM)).astype(float))
    return np.polyval(fit, -np.array(AHEAD))


def _look(pixels: np.ndarray) -> Image:
    return Image(pixels, "needle", 0.0)


def _error(sighting: EdgeSighting, truth: np.ndarray) -> np.ndarray:
    return np.abs(sighting.offset - truth) if sighting.found else np.full(len(truth), np.inf)


def _p95(errors: list[np.ndarray]) -> float:
    return float(np.percentile(np.array(errors), 95) / MM)


def _call(tracker: EdgeTracker, image: Image) -> Callable[[], EdgeSighting]:
    return lambda: tracker.find(image)


if __name__ == "__main__":
    main(build_lines)
