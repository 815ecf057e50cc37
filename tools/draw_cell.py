"""Draws the simulated cell at work: python tools/draw_cell.py [--strip docs/images/cycle.png]

One cycle is run, and the picture is taken some seconds after a step has ended, or after the start.
"""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.apps.run import RunRequest, run_garment
from sewcell.backend import CellPorts
from sewcell.config.layers import Job
from sewcell.process.worklog import StepTime
from sim.backend import SimBackend
from sim.camera.overview import Overview, look_at

ROOT = Path(__file__).parents[1]
POCKET = ROOT / "configs" / "garments" / "shirt-pocket.yaml"
PANEL_PX = (448, 448)
GAP_PX = 8
START = ""
"""Stands for the start of the cell among the names of steps."""

Pixels = NDArray[np.uint8]


@dataclass(slots=True)
class Shot:
    """A picture `delay` [s] after the end of step `after`. `eye`, `target` [m] in base."""

    after: str
    delay: float
    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    field_deg: float
    size_px: tuple[int, int] = (1280, 720)
    name: str = ""
    pixels: Pixels | None = field(default=None, init=False)


def make_strip() -> list[Shot]:
    """Four moments of the cycle."""
    return [
        Shot("present", 0.3, (0.48, -0.85, 1.05), (0.20, 0.14, 0.24), 48.0, PANEL_PX, "look"),
        Shot("plan", 1.40, (0.80, 0.85, 0.42), (0.36, 0.36, 0.10), 34.0, PANEL_PX, "pick"),
        Shot("lift", 0.55, (0.75, -0.75, 0.45), (0.52, 0.10, 0.20), 40.0, PANEL_PX, "carry"),
        Shot("foot down", 4.2, (0.53, -0.30, 0.27), (0.665, 0.01, 0.045), 38.0, PANEL_PX, "sew"),
    ]


class PhotographedCell(SimBackend):
    """A simulated cell with a photographer who presses the button at given times."""

    def __init__(self, job: Job, seed: int, count: int, shots: list[Shot]) -> None:
        super().__init__(job, seed, count)
        self._shots = shots

    async def open(self) -> CellPorts:
        ports = await super().open()
        self.watch(START)
        return ports

    def watch(self, ended: str) -> None:
        """A step has ended: the pictures that belong to it will follow."""
        for shot in self._shots:
            if shot.after == ended:
                asyncio.get_running_loop().call_later(shot.delay, self._take, shot)

    def _take(self, shot: Shot) -> None:
        if self.cell is not None:
            view = look_at(shot.eye, shot.target, shot.size_px, shot.field_deg)
            shot.pixels = Overview(view, fine=True).draw(self.cell.world.meshes())


def photograph(shots: list[Shot], seed: int) -> None:
    """Run one cycle and take the pictures."""
    cells: list[PhotographedCell] = []

    def open_backend(job: Job, seed: int, count: int) -> PhotographedCell:
        cells.append(PhotographedCell(job, seed, count, shots))
        return cells[-1]

    def on_step(step: StepTime) -> None:
        cells[-1].watch(step.name)

    with tempfile.TemporaryDirectory() as folder:
        request = RunRequest(POCKET, seed=seed, out=Path(folder) / "run", database=f"sqlite:///{folder}/runs.db")
        run_garment(request, on_step, open_backend)
    for shot in shots:
        if shot.pixels is None:
            raise SystemExit(
                f"the cycle ended before the picture at '{shot.after}+{shot.delay:g}': choose an earlier time"
            )


def join_panels(shots: list[Shot]) -> Pixels:
    """The pictures side by side, each with its number and name."""
    panels = []
    for number, shot in enumerate(shots, start=1):
        panel = np.array(shot.pixels)
        for colour, width in (((30, 30, 30), 5), ((255, 255, 255), 2)):
            cv2.putText(
                panel, f"{number}  {shot.name}", (16, 428), cv2.FONT_HERSHEY_DUPLEX, 1.0, colour, width, cv2.LINE_AA
            )
        panels += [panel, np.full((panel.shape[0], GAP_PX, 3), 255, dtype=np.uint8)]
    return np.hstack(panels[:-1])


def write(path: Path, pixels: Pixels) -> None:
    """Write a PNG, as small as that format can."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB")


def parse_moment(text: str) -> tuple[str, float]:
    """'foot down+4.2': step and seconds after its end; '9.5': seconds after the start."""
    step, _, seconds = text.rpartition("+")
    return step, float(seconds)


def main() -> None:
    """Take the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--at", nargs="+", default=["foot down+4.2"], help="STEP+SECONDS after its end, or cell times [s]"
    )
    parser.add_argument("--out", type=Path, nargs="+", default=[ROOT / "docs" / "images" / "cell.png"])
    parser.add_argument("--eye", type=float, nargs=3, default=[0.18, -1.30, 0.88], help="where the viewer stands [m]")
    parser.add_argument("--target", type=float, nargs=3, default=[0.42, 0.0, 0.265])
    parser.add_argument("--field-deg", type=float, default=46.0)
    parser.add_argument("--strip", type=Path, help="also write the strip of four moments")
    wishes = parser.parse_args()
    if len(wishes.at) != len(wishes.out):
        parser.error("give as many times as files")
    shots = [Shot(*parse_moment(at), wishes.eye, wishes.target, wishes.field_deg) for at in wishes.at]
    panels = make_strip() if wishes.strip else []
    photograph([*shots, *panels], wishes.seed)
    for path, shot in zip(wishes.out, shots, strict=True):
        write(path, np.asarray(shot.pixels))
    if wishes.strip:
        write(wishes.strip, join_panels(panels))


if __name__ == "__main__":
    main()
