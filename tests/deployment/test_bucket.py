"""A lake in a bucket gives the same publication as one in a folder, and a trace says how."""

import shutil
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from pipelines.core.settings import Settings
from pipelines.lake import upkeep
from pipelines.lake.catalog import read_catalog
from tests.deployment.conftest import PASSWORD, Bucket, Collector
from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


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
