"""`python -m sim`: the command line of the simulation."""

import asyncio
import signal
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sewcell.backend import Witness
from sewcell.config.layers import Job, load_job
from sewcell.drivers.transport.urgency import hurry
from sewcell.errors import SewcellError
from sim.byte_faults import Faults, parse_faults
from sim.clock import SimLoop
from sim.serve.cell import PORTS_FILE, Offer, Places, serve_cell
from sim.serve.truth_file import write_truth

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def describe() -> None:
    """The simulated sewing cell, for programs outside of it."""


@app.command()
def serve(
    garment: Annotated[str, typer.Argument(help="Garment file or name: what its loader brings.")] = "shirt-pocket",
    pty: Annotated[Path | None, typer.Option(help="Folder for the pseudo-terminals `arm` and `field_bus`.")] = None,
    tcp: Annotated[
        int | None, typer.Option(min=1, max=65533, help="TCP port of the arm; field bus and camera have the next two.")
    ] = None,
    address: Annotated[str, typer.Option(help="Network address for TCP.")] = "127.0.0.1",
    cell: Annotated[str | None, typer.Option(help="Cell file or name; default: the garment's.")] = None,
    seed: Annotated[int, typer.Option(help="Varies pieces, camera, slip and friction.")] = 1,
    scenario: Annotated[str | None, typer.Option(help="Scenario file or name; default: undisturbed.")] = None,
    imperfections: Annotated[str | None, typer.Option(help="File or name; default: the scenario's.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many pieces the loader has.")] = 1,
    plies_left: Annotated[int | None, typer.Option(help="Plies of its first stack; default: a full one.")] = None,
    line_faults: Annotated[
        str, typer.Option(help="What both lines do to bytes, such as drop=1e-4,flip=1e-4,duplicate=1e-5,delay=1e-4.")
    ] = "",
    truth: Annotated[Path | None, typer.Option(help="File for what really happened, written at the end.")] = None,
) -> None:
    """Serve the controllers and the camera of a simulated cell in wall time, until Ctrl-C."""
    console = Console(highlight=False)
    if pty is None and tcp is None:
        console.print("[bold red]failed[/bold red]: say where to serve: --pty DIR, --tcp PORT, or both")
        raise typer.Exit(2)
    try:
        job = load_job(garment, cell, scenario, imperfections=imperfections, plies_left=plies_left)
        faults = parse_faults(line_faults)
        console.print("the cell is being built ...", style="dim")
        places = Places(pty, tcp, address)
        with asyncio.Runner(loop_factory=partial(SimLoop, 1.0)) as runner:
            witness = runner.run(_serve(console, job, seed, count, places, faults))
        if truth is not None:
            write_truth(truth, job.garment.name, seed, job.scenario.name, witness)
    except SewcellError as error:
        console.print(f"[bold red]failed[/bold red]: {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(error.exit_code) from error
    console.print("stopped" if truth is None else f"stopped; truth: {escape(str(truth))}", soft_wrap=True)


async def _serve(console: Console, job: Job, seed: int, count: int, places: Places, faults: Faults) -> Witness:
    hurry()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await serve_cell(job, seed, count, places, stop, partial(_announce, console, places), faults)


def _announce(console: Console, places: Places, offers: list[Offer]) -> None:
    table = Table(box=None)
    for heading in ("line", "what answers", "where", "settings"):
        table.add_column(heading, overflow="fold")
    for offer in offers:
        table.add_row(offer.name, escape(offer.what), escape("\n".join(offer.urls)), offer.settings)
    console.print(table)
    if places.folder is not None:
        console.print(f"ports file: {escape(str(places.folder / PORTS_FILE))}", soft_wrap=True)
    console.print("Ctrl-C stops.")


if __name__ == "__main__":
    app()
