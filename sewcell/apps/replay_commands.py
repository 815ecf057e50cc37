"""The command `sewcell vision replay`: take the decisions of a recorded run again, and compare."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sewcell.apps.messages import refuse
from sewcell.cell.replay import Rejudged, Replay, Replayed, replay_recording
from sewcell.errors import ConfigError, VisionError
from sewcell.process.looking import Decision, Verdict
from sewcell.units import DEG, MM

UNREADABLE = 2
"""Exit code when there is nothing to replay."""


def replay(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or its run.mcap.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look again at every recorded picture, asked what the run asked, and compare. Exit 2: nothing to replay."""
    console = Console(stderr=as_json, highlight=False)
    try:
        found = replay_recording(run)
    except (ConfigError, VisionError) as error:
        refuse(console, error)
        raise typer.Exit(UNREADABLE) from error
    if as_json:
        sys.stdout.write(json.dumps(_to_json(found)) + "\n")
    else:
        _print(console, found)


def _to_json(found: Replay) -> dict[str, object]:
    return {
        "recording": str(found.path),
        "pictures": found.pictures,
        "broken_off": found.broken,
        "identical": _count_identical(found),
        "decisions": [
            {
                "taken_at_s": round(decision.recorded.taken_at, 6),
                "piece": decision.recorded.order.piece.name,
                "identical": decision.identical,
                "moved_mm": None if decision.moved is None else decision.moved[0] / MM,
                "turned_deg": None if decision.moved is None else decision.moved[1] / DEG,
                "old": _answer_to_json(decision.recorded),
                "new": _answer_to_json(decision.today),
            }
            for decision in found.decisions
        ],
        "verdicts": [
            {
                "taken_at_s": round(verdict.recorded.taken_at, 6),
                "piece": verdict.recorded.order.piece.name,
                "seam": verdict.recorded.order.seam.name,
                "identical": verdict.identical,
                "old": _verdict_to_json(verdict.recorded),
                "new": _verdict_to_json(verdict.today),
            }
            for verdict in found.verdicts
        ],
    }


def _count_identical(found: Replay) -> int:
    return sum(decision.identical for decision in found.decisions) + sum(
        verdict.identical for verdict in found.verdicts
    )


def _verdict_to_json(verdict: Verdict) -> dict[str, object]:
    return {"refusal": verdict.refusal} if verdict.inspection is None else verdict.inspection.to_json()


def _answer_to_json(decision: Decision) -> dict[str, object]:
    located = decision.located
    if located is None:
        return {"refusal": decision.refusal}
    pose = located.pose
    return {
        "x_mm": pose.x / MM,
        "y_mm": pose.y / MM,
        "theta_deg": pose.theta / DEG,
        "mirrored": pose.mirrored,
        "residual_mm": located.residual / MM,
        "confidence": located.confidence,
    }


def _print(console: Console, found: Replay) -> None:
    total = len(found.decisions) + len(found.verdicts)
    table = Table(title=f"{_count_identical(found)} of {total} decisions are the same to the last bit")
    for heading in ("time", "piece", "answer of the run", "answer of today", "difference"):
        table.add_column(heading)
    for decision in found.decisions:
        old, new = decision.recorded, decision.today
        name, time = old.order.piece.name, f"{old.taken_at:.2f} s"
        table.add_row(time, name, _answer(old), _answer(new), _difference(decision))
    for verdict in found.verdicts:
        before, after = verdict.recorded, verdict.today
        name, time = before.order.piece.name, f"{before.taken_at:.2f} s"
        table.add_row(time, name, before.text, after.text, _compare(verdict))
    console.print(table)
    if found.broken:
        console.print(f"the recording breaks off after {found.pictures} picture(s): what it holds was replayed")


def _answer(decision: Decision) -> str:
    if decision.located is None:
        return decision.refusal
    pose = decision.located.pose
    return f"{pose.x / MM:.3f}, {pose.y / MM:.3f} mm, {pose.theta / DEG:.4f} deg"


def _compare(verdict: Rejudged) -> str:
    if verdict.identical:
        return "none"
    return "other figures" if verdict.recorded.good == verdict.today.good else "another verdict"


def _difference(decision: Replayed) -> str:
    if decision.identical:
        return "none"
    if decision.moved is None:
        return "another answer"
    way, turn = decision.moved
    return f"{way / MM:.4f} mm, {turn / DEG:.4f} deg"
