"""Decisions and verdicts from pictures as JSON and back, without losing a bit: SI units, numbers in full length."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.pattern.piece import Notch, Piece
from sewcell.process.looking import Decision, SeamOrder, SightOrder, Verdict
from sewcell.process.recipe import SeamRecipe
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.inspection import SeamExpectation, SeamInspection
from sewcell.vision.located import LocatedPiece

Json = dict[str, Any]


def encode_decision(decision: Decision) -> Json:
    """The message of a decision."""
    order = decision.order
    return {
        "camera": decision.camera,
        "piece": _encode_piece(order.piece),
        "zone": order.zone.tolist(),
        "camera_model": _encode_camera(order.camera),
        "thickness": order.thickness,
        "max_residual": order.max_residual,
        "min_confidence": order.min_confidence,
        "located": None if decision.located is None else _encode_located(decision.located),
        "refusal": decision.refusal,
        "empty": decision.empty,
    }


def decode_decision(message: Mapping[str, Any], taken_at: float) -> Decision:
    """The decision of a message about the picture of `taken_at` [s]; raises KeyError, TypeError or ValueError."""
    order = SightOrder(
        _decode_piece(message["piece"]),
        _array(message["zone"]),
        _decode_camera(message["camera_model"]),
        float(message["thickness"]),
        float(message["max_residual"]),
        float(message["min_confidence"]),
    )
    located = message["located"]
    found = None if located is None else _decode_located(located)
    return Decision(str(message["camera"]), taken_at, order, found, str(message["refusal"]), bool(message.get("empty")))


def encode_verdict(verdict: Verdict) -> Json:
    """The message of a verdict."""
    order = verdict.order
    return {
        "camera": verdict.camera,
        "piece": _encode_piece(order.piece),
        "seam": _encode_fields(order.seam),
        "pose": asdict(order.pose),
        "camera_model": _encode_camera(order.camera),
        "thickness": order.thickness,
        "inspection": None if verdict.inspection is None else encode_inspection(verdict.inspection),
        "refusal": verdict.refusal,
    }


def decode_verdict(message: Mapping[str, Any], taken_at: float) -> Verdict:
    """The verdict of a message about the picture of `taken_at` [s]; raises KeyError, TypeError or ValueError."""
    order = SeamOrder(
        _decode_piece(message["piece"]),
        SeamRecipe(**{**message["seam"], "line": _array(message["seam"]["line"])}),
        PlanarPose(**message["pose"]),
        _decode_camera(message["camera_model"]),
        float(message["thickness"]),
    )
    found = message["inspection"]
    inspection = None if found is None else _decode_inspection(found)
    return Verdict(str(message["camera"]), taken_at, order, inspection, str(message["refusal"]))


def encode_inspection(inspection: SeamInspection) -> Json:
    """The message of an inspection; None stands where no edge is seen."""
    rows = _encode_fields(inspection)
    margin = [None if np.isnan(value) else value for value in rows["margin"]]
    return {**rows, "expectation": _encode_fields(inspection.expectation), "margin": margin}


def _decode_inspection(message: Mapping[str, Any]) -> SeamInspection:
    expectation = {**message["expectation"], "line": _array(message["expectation"]["line"])}
    arrays = ("along", "margin", "sideways", "holes", "skipped")
    return SeamInspection(
        SeamExpectation(**expectation),
        **{name: _array(message[name]) for name in arrays},
        unsewn=_array(message["unsewn"]).reshape(-1, 2),
        faults=tuple(str(fault) for fault in message["faults"]),
    )


def _encode_fields(value: SeamRecipe | SeamExpectation | SeamInspection) -> Json:
    """The fields of a value by name, arrays as lists."""
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {name: field.tolist() if isinstance(field, np.ndarray) else field for name, field in fields.items()}


def _encode_camera(camera: CameraModel) -> Json:
    return {
        "image_size_px": list(camera.image_size_px),
        "camera_matrix": camera.matrix.tolist(),
        "distortion": camera.distortion.tolist(),
        "T_camera_table": camera.T_camera_table.tolist(),
    }


def _decode_camera(message: Mapping[str, Any]) -> CameraModel:
    width, height = message["image_size_px"]
    return CameraModel(
        (int(width), int(height)),
        _array(message["camera_matrix"]),
        _array(message["distortion"]),
        _array(message["T_camera_table"]),
    )


def _encode_piece(piece: Piece) -> Json:
    return {
        "name": piece.name,
        "size": piece.size,
        "outline": piece.outline.tolist(),
        "notches": [
            {"position": notch.position.tolist(), "direction": notch.direction.tolist(), "depth": notch.depth}
            for notch in piece.notches
        ],
        "sew_lines": [line.tolist() for line in piece.sew_lines],
        "holes": [hole.tolist() for hole in piece.holes],
        "grainline": None if piece.grainline is None else piece.grainline.tolist(),
        "drill_holes": None if piece.drill_holes is None else piece.drill_holes.tolist(),
    }


def _decode_piece(message: Mapping[str, Any]) -> Piece:
    grainline, drill_holes = message["grainline"], message["drill_holes"]
    return Piece(
        str(message["name"]),
        str(message["size"]),
        _array(message["outline"]),
        tuple(
            Notch(_array(notch["position"]), _array(notch["direction"]), float(notch["depth"]))
            for notch in message["notches"]
        ),
        tuple(_array(line) for line in message["sew_lines"]),
        tuple(_array(hole) for hole in message["holes"]),
        None if grainline is None else _array(grainline),
        None if drill_holes is None else _array(drill_holes),
    )


def _encode_located(located: LocatedPiece) -> Json:
    pose = located.pose
    return {
        "piece": located.piece,
        "size": located.size,
        "x": pose.x,
        "y": pose.y,
        "theta": pose.theta,
        "mirrored": pose.mirrored,
        "sigma_position": located.sigma_position,
        "sigma_angle": located.sigma_angle,
        "residual": located.residual,
        "inlier_ratio": located.inlier_ratio,
        "confidence": located.confidence,
        "shear": located.shear,
        "sigma_shear": located.sigma_shear if np.isfinite(located.sigma_shear) else None,
        "ambiguous_with": list(located.ambiguous_with),
        "flags": list(located.flags),
        "outline_px": located.outline_px.tolist(),
    }


def _decode_located(message: Mapping[str, Any]) -> LocatedPiece:
    pose = PlanarPose(float(message["x"]), float(message["y"]), float(message["theta"]), bool(message["mirrored"]))
    return LocatedPiece(
        str(message["piece"]),
        str(message["size"]),
        pose,
        float(message["sigma_position"]),
        float(message["sigma_angle"]),
        float(message["residual"]),
        float(message["inlier_ratio"]),
        float(message["confidence"]),
        float(message["shear"]),
        tuple(str(other) for other in message["ambiguous_with"]),
        tuple(str(flag) for flag in message["flags"]),
        _array(message["outline_px"]),
        np.inf if message.get("sigma_shear") is None else float(message["sigma_shear"]),
    )


def _array(rows: Any) -> Array:
    return np.asarray(rows, dtype=np.float64)
