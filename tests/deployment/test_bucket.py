"""A lake in a bucket gives the same publication as one in a folder, and a trace says how."""

import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import fsspec
import pytest

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.lake import storage, upkeep
from pipelines.lake.catalog import LakeDamaged, read_catalog, write_catalog
from tests.deployment.conftest import PASSWORD, Bucket, Collector
from tests.e2e.conftest import Project
from tests.unit.lake.conftest import land

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_what_is_landed_in_a_bucket_is_listed_mended_compacted_and_read(
    serve: Any, bucket: Bucket, tmp_path: Path
) -> None:
    clock = FixedClock(datetime(2025, 11, 11, 6, tzinfo=UTC))
    settings = Settings(data_dir=tmp_path, lake_url=bucket.url, profile="live")
    for number in range(3):
        land(settings, clock, run_id=f"run-{number}")
        assert write_catalog(settings).filter(table_name="daily").height == number + 1, (
            "what dlt has just written is not seen"
        )
    assert not list(tmp_path.glob("lake/*"))

    lost = read_catalog(settings).filter(table_name="daily")["path"][0]
    file_system, root = storage.bucket(settings)
    file_system.rm_file(f"{root}/{lost}")
    with pytest.raises(LakeDamaged, match=re.escape(lost)):
        write_catalog(settings)
    assert {line["path"] for line in upkeep.mend(settings)} == {lost}

    compacted = upkeep.compact(settings, few_files=2)
    assert (compacted.files_before, compacted.files_after) == (5, 2)
    assert upkeep.verify(settings).faults == ()

    # as dbt's profile has it
    with warehouse.memory() as connection:
        connection.register_filesystem(fsspec.filesystem("s3"))
        (path,) = read_catalog(settings).filter(table_name="daily")["path"].unique()
        (listed,) = connection.execute(
            f"select count(*) from glob('{settings.lake_dir}/catalog.parquet')"
        ).fetchone() or (None,)
        file = f"{settings.lake_dir}/{path}"
        rows = connection.execute(
            f"select count(*), count(distinct _dlt_load_id) from read_parquet(['{file}'])"
        ).fetchone()
    assert (listed, rows) == (1, (8, 2))


def test_a_bucket_gives_the_same_publication(
    project: Project, bucket: Bucket, collector: Collector, tmp_path: Path
) -> None:
    in_folder = project.current
    elsewhere = Project(
        tmp_path / "elsewhere",
        project.dataset,
        {**bucket.environment, **collector.environment, "TOKENMART_LAKE_URL": bucket.url},
    )
    done = elsewhere.daily()
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    assert elsewhere.current.content_hash == in_folder.content_hash
    settings = Settings(data_dir=elsewhere.data_dir, lake_url=bucket.url)
    assert not (elsewhere.data_dir / "lake").exists(), "something was landed in the folder"
    listed = read_catalog(settings)
    assert listed.height > 100
    assert upkeep.verify(settings).faults == ()
    for path in elsewhere.data_dir.rglob("*"):
        if path.is_file() and path.suffix not in {".duckdb", ".parquet"}:
            assert PASSWORD.encode() not in path.read_bytes(), f"{path} has the bucket's key"

    _is_traced(collector, elsewhere)

    # an increment, compaction, and all of it again from the bucket alone
    again = elsewhere.daily()
    assert again.returncode == 0, f"{again.stdout}\n{again.stderr}"
    assert elsewhere.current.content_hash == in_folder.content_hash
    assert upkeep.compact(settings, few_files=2).tables
    (elsewhere.data_dir / "warehouse.duckdb").unlink()
    shutil.rmtree(elsewhere.data_dir / "dagster")
    for command in ("rebuild", "publish"):
        done = elsewhere.run(command)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert elsewhere.current.content_hash == in_folder.content_hash


def _is_traced(collector: Collector, project: Project) -> None:
    """The run that published has a trace: stages below it, sources and requests below those."""
    assert collector.services == {"tokenmart"}
    trace = UUID(project.current.run_id).hex
    spans = {span.span_id: span for span in collector.spans if span.trace_id == trace}
    kinds = Counter(span.name for span in spans.values())
    assert {kind: kinds[kind] for kind in ("run", "extract", "dbt", "gate", "publish")} == {
        "run": 1, "extract": 1, "dbt": 1, "gate": 1, "publish": 1,
    }  # fmt: skip
    assert kinds["source"] > 5
    assert kinds["requests"] > kinds["source"]
    parents = {
        (span.name, spans[span.parent_id].name if span.parent_id in spans else "")
        for span in spans.values()
    }
    assert parents == {
        ("run", ""), ("extract", "run"), ("dbt", "run"), ("gate", "run"), ("publish", "run"),
        ("source", "extract"), ("requests", "source"),
    }  # fmt: skip
    (first,) = (span for span in spans.values() if span.name == "run")
    assert first.attributes["tokenmart.job"] == "daily"
    assert first.seconds >= sum(s.seconds for s in spans.values() if s.parent_id == first.span_id)
    assert not any(span.is_error for span in spans.values())
    # the history is read in helper processes: their spans are below its own run
    histories = {
        span.trace_id
        for span in collector.spans
        if span.attributes.get("tokenmart.job") == "history"
    }
    (history,) = histories
    of_history = Counter(span.name for span in collector.spans if span.trace_id == history)
    assert of_history["source"] == kinds["source"]
