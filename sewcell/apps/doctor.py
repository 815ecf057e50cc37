"""The command `sewcell doctor`: looks at everything that a run needs, one line each with what to do."""

import asyncio
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sewcell.apps.doctor_host import (
    examine_calibration,
    examine_camera,
    examine_clock,
    examine_disk,
    examine_priority,
    examine_software,
)
from sewcell.apps.doctor_lines import Finding, examine_lines
from sewcell.config.layers import Job, load_job
from sewcell.errors import ConfigError

RUNS = Path("runs")
COLOURS = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def doctor(
    garment: Annotated[str, typer.Argument(help="Garment file or name.")] = "shirt-pocket",
    cell: Annotated[str | None, typer.Option(help="Cell file or name; default: the garment's.")] = None,
    ports: Annotated[str | None, typer.Option(help="Ports file or name; default: the cell's ports.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Look at ports, devices, camera, disk, clock, calibration; nothing moves. Exit code 1 when something is faulty."""
    findings = asyncio.run(examine(garment, cell, ports))
    healthy = all(finding.state != "fault" for finding in findings)
    if as_json:
        sys.stdout.write(json.dumps({"ok": healthy, "findings": [asdict(finding) for finding in findings]}) + "\n")
    else:
        Console(highlight=False).print(_make_table(findings))
    raise typer.Exit(0 if healthy else 1)


async def examine(garment: str, cell: str | None, ports: str | None) -> list[Finding]:
    """Everything that can be looked at; without a readable configuration that is only the computer."""
    now = datetime.now()
    host = [examine_software(), examine_priority(), examine_disk(RUNS)]
    try:
        job: Job = load_job(garment, cell, ports=ports)
    except ConfigError as error:
        return [Finding("configuration", "fault", str(error), "correct it first"), *host]
    configuration = Finding("configuration", "ok", f"{job.garment.name} on {job.cell.name}, {len(job.files)} files")
    lines = await examine_lines(job.cell.ports)
    camera = await examine_camera(job)
    return [configuration, *lines, camera, examine_calibration(job, now), *host, examine_clock(job, now)]


def _make_table(findings: list[Finding]) -> Table:
    table = Table(box=None)
    for heading in ("", "state", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        state = f"[{COLOURS[finding.state]}]{finding.state}[/]"
        table.add_row(escape(finding.name), state, escape(finding.found), escape(finding.action))
    return table
