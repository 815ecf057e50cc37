"""One row for each run in a database: SQLite by default, another one by its URL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import JSON, DateTime, Engine, Integer, String, create_engine, event, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sewcell.errors import ConfigError

Summary = Mapping[str, object]
DEFAULT_DATABASE = "sqlite:///runs/sewcell.db"


class Base(DeclarativeBase):
    """The tables of the records."""


class RunRow(Base):
    """A run: when, of what, how it ended, and its whole summary as JSON."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    garment: Mapped[str] = mapped_column(String(200))
    backend: Mapped[str] = mapped_column(String(40))
    seed: Mapped[int] = mapped_column(Integer)
    config_digest: Mapped[str] = mapped_column(String(64))
    result: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(2000))
    folder: Mapped[str] = mapped_column(String(1000))
    summary: Mapped[dict[str, object]] = mapped_column(JSON)


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run a record is of."""

    garment: str
    backend: str
    seed: int


class RunRecords:
    """The run table behind a database URL such as `sqlite:///runs/sewcell.db`."""

    def __init__(self, url: str) -> None:
        try:
            if url.startswith("sqlite:///"):
                Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(url)
            if self._engine.dialect.name == "sqlite":
                _use_write_ahead_log(self._engine)
            Base.metadata.create_all(self._engine)
        except (SQLAlchemyError, OSError) as error:
            raise ConfigError(
                f"the run database {url} cannot be opened: {_first_line(error)}; choose another --database"
            ) from error

    def begin(self, key: RunKey) -> int:
        """Write the row of a run that starts now, with the result "running"; returns its number."""
        row = RunRow(
            started_at=datetime.now(UTC),
            garment=key.garment,
            backend=key.backend,
            seed=key.seed,
            config_digest="",
            result="running",
            reason="",
            folder="",
            summary={},
        )
        with Session(self._engine) as session:
            session.add(row)
            session.commit()
            return row.id

    def finish(self, run: int, folder: str, summary: Summary) -> None:
        """Write how run number `run` ended: `summary` holds at least result, reason and config_digest."""
        with Session(self._engine) as session:
            row = session.get_one(RunRow, run)
            row.result, row.reason = str(summary["result"]), str(summary["reason"])[:2000]
            row.config_digest, row.folder = str(summary["config_digest"]), folder
            row.summary = json.loads(json.dumps(summary))
            session.commit()

    def all(self) -> list[RunRow]:
        """Every run, oldest first."""
        with Session(self._engine) as session:
            return list(session.scalars(select(RunRow).order_by(RunRow.id)))

    def close(self) -> None:
        """Give the database free."""
        self._engine.dispose()


def _use_write_ahead_log(engine: Engine) -> None:
    """Readers (a report, a second run) then never wait for a writer, and a crash loses no finished run."""

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA busy_timeout=10000")
        cursor.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
