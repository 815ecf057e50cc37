"""Every scenario ends as its file expects, in one sentence, with a record."""

import pytest

from benchmarks.campaign import judge_run, list_scenarios
from sewcell.cell.alarms import WARNING
from sewcell.cell.records import RunRecords
from sewcell.cell.supervisor import BOBBIN_LOW
from sewcell.config.fault_names import FAULT_TEXTS
from sewcell.config.loader import load_yaml
from sewcell.config.models_scenario import ExpectModel, ScenarioModel
from tests.e2e.conftest import CONFIGS, Runner, SharedRuns


def read_scenario(name: str) -> ScenarioModel:
    return load_yaml(CONFIGS / "scenarios" / f"{name}.yaml", ScenarioModel)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", list_scenarios())
def test_every_scenario_ends_as_it_expects(finished: SharedRuns, scenario: str) -> None:
    run = finished(scenario)
    summary = run.outcome.summary
    assert judge_run(summary, read_scenario(scenario).expect) == ""
    assert run.outcome.exit_code == (0 if summary["result"] == "ok" else 1)
    assert "\n" not in summary["reason"]
    (row,) = RunRecords(run.database).all()
    assert (row.result, row.reason) == (summary["result"], summary["reason"])
    assert (run.folder / "run.mcap").stat().st_size > 0
    page = (run.folder / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    if summary["result"] == "failed":
        alarms = [alarm["text"] for alarm in summary["alarms"] if alarm["kind"] != WARNING]
        assert alarms[0] == summary["reason"]
        assert summary["reason"] in page


def test_every_scenario_says_in_its_first_line_what_happens() -> None:
    for name in list_scenarios():
        first = (CONFIGS / "scenarios" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# ")
        assert first.endswith(".")


def test_every_fault_but_the_harmless_has_a_scenario() -> None:
    caused = {fault.fault for name in list_scenarios() for fault in read_scenario(name).faults}
    assert set(FAULT_TEXTS) - caused == {"bobbin-low"}


@pytest.mark.parametrize(
    ("aside", "anywhere", "good", "wrong"),
    [
        (2.0, 2.0, True, "passes as good, 2.00 mm beside its line"),
        (1.3, 1.3, True, ""),
        (0.3, 2.0, True, ""),
        (0.2, 0.5, False, "is flagged, though within 0.50 mm"),
        (0.7, 0.8, False, ""),
        (0.2, 2.0, False, ""),
        (2.0, 2.0, False, ""),
        (2.0, 2.0, None, ""),
    ],
)
def test_a_seam_is_flagged_when_the_needle_went_beside_its_line_and_only_then(
    aside: float, anywhere: float, good: bool | None, wrong: str
) -> None:
    """Within 0.4 mm of the tolerance of 1 mm either answer is right; a seam that is not judged is flagged, too."""
    seam = {"name": "hem", "deviation_max_mm": aside, "max_mm": anywhere, "tolerance_mm": 1.0}
    summary = {
        "result": "ok",
        "reason": "",
        "pieces": [{"flags": [], "seams": [{**seam, "good": good, "skipped_stitches": 0}]}],
    }
    told = judge_run(summary, ExpectModel(flags_when_due=True))
    assert (wrong in told) if wrong else (told == "")


@pytest.mark.slow
def test_faults_of_the_command_line_come_to_those_of_the_scenario(run: Runner) -> None:
    summary = run(scenario="pick-fails", faults=("bobbin-low@1s", "thread-break@3.2s")).summary
    assert "pick again" in [step["name"] for step in summary["steps"]]
    assert summary["result"] == "failed"
    assert "the needle thread broke" in summary["reason"]
    warnings = [alarm["text"] for alarm in summary["alarms"] if alarm["kind"] == WARNING]
    assert warnings == [BOBBIN_LOW]


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"faults": ("thread-brake@3s",)}, "no fault 'thread-brake'; known: arm-cable-pulled"),
        ({"faults": ("thread-brake@3s",)}, "did you mean 'thread-break'?"),
        ({"faults": ("thread-break",)}, "write thread-break@3.2s for 3.2 s after the start"),
        ({"faults": ("thread-break@soon",)}, "does not say when"),
        ({"faults": ("thread-break@-1s",)}, "does not say when"),
        ({"imperfections": "brand-new"}, "no imperfection 'brand-new'; known: ideal, typical, worn"),
        ({"scenario": "earthquake"}, "no scenario 'earthquake'; known: "),
    ],
)
def test_unknown_faults_levels_and_scenarios_are_answered_in_one_sentence(
    run: Runner, wishes: dict[str, object], words: str
) -> None:
    outcome = run(**wishes)
    assert (outcome.summary["result"], outcome.exit_code) == ("failed", 2)
    assert words in outcome.summary["reason"]
    assert "\n" not in outcome.summary["reason"]
