"""The command line of sewcell."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sewcell.apps.arm_commands import arm_app
from sewcell.apps.calibrate_commands import calibrate_app
from sewcell.apps.cell_commands import cell_app
from sewcell.apps.doctor import doctor
from sewcell.apps.garment_commands import garment_app
from sewcell.apps.messages import refuse
from sewcell.apps.run import RunOutcome, RunRequest, run_garment
from sewcell.apps.sim_commands import sim_app
from sewcell.apps.vision_commands import vision_app
from sewcell.backend import FilmWish
from sewcell.cell.records import DEFAULT_DATABASE
from sewcell.config.fault_names import FAULT_TEXTS
from sewcell.drivers.protocols.grbl_texts import LANGUAGE_VARIABLE, LANGUAGES
from sewcell.errors import ConfigError
from sewcell.process.worklog import StepTime

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(arm_app, name="arm")
app.add_typer(cell_app, name="cell")
app.add_typer(calibrate_app, name="calibrate")
app.add_typer(garment_app, name="garment")
app.add_typer(sim_app, name="sim")
app.add_typer(vision_app, name="vision")
app.command()(doctor)


@app.callback()
def describe(
    language: Annotated[
        str, typer.Option(envvar=LANGUAGE_VARIABLE, help=f"Of the arm's alarms: {' or '.join(LANGUAGES)}.")
    ] = LANGUAGES[0],
) -> None:
    """Control software of a robotic sewing cell."""
    os.environ[LANGUAGE_VARIABLE] = language


def _list_faults_if_asked(faults: list[str] | None) -> list[str] | None:
    """`--fault list` needs nothing else."""
    if faults is None or "list" not in faults:
        return faults
    table = Table(title="Faults of the simulated cell: --fault NAME@TIME")
    for heading in ("name", "what happens", "what the cell answers"):
        table.add_column(heading, overflow="fold")
    for name, text in FAULT_TEXTS.items():
        table.add_row(name, text.happens, text.answer)
    Console(highlight=False).print(table)
    raise typer.Exit


@app.command()
def run(
    garment: Annotated[Path, typer.Argument(help="Garment file, such as configs/garments/shirt-pocket.yaml.")],
    cell: Annotated[str | None, typer.Option(help="Cell file or name; default: the garment's.")] = None,
    backend: Annotated[str, typer.Option(help="'sim' for the simulated cell, 'serial' for the hardware.")] = "sim",
    ports: Annotated[
        str | None, typer.Option(help="Ports file or name for --backend serial; default: the cell's ports.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Varies pieces, camera, slip and friction of the simulated cell.")] = 1,
    scenario: Annotated[str | None, typer.Option(help="Scenario file or name; default: undisturbed.")] = None,
    imperfections: Annotated[
        str | None, typer.Option(help="How imperfect the simulated cell is: ideal, typical, worn, or a file.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="What goes wrong and when: thread-break@3.2s; may be repeated; 'list' lists them.",
            callback=_list_faults_if_asked,
            is_eager=True,
        ),
    ] = None,
    video: Annotated[Path | None, typer.Option(help="Film the simulated cell into this MP4 file.")] = None,
    video_from: Annotated[
        str, typer.Option(help="Side that it is filmed from: front, left, right, back, top, needle.")
    ] = "front",
    count: Annotated[int, typer.Option(min=1, help="How many pieces to sew.")] = 1,
    plies_left: Annotated[
        int | None, typer.Option(help="Plies left of the first stack, where the loader brings stacks; default: full.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report and the recording.")] = None,
    database: Annotated[str, typer.Option(help="Database of the runs.")] = DEFAULT_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> None:
    """Sew a garment's pieces: look, plan, pick, carry, sew, put down, look again, inspect the seam."""
    console = Console(stderr=as_json, highlight=False)
    request = RunRequest(
        garment,
        cell,
        backend,
        seed,
        scenario,
        count,
        out,
        database,
        ports,
        imperfections,
        tuple(fault or ()),
        plies_left,
        None if video is None else FilmWish(video, video_from),
    )
    try:
        outcome = run_garment(request, on_step=lambda step: _print_step(console, step))
    except ConfigError as error:
        raise refuse(console, error) from error
    _print_outcome(console, outcome)
    if video is not None and video.exists():
        console.print(f"video: {escape(str(video))}", soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(outcome.summary) + "\n")
    raise typer.Exit(outcome.exit_code)


def _print_step(console: Console, step: StepTime) -> None:
    told = f"  {escape(step.told)}" if step.told else ""
    console.print(f"  [dim]{step.started:7.2f} s[/dim]  {step.name:<22}{step.seconds:6.2f} s{told}")


def _print_outcome(console: Console, outcome: RunOutcome) -> None:
    summary = outcome.summary
    if summary["result"] != "ok":
        console.print(f"[bold red]failed[/bold red]: {escape(summary['reason'])}", soft_wrap=True)
    if summary["pieces"]:
        console.print(_make_table(outcome))
    for number, piece in enumerate(summary["pieces"], start=1):
        for flag in piece["flags"]:
            text = f"piece {number}, {piece['piece']}: {flag}"
            console.print(f"[bold yellow]flagged[/bold yellow]: {escape(text)}", soft_wrap=True)
    if summary["plies_left"] is not None:
        console.print(f"plies left of the stack: {summary['plies_left']}")
    if outcome.report is not None:
        console.print(f"report: {escape(str(outcome.report))}", soft_wrap=True)


def _make_table(outcome: RunOutcome) -> Table:
    summary = outcome.summary
    table = Table(
        title=f"{summary['garment']}: {summary['cycle_s']:.1f} s a piece, {summary['realtime_factor']:.1f}x real time"
    )
    for heading in ("piece", "pose error", "seam", "stitches", "length", "rms", "largest", "as seen"):
        table.add_column(heading, justify="left" if heading in ("piece", "seam", "as seen") else "right")
    for piece in summary["pieces"]:
        pose = "not known" if piece["pose_error_mm"] is None else f"{piece['pose_error_mm']:.2f} mm"
        for seam in piece["seams"] or [None]:
            if seam is None:
                table.add_row(piece["piece"], pose, "not sewn")
                continue
            table.add_row(
                piece["piece"],
                pose,
                seam["name"],
                str(seam["stitches"]),
                f"{seam['length_mm']:.1f} mm",
                _millimetres(seam["rms_mm"]),
                _millimetres(seam["max_mm"]),
                {True: "good", False: "faulty", None: "not judged"}[seam["good"]],
            )
    return table


def _millimetres(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2f} mm"
