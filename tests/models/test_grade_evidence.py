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
HALF, WHOLE = 45, 90  # days after which half of the recent window, and all of it, has turned

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
create table intermediate.int_alert_level_cross (
    asset_id varchar, day date, level_id varchar, level_usd double, close_usd double,
    direction varchar
);
create table intermediate.int_price_move_daily (
    asset_id varchar, day date, before_day date, move_frac double, threshold_frac double,
    is_confirmed boolean
);
create table intermediate.int_signal_event (
    asset_id varchar, event_id varchar, day date, known_at timestamptz, from_signal integer,
    to_signal integer
);
create table intermediate.int_depeg_change (
    stablecoin_id varchar, event_id varchar, change varchar, severity varchar,
    known_from_day date, known_at timestamptz, worst_bps double
);
create table intermediate.int_depeg_log (
    stablecoin_id varchar, event_key varchar, change varchar, known_from_day date,
    worst_bps double
);
create schema if not exists staging;
create table staging.stg_ops__check_result (
    mart varchar, check_kind varchar, check_name varchar, severity varchar, is_passed boolean,
    failed_row_count bigint, checked_at timestamptz
);
create table staging.stg_ops__alert (alert_id varchar, event_seq bigint);

-- who is called what
create table intermediate.int_asset_registry (asset_id varchar, name varchar, symbol varchar);
create table intermediate.int_stablecoin_registry (
    stablecoin_id varchar, name varchar, symbol varchar
);
create table intermediate.int_protocol_registry (protocol_id varchar, name varchar);
create table intermediate.int_chain_registry (chain_id varchar, name varchar);
create table intermediate.int_narrative_registry (narrative_id varchar, name varchar);
"""


@pytest.fixture(scope="module")
def box(seeded_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> LakeBox:
    box = LakeBox(tmp_path_factory.mktemp("evidence"))
    shutil.copy(seeded_warehouse, box.warehouse)
    with duckdb.connect(str(box.warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(STAND_INS)
    box.run(
        "int_grade_evidence_daily grade_evidence_daily int_alert_trigger_daily int_alert_fired "
        "int_alert alert"
    )
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
    assert [grade for grade, _, _ in fired] == ["trader_grade"], "the investor grade never turned"
    ((_, day, threshold),) = fired
    known = FIRST + timedelta(days=TURNS + KNOWN_AFTER)
    assert day > known + timedelta(days=HALF), "a mean near zero is not surely below it"
    assert day < known + timedelta(days=WHOLE), "a grade that has turned for 90 days is"
    number = (day - FIRST).days
    columns = "ic_recent_mean < 0, ic_recent_t_stat"
    before, now = (
        at(box, "trader_grade", columns, number - 1),
        at(box, "trader_grade", columns, number),
    )
    assert before[0]
    assert now[0]
    assert now[1] <= threshold < before[1]


def test_the_message_has_the_mean_and_its_t_value(box: LakeBox) -> None:
    ((day, message),) = box.query(
        "select day, message from marts.alert where kind = 'grade_evidence_negative'"
    )
    mean, t_stat = at(box, "trader_grade", "ic_recent_mean, ic_recent_t_stat", (day - FIRST).days)
    assert message == (
        "trader grade ranked against the returns that followed: "
        f"mean rank correlation {mean:.3f} over 90 days (t {t_stat:.1f})"
    )


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
