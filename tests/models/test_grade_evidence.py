"""What grades have been worth, in a market where one of them turns against its buyers.

Twenty assets of fixed drifts. The trader grade ranks them as they drift, then the other way round,
then rightly again; the investor grade is right throughout. The tables before it stand in the
warehouse as they would be built.
"""

# the queries are made of constants
from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.models.lake_box import LakeBox

FIRST = date(2024, 1, 1)
LENGTH, TURNS, TURNS_BACK = 500, 200, 320
KNOWN_AFTER = 8  # a day until a grade can be acted on, and the seven of its return
HALF = 45  # days of the 90 after which the mean of rights and wrongs is zero

STAND_INS = f"""
create schema if not exists intermediate;
create table intermediate.asset_day as
select
    'asset-' || lpad(cast(asset.range as varchar), 2, '0') as asset_id, asset.range - 9.5 as place,
    cast(calendar.range as date) as day,
    row_number() over (partition by asset.range order by calendar.range) - 1 as t
from range(20) as asset
cross join
    range(date '{FIRST}', date '{FIRST + timedelta(days=LENGTH)}', interval 1 day) as calendar;

create table intermediate.int_signal_close_daily as
select asset_id, day, 0 as signal, 100 * exp(place * t / 1000) as close_usd
from intermediate.asset_day;
create table intermediate.int_trader_grade_daily as
select
    asset_id, day, cast(null as double) as grade_change_7d,
    50 + case when t between {TURNS} and {TURNS_BACK} - 1 then -place else place end as trader_grade
from intermediate.asset_day;
create table intermediate.int_investor_grade_daily as
select asset_id, day, 50 + place as investor_grade from intermediate.asset_day;
create table intermediate.int_build_stamp as
select timestamptz '2026-01-01 06:00:00+00' as as_of_ts;

-- nothing else happens
create table intermediate.int_technical_daily (asset_id varchar, day date, volume_z_30d double);
create table intermediate.int_supply_shock_daily (
    stablecoin_id varchar, day date, supply_7d_ago_usd double, change_7d_frac double,
    robust_z double
);
create table intermediate.int_narrative_index_daily (
    narrative_id varchar, day date, quadrant_confirmed_from varchar, quadrant_confirmed varchar,
    rs_ratio double, rs_momentum double
);
create table intermediate.int_pair_breakdown_daily (
    a_id varchar, b_id varchar, day date, breakdown_flag boolean
);
create table intermediate.int_pair_correlation_daily (
    a_id varchar, b_id varchar, day date, corr_30d double, corr_prior_90d double
);
create table intermediate.int_protocol_growth_daily (
    protocol_id varchar, day date, tvl_multiple_7d_x double, usd_inflow_7d_usd double,
    tvl_change_7d_usd double
);
create table intermediate.int_protocol_rank_daily (
    protocol_id varchar, chain_id varchar, day date, tvl_rank bigint, overtook_protocol_id varchar
);
create table intermediate.int_chain_daily (
    chain_id varchar, day date, tvl_rank bigint, overtook_chain_id varchar
);
create table intermediate.int_alert_high_daily (
    entity_kind varchar, entity_id varchar, ref_id varchar, day date, alert_value double
);
"""


@pytest.fixture(scope="module")
def box(seeded_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> LakeBox:
    box = LakeBox(tmp_path_factory.mktemp("evidence"))
    shutil.copy(seeded_warehouse, box.warehouse)
    with duckdb.connect(str(box.warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(STAND_INS)
    box.run("int_grade_evidence_daily grade_evidence_daily int_alert_trigger_daily int_alert_fired")
    return box


def at(box: LakeBox, grade: str, columns: str, number: int) -> tuple[Any, ...]:
    day = FIRST + timedelta(days=number)
    (row,) = box.query(
        f"select {columns} from marts.grade_evidence_daily "
        f"where grade = '{grade}' and day = '{day}'"
    )
    return row


def test_a_grade_that_turns_is_reported_once_when_its_mean_has_turned(box: LakeBox) -> None:
    fired = box.query(
        "select entity_id, day, threshold from intermediate.int_alert_fired "
        "where kind = 'grade_evidence_negative' order by day"
    )
    turned = FIRST + timedelta(days=TURNS + KNOWN_AFTER + HALF)
    assert fired == [("trader_grade", turned, 0.0)], "the investor grade never turned"


def test_it_is_known_when_the_return_has_ended_and_not_before(box: LakeBox) -> None:
    known = TURNS + KNOWN_AFTER
    assert at(box, "trader_grade", "ic", known - 1) == (pytest.approx(1),)
    assert at(box, "trader_grade", "ic, ic_asset_count", known) == (pytest.approx(-1), 20)
    assert at(box, "trader_grade", "ic", TURNS_BACK + KNOWN_AFTER) == (pytest.approx(1),)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (KNOWN_AFTER, (1, "weak", "bench")),
        # ten horizons of a grade that was never wrong: no error, so nothing to be sure by
        (KNOWN_AFTER + 70, (71, "none", "record")),
        (LENGTH - 1, (LENGTH - KNOWN_AFTER, "strong", "record")),
    ],
)
def test_the_word_follows_from_what_is_beside_it(
    box: LakeBox, number: int, expected: tuple[Any, ...]
) -> None:
    columns = "ic_day_count, evidence, evidence_basis"
    assert at(box, "trader_grade", columns, number) == expected


def test_a_long_horizon_has_no_word_for_long(box: LakeBox) -> None:
    """Of 500 days five horizons of 90 days fit end to end, and no bench has so many."""
    columns = "horizon_d, evidence, evidence_basis"
    assert at(box, "investor_grade", columns, LENGTH - 1) == (90, "none", None)


def test_what_describes_is_not_judged(box: LakeBox) -> None:
    judged = box.query("select distinct grade from marts.grade_evidence_daily order by 1")
    assert judged == [("investor_grade",), ("trader_grade",)]
