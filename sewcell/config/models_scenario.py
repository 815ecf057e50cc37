"""Models of the files that describe how a simulated cell differs from its configuration, and what fails in it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sewcell.config.base import Model, Name, NotNegative, Positive
from sewcell.config.fault_names import check_fault_name
from sewcell.config.patches import ScenarioOverride

PercentSpread = Annotated[float, Field(ge=0.0, lt=100.0)]
Count = Annotated[int, Field(ge=0, le=200)]
FaultName = Annotated[str, AfterValidator(check_fault_name)]


class PieceSpread(Model):
    """How far the loader puts a piece, or a stack, from its place: +- position, +- angle; and standard deviations of
    each ply from the place of its stack."""

    position_mm: NotNegative = 0.0
    angle_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 0.0
    stack_sigma_mm: NotNegative = 0.0
    stack_sigma_deg: NotNegative = 0.0


class FabricSpread(Model):
    """How the cloth differs from its file: +- friction, standard deviation of the knife."""

    friction_percent: PercentSpread = 0.0
    knife_sigma_mm: NotNegative = 0.0


class GripperSpread(Model):
    """Standard deviation of the shift and turn of the cloth when the pins enter it, and of the tool on its flange."""

    slip_sigma_mm: NotNegative = 0.0
    slip_sigma_deg: NotNegative = 0.0
    mount_sigma_mm: NotNegative = 0.0
    mount_sigma_deg: NotNegative = 0.0


class ArmSpread(Model):
    """How the arm differs from its file.

    `servo_lag_ms`: by which the joints run behind their set points, `servo_lag_percent` +- from joint to joint;
    `backlash_deg`: width of the play of each joint; `zero_sigma_deg`: of each joint's zero; `link_sigma_mm`: of each
    joint's place in the link before it, along each axis.
    """

    servo_lag_ms: NotNegative = 5.0
    servo_lag_percent: PercentSpread = 0.0
    backlash_deg: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    zero_sigma_deg: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    link_sigma_mm: Annotated[float, Field(ge=0.0, le=2.0)] = 0.0


class MachineSpread(Model):
    """Standard deviation of the needle's place along x and y, and of the direction of the feed."""

    needle_sigma_mm: NotNegative = 0.0
    needle_sigma_deg: NotNegative = 0.0


class CameraSpread(Model):
    """Noise in grey levels, delay, blur and +- brightness of the pictures, and where the camera really hangs.

    Lamps on the mains flicker by `flicker_percent` of their light with twice `mains_Hz`; a sensor whose rows are
    exposed one after the other, the last one `readout_ms` after the first, for `exposure_ms` each, makes bands of it.
    `lens_dust`: specks on the front lens. `lint`: flocks that every piece leaves on the table.
    """

    noise_sigma_levels: NotNegative = 0.0
    latency_ms: NotNegative = 0.0
    blur_sigma_px: NotNegative = 0.0
    light_percent: PercentSpread = 0.0
    flicker_percent: PercentSpread = 0.0
    mains_Hz: Positive = 50.0  # noqa: N815
    exposure_ms: Positive = 10.0
    readout_ms: NotNegative = 0.0
    lens_dust: Count = 0
    lint: Count = 0
    mount_sigma_mm: NotNegative = 0.0
    mount_sigma_deg: NotNegative = 0.0


class LinkSpread(Model):
    """Delay of the wires, one way."""

    latency_ms: NotNegative = 0.0


class ImperfectionsModel(Model):
    """configs/imperfections/*.yaml: how the simulated cell differs from its configuration; what is left out is ideal.

    Uniform in +-, or a standard deviation where named sigma; drawn from the seed of the run.
    """

    name: Name
    piece: PieceSpread = PieceSpread()
    fabric: FabricSpread = FabricSpread()
    gripper: GripperSpread = GripperSpread()
    arm: ArmSpread = ArmSpread()
    machine: MachineSpread = MachineSpread()
    camera: CameraSpread = CameraSpread()
    links: LinkSpread = LinkSpread()


class FaultModel(Model):
    """Something that goes wrong at a time of the run."""

    fault: FaultName
    at_s: NotNegative


class ExpectModel(Model):
    """How a run of the scenario ends. `says`: words of its reason or of what it flags at a piece.

    `flags_when_due`: chance decides how far a seam lies from its line; those beyond their tolerance are flagged, those
    within are not. Tests and campaigns hold this against where the needle really went.
    """

    result: Literal["ok", "failed"] = "ok"
    says: str = ""
    flags_when_due: bool = False


class ScenarioModel(Model):
    """configs/scenarios/*.yaml: the level of imperfection, what fails meanwhile, and what the cell answers."""

    name: Name
    imperfections: Name
    faults: Annotated[tuple[FaultModel, ...], Field(strict=False)] = ()
    expect: ExpectModel = ExpectModel()
    override: ScenarioOverride | None = None
