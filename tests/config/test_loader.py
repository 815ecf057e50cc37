"""A fault in a file becomes sentences that name file, line and key."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewcell.config.base import Model
from sewcell.config.loader import load_yaml
from sewcell.config.models import GarmentModel
from sewcell.config.models_cell import ArmModel, CameraModel, CellModel
from sewcell.errors import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
GARMENT = "garments/shirt-pocket.yaml"
Edit = Callable[[str, str, str], Path]
LineOf = Callable[[str, str], int]


def read_fault(path: Path, model: type[Model] = GarmentModel) -> str:
    with pytest.raises(ConfigError) as caught:
        load_yaml(path, model)
    return str(caught.value)


def test_a_misspelt_key_is_told_once_with_its_line_and_the_right_key(edit: Edit, line_of: LineOf) -> None:
    path = edit(GARMENT, "stitch_length_mm: 2.5", "stich_length_mm: 2.5")
    place = f"configs/{GARMENT}:{line_of(GARMENT, 'stich_length_mm')} pieces[0].seams[0]"
    assert read_fault(path) == f"{place}: unknown key 'stich_length_mm'; did you mean 'stitch_length_mm'?"


def test_a_missing_key_names_the_line_of_its_block(edit: Edit, line_of: LineOf) -> None:
    path = edit(GARMENT, "        stitch_length_mm: 2.5\n", "")
    place = f"configs/{GARMENT}:{line_of(GARMENT, '- name: hem')} pieces[0].seams[0]"
    assert read_fault(path) == f"{place}: the key 'stitch_length_mm' is missing"


def test_an_unknown_key_that_resembles_none_lists_those_that_exist(edit: Edit) -> None:
    fault = read_fault(edit(GARMENT, "vision:\n", "vision:\n  zebra: 1\n"))
    assert fault.endswith("vision: unknown key 'zebra'; known: min_confidence, max_residual_mm")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("speed_spm: 1000", "speed_spm: -5", "pieces[0].seams[0].speed_spm: must be > 0, got -5"),
        ("speed_spm: 1000", "speed_spm: fast", "pieces[0].seams[0].speed_spm: must be a number, got 'fast'"),
        ("speed_spm: 1000", "speed_spm: true", "pieces[0].seams[0].speed_spm: must be a number, got True"),
        ("speed_spm: 1000", "speed_spm: &on true", "pieces[0].seams[0].speed_spm: must be a number, got True"),
        ("speed_spm: 1000", "speed_spm:", "pieces[0].seams[0].speed_spm: must be a number, got nothing"),
        ("speed_spm: 1000", "speed_spm: .inf", "pieces[0].seams[0].speed_spm: must be a finite number, got inf"),
        ("stitch_length_mm: 2.5", "stitch_length_mm: 90", "pieces[0].seams[0].stitch_length_mm: must be <= 50, got 90"),
        ("sew_line: 1", "sew_line: 1.5", "pieces[0].seams[0].sew_line: must be a whole number, got 1.5"),
        ("sew_line: 1", "sew_line: 0", "pieces[0].seams[0].sew_line: must be >= 1, got 0"),
        ('"301"', '"401"', "pieces[0].seams[0].stitch_type: must be '301', got '401'"),
        ('"301"', "301", "pieces[0].seams[0].stitch_type: must be '301', got 301"),
        ("min_confidence: 0.6", "min_confidence: 60", "vision.min_confidence: must be <= 1, got 60"),
        (
            "fabric: cotton-shirting",
            "fabric: [a, b]",
            "fabric: must be text (in quotes, if it looks like a number), got",
        ),
        (
            "start_stitches: 3",
            "start_stitches: 2026-01-01",
            "start_stitches: must be a number, text, list or keys, got",
        ),
    ],
)
def test_an_impossible_value_is_named_with_what_is_possible(
    edit: Edit, line_of: LineOf, old: str, new: str, sentence: str
) -> None:
    path = edit(GARMENT, old, new)
    fault = read_fault(path)
    assert sentence in fault
    assert fault.startswith(f"configs/{GARMENT}:{line_of(GARMENT, new)} ")
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("name", "model", "old", "new", "sentence"),
    [
        (
            "arms/kr6_r700.yaml",
            ArmModel,
            "-190",
            "60",
            "limits: lower_deg 60 of joint 2 must be below its upper_deg 45",
        ),
        ("arms/kr6_r700.yaml", ArmModel, ", -350]", "]", "limits.lower_deg: must have at least 6 values, got 5"),
        (
            "arms/kr6_r700.yaml",
            ArmModel,
            ", -350]",
            ", -350, 1]",
            "limits.lower_deg: must have at most 6 values, got 7",
        ),
        ("arms/kr6_r700.yaml", ArmModel, "signs: [-1", "signs: [2", "opw.signs[0]: must be -1 or 1, got 2"),
        (
            "cells/bench.yaml",
            CellModel,
            "[590, 300]",
            "[690, 300]",
            "table: pick_zone must lie on the working area, 640 x 480",
        ),
        (
            "cells/bench.yaml",
            CellModel,
            "[0.5, 5.0]",
            "[5.0, 0.5]",
            "machine: stitch_length_mm must be [shortest, longest]",
        ),
        (
            "cells/bench.yaml",
            CellModel,
            "[1000, 800, 0]",
            "[-900, 800, 0]",
            "table.slab: from_mm [-300.0, -600.0, -40.0] must",
        ),
        (
            "cameras/bench-overhead.yaml",
            CameraModel,
            "[1.0, 0.0, 0.0, -0.32]",
            "[1.1, 0.0, 0.0, -0.32]",
            "be a rotation",
        ),
        (
            "cameras/bench-overhead.yaml",
            CameraModel,
            "2950.0",
            "-2950.0",
            "camera_matrix: must be [[fx, s, cx], [0, fy, cy]",
        ),
    ],
)
def test_values_that_contradict_each_other_are_named(
    edit: Edit, name: str, model: type[Model], old: str, new: str, sentence: str
) -> None:
    assert sentence in read_fault(edit(name, old, new), model)


def test_all_faults_of_a_file_are_reported_in_the_order_of_its_lines(edit: Edit) -> None:
    edit(GARMENT, "min_confidence: 0.6", "min_confidence: 7")
    edit(GARMENT, "sew_line: 1", "sew_line: -1")
    path = edit(GARMENT, "size: M", "size: []")
    keys = [line.split(" ")[1].rstrip(":") for line in read_fault(path).splitlines()]
    assert keys == ["size", "pieces[0].seams[0].sew_line", "vision.min_confidence"]


def test_a_garment_may_name_pieces_without_seams_and_a_size_that_is_a_number(edit: Edit) -> None:
    edit(GARMENT, "size: M", "size: 42")
    path = edit(GARMENT, "pieces:\n", "pieces:\n  - piece: FLAP\n  - {piece: BAND, seams: []}\n")
    garment = load_yaml(path, GarmentModel)
    assert garment.size == "42"
    assert [len(piece.seams) for piece in garment.pieces] == [0, 0, 1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", " is empty"),
        (b"# only a comment\n", " is empty"),
        (b"- a\n- b\n", ": must be a list of `key: value` lines, got a list"),
        (b"hello\n", ": must be a list of `key: value` lines, got the value 'hello'"),
        (b"name: a\nname: b\n", ":2: the key 'name' stands twice; keep one"),
        (b"name: x\nvision:\n\tmin_confidence: 1\n", ":3: a tab stands where YAML wants spaces; indent with spaces"),
        (b"name: x\nvision: {a: 1\nsize: M\n", ": not YAML: "),
        (b"name: x\nsize: 'M\n", ": not YAML: "),
        (b"name: a\n---\nname: b\n", ": the file holds a second document after '---'; keep one"),
        (b"name: x\n\xff\xfe\x00", ":2: is not UTF-8 text"),
        (b"name: \x00\x01\n", " is not a text file that YAML can read"),
        (b"&a\nname: x\nself: *a\n", ": holds itself through an alias; write it out"),
        (b"1: x\n", ": the key 1 is not text"),
        (b"[1, 2]: x\n", "is not text"),
        (b"name: !thing x\n", " name: must be a number, text, list or keys, got a TaggedScalar"),
    ],
)
def test_a_file_that_is_no_configuration_says_what_it_is(configs: Path, content: bytes, sentence: str) -> None:
    path = configs / "garments" / "odd.yaml"
    path.write_bytes(content)
    fault = read_fault(path)
    assert fault.startswith("configs/garments/odd.yaml")
    assert sentence in fault
    assert "\n" not in fault


def test_a_folder_and_a_missing_file_say_so(configs: Path) -> None:
    assert read_fault(configs / "garments") == "configs/garments is a folder; name a YAML file in it"
    assert read_fault(configs / "garments" / "no.yaml") == "no file configs/garments/no.yaml; check the name"


def test_a_file_outside_the_working_directory_is_shown_with_its_whole_path(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.touch()
    assert read_fault(path).startswith(str(path))


TEXTS = [path.read_text() for path in (CONFIGS / "garments" / "shirt-pocket.yaml", CONFIGS / "cells" / "bench.yaml")]
TOKENS = [
    "-1",
    "1e999",
    "10" * 200,
    "~",
    "yes",
    "[",
    "]",
    "{",
    "}",
    "- ",
    ": ",
    "\t",
    "&a",
    "*a",
    "!!set",
    "!x",
    "|",
    ">",
    "'",
]
TOKENS += [
    '"',
    "2026-01-01",
    "<<: {a: 1}",
    "? ",
    "\x00",
    "\ud7ff",
    "0x_",
    "0o9",
    "1_000",
    "12:30:45",
    "%YAML 1.1\n---\n",
    "!!binary x",
]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    which=st.integers(0, 1),
    edits=st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 60), st.sampled_from(TOKENS) | st.text(max_size=6)),
        min_size=1,
        max_size=3,
    ),
)
def test_a_damaged_file_gives_values_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, which: int, edits: list[tuple[int, int, str]]
) -> None:
    text = TEXTS[which]
    for start, length, filling in edits:
        start %= len(text)
        text = text[:start] + filling + text[start + length :]
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    with contextlib.suppress(ConfigError):
        load_yaml(path, (GarmentModel, CellModel)[which])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(junk=st.binary(max_size=200))
def test_binary_junk_gives_a_sentence(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.yaml"
    path.write_bytes(junk)
    with pytest.raises(ConfigError, match=r"junk\.yaml"):
        load_yaml(path, GarmentModel)
