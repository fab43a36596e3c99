"""What the marts say about the running of things: loads, freshness, checks, the dictionary."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from pipelines.core.settings import Settings
from pipelines.monitoring import freshness
from tests.models.lake_box import Asked, LakeBox, day_start, days, manifest
from tests.models.market import DAY, Market, dollars

DAYS = days("2024-01-01", 5)
CHECKED_AT = day_start(DAYS[-1])


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    town.land(shared_box, last=DAYS[3], run_id="first")
    instant = day_start(DAYS[-1]) + DAY + timedelta(hours=6)
    town.land(shared_box, instant, first=DAYS[3], venues=["kraken"], run_id="second")
    shared_box.load(
        "binance",
        {
            "quarantine": [
                {
                    "table_name": "klines",
                    "entity_id": "BTCUSDT",
                    "reason": "close is not above 0",
                    "payload": "{}",
                    "run_id": "second",
                }
            ]
        },
        fetched_at=instant,
        asked=[
            Asked("klines", "BTCUSDT", status="partial", rows_quarantined=1),
            Asked("klines", "ETHUSDT", status="error"),
            Asked("klines", "SOLUSDT", status="skipped"),
        ],
        run_id="second",
    )
    results = shared_box.lake_dir / "raw/ops/check_result"
    results.mkdir(parents=True)
    pl.DataFrame(
        {
            "run_id": ["first"],
            "checked_at": [CHECKED_AT],
            "check_kind": ["invariant"],
            "check_name": ["total_is_positive"],
            "mart": ["price_daily"],
            "severity": ["block"],
            "is_passed": [False],
            "failed_row_count": [2],
            "detail": ["bitcoin 2024-01-01"],
        }
    ).write_parquet(results / "first.parquet")
    shared_box.run("*")
    return shared_box


def test_a_load_is_reported_with_what_it_refused(box: LakeBox) -> None:
    [row] = box.query(
        "select status, entity_count, ok_count, partial_count, error_count, skipped_count, "
        "quarantined_row_count, quarantine_reasons, run_id from marts.ops_load_log "
        "where source = 'binance'"
    )
    assert row == ("partial", 3, 0, 1, 1, 1, 1, "1 x close is not above 0", "second")


def test_freshness_is_about_the_days_of_the_data(box: LakeBox) -> None:
    """P29: Coinbase was not asked again, so its newest day is a day old."""
    rows = {
        subject: (f"{day:%m-%d}" if day else None, lag_h, status)
        for subject, day, lag_h, status in box.query(
            "select subject, newest_day, lag_h, status from marts.ops_freshness"
        )
    }
    assert rows["kraken.ohlc"] == ("01-05", 6.0, "fresh")
    assert rows["coinbase.candles"] == ("01-04", 30.0, "late")
    assert rows["coinmetrics.asset_metrics"] == (None, None, "empty")
    assert rows["price_daily"] == ("01-05", 6.0, "fresh")


def test_what_watches_the_lake_judges_as_the_mart_does(box: LakeBox) -> None:
    now = day_start(DAYS[-1]) + DAY + timedelta(hours=6)
    watched = {
        one.subject: (one.newest_day, one.status)
        for one in freshness.of_tables(Settings(data_dir=box.data_dir), now)
    }
    published = {
        subject: (day, status)
        for subject, day, status in box.query(
            "select subject, newest_day, status from marts.ops_freshness "
            "where subject_kind = 'source'"
        )
    }
    assert watched.keys() == published.keys(), "one of both leaves a table out"
    assert {
        subject: (watched[subject], found)
        for subject, found in published.items()
        if watched[subject] != found
    } == {}


def test_coverage_is_reported_of_every_daily_mart(box: LakeBox) -> None:
    nodes = [node for node in manifest().nodes.values() if node.resource_type == "model"]
    daily = {
        node.unique_id for node in nodes if node.fqn[1] == "marts" and node.name.endswith("_daily")
    }
    (coverage,) = [node for node in nodes if node.name == "ops_coverage"]
    reported = {name for name in coverage.depends_on.nodes if name in daily}
    assert reported == daily, f"ops_coverage leaves out {daily - reported}"


def test_coverage_is_what_the_marts_have(box: LakeBox) -> None:
    reported = {
        (column, entity): row
        for column, entity, *row in box.query(
            "select column_name, entity_id, first_day, last_day, row_count, null_frac "
            "from marts.ops_coverage where mart = 'price_daily'"
        )
    }
    assert ("day", "*") not in reported
    assert {entity for _, entity in reported} > {"*", "tether"}
    for (column, entity), row in reported.items():
        (counted,) = box.query(
            f"select min(case when {column} is not null then day end), "
            f"max(case when {column} is not null then day end), "
            f"count(*), 1 - count({column}) / count(*) from marts.price_daily "
            f"where '{entity}' in ('*', asset_id)"
        )
        assert tuple(row) == counted, f"{column} of {entity}"


def test_a_column_that_ended_is_not_fresh_because_its_mart_is(box: LakeBox) -> None:
    ended = (
        "update marts.ops_coverage set last_day = last_day - 30 "
        "where mart = 'price_daily' and column_name = 'volume_usd'"
    )
    with box.tampered(ended) as other:
        other.dbt("run", "--select", "ops_freshness")
        status = dict(other.query("select subject, status from marts.ops_freshness"))
    assert status["price_daily.volume_usd"] == "stale"
    assert (status["price_daily.close_usd"], status["price_daily"]) == ("fresh", "fresh")


def test_results_of_earlier_runs_are_kept(box: LakeBox) -> None:
    rows = box.query(
        "select run_id, check_name, is_passed, failed_row_count, detail "
        "from marts.ops_check_result where check_kind = 'invariant'"
    )
    assert rows == [("first", "total_is_positive", False, 2, "bitcoin 2024-01-01")]


def test_the_gates_of_the_build_are_reported_even_when_they_held(box: LakeBox) -> None:
    rows = box.query(
        "select check_name, is_passed, run_id from marts.ops_check_result "
        "where check_kind = 'dbt' order by 1"
    )
    assert ("price_jump_gate", True, "second") in rows


def test_the_build_knows_no_other_clock_than_the_extraction(box: LakeBox) -> None:
    expected = day_start(DAYS[-1]) + DAY + timedelta(hours=6)
    assert box.query("select distinct as_of_ts from marts.price_daily") == [(expected,)]


def test_every_table_and_column_carries_its_description(box: LakeBox) -> None:
    """P6: comments are what a reader of the file sees."""
    tables = box.query(
        "select table_name from duckdb_tables() where schema_name = 'marts' and comment is null"
    )
    columns = box.query(
        "select table_name, column_name from duckdb_columns() "
        "where schema_name = 'marts' and comment is null"
    )
    assert (tables, columns) == ([], [])
    [(comment,)] = box.query(
        "select comment from duckdb_columns() where schema_name = 'marts' "
        "and table_name = 'price_daily' and column_name = 'close_usd'"
    )
    assert "no venue was accepted" in comment
    assert "- formula: volume-weighted median" in comment
    assert "- anchor: canonical-close" in comment


def test_the_dictionary_has_what_the_descriptions_say(box: LakeBox) -> None:
    [row] = box.query(
        "select unit, formula, formula_anchor, window_d, min_obs, min_value, max_value, "
        "bound_severity from marts.meta_metric_catalog "
        "where mart = 'returns_risk_daily' and column_name = 'corr_btc_30d'"
    )
    assert row == (
        "correlation",
        "corr(r, r_btc), 30 d",
        "docs/formulas.md#return-correlation",
        30,
        24,
        -1.0,
        1.0,
        "block",
    )


def test_a_formula_can_be_read_alone(box: LakeBox) -> None:
    [(formula, anchor)] = box.query(
        "select formula, formula_anchor from marts.meta_metric_catalog "
        "where mart = 'trader_grade_daily' and column_name = 'trader_grade'"
    )
    assert "0.5 calm" in formula
    assert anchor == "docs/formulas.md#trader-grade"


def test_it_says_which_assets_have_no_source(box: LakeBox) -> None:
    """They are not left out."""
    found = dict(box.query("select asset_id, source_status from marts.dim_asset"))
    assert found["bitcoin"] == "observed"
    assert found["solana"] == "mapped"
    assert found["noice"] == "no_source"


@pytest.mark.parametrize(
    ("column", "bad"),
    [("close_usd", "-1"), ("close_usd", "'nan'::double"), ("price_quality", "'fine'")],
)
def test_the_tests_see_what_is_wrong(
    box: LakeBox, seeded_box: LakeBox, column: str, bad: str
) -> None:
    """A planted error is found, and the failing test is an error."""
    import shutil

    import duckdb

    shutil.copy(box.warehouse, seeded_box.warehouse)
    connection = duckdb.connect(str(seeded_box.warehouse))
    connection.execute(
        f"update marts.price_daily set {column} = {bad} "
        "where asset_id = 'bitcoin' and day = '2024-01-02'"
    )
    connection.close()
    result = seeded_box.dbt("test", "--select", "price_daily,test_type:generic", check=False)
    failed = {item.node.name for item in result.result.results if item.status == "fail"}
    assert failed, "nothing noticed"


def test_relations_are_keys_and_what_tests_hold(box: LakeBox) -> None:
    rows = box.query(
        "select relation_kind, column_names, referenced_mart, referenced_column, "
        "is_referenced_unique from marts.meta_relation where mart = 'valuation_daily' order by all"
    )
    assert rows == [
        ("foreign", "asset_id", "dim_asset", "asset_id", True),
        ("foreign", "protocol_id", "dim_protocol", "protocol_id", True),
        ("primary", "asset_id, day", None, None, None),
    ]
    # a stablecoin has periods: its id alone does not lead to one row
    assert box.query(
        "select distinct is_referenced_unique from marts.meta_relation "
        "where referenced_mart = 'dim_stablecoin'"
    ) == [(False,)]


def test_the_lineage_leads_from_a_grade_to_what_exchanges_said(box: LakeBox) -> None:
    found = {
        table
        for (table,) in box.query(
            """
            with recursive down as (
                select input_table, input_column from marts.meta_column_lineage
                where table_name = 'trader_grade_daily' and column_name = 'trader_grade'
                union
                select step.input_table, step.input_column
                from down
                inner join marts.meta_column_lineage as step
                    on down.input_table = step.table_name
                    and down.input_column in (step.column_name, '*')
            )
            select distinct input_table from down where contains(input_table, '.')
            """
        )
    }
    assert {"binance.klines", "kraken.ohlc", "coinbase.candles"} <= found
