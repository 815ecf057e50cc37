"""What all `sewcell calibrate` commands share: their options, the job, collecting views, telling the outcome."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sewcell.apps.calibrate_options import (
    BackendOption,
    CellOption,
    ForceOption,
    GarmentOption,
    ImperfectionsOption,
    JsonOption,
    KeepOption,
    OutOption,
    PicturesOption,
    PortsOption,
    SeedOption,
)
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
class Session:
    """One calibration: its fields are the options that the commands share."""

    pictures: PicturesOption = None
    garment: GarmentOption = Path("configs/garments/shirt-pocket.yaml")
    cell: CellOption = None
    backend: BackendOption = "sim"
    ports: PortsOption = None
    seed: SeedOption = 1
    imperfections: ImperfectionsOption = None
    keep: KeepOption = None
    out: OutOption = None
    force: ForceOption = False
    as_json: JsonOption = False

    @contextmanager
    def tell(self) -> Iterator[Console]:
        """A console; errors become one sentence there, with exit 2 for what was given and is no good, else 1."""
        console = Console(stderr=self.as_json, highlight=False)
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

    def load_job(self) -> Job:
        """The job of the garment. Raises: ConfigError."""
        return load_job(self.garment, self.cell, ports=self.ports, imperfections=self.imperfections)

    def choose_target(self, name: str, kind: str) -> Path:
        """The file to write: `out`, or `configs/calibration/NAME-KIND.yaml`. Raises: ConfigError when not free."""
        target = self.out or FOLDER / f"{name}-{kind}.yaml"
        check_free(target, self.force)
        return target

    def take(
        self,
        count: int,
        make_task: Callable[[int], Task],
        use: Callable[[Shot], None],
        console: Console,
        with_picture: bool = True,
        with_joints: bool = False,
    ) -> None:
        """Hand every shot, `count` of them when they are taken now, to `use`; those that it refuses by VisionError are
        told and left out."""
        if self.pictures is None:
            wish = LiveWish(count, make_task, use, with_picture, with_joints, self.keep)
            take_live(self.load_job(), self.backend, self.seed, wish, console)
            return
        for shot in read_folder(self.pictures, with_joints):
            try:
                use(shot)
            except VisionError as refusal:
                console.print(f"[yellow]not used[/yellow]: {escape(str(refusal))}", soft_wrap=True)

    def collect_views(
        self,
        count: int,
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

        self.take(count, lambda number: make_task(number, len(found)), use, console, with_joints=with_joints)
        return found

    def finish(
        self,
        console: Console,
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
        if self.as_json:
            sys.stdout.write(json.dumps({**summary, "file": str(target)}) + "\n")


def with_session(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a command out of a function of a Session: the session's fields, but those `without`, become options of the
    command after its own."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = list(signature(command).parameters.values())[1:]
        shared = [
            Parameter(item.name, Parameter.KEYWORD_ONLY, default=item.default, annotation=item.type)
            for item in fields(Session)
            if item.name not in without
        ]

        @wraps(command)
        def run(**values: Any) -> None:
            command(Session(**{item.name: values.pop(item.name) for item in shared}), **values)

        asked = [item.replace(kind=Parameter.KEYWORD_ONLY) for item in own] + shared
        run.__signature__ = Signature(asked)  # type: ignore[attr-defined]
        run.__annotations__ = {item.name: item.annotation for item in asked}
        return run

    return decorate


@contextmanager
def show_fits(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for the fits of a calibration."""
    with show_progress(console) as progress:
        bar = progress.add_task("fits", total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def tell_time() -> str:
    """Date and time of the wall clock."""
    return datetime.now().astimezone().isoformat(timespec="minutes")


def show_rows(console: Console, title: str, rows: Sequence[Row]) -> None:
    """What was found, and how accurate it is to be expected."""
    table = Table(title=title, show_header=False)
    for label, text in rows:
        table.add_row(escape(label), escape(text))
    console.print(table)
