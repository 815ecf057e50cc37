"""The pictures of the run report: overhead view, seam, deviations, timeline."""

import base64
from io import BytesIO

import cv2
import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sewcell.apps.evaluate import SeamQuality
from sewcell.pattern.piece import Piece
from sewcell.process.worklog import SewnSeam, StepTime
from sewcell.units import MM

FABRIC, LINE, STITCH, BAD = "#dfe7f2", "#1f3b73", "#c2452d", "#b00020"
PICTURE_WIDTH_PX = 960


def encode_picture(pixels: NDArray[np.uint8]) -> str:
    """A picture (H, W, 3) blue-green-red as a JPEG data address for a page, scaled to the width of the page."""
    height, width = pixels.shape[:2]
    scale = min(1.0, PICTURE_WIDTH_PX / width)
    small = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def draw_seam(piece: Piece, seam: SewnSeam, quality: SeamQuality | None) -> str:
    """The piece with its planned seam and the true needle points, as an SVG text."""
    figure = Figure(figsize=(5.0, 5.0), layout="constrained")
    axes = figure.add_subplot()
    closed = np.vstack([piece.outline, piece.outline[:1]]) / MM
    axes.fill(*closed.T, facecolor=FABRIC, edgecolor=LINE, linewidth=1.0)
    axes.plot(*(seam.line / MM).T, color=LINE, linewidth=1.0, linestyle="--", label="planned")
    if quality is not None:
        axes.plot(*(quality.points / MM).T, ".", color=STITCH, markersize=3, label="needle points")
    axes.set_aspect("equal")
    axes.set_xlabel("x [mm]")
    axes.set_ylabel("y [mm]")
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.12), ncols=2, frameon=False)
    return _to_svg(figure)


def draw_deviations(seam: SewnSeam, quality: SeamQuality) -> str:
    """Signed distance of each needle point from the planned line over the length of the seam, as an SVG text."""
    figure = Figure(figsize=(8.0, 2.6), layout="constrained")
    axes = figure.add_subplot()
    limit = seam.tolerance / MM
    axes.axhspan(-limit, limit, color=FABRIC)
    axes.axhline(0.0, color=LINE, linewidth=0.8, linestyle="--")
    axes.plot(quality.along / MM, quality.deviations / MM, "-o", color=STITCH, markersize=2.5, linewidth=0.6)
    axes.set_xlabel("along the seam [mm]")
    axes.set_ylabel("deviation [mm]")
    axes.set_title(f"{seam.name}: tolerance ±{limit:g} mm", fontsize=9)
    return _to_svg(figure)


def draw_timeline(steps: list[StepTime], alarms: list[tuple[float, str]]) -> str:
    """The steps as bars over cell time, alarms as marks, as an SVG text."""
    figure = Figure(figsize=(8.0, 0.26 * max(len(steps), 4) + 0.8), layout="constrained")
    axes: Axes = figure.add_subplot()
    for row, step in enumerate(steps):
        axes.barh(row, step.seconds, left=step.started, color=LINE, height=0.6)
        axes.text(step.started + step.seconds, row, f" {step.seconds:.1f} s", va="center", fontsize=7)
    for time, _ in alarms:
        axes.axvline(time, color=BAD, linewidth=1.0)
    axes.set_yticks(range(len(steps)), [f"{step.name}" for step in steps], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.08)
    axes.set_xlabel("cell time [s]")
    return _to_svg(figure)


def _to_svg(figure: Figure) -> str:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    page = BytesIO()
    figure.savefig(page, format="svg")
    text = page.getvalue().decode()
    return text[text.index("<svg") :]
