"""Whatever fails, the person reads one sentence and the record of the run is there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sewcell.cell.records import RunRecords
from tests.e2e.conftest import POCKET, Runner


@pytest.mark.slow
def test_a_seam_beyond_the_reach_of_the_arm_is_refused_before_the_piece_is_touched(
    run: Runner, changed: Callable[[str, str, str], Path]
) -> None:
    outcome = run(changed("cells/bench.yaml", "needle: {xyz_mm: [680, 0, 0]", "needle: {xyz_mm: [880, 0, 0]"))
    assert outcome.exit_code == 1
    assert "mm beyond" in outcome.summary["reason"]
    assert outcome.summary["steps"][-1]["name"] == "plan"


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("garments/shirt-pocket.yaml", "speed_spm: 1000", "sped_spm: 1000", "did you mean 'speed_spm'?"),
        ("garments/shirt-pocket.yaml", "stitch_length_mm: 2.5", "stitch_length_mm: 12", "stitch_length_mm"),
        ("patterns/shirt-pocket.dxf", "SECTION", "SEXTION", "shirt-pocket.dxf"),
        ("cells/bench.yaml", "to_mm: [590, 300]", "to_mm: [400, 120]", "POCKET"),
        ("garments/shirt-pocket.yaml", "piece: POCKET", "piece: PCKET", "did you mean 'POCKET'?"),
        ("garments/shirt-pocket.yaml", "sew_line: 1", "sew_line: 7", "sew_line"),
    ],
)
def test_bad_input_is_one_readable_sentence_and_exit_code_2(
    run: Runner, changed: Callable[[str, str, str], Path], database: str, file: str, old: str, new: str, words: str
) -> None:
    outcome = run(changed(file, old, new))
    assert (outcome.summary["result"], outcome.exit_code) == ("failed", 2)
    assert words in outcome.summary["reason"]
    (row,) = RunRecords(database).all()
    assert row.reason == outcome.summary["reason"]


def test_a_misspelt_garment_is_answered_with_those_that_exist(run: Runner) -> None:
    outcome = run(POCKET.with_name("shrit-pocket.yaml"))
    assert outcome.exit_code == 2
    assert "shirt-pocket" in outcome.summary["reason"]


def test_an_unknown_backend_is_answered_with_those_that_exist(run: Runner) -> None:
    outcome = run(backend="simm")
    assert outcome.exit_code == 2
    assert "known: serial, sim" in outcome.summary["reason"]


def test_a_missing_serial_port_is_named_with_the_remedy(run: Runner) -> None:
    outcome = run(backend="serial")
    assert outcome.exit_code == 1
    assert "/dev/ttyUSB0" in outcome.summary["reason"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "attempts", "words"),
    [
        (("pick-fails@1s", "piece-dropped@1s"), 2, "POCKET fell from the gripper on its way to the machine"),
        (("two-plies-picked@1s", "pick-fails@1s"), 3, ""),
        (("piece-dropped@8.5s",), 1, "POCKET fell from the gripper on its way from the machine"),
    ],
)
def test_faults_that_come_together_or_late_are_answered_one_by_one(
    run: Runner, faults: tuple[str, ...], attempts: int, words: str
) -> None:
    summary = run(faults=faults).summary
    assert [step["name"] for step in summary["steps"]].count("pick") == attempts
    assert summary["result"] == ("failed" if words else "ok")
    assert words in summary["reason"]
    assert summary["pieces"][0]["seams"] or "to the machine" in words
