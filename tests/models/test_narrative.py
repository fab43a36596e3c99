"""Narratives, baskets and pairs from assets known by heart.

What stands before them in the warehouse is put there as it would be built.
"""

# the queries are made of constants
from __future__ import annotations

import math
import random
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.models.lake_box import LakeBox, days

DAYS = days("2023-12-01", 150)
LAST = DAYS[-1]
JUMP, HOLE, FEBRUARY, DEATH = (date(2024, *day) for day in ((1, 10), (1, 20), (2, 1), (3, 5)))
LEFT = date(2024, 4, 20)
SIZES = {"p": 50e6, "q": 20e6, "r": 12e6, "s": 10e6, "t": 8e6}
# 25 % at the most: p and q are cut, the rest shares one half
WEIGHTS = {"p": 0.25, "q": 0.25, "r": 0.2, "s": 1 / 6, "t": 2 / 15}
GAINS = {("p", JUMP), ("p", HOLE + timedelta(days=1)), ("t", FEBRUARY)}


def orthonormal(count: int, draw: random.Random) -> tuple[list[float], list[float]]:
    """Two series with mean 0, variance 1 and correlation 0, exactly."""

    def scaled(values: list[float]) -> list[float]:
        mean = sum(values) / count
        values = [value - mean for value in values]
        size = math.sqrt(sum(value * value for value in values) / (count - 1))
        return [value / size for value in values]

    first = scaled([draw.gauss(0, 1) for _ in range(count)])
    second = scaled([draw.gauss(0, 1) for _ in range(count)])
    slope = sum(a * b for a, b in zip(first, second, strict=True)) / (count - 1)
    return first, scaled([b - slope * a for a, b in zip(first, second, strict=True)])


def golden_pair() -> dict[str, dict[date, float]]:
    """Correlation 0.8 over 90 days, then 0.2 over 30, up to the last day."""
    draw = random.Random(14)
    one: list[float] = []
    two: list[float] = []
    for count, rho in ((90, 0.8), (30, 0.2)):
        a, e = orthonormal(count, draw)
        one += [0.02 * x for x in a]
        two += [0.03 * (rho * x + math.sqrt(1 - rho * rho) * y) for x, y in zip(a, e, strict=True)]
    span = DAYS[-120:]
    return {"g-one": dict(zip(span, one, strict=True)), "g-two": dict(zip(span, two, strict=True))}


def prices() -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for asset, size in SIZES.items():
        close: float | None = 10.0
        for day in DAYS:
            if (asset, day) in GAINS:
                close = (close or 10.0) * 1.1
            known = (
                None if (asset, day) == ("s", HOLE) or (asset == "r" and day >= DEATH) else close
            )
            mcap = 100e6 if asset == "t" and day >= FEBRUARY else size
            rows.append(
                {"asset_id": asset, "day": day, "close_usd": known, "mcap_usd": known and mcap}
            )
    for asset, returns in golden_pair().items():
        close = 10.0
        for day in DAYS:
            close *= math.exp(returns.get(day, 0.0))
            rows.append({"asset_id": asset, "day": day, "close_usd": close, "mcap_usd": 1e6})
    frame = pl.DataFrame(rows).sort("asset_id", "day")
    return frame.with_columns(
        (pl.col("close_usd") / pl.col("close_usd").shift(1).over("asset_id"))
        .log()
        .alias("logret_1d")
    )


def memberships() -> pl.DataFrame:
    always = date(1970, 1, 1)
    rows = [(asset, narrative) for narrative in ("alpha", "beta") for asset in SIZES]
    rows += [("p", "duo"), ("q", "duo"), ("u", "silent"), ("g-one", "golden"), ("g-two", "golden")]
    return pl.DataFrame(
        [
            {
                "asset_id": asset,
                "narrative_id": narrative,
                "valid_from": always,
                "valid_to": LEFT if (asset, narrative) == ("s", "beta") else None,
                "known_at": None,
            }
            for asset, narrative in rows
        ]
        # what is learnt after the build's own instant is not in it
        + [
            {
                "asset_id": "u",
                "narrative_id": "alpha",
                "valid_from": always,
                "valid_to": None,
                "known_at": datetime(2030, 1, 1, tzinfo=UTC),
            }
        ],
        schema_overrides={"known_at": pl.Datetime("us", "UTC"), "valid_to": pl.Date},
    )


@pytest.fixture(scope="module")
def box(seeded_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> LakeBox:
    box = LakeBox(tmp_path_factory.mktemp("narratives"))
    shutil.copy(seeded_warehouse, box.warehouse)
    folder = box.data_dir / "curation"
    folder.mkdir()
    memberships().write_parquet(folder / "narratives.parquet")
    box.environment["TOKENMART_CURATION_DIR"] = str(folder)
    price = prices()
    with duckdb.connect(str(box.warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("price", price.to_arrow())
        connection.execute(f"""
            create schema if not exists intermediate;
            create schema if not exists marts;
            create table intermediate.int_build_stamp as
            select timestamptz '{LAST + timedelta(days=1)} 06:00:00+00' as as_of_ts;
            create table intermediate.int_asset_registry as
            select distinct asset_id, 'token' as asset_class, cast(null as varchar) as narratives
            from (select asset_id from price union select 'u' union select 'alone');
            create table intermediate.int_asset_calendar_daily as select asset_id, day from price;
            create table intermediate.int_asset_return_daily as
            select asset_id, day, close_usd as adjusted_close_usd, logret_1d from price;
            create table intermediate.int_asset_mcap_daily as
            select asset_id, day, mcap_usd from price where mcap_usd is not null;
            create table intermediate.int_asset_price_daily as
            select asset_id, day, close_usd, 1e6 as volume_usd from price;
            create table intermediate.int_technical_daily as
            select asset_id, day, close_usd, cast(10 as double) as sma_50, 25.0 as rsi_14
            from price;
            create table marts.returns_risk_daily as
            select asset_id, day, cast(-0.5 as double) as drawdown_frac from price;
            create table intermediate.int_token_event as
            select 'r' as asset_id, 'dead' as kind, date '{DEATH}' as effective_day;
            create table intermediate.int_market_total_daily as
            select distinct day, 1e9 as total_mcap_usd, cast(1000 as double) as market_index
            from price;
            create table intermediate.int_asset_class_interval as
            select asset_id, 'token' as asset_class, date '1970-01-01' as valid_from,
                cast(null as date) as valid_to
            from intermediate.int_asset_registry;
        """)
    box.run(
        "stg_curation__narrative int_narrative_membership int_narrative_registry "
        "int_narrative_member_daily int_narrative_price_daily int_narrative_index_daily "
        "int_pair_correlation_daily int_pair_breakdown_daily narrative_daily "
        "pair_correlation_daily dim_narrative_membership"
    )
    return box


def reported(box: LakeBox, columns: str, narrative: str, day: date) -> tuple[Any, ...]:
    (row,) = box.query(
        f"select {columns} from marts.narrative_daily "
        f"where narrative_id = '{narrative}' and day = '{day}'"
    )
    return row


def test_a_basket_holds_capped_weights(box: LakeBox) -> None:
    """Asset p gains a tenth at a quarter of the basket."""
    assert reported(box, "basket_ret_1d, basket_member_count", "alpha", JUMP) == (
        pytest.approx(0.1 * WEIGHTS["p"]),
        5,
    )


def test_a_member_that_misses_a_day_hands_its_weight_on(box: LakeBox) -> None:
    """F-4: no return on the day and on the one after it; the others make up the basket."""
    held = {**WEIGHTS, "p": 1.1 * WEIGHTS["p"]}
    del held["s"]
    ret, flag = reported(box, "basket_ret_1d, is_redistributed", "alpha", HOLE + timedelta(days=1))
    assert flag is True
    assert ret == pytest.approx(0.1 * held["p"] / sum(held.values()))
    assert reported(box, "is_redistributed", "alpha", HOLE + timedelta(days=2)) == (False,)


def test_the_first_of_the_month_knows_the_day_before_only(box: LakeBox) -> None:
    """Asset t is twelve times as large on the first of February itself; that counts in March."""
    assert reported(box, "basket_ret_1d", "alpha", FEBRUARY) == (pytest.approx(0.1 * WEIGHTS["t"]),)


def test_a_member_that_dies_takes_its_part_along_once(box: LakeBox) -> None:
    """F-6: in March t and p are cut at a quarter; r has 12 of the 42 millions of the other half."""
    assert reported(box, "basket_ret_1d", "alpha", DEATH) == (pytest.approx(-0.5 * 12 / 42),)
    assert reported(box, "basket_ret_1d", "alpha", DEATH + timedelta(days=1)) == (
        pytest.approx(0.0),
    )
    assert reported(box, "basket_member_count", "alpha", date(2024, 4, 2)) == (4,), "bought again"


def test_a_narrative_of_which_nothing_is_known_has_rows_of_nulls(box: LakeBox) -> None:
    """F-15: a row for each day, and no number in any of them."""
    rows = box.query(
        "select count(*), max(member_count), count(basket_ret_1d), count(rs_ratio), "
        "count(quadrant), "
        "count(narrative_rank), count(mcap_usd), count(volume_usd), count(volume_z_30d), "
        "count(volume_fade_flag), count(mean_pair_corr_30d), count(breadth_above_sma50), "
        "count(pct_oversold_rsi30), count(median_drawdown), count(is_redistributed) "
        "from marts.narrative_daily where narrative_id = 'silent'"
    )
    assert rows == [(len(DAYS), *[0] * 14)]


def test_two_members_are_no_basket(box: LakeBox) -> None:
    columns = "member_count, basket_ret_1d, median_drawdown, mean_pair_corr_30d"
    assert reported(box, columns, "duo", LAST) == (2, None, None, None)
    columns = "breadth_above_sma50, pct_oversold_rsi30, median_drawdown"
    assert reported(box, columns, "alpha", date(2024, 2, 2)) == (0.4, 1.0, -0.5)


def test_equal_strength_ranks_by_name(box: LakeBox) -> None:
    """F-14: alpha and beta hold the same; the ranks are still a permutation."""
    ranks = box.query(
        "select narrative_id, narrative_rank from marts.narrative_daily "
        f"where day = '{date(2024, 4, 10)}' and rs_ratio is not null order by 2"
    )
    assert ranks == [("alpha", 1), ("beta", 2)]


def test_members_are_those_of_the_day(box: LakeBox) -> None:
    """Who leaves counts until the day before; what is learnt later is not known yet."""
    counts = [reported(box, "member_count", "beta", LEFT - timedelta(days=n))[0] for n in (1, 0)]
    assert counts == [5, 4]
    assert reported(box, "member_count", "alpha", LAST) == (5,)
    held = box.query(
        "select narrative_id from marts.dim_narrative_membership where asset_id in ('u', 'alone') "
        "order by asset_id"
    )
    assert held == [("none",), ("silent",)]


def test_the_golden_breakdown_comes_out_of_the_mart(box: LakeBox) -> None:
    """0.2 over 30 days after 0.8 over 90."""
    rows = box.query(
        "select corr_30d, corr_30d_obs_count, corr_prior_90d, corr_prior_90d_obs_count, fisher_z, "
        "breakdown_flag from marts.pair_correlation_daily "
        f"where a_id = 'g-one' and b_id = 'g-two' and day = '{LAST}'"
    )
    assert rows == [
        (
            pytest.approx(0.2, abs=1e-9),
            30,
            pytest.approx(0.8, abs=1e-9),
            90,
            pytest.approx(-4.066669, abs=1e-6),
            True,
        )
    ]


def test_prices_that_do_not_move_have_no_correlation(box: LakeBox) -> None:
    """F-12: q and s never move: unknown, and no NaN."""
    rows = box.query(
        "select count(*), count(corr_30d), count(fisher_z), count_if(breakdown_flag) "
        "from marts.pair_correlation_daily where a_id = 'q' and b_id = 's'"
    )
    assert rows[0][0] > 100
    assert rows[0][1:] == (0, 0, 0)


def test_a_pair_ends_with_the_membership(box: LakeBox) -> None:
    """Pairs stand once, however many narratives they share."""
    rows = box.query(
        "select count(*), count(distinct day) from marts.pair_correlation_daily "
        "where a_id = 'p' and b_id = 'q'"
    )
    assert rows[0][0] == rows[0][1] > 100
    last = box.query(
        "select max(day) from marts.pair_correlation_daily where b_id = 'beta' and a_id = 's'"
    )
    assert last == [(LEFT - timedelta(days=1),)]
