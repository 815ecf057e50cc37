"""What all `sewcell calibrate` commands share: the job, the target file, collecting views, telling the outcome."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sewcell.apps.calibrate_shots import LiveWish, Shot, read_folder, show_progress, take_live
from sewcell.apps.messages import refuse
from sewcell.config.base import Model
from sewcell.config.calibration_files import FOLDER, check_free, write_calibration
from sewcell.config.layers import Job, load_job
from sewcell.config.messages import show_path
from sewcell.errors import SewcellError, VisionError
from sewcell.geometry.board_pattern import BoardPattern
from sewcell.hands import Task
from sewcell.vision.boards import BoardView, find_board
from sewcell.vision.calibration_checks import show_same

Row = tuple[str, str]
"""What is stated, and its value in words."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures and postures come from: a folder, or the cell of `garment` behind a backend."""

    pictures: Path | None
    garment: Path
    cell: str | None
    backend: str
    seed: int
    count: int
    keep: Path | None

    def load_job(self) -> Job:
        """The job of the garment. Raises: ConfigError."""
        return load_job(self.garment, self.cell)

    def take(
        self,
        make_task: Callable[[int], Task],
        use: Callable[[Shot], None],
        console: Console,
        with_picture: bool = True,
        with_joints: bool = False,
    ) -> None:
        """Hand every shot to `use`; those that it refuses by VisionError are told and left out."""
        if self.pictures is None:
            wish = LiveWish(self.count, make_task, use, with_picture, with_joints, self.keep)
            take_live(self.load_job(), self.backend, self.seed, wish, console)
            return
        for shot in read_folder(self.pictures, with_joints):
            try:
                use(shot)
            except VisionError as refusal:
                console.print(f"[yellow]not used[/yellow]: {escape(str(refusal))}", soft_wrap=True)

    def collect_views(
        self,
        board: BoardPattern,
        make_task: Callable[[int, int], Task],
        console: Console,
        with_joints: bool = False,
    ) -> list[tuple[BoardView, Shot]]:
        """Views of a board with their shots. `make_task` takes the number of the try and the views so far."""
        found: list[tuple[BoardView, Shot]] = []

        def use(shot: Shot) -> None:
            assert shot.pixels is not None
            view = find_board(shot.name, shot.pixels, board)
            for earlier, _ in found:
                if self.pictures is None and show_same(view, earlier):
                    raise VisionError(f"{view.name}: the board has not moved since {earlier.name}")
            found.append((view, shot))

        self.take(lambda number: make_task(number, len(found)), use, console, with_joints=with_joints)
        return found


@contextmanager
def tell(as_json: bool) -> Iterator[Console]:
    """A console; errors become one sentence there, with exit 2 for what was given and is no good, 1 for the rest."""
    console = Console(stderr=as_json, highlight=False)
    try:
        yield console
    except VisionError as error:
        refuse(console, error)
        raise typer.Exit(2) from error
    except SewcellError as error:
        raise refuse(console, error) from error
    except KeyboardInterrupt as stop:
        console.print("stopped; nothing was written")
        raise typer.Exit(1) from stop


@contextmanager
def show_fits(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for the fits of a calibration."""
    with show_progress(console) as progress:
        bar = progress.add_task("fits", total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def choose_target(out: Path | None, name: str, kind: str, force: bool) -> Path:
    """The file to write: `out`, or `configs/calibration/NAME-KIND.yaml`. Raises: ConfigError when it is not free."""
    target = out or FOLDER / f"{name}-{kind}.yaml"
    check_free(target, force)
    return target


def finish(
    console: Console,
    as_json: bool,
    command: str,
    rows: Sequence[Row],
    target: Path,
    values: dict[str, Any],
    model: type[Model],
    summary: dict[str, Any],
) -> None:
    """Write the file with the rows as its comments, show them, and print the line for machines."""
    write_calibration(target, command, [tell_time(), *(f"{label}: {text}" for label, text in rows)], values, model)
    show_rows(console, f"calibrate {command}", rows)
    console.print(f"written: {escape(show_path(target))}", soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps({**summary, "file": str(target)}) + "\n")


def tell_time() -> str:
    """Date and time of the wall clock."""
    return datetime.now().astimezone().isoformat(timespec="minutes")


def show_rows(console: Console, title: str, rows: Sequence[Row]) -> None:
    """What was found, and how accurate it is to be expected."""
    table = Table(title=title, show_header=False)
    for label, text in rows:
        table.add_row(escape(label), escape(text))
    console.print(table)
