"""What `sewcell calibrate` says of its results: each figure with the error to expect."""

from pathlib import Path

from scipy.spatial.transform import Rotation

from sewcell.apps.calibrate_session import Row
from sewcell.config.calibration_files import read_camera
from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array
from sewcell.units import DEG, MM
from sewcell.vision.calibration import LensCalibration
from sewcell.vision.calibration_table import TableCalibration
from sewcell.vision.hand_eye import HandEye


def describe_lens_errors(found: LensCalibration) -> list[Row]:
    """What is known of the lens, and how surely."""
    K, sigma = found.lens.matrix, found.sigma
    worst = max(found.view_rms_px, key=found.view_rms_px.__getitem__)
    return [
        ("focal length", f"{K[0, 0]:.1f} +- {sigma[0]:.1f}, {K[1, 1]:.1f} +- {sigma[1]:.1f} px"),
        ("middle of the picture", f"{K[0, 2]:.1f} +- {sigma[2]:.1f}, {K[1, 2]:.1f} +- {sigma[3]:.1f} px"),
        ("residuals", f"{found.rms_px:.3f} px rms in {len(found.view_rms_px)} pictures"),
        ("largest in", f"{worst}, {found.view_rms_px[worst]:.3f} px"),
        ("covered by corners", f"{100 * found.coverage:.0f} % of the picture"),
        ("in pictures left out of the fit", f"{found.held_out_px:.3f} px rms"),
        ("expected error of a ray", f"{found.ray_sigma_px:.3f} px, where corners were seen"),
    ]


def describe_table_errors(found: TableCalibration) -> list[Row]:
    """What is known of the camera over the table, and how surely."""
    rows = [
        ("scale", f"{found.camera.mm_per_px:.3f} mm per pixel in the middle"),
        ("residuals", f"{found.rms_px:.3f} px rms, {found.views} boards or markers"),
        ("left out of the fit", f"{found.held_out / MM:.3f} mm rms on the table"),
        ("expected error of a table point", f"{found.sigma / MM:.3f} mm rms over the working area, without the lens's"),
    ]
    if found.flatness is not None:
        rows.append(("boards off their common plane", f"{found.flatness / MM:.2f} mm rms, as single pictures see it"))
    return rows


def describe_hand_eye_errors(found: HandEye) -> list[Row]:
    """What is known of the camera and the arm, and how surely."""
    place, worst = found.T_mount_camera[:3, 3], max(found.pose_rms_px, key=found.pose_rms_px.__getitem__)
    mount = "flange" if found.mounting == "eye-in-hand" else "base"
    return [
        (f"camera in the {mount}", show_point(place)),
        ("residuals", f"{found.rms_px:.3f} px rms in {len(found.pose_rms_px)} pictures"),
        ("largest in", f"{worst}, {found.pose_rms_px[worst]:.3f} px"),
        (
            "board, in pictures left out of the fit",
            f"{found.held_out / MM:.2f} mm and {found.held_out_angle / DEG:.3f} deg rms between camera and arm",
        ),
        ("expected error of the camera's pose", f"{found.sigma / MM:.2f} mm, {found.sigma_angle / DEG:.3f} deg"),
    ]


def suggest_table_pose(found: HandEye, lens: Path) -> list[Row]:
    """What to write in the cell file, when the camera's place over the table is known too."""
    if found.mounting != "eye-on-table":
        return []
    try:
        T_camera_table = read_camera(lens).T_camera_table
    except ConfigError:
        return []
    T = found.T_mount_camera @ T_camera_table
    xyz = ", ".join(f"{value / MM:.2f}" for value in T[:3, 3])
    rpy = ", ".join(f"{value / DEG:.3f}" for value in Rotation.from_matrix(T[:3, :3]).as_euler("xyz"))
    return [("table.pose for the cell file", f"{{xyz_mm: [{xyz}], rpy_deg: [{rpy}]}}")]


def show_point(point: Array) -> str:
    """A point (3,) [m] in millimetres."""
    return ", ".join(f"{value / MM:.2f}" for value in point) + " mm"
