"""What sources do wrong: each ends in a sentence or a counted row, and nothing good is lost."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core import warehouse
from pipelines.lake.catalog import write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sources import SOURCES
from tests.e2e.conftest import END, Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# two tries and no waiting: it is the outcome that is tested, not the patience
_IMPATIENT = {
    f"TOKENMART_SOURCES__{source.upper()}__{name}": value
    for source in SOURCES
    for name, value in (("MAX_ATTEMPTS", "2"), ("MAX_RETRY_DELAY_S", "0"), ("TIMEOUT_S", "5"))
}


@pytest.fixture
def impatient(project: Project, server: SandboxServer) -> Project:
    """The project after its first run, asking the test's own server."""
    served = project.served_by(server, project.dataset.now)
    served.environment |= _IMPATIENT
    return served


def _loads(project: Project, source: str) -> int:
    catalog = write_catalog(project.settings)
    return catalog.filter(pl.col("source") == source)["load_id"].n_unique()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "429", "retry_after": 0}, "429"),
        ({"kind": "500"}, "500"),
        ({"kind": "html"}, "HTML"),
        ({"kind": "truncated"}, ""),
        ({"kind": "drop"}, ""),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_source_that_fails_is_named_and_the_others_land(
    impatient: Project, server: SandboxServer, fault: dict[str, Any], said: str
) -> None:
    first = impatient.current
    before = {source: _loads(impatient, source) for source in ("kraken", "coinmetrics")}
    server.set_faults([{"source": "kraken", **fault}])

    done = impatient.run("daily")

    assert done.returncode == 1, done.stdout
    assert "Failed: extraction\nkraken: " in done.stdout
    assert said.lower() in done.stdout.lower()
    assert "Traceback" not in done.stdout + done.stderr
    assert f"The last publication holds: {first.version}" in done.stdout
    assert impatient.current == first
    for source in ("binance", "coinbase", "coinmetrics", "defillama_stablecoins"):
        assert f"\n{source}: " not in done.stdout
    assert _loads(impatient, "coinmetrics") == before["coinmetrics"] + 1


def test_unreachable_source_and_the_way_back(impatient: Project, server: SandboxServer) -> None:
    first = impatient.current
    lost = {"TOKENMART_SOURCES__BINANCE__BASE_URL": "http://127.0.0.1:9"}
    broken = Project(impatient.data_dir, impatient.dataset, {**impatient.environment, **lost})

    failed = broken.run("daily")

    assert failed.returncode == 1
    assert "Failed: extraction\nbinance: " in failed.stdout
    assert impatient.current == first

    off = {"TOKENMART_SOURCES__BINANCE__ENABLED": "false"}
    without = Project(impatient.data_dir, impatient.dataset, {**broken.environment, **off})
    meanwhile = without.run("daily")
    assert meanwhile.returncode == 0, meanwhile.stdout
    assert impatient.current.version != first.version

    done = impatient.run("daily")
    assert done.returncode == 0, done.stdout
    assert impatient.current.content_hash == first.content_hash


@pytest.mark.parametrize("kind", ["negative_price", "wrong_type"])
def test_bad_rows_are_counted_and_published_around(
    impatient: Project, server: SandboxServer, kind: str
) -> None:
    path = "/0/public/OHLC"
    server.set_faults([{"source": "kraken", "kind": kind, "path_prefix": path, "times": 1}])

    done = impatient.run("daily")

    assert done.returncode == 0, done.stdout
    assert "quarantined" in done.stdout
    with warehouse.read(impatient.settings.published_dir / "tokenmart.duckdb") as connection:
        rows = connection.execute(
            "select sum(quarantined_row_count), max(quarantine_reasons) from marts.ops_load_log "
            "where run_id = ? and source = 'kraken'",
            [impatient.current.run_id],
        ).fetchone()
    assert rows is not None
    assert rows[0] > 0
    assert rows[1]
    assert impatient.current.newest_day == END


def test_new_word_is_landed_and_reported(impatient: Project, server: SandboxServer) -> None:
    server.set_faults(
        [{"source": "kraken", "kind": "unknown_enum", "path_prefix": "/0/public/AssetPairs"}]
    )

    done = impatient.run("daily")

    assert done.returncode == 0, done.stdout
    with warehouse.read(impatient.settings.published_dir / "tokenmart.duckdb") as connection:
        reported = connection.execute(
            "select detail from marts.ops_check_result "
            "where run_id = ? and check_kind = 'schema' and not is_passed",
            [impatient.current.run_id],
        ).fetchall()
    assert [detail for (detail,) in reported if "HIBERNATING" in detail]


def test_duplicate_page_adds_no_version(impatient: Project, server: SandboxServer) -> None:
    first = impatient.current
    server.set_faults([{"source": "binance", "kind": "duplicate_page"}])

    done = impatient.run("daily")

    assert done.returncode == 0, done.stdout
    assert impatient.current.content_hash == first.content_hash


def test_dataset_without_a_column_is_refused_by_name(project: Project, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(project.dataset.path, broken)
    candles = pl.read_parquet(broken / "candles.parquet")
    candles.drop("close").write_parquet(broken / "candles.parquet")
    first = project.current

    done = project.run("daily", "--dataset", str(broken))

    assert done.returncode == 1
    assert "Failed: the dataset" in done.stdout
    assert "candles" in done.stdout
    assert "close" in done.stdout
    assert project.current == first
