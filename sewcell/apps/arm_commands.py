"""The commands `sewcell arm ...`: ask an arm for its postures, draw where it reaches, home and jog it."""

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sewcell.apps.arm_motion import home, jog
from sewcell.apps.cell_reach import map_cell
from sewcell.apps.ground_plan import draw_reach
from sewcell.apps.messages import refuse
from sewcell.config.arms import load_arm, to_arm_model
from sewcell.config.layers import load_cell
from sewcell.errors import ConfigError
from sewcell.geometry.poses import make_pose
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.branches import Branch, BranchList, list_branches
from sewcell.units import DEG, MM

arm_app = typer.Typer(no_args_is_help=True, help="Ask an arm for postures and reach; home and jog it.")
arm_app.command()(home)
arm_app.command()(jog)


@arm_app.command()
def ik(
    xyz: Annotated[tuple[float, float, float], typer.Option(help="Place of the flange in base, in metres.")],
    rpy: Annotated[
        tuple[float, float, float],
        typer.Option(help="Roll, pitch, yaw of the flange about the fixed x, y, z, in degrees."),
    ] = (180.0, 0.0, 0.0),
    arm: Annotated[str, typer.Option(help="Name of an arm in configs/arms, or a file.")] = "kr6_r700",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Every posture that brings the flange to a pose: which keep the joint limits, and why the others do not."""
    console = Console(stderr=as_json, highlight=False)
    try:
        if not np.isfinite([*xyz, *rpy]).all():
            raise ConfigError("--xyz and --rpy must be six finite numbers: metres, then degrees")
        chosen = load_arm(arm)
    except ConfigError as error:
        raise refuse(console, error) from error
    roll, pitch, yaw = np.array(rpy) * DEG
    found = list_branches(chosen, make_pose(xyz, (roll, pitch, yaw)))
    if as_json:
        sys.stdout.write(json.dumps(_describe(chosen, xyz, rpy, found)) + "\n")
    else:
        _print(console, chosen, found)
    raise typer.Exit(0 if any(branch.is_inside for branch in found.branches) else 1)


@arm_app.command()
def reach(
    cell: Annotated[str, typer.Option(help="Cell file or name.")] = "bench",
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("reach.png"),
    height_mm: Annotated[float, typer.Option(help="Of the pin face over the table.")] = 1.0,
    collision: Annotated[bool, typer.Option(help="Count only what keeps clear of table, machine and arm.")] = True,
    poses: Annotated[int, typer.Option(min=1000, help="How many poses to look at.")] = 1_000_000,
) -> None:
    """Draw where the tool can work on the table and on the bed: the share of its yaws that are reached."""
    console = Console(highlight=False)
    try:
        setup = load_cell(cell)
        console.print(f"looking at {poses} poses of the tool, {height_mm:g} mm over the table of {setup.cell.name}")
        found = map_cell(setup.cell, Arm(to_arm_model(setup.arm, setup.arm_file)), height_mm * MM, collision, poses)
        draw_reach(out, setup.cell, found, height_mm * MM)
    except ConfigError as error:
        raise refuse(console, error) from error
    console.print(f"picture: {escape(str(out))}", soft_wrap=True)


def _describe(
    arm: Arm, xyz: tuple[float, float, float], rpy: tuple[float, float, float], found: BranchList
) -> dict[str, object]:
    limits = arm.model.limits
    return {
        "arm": arm.model.name,
        "xyz_m": list(xyz),
        "rpy_deg": list(rpy),
        "status": found.status.value,
        "reason": found.reason,
        "limits_deg": [_degrees(limits.lower), _degrees(limits.upper)],
        "branches": [_describe_branch(branch) for branch in found.branches],
    }


def _describe_branch(branch: Branch) -> dict[str, object]:
    distance = branch.distance
    return {
        "q_deg": _degrees(branch.q),
        "inside_limits": branch.is_inside,
        "excess_deg": _degrees(branch.excess),
        "limit_margin_deg": _degrees(branch.margin),
        "singularity": distance
        and {
            "wrist_deg": _degrees(distance.wrist),
            "elbow_deg": _degrees(distance.elbow),
            "shoulder_mm": round(float(distance.shoulder) / MM, 6),
        },
        "manipulability": branch.manipulability,
        "reason": branch.reason,
    }


def _print(console: Console, arm: Arm, found: BranchList) -> None:
    inside = sum(branch.is_inside for branch in found.branches)
    if found.branches:
        table = Table(
            title=f"{arm.model.name}: {inside} of {len(found.branches)} postures inside the joint limits",
            caption="deg; limit: room to the next; ahead: wrist before axis 1, mm",
            box=None,
            padding=(0, 0, 0, 1),
        )
        headings = ("", "q1", "q2", "q3", "q4", "q5", "q6", "limit", "wrist", "elbow", "ahead")
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
        for number, branch in enumerate(found.branches, start=1):
            table.add_row(str(number), *_row(branch), style=None if branch.is_inside else "dim")
        console.print(table)
    for number, branch in enumerate(found.branches, start=1):
        if branch.reason:
            console.print(f"  {number}: {branch.reason}", soft_wrap=True)
    if not inside:
        console.print(f"[bold red]no posture[/bold red]: {found.reason}", soft_wrap=True)


def _row(branch: Branch) -> list[str]:
    distance = branch.distance
    singular = ["-", "-", "-"]
    if distance is not None:
        angles = f"{distance.wrist / DEG:.1f}", f"{distance.elbow / DEG:.1f}"
        singular = [*angles, f"{distance.shoulder / MM:.0f}"]
    joints = [f"{0.0 if abs(q) < 0.05 * DEG else q / DEG:.1f}" for q in branch.q]
    return [*joints, f"{branch.margin / DEG:.1f}", *singular]


def _degrees(angles: object) -> object:
    """Angles [rad] as numbers in degrees with nine decimals, without a negative zero."""
    return (np.round(np.asarray(angles, dtype=np.float64) / DEG, 9) + 0.0).tolist()
