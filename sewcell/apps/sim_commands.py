"""The command `sewcell sim`: watch the simulated cell."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from sewcell.apps.messages import refuse
from sewcell.apps.run import RunRequest, run_garment
from sewcell.backend import WindowWish
from sewcell.cell.records import DEFAULT_DATABASE
from sewcell.errors import ConfigError

sim_app = typer.Typer(no_args_is_help=True, help="Watch the simulated cell.")


@sim_app.callback()
def describe() -> None:
    """Watch the simulated cell."""


@sim_app.command()
def view(
    garment: Annotated[Path, typer.Argument(help="Garment file, such as configs/garments/shirt-pocket.yaml.")],
    cell: Annotated[str | None, typer.Option(help="Cell file or name; default: the garment's.")] = None,
    seed: Annotated[int, typer.Option(help="Varies pieces, camera, slip and friction.")] = 1,
    scenario: Annotated[str | None, typer.Option(help="Scenario file or name; default: undisturbed.")] = None,
    imperfections: Annotated[str | None, typer.Option(help="ideal, typical, worn, or a file.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="What goes wrong and when: thread-break@3.2s.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many pieces to sew.")] = 1,
    database: Annotated[str, typer.Option(help="Database of the runs.")] = DEFAULT_DATABASE,
) -> None:
    """Run the simulated cell in real time in PyBullet's window, cloth included. The mouse with Ctrl turns the view."""
    console = Console(highlight=False)
    request = RunRequest(
        garment,
        cell,
        seed=seed,
        scenario=scenario,
        count=count,
        database=database,
        imperfections=imperfections,
        faults=tuple(fault or ()),
        show=WindowWish(),
    )
    try:
        outcome = run_garment(request, on_step=lambda step: console.print(f"  {step.started:7.2f} s  {step.name}"))
    except ConfigError as error:
        raise refuse(console, error) from error
    if outcome.summary["result"] != "ok":
        console.print(f"[bold red]failed[/bold red]: {escape(outcome.summary['reason'])}", soft_wrap=True)
    raise typer.Exit(outcome.exit_code)
