"""A repair asks for the series that it wants, of every raw table that can have a gap."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import sources
from pipelines.core.settings import Settings, SourceOverrides
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.run import Extraction
from pipelines.extraction.source import begin_extraction, extract
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES


def owing() -> Iterator[tuple[str, str]]:
    """Yield the raw tables whose rows are of days; hours are wanted by nobody here."""
    for name in SOURCES:
        for table in sources.tables(name):
            is_due = table.timing is not None and table.timing.publish_lag_h
            if is_due and not table.is_snapshot and not table.name.endswith("_intraday"):
                yield name, table.name


def test_every_source_of_dated_rows_is_among_them() -> None:
    assert {source for source, _ in owing()} == set(SOURCES) - {"coinmetrics_archive"}


@pytest.mark.parametrize("name", sorted({source for source, _ in owing()}))
def test_one_series_is_asked_for_and_no_other(
    name: str, dataset: Dataset, server: SandboxServer, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path, sandbox_url=server.url, curation_dir=dataset.path, _env_file=None
    )
    source, day = sources.source(name), Window.of_day(dataset.end)

    def ask(entity: str | None, table: str | None) -> Extraction:
        only = SourceOverrides(entities=None if entity is None else (entity,))
        own = settings.model_copy(update={"sources": {name: only}})
        curated = universe.codes(own, source.identity or name)
        clock = FixedClock(dataset.now)
        run = begin_extraction(source, own, clock, "run", curated, only_table=table)
        for _ in extract(source, run, day):
            pass
        assert run.failures == []
        return run

    whole = ask(None, None).log().to_pylist()
    for table in [table for of, table in owing() if of == name]:
        rows = [row for row in whole if row["table_name"] == table and row["window_start"]]
        wanted = max(rows, key=lambda row: row["rows_landed"])
        repair = ask(wanted["entity_id"], table)
        asked = [row for row in repair.log().to_pylist() if row["window_start"]]
        assert [(row["table_name"], row["entity_id"]) for row in asked] == [
            (table, wanted["entity_id"])
        ]
        assert asked[0]["rows_landed"] == wanted["rows_landed"], f"{table} {wanted['entity_id']}"
        assert repair.usage.request_count <= repair.plan.request_count
