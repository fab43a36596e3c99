"""A small publication of all marts, with everything that a name can do to a page, and its site."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest

from pipelines import site
from pipelines.core import warehouse
from pipelines.core.settings import REPO_DIR
from pipelines.publishing.manifest import DATABASE_NAME, CheckSummary, Manifest, MartEntry
from pipelines.publishing.presentation import LATEST, Relation, has_latest, latest_query, present
from pipelines.validation.contracts import Contract, read_contracts

NEWEST = date(2024, 2, 29)
# what stands in for a name: markup, the end of a script, quotes, an emoji, right to left, a formula
NAMES = {
    "bitcoin": ("BTC", "Bitcoin"),
    "evil": ("</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>"),
    "quo'te": ("Q'\"", 'O\'Brien & "Sons"'),
    "Emoji 🚀": ("🚀", "🚀🚀"),
    "מטבע": ("מטב", "מטבע חדש"),
    "sum": ("=1+1", '=cmd|"/c calc"!A1'),
    "newborn": ("NEW", "Newborn"),
}
ROWS = """
insert into marts.price_daily by name
select
    asset_id, symbol, name, date '2024-02-29' - i::integer as day, 100.0 + i as close_usd,
    1e6 as volume_usd,
    2 as n_venues, 'ok' as price_quality
from marts.dim_asset, range(60) as days (i)
where i = 0 or asset_id <> 'newborn';
insert into marts.screener_latest by name
select
    asset_id, symbol, name, date '2024-02-29' as day, true as is_in_universe, 100.0 as close_usd,
    0.01 as ret_1d, 'nan'::double as ret_7d, 50.0 as trader_grade, -1.0 as grade_change_7d,
    1 as signal, 2.5e9 as mcap_usd, '"quoted"' as narrative_ids
from marts.dim_asset;
insert into marts.alert by name
select
    'alert-' || asset_id as alert_id, row_number() over (order by asset_id) as event_seq,
    'price_move' as kind, 'asset' as entity_kind, asset_id as entity_id, date '2024-02-29' as day,
    'warning' as severity, name || ' moved' as message
from marts.dim_asset;
"""


@cache
def marts() -> dict[str, tuple[Contract, dict[str, str]]]:
    """All marts with their contracts, and their columns as they are published."""
    manifest = json.loads((REPO_DIR / "dbt" / "target" / "manifest.json").read_text())
    contracts = {contract.mart: contract for contract in read_contracts(manifest)}
    relations = {
        mart: Relation(
            name=mart,
            columns={name: column.kind.upper() for name, column in contract.columns.items()},
            nullable=dict.fromkeys(contract.columns, True),
            comment=None,
            column_comments=dict.fromkeys(contract.columns),
        )
        for mart, contract in contracts.items()
    }
    return {
        mart: (
            contracts[mart],
            {
                column.name: column.kind
                for column in present(relation, relations, "warehouse.marts").columns
            },
        )
        for mart, relation in relations.items()
    }


def published(
    folder: Path, rows: str = ROWS, *, without: Sequence[str] = (), more: str = ""
) -> Path:
    """Make a publication of all marts: those that `rows` fills, and the others empty.

    What a page reads is there, the database and its manifest, and nothing else.

    Args:
        folder: where.
        rows: SQL that fills marts.
        without: marts that are not there.
        more: SQL that is run last.

    Returns:
        The publication's folder.
    """
    folder.mkdir(parents=True)
    entries = []

    def enter(name: str, kind: str, columns: dict[str, str]) -> None:
        entries.append(
            MartEntry(
                name=name,
                kind=kind,
                key=(),
                columns=columns,
                rows=0,
                min_day=NEWEST,
                max_day=NEWEST,
                content_hash="",
                parquet="",
                parquet_bytes=0,
            )
        )

    with warehouse.write(folder / DATABASE_NAME) as connection:
        connection.begin()
        connection.execute("create schema marts")
        for mart, (contract, columns) in marts().items():
            if mart in without:
                continue
            written = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"create table marts.{mart} ({written})")
            enter(mart, "table", columns)
            if has_latest(columns, contract.key):
                view = f"{mart}{LATEST}"
                connection.execute(f"create view marts.{view} as {latest_query(f'marts.{mart}')}")
                enter(view, "view", columns)
        connection.executemany(
            "insert into marts.dim_asset by name select ? as asset_id, ? as symbol, ? as name",
            [[id_, symbol, name] for id_, (symbol, name) in NAMES.items()],
        )
        connection.execute(rows)
        if more:
            connection.execute(more)
        connection.commit()
    Manifest(
        version="20240302T060000Z-12345678",
        sequence=1,
        replaces=None,
        published_at=datetime(2024, 3, 2, 6, tzinfo=UTC),
        run_id="run",
        code_revision="",
        profile="sandbox",
        content_hash="",
        database_bytes=0,
        duckdb_version="",
        marts=tuple(entries),
        checks=CheckSummary(total=0, passed=0, warned=0, by_kind={}, warnings=()),
    ).save(folder)
    return folder


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a publication; see `published`."""
    return lambda **how: published(tmp_path / "published", **how)


@pytest.fixture(scope="session")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small publication; tests read it."""
    return published(tmp_path_factory.mktemp("small") / "published")


@pytest.fixture(scope="session")
def made(publication: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small publication's site; tests read it."""
    out = tmp_path_factory.mktemp("site") / "site"
    site.make(publication, out)
    return out
