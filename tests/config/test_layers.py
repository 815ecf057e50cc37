"""A garment file and all that it names make one job, whose parts fit together."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sewcell.config.layers import Job, load_job
from sewcell.config.lookup import list_known
from sewcell.errors import ConfigError

GARMENT = "garments/shirt-pocket.yaml"
CELL = "cells/bench.yaml"
Edit = Callable[[str, str, str], Path]
LineOf = Callable[[str, str], int]


@pytest.fixture
def garment(configs: Path) -> Path:
    return configs / GARMENT


def read_fault(garment: Path | str, cell: str | None = None, scenario: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_job(garment, cell, scenario)
    return str(caught.value)


def append(path: Path, text: str) -> Path:
    path.write_text(path.read_text() + text)
    return path


def test_the_shirt_pocket_is_a_job(garment: Path) -> None:
    job = load_job(garment)
    assert (job.garment.name, job.cell.name, job.arm.name) == ("shirt-pocket", "bench", "kr6_r700")
    assert (job.fabric.name, job.scenario.name) == ("cotton-shirting", "undisturbed")
    assert list(job.pieces) == ["POCKET"]
    assert [file.as_posix() for file in job.files] == [
        "configs/garments/shirt-pocket.yaml",
        "configs/fabrics/cotton-shirting.yaml",
        "configs/cells/bench.yaml",
        "configs/arms/kr6_r700.yaml",
        "configs/cameras/bench-overhead.yaml",
        "configs/scenarios/undisturbed.yaml",
        "configs/imperfections/typical.yaml",
        "configs/patterns/shirt-pocket.dxf",
    ]


def test_a_garment_can_be_given_by_its_bare_name(garment: Path) -> None:
    assert load_job("shirt-pocket").digest == load_job(garment).digest


def test_a_cell_and_a_scenario_can_be_given_by_name_or_by_path(configs: Path, garment: Path, edit: Edit) -> None:
    (configs / "cells" / "slow.yaml").write_text((configs / CELL).read_text().replace("name: bench", "name: slow"))
    assert load_job(garment, cell="slow").cell.name == "slow"
    assert load_job(garment, cell=configs / "cells" / "slow.yaml").cell.name == "slow"
    edit(GARMENT, "cell: bench", "cell: ../cells/slow.yaml")
    assert load_job(garment).cell.name == "slow"
    assert load_job(garment, scenario="configs/scenarios/lamp-off.yaml").scenario.name == "lamp-off"


@pytest.mark.parametrize(
    ("key", "old", "new", "sentence"),
    [
        ("cell", "cell: bench", "cell: bnech", "no cell 'bnech'; known: bench; did you mean 'bench'?"),
        (
            "fabric",
            "fabric: cotton-shirting",
            "fabric: silk",
            "no fabric 'silk'; known: cotton-plain, cotton-shirting, denim, jersey, linen-shirting, poplin",
        ),
        (
            "pattern",
            "../patterns/shirt-pocket.dxf",
            "../patterns/shirt-poket.dxf",
            "no pattern configs/patterns/shirt-poket.dxf; known in configs/patterns: shirt-pocket; "
            "did you mean 'shirt-pocket'?",
        ),
        ("pattern", "size: M", "size: XL", "configs/patterns/shirt-pocket.dxf has no size 'XL'; it has: M"),
    ],
)
def test_a_misspelt_name_lists_those_that_exist(
    edit: Edit, garment: Path, line_of: LineOf, key: str, old: str, new: str, sentence: str
) -> None:
    edit(GARMENT, old, new)
    assert read_fault(garment) == f"configs/{GARMENT}:{line_of(GARMENT, key + ':')} {key}: {sentence}"


def test_a_misspelt_argument_lists_what_exists(configs: Path, garment: Path) -> None:
    assert read_fault(garment, cell="bnech") == "no cell 'bnech'; known: bench; did you mean 'bench'?"
    assert read_fault(garment, scenario="wild").startswith("no scenario 'wild'; known: ")
    known = "known in configs/garments: shirt-pocket; did you mean 'shirt-pocket'?"
    assert (
        read_fault(configs / "garments" / "shrit-pocket.yaml")
        == f"no garment configs/garments/shrit-pocket.yaml; {known}"
    )
    assert read_fault("shrit-pocket") == "no garment 'shrit-pocket'; known: shirt-pocket; did you mean 'shirt-pocket'?"
    assert list_known("cell", configs) == ["bench"]


def test_an_override_of_the_garment_reaches_every_layer_below_it(garment: Path) -> None:
    append(
        garment,
        "override:\n"
        "  cell: {motion: {line_speed_mm_s: 150}, home_deg: [0, -90, 90, 0, 0, 0]}\n"
        "  fabric: {friction_table: 0.5}\n"
        "  arm: {limits: {velocity_deg_s: [100, 100, 100, 100, 100, 100]}}\n"
        "  camera: {image_size_px: [800, 600]}\n",
    )
    job = load_job(garment)
    assert job.cell.motion.line_speed_mm_s == 150
    assert job.cell.motion.line_acceleration_mm_s2 == 1500
    assert job.cell.home_deg == (0, -90, 90, 0, 0, 0)
    assert job.fabric.friction_table == 0.5
    assert job.arm.limits.velocity_deg_s == (100,) * 6
    assert job.camera.image_size_px == (800, 600)


def test_the_garment_has_the_last_word_over_the_fabric_and_the_fabric_over_the_cell(
    configs: Path, garment: Path
) -> None:
    def speed_and_clearance(job: Job) -> tuple[float, float, float]:
        return job.cell.motion.line_speed_mm_s, job.cell.motion.clearance_mm, job.arm.opw.c4_mm

    append(configs / CELL, "override: {arm: {opw: {c4_mm: 81}}}\n")
    assert speed_and_clearance(load_job(garment)) == (200, 4, 81)
    fabric = "override: {arm: {opw: {c4_mm: 82}}, cell: {motion: {line_speed_mm_s: 90, clearance_mm: 6}}}\n"
    append(configs / "fabrics" / "cotton-shirting.yaml", fabric)
    assert speed_and_clearance(load_job(garment)) == (90, 6, 82)
    append(garment, "override: {cell: {motion: {line_speed_mm_s: 70}}}\n")
    assert speed_and_clearance(load_job(garment)) == (70, 6, 82)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("{cell: {motion: {line_speed_mm_s: -1}}}", "override.cell.motion.line_speed_mm_s: must be > 0, got -1"),
        (
            "{cell: {motion: {line_sped_mm_s: 1}}}",
            "override.cell.motion: unknown key 'line_sped_mm_s'; did you mean 'line_speed_mm_s'?",
        ),
        ("{fabric: {colour_rgb: [1, 2]}}", "override.fabric.colour_rgb: must have at least 3 values, got 2"),
        ("{cel: {name: x}}", "override: unknown key 'cel'; did you mean 'cell'?"),
        ("{cell: {override: {}}}", "override.cell: an override cannot hold another override; write its keys here"),
        ("{cell: 5}", "override.cell: must be a block of keys, got 5"),
        ("{fabric: {areal_mass_g_m2: 0}}", "override.fabric.areal_mass_g_m2: must be > 0, got 0"),
        ("{cell: {loader: {stack_plies: 0}}}", "override.cell.loader.stack_plies: must be >= 1, got 0"),
        (
            "{cell: {loader: {stack_plies: 4, plies_left: 5}}}",
            "override.cell.loader: plies_left must be <= 4, the stack_plies of a full stack",
        ),
        ("{cell: {arm: kr7}}", "override.cell.arm: no arm 'kr7'; known: irb2400, kr6_r700"),
        (
            "{cell: {machine: {foot_lift_mm: 0.2}}}",
            "override.cell.machine.foot_lift_mm: must be > 0.3, the thickness of",
        ),
    ],
)
def test_a_fault_in_an_override_is_shown_where_the_override_stands(
    garment: Path, line_of: LineOf, override: str, sentence: str
) -> None:
    append(garment, f"override: {override}\n")
    fault = read_fault(garment)
    assert fault.startswith(f"configs/{GARMENT}:{line_of(GARMENT, 'override:')} {sentence}")
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        (
            GARMENT,
            "piece: POCKET",
            "piece: POKET",
            "pieces[0].piece: no piece 'POKET' of size 'M' in ../patterns/shirt-pocket.dxf; known: POCKET; "
            "did you mean 'POCKET'?",
        ),
        (GARMENT, "sew_line: 1", "sew_line: 2", "pieces[0].seams[0].sew_line: POCKET has 1 sew line on layer 14"),
        (
            GARMENT,
            "stitch_length_mm: 2.5",
            "stitch_length_mm: 9",
            "pieces[0].seams[0].stitch_length_mm: must be 0.5 to 5, the range of the machine, got 9",
        ),
        (
            GARMENT,
            "speed_spm: 1000",
            "speed_spm: 9000",
            "pieces[0].seams[0].speed_spm: must be <= 4000, the machine's max_speed_spm, got 9000",
        ),
        (GARMENT, "speed_spm: 400", "speed_spm: 4001", "pieces[0].seams[0].backtack.speed_spm: must be <= 4000"),
        (
            CELL,
            "[590, 300]",
            "[590, 170]",
            "pieces[0].piece: POCKET is 140 x 120 mm, larger than the 260 x 110 mm of the cell's table.pick_zone",
        ),
        (
            CELL,
            "[-20, -110",
            "[-20, -200",
            "home_deg[1]: must be -190 to 45, the limits of joint 2 of kr6_r700, got -200",
        ),
        (CELL, "foot_lift_mm: 8", "foot_lift_mm: 0.3", "machine.foot_lift_mm: must be > 0.3, the thickness of cotton"),
        (
            CELL,
            "pin_penetration_mm: 0.24",
            "pin_penetration_mm: 0.1",
            "tool.pin_penetration_mm: must be 0.12 to 0.42 for one ply of cotton-shirting, 0.3 mm thick, got 0.1:",
        ),
    ],
)
def test_files_that_contradict_each_other_are_found(
    edit: Edit, garment: Path, name: str, old: str, new: str, sentence: str
) -> None:
    edit(name, old, new)
    fault = read_fault(garment)
    assert fault.startswith("configs/")
    assert sentence in fault
    assert "\n" not in fault


def test_a_seam_shorter_than_its_stitch_or_its_backtack_is_found(edit: Edit, garment: Path) -> None:
    edit(CELL, "[0.5, 5.0]", "[0.5, 200.0]")
    edit(GARMENT, "stitch_length_mm: 2.5", "stitch_length_mm: 40")
    assert "backtack: 3 stitches of 40 mm are longer than the seam, 108.0 mm; use fewer" in read_fault(garment)


def test_a_pattern_larger_than_the_table_names_the_table(configs: Path, garment: Path) -> None:
    pattern = configs / "patterns" / "shirt-pocket.dxf"
    pattern.write_text(pattern.read_text().replace("Units: METRIC", "Units: ENGLISH"))
    assert "POCKET is 3556 x 3048 mm, larger than the 640 x 480 mm of the cell's table.size_mm" in read_fault(garment)


def test_the_digest_ignores_comments_order_and_place(configs: Path, garment: Path, edit: Edit) -> None:
    digest = load_job(garment).digest
    edit(
        GARMENT,
        "cell: bench\nfabric: cotton-shirting\n",
        "fabric: ../fabrics/cotton-shirting.yaml # cloth\ncell: bench\n",
    )
    assert load_job(garment).digest == digest
    append(garment, "override: {cell: {motion: {line_speed_mm_s: 200.0}}}\n")
    assert load_job(garment).digest == digest
    (configs / "patterns" / "shirt-pocket.dxf").rename(configs / "patterns" / "moved.dxf")
    edit(GARMENT, "patterns/shirt-pocket.dxf", "patterns/moved.dxf")
    assert load_job(garment).digest == digest
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (GARMENT, "speed_spm: 1000", "speed_spm: 1001"),
        ("arms/kr6_r700.yaml", "c4_mm: 80", "c4_mm: 80.001"),
        ("cameras/bench-overhead.yaml", "803.0", "804.0"),
        ("imperfections/typical.yaml", "latency_ms: 1.0", "latency_ms: 2.0"),
        ("patterns/shirt-pocket.dxf", "-54.0", "-54.1"),
    ],
)
def test_the_digest_changes_with_every_value(edit: Edit, garment: Path, name: str, old: str, new: str) -> None:
    digest = load_job(garment).digest
    edit(name, old, new)
    assert load_job(garment).digest != digest


def test_the_digest_changes_with_the_urdf_that_the_arm_names(configs: Path, garment: Path, edit: Edit) -> None:
    joints = "".join(
        f'<link name="l{i + 1}"/><joint name="j{i}" type="revolute"><parent link="l{i}"/><child link="l{i + 1}"/>'
        f'<origin xyz="0 0 0.1"/><axis xyz="0 {i % 2} {1 - i % 2}"/>'
        '<limit lower="-3" upper="3" effort="1" velocity="1"/></joint>'
        for i in range(6)
    )
    drawing = configs / "arms" / "own.urdf"
    drawing.write_text(f'<robot name="own"><link name="l0"/>{joints}</robot>')
    arm = (configs / "arms" / "kr6_r700.yaml").read_text()
    (configs / "arms" / "own.yaml").write_text(
        f"name: own\nfamily: urdf\nurdf: {{file: own.urdf}}\n{arm[arm.index('limits:') :]}"
    )
    edit(CELL, "arm: kr6_r700", "arm: own")
    job = load_job(garment)
    drawing.write_text(drawing.read_text().replace("0 0 0.1", "0 0 0.2", 1))
    assert drawing.resolve() in [file.resolve() for file in job.files]
    assert load_job(garment).digest != job.digest
