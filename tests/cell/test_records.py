"""Every run leaves a row and a recording that stays readable."""

from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader

from sewcell.cell.journal import Journal
from sewcell.cell.records import RunKey, RunRecords
from sewcell.errors import ConfigError
from sewcell.image import Image

KEY = RunKey("shirt-pocket", "sim", 1)


def test_a_run_that_never_finished_is_still_in_the_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/folder/sewcell.db"
    RunRecords(url).begin(KEY)
    (row,) = RunRecords(url).all()
    assert (row.garment, row.result) == ("shirt-pocket", "running")


def test_the_row_of_a_finished_run_holds_its_summary(tmp_path: Path) -> None:
    records = RunRecords(f"sqlite:///{tmp_path}/sewcell.db")
    number = records.begin(KEY)
    summary = {"result": "failed", "reason": "thread break", "config_digest": "ab", "pieces": [], "cycle_s": 1.5}
    records.finish(number, "runs/1", summary)
    (row,) = records.all()
    assert (row.result, row.reason, row.summary["cycle_s"]) == ("failed", "thread break", 1.5)


@pytest.mark.parametrize("url", ["nosuchdb://somewhere/else", "sqlite:////proc/nowhere/runs.db"])
def test_a_database_that_cannot_be_opened_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match=f"{url}.*choose another"):
        RunRecords(url)


def test_bytes_joints_and_pictures_come_back_from_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    with Journal(path) as journal:
        journal.add_bytes("arm", "sent", b"?", 0.5)
        journal.add_joints(np.zeros(6), 0.6)
        journal.add_image(Image(np.zeros((8, 8, 3), dtype=np.uint8), "overhead", 0.7))
    with path.open("rb") as file:
        found = [(channel.topic, message.log_time) for _, channel, message in make_reader(file).iter_messages()]
    assert found == [("/bytes/arm", 500_000_000), ("/arm/joints", 600_000_000), ("/camera/overhead", 700_000_000)]
