"""The run report: one self-contained HTML page beside the record."""

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path

from jinja2 import Environment

from sewcell.apps.evaluate import PieceQuality, SeamQuality, describe_seam
from sewcell.apps.figures import draw_deviations, draw_seam, draw_timeline, encode_picture
from sewcell.cell.alarms import Alarm
from sewcell.config.layers import Job
from sewcell.kinematics.singularity import SingularityDistance
from sewcell.motion.trajectory import Certificate
from sewcell.process.worklog import InspectedSeam, PieceLog, SewnSeam, Sighting, Worklog
from sewcell.units import DEG, MM
from sewcell.vision.draw import draw_result
from sewcell.vision.inspection_drawing import draw_inspection
from sewcell.vision.located import LocateResult

RUN_KEYS = (
    "backend",
    "seed",
    "plies_left",
    "cycle_s",
    "sim_s",
    "wall_s",
    "realtime_factor",
    "arm_bytes_sent",
    "arm_bytes_received",
    "modbus_frames",
    "truth_digest",
)


def write_report(
    path: Path,
    job: Job,
    worklog: Worklog,
    alarms: list[Alarm],
    qualities: Mapping[int, PieceQuality],
    summary: Mapping[str, object],
) -> None:
    """Write the page; `qualities` by piece index, empty on hardware."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(
        files("sewcell.apps").joinpath("templates/report.html").read_text(encoding="utf-8")
    )
    page = template.render(
        summary=summary,
        started_at=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        pieces=[_describe_piece(job, log, qualities.get(log.index)) for log in worklog.pieces],
        timeline=draw_timeline(worklog.steps, [(alarm.time, alarm.text) for alarm in alarms]),
        certificates={name: _describe_certificate(c) for name, c in worklog.certificates.items()},
        run_keys=RUN_KEYS,
        files=[file.name for file in job.files],
    )
    path.write_text(page, encoding="utf-8")


def _describe_piece(job: Job, log: PieceLog, quality: PieceQuality | None) -> dict[str, object]:
    seams = quality.seams if quality else (None,) * len(log.seams)
    return {
        "name": log.name,
        "flags": log.flags,
        "found": _draw_sighting(job, log, log.found),
        "finished": _draw_sighting(job, log, log.finished),
        "seams": [_describe_seam(job, log, *row) for row in zip_longest(log.seams, seams, log.inspected)],
    }


def _draw_sighting(job: Job, log: PieceLog, sighting: Sighting | None) -> str | None:
    if sighting is None or sighting.image is None:
        return None
    result = LocateResult((sighting.located,), ())
    pieces = [job.pieces[log.name]]
    return encode_picture(draw_result(sighting.image, result, sighting.camera, pieces, sighting.height))


def _describe_seam(
    job: Job, log: PieceLog, seam: SewnSeam, quality: SeamQuality | None, inspected: InspectedSeam | None
) -> dict[str, object]:
    return {
        "figures": describe_seam(seam, quality, inspected.verdict if inspected else None),
        "verdict": inspected.verdict.text if inspected else None,
        "inspection": _draw_inspection(inspected),
        "picture": draw_seam(job.pieces[log.name], seam, quality),
        "deviations": draw_deviations(seam, quality) if quality and len(quality.points) else None,
    }


def _draw_inspection(inspected: InspectedSeam | None) -> str | None:
    if inspected is None or inspected.image is None or inspected.verdict.inspection is None:
        return None
    order = inspected.verdict.order
    page = draw_inspection(inspected.image, order.camera, inspected.verdict.inspection, order.thickness)
    return encode_picture(page)


def _describe_certificate(certificate: Certificate) -> dict[str, object]:
    return {
        "velocity": float(certificate.velocity_ratio.max()),
        "acceleration": float(certificate.acceleration_ratio.max()),
        "jerk": float(certificate.jerk_ratio.max()),
        "clearance": certificate.clearance,
        "nearest": " and ".join(certificate.nearest_pair),
        "singularity": _describe_singularity(certificate.singularity),
    }


def _describe_singularity(distance: SingularityDistance | None) -> str:
    if distance is None:
        return "not known"
    wrist, elbow = distance.wrist / DEG, distance.elbow / DEG
    return f"wrist {wrist:.0f}°, elbow {elbow:.0f}°, shoulder {distance.shoulder / MM:.0f} mm"
