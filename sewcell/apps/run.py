"""One run of a garment from its file to its record and report, whatever happens on the way."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sewcell.apps.evaluate import PieceQuality, describe_piece, evaluate_piece
from sewcell.apps.report import write_report
from sewcell.apps.wiring import wire_cell
from sewcell.backend import Backend, FilmWish, OpenBackend, WindowWish, Witness, find_backend
from sewcell.cell.alarms import Alarm
from sewcell.cell.journal import Journal
from sewcell.cell.records import DEFAULT_DATABASE, RunKey, RunRecords
from sewcell.cell.supervisor import Supervisor
from sewcell.config.calibration_files import require_passed_check
from sewcell.config.layers import Job, load_job
from sewcell.config.values import make_stacks
from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.arm_reports import ArmState
from sewcell.errors import SewcellError
from sewcell.process.worklog import StepTime, Worklog

Summary = dict[str, Any]

JOINT_PERIOD = 0.05
"""Time between looks at the arm's last report, for the record [s]."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the person asked for."""

    garment: Path
    cell: str | None = None
    backend: str = "sim"
    seed: int = 1
    scenario: str | None = None
    count: int = 1
    out: Path | None = None
    database: str = DEFAULT_DATABASE
    ports: str | None = None
    imperfections: str | None = None
    faults: tuple[str, ...] = ()
    plies_left: int | None = None
    show: FilmWish | WindowWish | None = None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended. `summary`: the line for machines. `report`: the page, when there was something to show."""

    summary: Summary
    report: Path | None
    exit_code: int


@dataclass(slots=True)
class _Progress:
    """What is known of a run so far; filled as it goes, so that a failure loses nothing."""

    folder: Path
    job: Job | None = None
    worklog: Worklog = field(default_factory=Worklog)
    alarms: list[Alarm] = field(default_factory=list)
    witness: Witness | None = None
    sim_s: float = 0.0
    wall_s: float = 0.0
    arm_bytes_sent: int = 0
    arm_bytes_received: int = 0
    modbus_frames: int = 0


def run_garment(
    request: RunRequest, on_step: Callable[[StepTime], None], open_backend: OpenBackend | None = None
) -> RunOutcome:
    """Run the request; every failure that sewcell foresees is told in the outcome, and the record is written anyway.

    `open_backend` takes the place of the installed backend that the request names.

    Raises: ConfigError only when the record itself cannot be written.
    """
    records = RunRecords(request.database)
    number = records.begin(RunKey(str(request.garment), request.backend, request.seed))
    progress = _Progress(request.out or Path("runs") / f"{number:04d}-{request.garment.stem}")
    result, reason, exit_code = "failed", "the run was broken off", 1
    try:
        _run(request, progress, on_step, open_backend or find_backend(request.backend))
        result, reason, exit_code = "ok", "", 0
    except SewcellError as error:
        reason, exit_code = str(error), error.exit_code
    except KeyboardInterrupt:
        reason = "stopped by the operator"
    finally:
        qualities = _evaluate(progress)
        summary = _summarise(request, progress, qualities, result, reason)
        records.finish(number, str(progress.folder), summary)
        records.close()
    return RunOutcome(summary, _report(progress, qualities, summary), exit_code)


def _run(
    request: RunRequest, progress: _Progress, on_step: Callable[[StepTime], None], open_backend: OpenBackend
) -> None:
    job = load_job(
        request.garment,
        request.cell,
        request.scenario,
        request.ports,
        request.imperfections,
        request.faults,
        request.plies_left,
    )
    require_passed_check(job.cell.name, job.cell.camera.check_hours)
    backend = open_backend(job, request.seed, request.count)
    if request.show is not None:
        backend.show(request.show)
    progress.job = job
    started = time.perf_counter()
    with Journal(progress.folder / "run.mcap") as journal, asyncio.Runner(loop_factory=backend.make_loop) as runner:
        try:
            runner.run(_drive(job, backend, request.count, journal, progress, on_step))
        finally:
            progress.wall_s = time.perf_counter() - started
            progress.witness = backend.witness()


async def _drive(
    job: Job,
    backend: Backend,
    count: int,
    journal: Journal,
    progress: _Progress,
    on_step: Callable[[StepTime], None],
) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    ports = await backend.open()
    wired = wire_cell(job, ports, journal, progress.worklog)

    def note_step(step: StepTime) -> None:
        told = f", {step.told}" if step.told else ""
        journal.add_note("step", f"{step.name}: {step.seconds:.3f} s{told}", step.started)
        on_step(step)

    supervisor = Supervisor(wired.workcell, note_step)
    progress.alarms = supervisor.alarms
    watching = asyncio.create_task(_record_joints(wired.workcell.arm, journal), name="joint record")
    try:
        await supervisor.run(count)
    finally:
        watching.cancel()
        for alarm in supervisor.alarms:
            journal.add_note("alarm", alarm.text, alarm.time)
        progress.sim_s = loop.time() - started
        progress.arm_bytes_sent = wired.arm_line.bytes_sent
        progress.arm_bytes_received = wired.arm_line.bytes_received
        progress.modbus_frames = wired.bus.messages
        await wired.close()
        await backend.close()


async def _record_joints(arm: ArmDevice, journal: Journal) -> None:
    noted = 0.0
    while True:
        await asyncio.sleep(JOINT_PERIOD)
        if arm.state is not ArmState.DISCONNECTED and arm.position.at > noted:
            noted = arm.position.at
            journal.add_joints(arm.position.joints, noted)


def _evaluate(progress: _Progress) -> dict[int, PieceQuality]:
    job, witness = progress.job, progress.witness
    if job is None or witness is None:
        return {}
    return {log.index: evaluate_piece(log, job.pieces[log.name], witness) for log in progress.worklog.pieces}


def _summarise(
    request: RunRequest, progress: _Progress, qualities: dict[int, PieceQuality], result: str, reason: str
) -> Summary:
    worklog = progress.worklog
    piece_steps = [step for step in worklog.steps if step.piece >= 0]
    cycle_s = sum(step.seconds for step in piece_steps) / max(1, len(worklog.pieces))
    return {
        "result": result,
        "reason": reason,
        "garment": progress.job.garment.name if progress.job else request.garment.stem,
        "backend": request.backend,
        "seed": request.seed,
        "scenario": progress.job.scenario.name if progress.job else request.scenario,
        "imperfections": progress.job.imperfections.name if progress.job else request.imperfections,
        "pieces": [describe_piece(log, qualities.get(log.index)) for log in worklog.pieces],
        "plies_left": make_stacks(progress.job).count_left(worklog.pieces) if progress.job else None,
        "steps": [{"name": step.name, "seconds": round(step.seconds, 4)} for step in worklog.steps],
        "cycle_s": round(cycle_s, 3),
        "sim_s": round(progress.sim_s, 3),
        "wall_s": round(progress.wall_s, 3),
        "realtime_factor": round(progress.sim_s / progress.wall_s, 3) if progress.wall_s else 0.0,
        "arm_bytes_sent": progress.arm_bytes_sent,
        "arm_bytes_received": progress.arm_bytes_received,
        "modbus_frames": progress.modbus_frames,
        "alarms": [
            {"time_s": round(a.time, 3), "kind": a.kind, "step": a.step, "text": a.text} for a in progress.alarms
        ],
        "largest_strain": round(progress.witness.largest_strain, 5) if progress.witness else None,
        "truth_digest": progress.witness.digest if progress.witness else None,
        "config_digest": progress.job.digest if progress.job else "",
    }


def _report(progress: _Progress, qualities: dict[int, PieceQuality], summary: Summary) -> Path | None:
    job = progress.job
    if job is None or not progress.folder.is_dir():
        return None
    path = progress.folder / "report.html"
    write_report(path, job, progress.worklog, progress.alarms, qualities, summary)
    return path
