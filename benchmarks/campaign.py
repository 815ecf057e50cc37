"""Many whole runs of the simulated cell over seeds and scenarios, on a pool of processes; resumable.

    python -m benchmarks.campaign            # 200 runs
    python -m benchmarks.campaign --full     # 1,000 runs

Half of the runs are undisturbed, the others take the scenarios in turn. A run is judged by what its scenario expects.
"""

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from benchmarks.harness import Line, at_least, at_most, report
from sewcell.apps.run import RunRequest, run_garment
from sewcell.config.loader import load_yaml
from sewcell.config.models_scenario import ExpectModel, ScenarioModel

ROOT = Path(__file__).parents[1]
POCKET = ROOT / "configs" / "garments" / "shirt-pocket.yaml"
UNDISTURBED = "undisturbed"
RUNS, FULL_RUNS = 200, 1000
EXPLODED = 1.0
"""Strain that no cloth survives."""
NICENESS = 5
SEEN_WITHIN_MM = 0.4
"""So near to its tolerance a seam may be flagged or not: three standard deviations of a margin that the bench camera
tells, with the error of the knife in it (docs/vision.md)."""

Result = dict[str, Any]


def list_scenarios() -> list[str]:
    """Names of all scenarios."""
    return sorted(path.stem for path in (ROOT / "configs" / "scenarios").glob("*.yaml"))


def list_runs(count: int) -> list[tuple[int, str]]:
    """Seed and scenario of each run."""
    others = [name for name in list_scenarios() if name != UNDISTURBED]
    return [(k + 1, UNDISTURBED if k % 2 == 0 else others[k // 2 % len(others)]) for k in range(count)]


def judge_run(summary: Result, expected: ExpectModel) -> str:
    """What is wrong with a run whose scenario expects this; empty when nothing is."""
    flags = [flag for piece in summary["pieces"] for flag in piece["flags"]]
    told = "; ".join([summary["reason"], *flags])
    if summary["result"] != expected.result:
        return f"ended {summary['result']} instead of {expected.result}: {told}"
    if expected.says not in told:
        return f"does not say '{expected.says}' but '{told}'"
    if expected.flags_when_due:
        return "; ".join(filter(None, (judge_flag(seam) for piece in summary["pieces"] for seam in piece["seams"])))
    return ""


def judge_flag(seam: Result) -> str:
    """What is wrong with how the cell judged a seam, by where the needle really went; empty when nothing is.

    A camera cannot tell a shift along the seam that is shorter than a stitch: only what lies aside must be flagged.
    """
    aside, anywhere, limit = seam["deviation_max_mm"], seam["max_mm"], seam["tolerance_mm"]
    if seam["good"] and aside > limit + SEEN_WITHIN_MM:
        return f"seam '{seam['name']}' passes as good, {aside:.2f} mm beside its line"
    if seam["good"] and seam["skipped_stitches"]:
        return f"seam '{seam['name']}' passes as good with {seam['skipped_stitches']} stitches skipped"
    if seam["good"] is False and anywhere < limit - SEEN_WITHIN_MM and not seam["skipped_stitches"]:
        return f"seam '{seam['name']}' is flagged, though within {anywhere:.2f} mm of its line"
    return ""


def run_one(seed: int, scenario: str) -> Result:
    """One run and its judgement."""
    expected = load_yaml(ROOT / "configs" / "scenarios" / f"{scenario}.yaml", ScenarioModel).expect
    result: Result = {"seed": seed, "scenario": scenario, "wrong": "", "broke": "", "strain": 0.0, "rms_mm": None}
    with tempfile.TemporaryDirectory() as folder:
        request = RunRequest(
            POCKET, seed=seed, scenario=scenario, out=Path(folder), database=f"sqlite:///{folder}/runs.db"
        )
        try:
            summary = run_garment(request, on_step=lambda step: None).summary
        except Exception as error:  # what no run may raise is a finding here, and the other runs go on
            return result | {"broke": f"{type(error).__name__}: {error}", "wrong": "broke down"}
    rms = [seam["rms_mm"] for piece in summary["pieces"] for seam in piece["seams"] if seam["rms_mm"] is not None]
    return result | {
        "wrong": judge_run(summary, expected),
        "strain": summary["largest_strain"] or 0.0,
        "rms_mm": max(rms, default=None),
        "digest": summary["truth_digest"],
        "seconds": summary["wall_s"],
    }


def collect(count: int, jobs: int, folder: Path, quiet: bool) -> list[Result]:
    """Results of all runs: those that the folder already holds of this very program, and the others, run now."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = _digest_program()
    path = folder / f"{digest[:16]}.jsonl"
    wanted = list_runs(count)
    done = {}
    if path.exists():
        kept = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
        done = {(result["seed"], result["scenario"]): result for result in kept}
    missing = [key for key in wanted if key not in done]
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=os.nice, initargs=(NICENESS,))
    with pool, path.open("a", encoding="utf-8") as file, _show_progress(quiet) as progress:
        task = progress.add_task("runs", total=len(wanted), completed=len(wanted) - len(missing))
        futures = {pool.submit(run_one, *key): key for key in missing}
        for future in as_completed(futures):
            result = future.result()
            if _digest_program() != digest:
                pool.shutdown(cancel_futures=True)
                raise SystemExit("program or configuration have changed since the campaign began: start it anew")
            done[futures[future]] = result
            file.write(json.dumps(result) + "\n")
            file.flush()
            progress.advance(task)
            if result["wrong"]:
                progress.console.print(f"seed {result['seed']}, {result['scenario']}: {_describe(result)}")
    return [done[key] for key in wanted]


def build_lines(results: list[Result]) -> Iterator[Line]:
    """The claims about `results`; seeds of what failed stand in the names."""
    broke = [r for r in results if r["broke"] or r["strain"] > EXPLODED]
    wrong = [r for r in results if r["wrong"] and not r["broke"]]
    yield at_most(f"runs of {len(results)} in which the world exploded or broke down{_seeds(broke)}", len(broke), 0)
    yield at_most("largest strain of the cloth in all runs", max(r["strain"] for r in results), EXPLODED)
    yield at_least(
        f"share of the runs that end as their scenario expects{_seeds(wrong)}", 1.0 - len(wrong) / len(results), 0.97
    )
    plain = [r["rms_mm"] for r in results if r["scenario"] == UNDISTURBED and r["rms_mm"] is not None]
    yield at_most("largest seam rms of the undisturbed runs [mm]", max(plain, default=float("nan")), 1.0)


def main() -> None:
    """The command line; ends the process with status 1 when a line does not pass."""
    parser = argparse.ArgumentParser(description="Whole runs of the simulated cell over seeds and scenarios.")
    parser.add_argument("--full", action="store_true", help=f"{FULL_RUNS:,} runs instead of {RUNS}")
    parser.add_argument("--runs", type=int, help="how many runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "campaign", help="where results are kept")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    arguments = parser.parse_args()
    count = arguments.runs or (FULL_RUNS if arguments.full else RUNS)
    if count < 1 or arguments.jobs < 1:
        parser.error("--runs and --jobs must be 1 or more")
    results = collect(count, arguments.jobs, arguments.folder, arguments.json)
    raise SystemExit(0 if report(build_lines(results), arguments.json) else 1)


def _describe(result: Result) -> str:
    return result["broke"] or result["wrong"]  # type: ignore[no-any-return]


def _seeds(results: list[Result]) -> str:
    named = ", ".join(f"{r['seed']} {r['scenario']}" for r in results)
    return f" (seeds {named})" if named else ""


def _show_progress(quiet: bool) -> Progress:
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, transient=True, disable=quiet)


def _digest_program() -> str:
    """sha256 of all that a run depends on: program and configuration."""
    sha = hashlib.sha256()
    folders = [(ROOT / "sewcell", "*.py"), (ROOT / "sim", "*.py"), (ROOT / "configs", "*.*")]
    for path in sorted(path for folder, form in folders for path in folder.rglob(form)):
        sha.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()


if __name__ == "__main__":
    main()
