"""Draws the simulated cell at work: python tools/draw_cell.py --at 9.5 --out docs/images/cell.png"""

import argparse
import asyncio
import tempfile
from pathlib import Path

import cv2

from sewcell.apps.run import RunRequest, run_garment
from sewcell.backend import CellPorts
from sewcell.config.layers import Job
from sim.backend import SimBackend
from sim.camera.overview import Overview, look_at

POCKET = Path(__file__).parents[1] / "configs" / "garments" / "shirt-pocket.yaml"


class PhotographedCell(SimBackend):
    """A simulated cell with a photographer who presses the button at given times."""

    def __init__(self, job: Job, seed: int, count: int, pictures: dict[Path, float], overview: Overview) -> None:
        super().__init__(job, seed, count)
        self._pictures = pictures
        self._overview = overview

    async def open(self) -> CellPorts:
        ports = await super().open()
        for path, at in self._pictures.items():
            asyncio.get_running_loop().call_later(at, self._take, path)
        return ports

    def _take(self, path: Path) -> None:
        assert self.cell is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), self._overview.draw(self.cell.world.meshes()))
        print(f"wrote {path}")


def main() -> None:
    """Run one cycle and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", type=float, nargs="+", default=[9.5], help="cell times [s]")
    parser.add_argument("--out", type=Path, nargs="+", default=[Path("docs/images/cell.png")])
    parser.add_argument("--eye", type=float, nargs=3, default=[1.25, 1.05, 0.85], help="where the viewer stands [m]")
    parser.add_argument("--target", type=float, nargs=3, default=[0.36, 0.06, 0.12])
    parser.add_argument("--field-deg", type=float, default=44.0)
    wishes = parser.parse_args()
    view = look_at(wishes.eye, wishes.target, (1280, 720), wishes.field_deg)
    pictures = dict(zip(wishes.out, wishes.at, strict=True))
    overview = Overview(view, fine=True)
    with tempfile.TemporaryDirectory() as folder:
        request = RunRequest(POCKET, seed=wishes.seed, out=Path(folder) / "run", database=f"sqlite:///{folder}/runs.db")
        run_garment(
            request,
            on_step=lambda step: None,
            open_backend=lambda job, seed, count: PhotographedCell(job, seed, count, pictures, overview),
        )


if __name__ == "__main__":
    main()
