"""The commands `sewcell cell ...`: search the best place for the machine of a cell."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from sewcell.apps.cell_reach import map_cell
from sewcell.apps.ground_plan import Layout, draw_layouts
from sewcell.apps.messages import refuse
from sewcell.apps.placement import make_judge, place_cell, read_placement, write_lines
from sewcell.config.layers import Job, load_job
from sewcell.config.values import make_recipe, make_station
from sewcell.errors import ConfigError, MotionError
from sewcell.geometry.poses import Array
from sewcell.process.layout import Judge, Placement, SearchState, search_layout
from sewcell.process.layout_score import LayoutScore, list_way
from sewcell.units import MM

SHIFT = 200 * MM
"""How far the table may be moved along x and along y [m]."""
SHOWN_POSES = 300_000
"""Poses of the reach maps in the picture."""

cell_app = typer.Typer(no_args_is_help=True, help="Lay out a cell.")


@cell_app.callback()
def describe() -> None:
    """Lay out a cell."""


@cell_app.command()
def layout(
    garment: Annotated[Path, typer.Option(help="Garment file whose seams are to be sewn.")],
    cell: Annotated[str | None, typer.Option(help="Cell file or name; default: the garment's.")] = None,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("layout.png"),
    samples: Annotated[int, typer.Option(min=1, help="Placements to look at before the best are improved.")] = 3000,
    move_table: Annotated[bool, typer.Option("--move-table", help="Move the table and its camera as well.")] = False,
) -> None:
    """Search where the machine should stand for a garment's seams: most room for the arm, then the shortest cycle.

    Nothing is written but the picture; the lines for the cell file are printed. Ctrl-C ends the search with the best
    placement so far.
    """
    console = Console(highlight=False)
    try:
        job = load_job(garment, cell)
        judge = make_judge(job)
        state = _search(console, job, judge, samples, move_table)
        if state.best is None:
            raise MotionError(_explain(state))
        _report(console, job, judge, state, out)
    except (ConfigError, MotionError) as error:
        raise refuse(console, error) from error


def _search(console: Console, job: Job, judge: Judge, samples: int, move_table: bool) -> SearchState:
    """The state in which the search ends, or is stopped with Ctrl-C."""
    present = read_placement(job)
    (x0, y0, _), (x1, y1, _) = job.cell.table.slab.from_mm, job.cell.table.slab.to_mm
    shift = SHIFT if move_table else 0.0
    low = x0 * MM, y0 * MM, -np.pi, present.table_x - shift, present.table_y - shift
    high = x1 * MM, y1 * MM, np.pi, present.table_x + shift, present.table_y + shift
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    state = SearchState(0, 1, None, {})
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("nothing feasible yet", total=1)
        try:
            for state in search_layout(judge, present, low, high, samples):
                progress.update(bar, total=state.total, completed=state.done, description=_describe(state))
        except KeyboardInterrupt:
            console.print("stopped: this is the best so far")
    return state


def _describe(state: SearchState) -> str:
    if state.best is None:
        return "nothing feasible yet"
    score = state.best.score
    return f"least room {100 * score.weakest.share:.0f} %, {'cycle' if score.planned else 'moves'} {score.cycle:.2f} s"


def _explain(state: SearchState) -> str:
    """Why no placement was found."""
    often = sorted(state.refusals, key=lambda text: -state.refusals[text])[:3]
    reasons = (
        "; ".join(f"{text} ({state.refusals[text]} times)" for text in often) or "the search was stopped too early"
    )
    return f"none of {state.done} placements is feasible. Most often: {reasons}"


def _report(console: Console, job: Job, judge: Judge, state: SearchState, out: Path) -> None:
    """Present and best placement as a table and as a picture, and the lines for the cell file."""
    assert state.best is not None
    present, best = read_placement(job), state.best
    rows: list[tuple[str, Placement, LayoutScore | None, str]] = []
    try:
        rows.append(("present", present, judge.plan(present), ""))
    except MotionError as error:
        rows.append(("present", present, None, str(error)))
    rows.append(("best", best.placement, best.score, ""))
    table = Table(title=f"{job.garment.name} on {job.cell.name}: {state.done} placements looked at", box=None)
    for heading in ("", "least room", "cycle", "what is scarcest"):
        table.add_column(heading, justify="left" if heading in ("", "what is scarcest") else "right")
    for name, _, score, refusal in rows:
        if score is None:
            table.add_row(name, "none", "-", escape(refusal))
            continue
        cycle = f"{score.cycle:.2f} s" if score.planned else "not planned"
        table.add_row(name, f"{100 * score.weakest.share:.0f} %", cycle, escape(score.weakest.what))
        for margin in score.margins[1:3]:
            table.add_row("", f"{100 * margin.share:.0f} %", "", escape(margin.what), style="dim")
    console.print(table)
    draw_layouts(out, [_make_layout(place_cell(job, placement), name) for name, placement, _, _ in rows])
    console.print(f"picture: {escape(str(out))}", soft_wrap=True)
    console.print(f"for the cell file:\n{escape(write_lines(place_cell(job, best.placement)))}", soft_wrap=True)


def _make_layout(job: Job, name: str) -> Layout:
    station = make_station(job)
    needle = job.cell.machine.needle
    title = f"{name}: needle at {needle.xyz_mm[0]:g}, {needle.xyz_mm[1]:g} mm, feed at {needle.rpy_deg[2]:g} deg"
    way: Array | None = None
    try:
        way = list_way(station, make_recipe(job))
    except MotionError as error:
        title += f"\n{error}"
    return Layout(title, job.cell, map_cell(job.cell, station.arm, MM, True, SHOWN_POSES), way)
