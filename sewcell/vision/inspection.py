"""A sewn seam judged from a picture: its distance from the edge, its stitches, and whether they keep the tolerance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.units import MM
from sewcell.vision.background import check_exposure, check_size
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.seam_strip import find_edge, straighten
from sewcell.vision.stitch_chain import find_stitches

COARSEST_PIXEL = 0.45 * MM
"""Stitches can be told apart up to this size of a pixel [m]."""
STITCH_TOLERANCE = 0.10
"""The mean stitch length may be off by this share."""

_REACH = 4.0 * MM
_EDGE_REACH = 2.0 * MM
_BESIDE = 1.2 * MM
_BEYOND = 6.0 * MM
_STATION = 0.5 * MM
_EDGE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SeamExpectation:
    """What should have been sewn: `line` (K, 2) [m] in table coordinates, from the first stitch to the last.

    `margin` [m]: distance of the line from the edge, which lies to its left or right; `tolerance` [m]: by how much the
    sewn margin may differ; `stitch_length` [m]; `backtack` [m]: length at both ends where stitches lie on each other
    and are not told apart.
    """

    name: str
    line: Array
    margin: float
    edge_on_left: bool
    tolerance: float
    stitch_length: float
    backtack: float = 0.0


@dataclass(frozen=True, slots=True)
class SeamInspection:
    """What was sewn. Lengths in metres; `along` counts from the planned beginning of the seam.

    `along` (N,), `margin` (N,): distance from the edge, NaN where no edge is seen, `sideways` (N,): distance from the
    planned line towards the edge. `holes` (M,): penetrations along the seam, `skipped` (K,): where one is missing.
    `unsewn` (L, 2): stretches of the planned line without thread. `faults`: what breaks the tolerance, in words.
    """

    expectation: SeamExpectation
    along: Array
    margin: Array
    sideways: Array
    holes: Array
    skipped: Array
    unsewn: Array
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the seam keeps every tolerance."""
        return not self.faults

    @property
    def stitch_length(self) -> float:
        """Mean distance of neighbouring holes between which none is missing [m]."""
        return float(_whole_stitches(self.holes, self.skipped).mean())

    def describe(self) -> str:
        """One sentence: "seam 'hem': 10.1 mm from the edge (9.9 to 10.4, 10.0 +- 1.0 asked for), ...: good"."""
        plan = self.expectation
        verdict = "good" if self.ok else "; ".join(self.faults)
        return (
            f"seam '{plan.name}': {np.nanmean(self.margin) / MM:.2f} mm from the edge "
            f"({np.nanmin(self.margin) / MM:.2f} to {np.nanmax(self.margin) / MM:.2f}, "
            f"{plan.margin / MM:.2f} +- {plan.tolerance / MM:.2f} asked for), "
            f"{len(self.holes)} holes {self.stitch_length / MM:.2f} mm apart, {len(self.skipped)} skipped: {verdict}"
        )

    def to_json(self) -> dict[str, object]:
        """The same for machines, in millimetres; None where no edge is seen."""
        plan = self.expectation
        lengths = _whole_stitches(self.holes, self.skipped)
        return {
            "seam": plan.name,
            "ok": self.ok,
            "faults": list(self.faults),
            "margin_mm": {
                "planned": _round(plan.margin),
                "tolerance": _round(plan.tolerance),
                "mean": _round(float(np.nanmean(self.margin))),
                "least": _round(float(np.nanmin(self.margin))),
                "largest": _round(float(np.nanmax(self.margin))),
                "at": [_round(value) for value in self.along],
                "values": [None if np.isnan(value) else _round(value) for value in self.margin],
            },
            "stitch_mm": {
                "planned": _round(plan.stitch_length),
                "mean": _round(float(lengths.mean())),
                "spread": _round(float(lengths.std())),
            },
            "holes_mm": [_round(value) for value in self.holes],
            "skipped_mm": [_round(value) for value in self.skipped],
            "unsewn_mm": [[_round(begin), _round(end)] for begin, end in self.unsewn],
        }


def inspect_seam(
    image: Image, camera: CameraModel, expectation: SeamExpectation, thickness: float = 0.0
) -> SeamInspection:
    """Look along the planned seam for thread and edge.

    Args: thickness [m]: height of the cloth's upper surface over the table.

    Raises: VisionError when the picture is unusable or too coarse, the seam leaves it, or no thread or no edge is seen.
    """
    check_size(image, camera)
    check_exposure(image.pixels)
    plan = expectation
    span = (-_REACH - _BESIDE, max(plan.margin + _EDGE_REACH, _REACH) + _BESIDE)
    strip = straighten(image, camera, plan.line, plan.edge_on_left, span, _BEYOND, thickness)
    if strip.pixel > COARSEST_PIXEL:
        raise VisionError(
            f"a pixel covers {strip.pixel / MM:.2f} mm of the seam: stitches need {COARSEST_PIXEL / MM:.2f} mm or "
            "less; use a closer camera"
        )
    reach = min(_REACH, plan.margin - 0.5 * MM)
    chain = find_stitches(strip, reach, plan.stitch_length)
    edge = find_edge(strip, plan.margin, min(_EDGE_REACH, plan.margin - 1.0 * MM))
    length = float(np.linalg.norm(np.diff(plan.line, axis=0), axis=1).sum())
    inside = (strip.along >= 0.0) & (strip.along <= length)
    sewn = inside & chain.sewn
    if np.isnan(edge[sewn]).mean() > _EDGE_SHARE:
        raise VisionError(
            f"the edge of the cloth is not seen {plan.margin / MM:.1f} mm beside seam '{plan.name}': check the pose of "
            "the piece, its pattern, and the contrast of cloth and table"
        )
    every = max(1, round(_STATION / strip.step))
    stations = np.flatnonzero(sewn)[::every]
    margin = (edge - chain.sideways)[stations]
    low, high = plan.backtack, length - plan.backtack
    kept = [values[(values >= low - 1.0 * MM) & (values <= high + 1.0 * MM)] for values in (chain.holes, chain.skipped)]
    if len(kept[0]) < 3:
        raise VisionError(f"fewer than three stitches are told apart in seam '{plan.name}': take the picture closer")
    unsewn = _stretches(strip.along, inside & ~chain.sewn, plan.stitch_length)
    faults = _find_faults(plan, strip.along[stations], margin, kept[0], kept[1], unsewn)
    return SeamInspection(
        plan, strip.along[stations], margin, chain.sideways[stations], kept[0], kept[1], unsewn, faults
    )


def _find_faults(
    plan: SeamExpectation, along: Array, margin: Array, holes: Array, skipped: Array, unsewn: Array
) -> tuple[str, ...]:
    faults = []
    off = np.abs(margin - plan.margin)
    worst = int(np.nanargmax(off))
    if off[worst] > plan.tolerance:
        faults.append(f"{margin[worst] / MM:.2f} mm from the edge at {along[worst] / MM:.0f} mm")
    lengths = _whole_stitches(holes, skipped)
    if abs(lengths.mean() / plan.stitch_length - 1.0) > STITCH_TOLERANCE:
        faults.append(f"stitches of {lengths.mean() / MM:.2f} mm instead of {plan.stitch_length / MM:.2f}")
    if len(skipped):
        faults.append("stitch skipped at " + ", ".join(f"{place / MM:.0f}" for place in skipped) + " mm")
    faults += [f"no thread from {begin / MM:.0f} to {end / MM:.0f} mm" for begin, end in unsewn]
    return tuple(faults)


def _whole_stitches(holes: Array, skipped: Array) -> Array:
    """Distances of neighbouring holes between which none is missing."""
    between = np.searchsorted(skipped, holes)
    return np.asarray(np.diff(holes)[np.diff(between) == 0])


def _stretches(along: Array, chosen: NDArray[np.bool_], shortest: float) -> Array:
    """Begin and end (L, 2) [m] of the stretches where `chosen` (S,), if longer than `shortest` [m]."""
    borders = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(int))).reshape(-1, 2)
    pairs = [(along[begin], along[end - 1]) for begin, end in borders]
    return np.array([pair for pair in pairs if pair[1] - pair[0] > shortest], dtype=np.float64).reshape(-1, 2)


def _round(length: float) -> float:
    return round(float(length) / MM, 4)
