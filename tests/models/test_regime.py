"""The market's regime from assets whose numbers are known by heart.

The tables before it stand in the warehouse as they would be built: sixty altcoins are too many
markets for a test.
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
LENGTH = 300
DEATH, APPEARS, DOUBLES, NO_BITCOIN = 200, 50, 100, 150

STAND_INS = f"""
create table calendar_day as
select cast(range as date) as day, row_number() over (order by range) - 1 as t
from range(date '{FIRST}', date '{FIRST + timedelta(days=LENGTH)}', interval 1 day);

-- altcoin k grows by (k - 30) millionths a day, and the smaller k, the larger; bitcoin stands still
create table asset as
select
    'alt-' || lpad(cast(range as varchar), 2, '0') as asset_id, 'coin' as asset_class,
    1 + (range - 30) / 1000000.0 as growth, 1e6 * (100 - range) as supply, 10.0 as price,
    true as is_alt, false as is_stablecoin, true as is_counted
from range(60)
union all values
    ('bitcoin', 'coin', 1.0, 1e6, 1000.0, false, false, true),
    ('ethereum', 'coin', 1.0, 1.11e8, 5.0, true, false, true),
    ('tether', 'stablecoin', 1.0, 1e9, 1.0, false, true, true),
    ('wrapped-bitcoin', 'wrapped', 1.0, 1e6, 1000.0, false, false, false);

create schema if not exists intermediate;
create schema if not exists marts;
create table intermediate.int_asset_mcap_daily as
select
    asset.asset_id, day, asset_class, is_alt, is_stablecoin, is_counted,
    asset.supply * case when asset_id = 'alt-10' and t >= {DOUBLES} then 2 else 1 end
    as supply_in_first_units,
    price * growth ** t as price_of_first_unit_usd,
    supply_in_first_units * price_of_first_unit_usd as mcap_usd
from asset cross join calendar_day
where not (asset_id = 'alt-05' and t >= {DEATH})
    and not (asset_id = 'alt-59' and t < {APPEARS})
    and not (asset_id = 'bitcoin' and t = {NO_BITCOIN});

create table intermediate.int_asset_calendar_daily as
select asset_id, day from intermediate.int_asset_mcap_daily;
create table intermediate.int_asset_return_daily as
select
    asset_id, day, price_of_first_unit_usd as adjusted_close_usd,
    ln(price_of_first_unit_usd / lag(price_of_first_unit_usd) over (
        partition by asset_id order by day
    )) as logret_1d
from intermediate.int_asset_mcap_daily;
create table intermediate.int_asset_risk_daily as
select
    asset_id, day,
    price_of_first_unit_usd / lag(price_of_first_unit_usd, 90) over (
        partition by asset_id order by day
    ) - 1 as ret_90d
from intermediate.int_asset_mcap_daily;
create table intermediate.int_token_event as
select 'alt-05' as asset_id, 'dead' as kind, date '{FIRST}' + {DEATH} as effective_day;
create table intermediate.int_build_stamp as
select timestamptz '2025-01-01 06:00:00+00' as as_of_ts;

-- 25 members, 19 of them from the tenth day on
create table intermediate.int_universe_membership_daily as
select 'core' as universe_id, asset_id, day, true as is_member
from asset cross join calendar_day
where is_alt and asset_id < case when t < 10 then 'alt-25' else 'alt-19' end
    and asset_id like 'alt%';
create table intermediate.int_trader_grade_daily as
select asset_id, day, case when asset_id < 'alt-05' then 70.0 else 69.9 end as trader_grade
from intermediate.int_universe_membership_daily;

-- bitcoin: 40 quiet days, then the average rises, falls, and turns under a close above it
create table intermediate.int_technical_daily as
select
    asset_id, day, 100.0 as close_usd,
    case when asset_id < 'alt-15' then 90.0 when asset_id = 'alt-15' then 100.0 else 110.0 end
    as sma_50,
    100.0 as high_usd, 100.0 as low_usd
from intermediate.int_universe_membership_daily
union all
select
    'bitcoin', day, 100.0,
    case
        when t < 100 then 50.0 + t / 10.0 when t < 150 then 150.0 - t / 10.0
        when t < 200 then 90.0 - (t - 150) / 10.0 else 90.0
    end,
    case when t < 80 then 105.0 else 120.0 end, 95.0
from calendar_day where t < 220;

create table intermediate.int_venue_price_daily as
select venue_id, 'bitcoin' as asset_id, day, volume_usd, true as is_accepted
from calendar_day
cross join (values ('a', 4.0), ('b', 3.0), ('c', 2.0), ('d', 1.0), ('e', 0.0)) venue(venue_id, base)
cross join lateral (
    select case when venue_id = 'e' and t > 20 then 0 else base + 1 end as volume_usd
);
"""


@pytest.fixture(scope="module")
def box(seeded_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> LakeBox:
    box = LakeBox(tmp_path_factory.mktemp("regime"))
    shutil.copy(seeded_warehouse, box.warehouse)
    with duckdb.connect(str(box.warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(STAND_INS)
    box.run(
        "int_market_total_daily int_cap_bucket_daily int_altseason_daily int_market_breadth_daily "
        "int_btc_phase_daily int_market_regime_daily market_regime_daily"
    )
    return box


def regime(box: LakeBox, columns: str, number: int) -> tuple[Any, ...]:
    day = FIRST + timedelta(days=number)
    (row,) = box.query(f"select {columns} from marts.market_regime_daily where day = '{day}'")
    return row


def alt(number: int, t: int) -> float:
    """Market cap of an altcoin."""
    supply = 1e6 * (100 - number) * (2 if number == 10 and t >= DOUBLES else 1)
    return supply * 10 * (1 + (number - 30) / 1e6) ** t


def test_the_total_counts_claims_once_and_needs_bitcoin(box: LakeBox) -> None:
    """60 altcoins, bitcoin, ether and tether; wrapped bitcoin is bitcoin."""
    count, total = regime(box, "asset_count, total_mcap_usd", 60)
    assert count == 63
    assert total == pytest.approx(1e9 + 5.55e8 + 1e9 + sum(alt(k, 60) for k in range(60)), rel=1e-9)
    assert regime(box, "total_mcap_usd, btc_dominance_frac, total_mcap_ath_usd", NO_BITCOIN) == (
        None,
        None,
        None,
    )


def test_the_high_is_never_lost(box: LakeBox) -> None:
    """Running, over the unknown day, too."""
    highs = [
        row[0]
        for row in box.query(
            "select total_mcap_ath_usd from marts.market_regime_daily "
            "where total_mcap_ath_usd is not null order by day"
        )
    ]
    assert highs == sorted(highs)


def test_what_changed_is_price_issuance_or_coverage(box: LakeBox) -> None:
    """The parts are an exact identity; an asset that appears or dies changes no price."""
    columns = "mcap_price_effect_1d_usd, mcap_issuance_effect_1d_usd, mcap_coverage_effect_1d_usd"
    _, issuance, coverage = regime(box, columns, DOUBLES)
    assert issuance == pytest.approx(alt(10, DOUBLES) / 2, rel=1e-9), "the new half of the supply"
    assert coverage == pytest.approx(0, abs=1e-3)
    price, issuance, coverage = regime(box, columns, DEATH)
    assert coverage == pytest.approx(-alt(5, DEATH - 1), rel=1e-9)
    assert issuance == pytest.approx(0, abs=1e-3)
    now, before = (regime(box, "total_mcap_usd", t)[0] for t in (DEATH, DEATH - 1))
    assert price + issuance + coverage == pytest.approx(now - before, rel=1e-6)
    assert regime(box, columns, NO_BITCOIN + 1) == (None, None, None)


def test_altcoin_season_of_todays_largest_and_of_those_back_then(box: LakeBox) -> None:
    """A tie with bitcoin beats nothing; the dead of the old list count, as losers."""
    columns = (
        "altseason_index, altseason_member_count, altseason_index_pit, altseason_pit_member_count, "
        "season_label"
    )
    # ether, 0 to 49 without 5: 31 to 49 grow; the old list: ether, 0 to 48 with 5: 31 to 48 grow
    assert regime(box, columns, 250) == (38.0, 50, 36.0, 50, "neutral")
    assert regime(box, columns, 89) == (None, None, None, None, None)


def test_buckets_and_weights_are_those_of_the_day_before(box: LakeBox) -> None:
    """Altcoin 10 doubles its supply and joins the large caps a day later."""
    rows = dict(
        box.query(
            "select day, bucket_ret_1d from intermediate.int_cap_bucket_daily "
            "where bucket = 'large'"
        )
    )

    def expected(t: int, members: list[int]) -> float:
        return sum(alt(k, t - 1) * (k - 30) / 1e6 for k in members) / sum(
            alt(k, t - 1) for k in members
        )

    on, after = (FIRST + timedelta(days=t) for t in (DOUBLES, DOUBLES + 1))
    assert rows[on] == pytest.approx(expected(DOUBLES, list(range(9))), rel=1e-6)
    assert rows[after] == pytest.approx(expected(DOUBLES + 1, [10, *range(8)]), rel=1e-6)


def test_a_month_with_an_unknown_day_has_no_return(box: LakeBox) -> None:
    assert regime(box, "ret_30d_large", 30)[0] is not None
    assert regime(box, "ret_30d_large", 29)[0] is None
    assert regime(box, "ret_30d_large", NO_BITCOIN + 1)[0] is None, (
        "nobody was ranked the day before"
    )
    assert regime(box, "ret_30d_btc", 60)[0] == 0


def test_the_slope_of_the_risk_curve(box: LakeBox) -> None:
    """Least squares through bitcoin, large, mid and small."""
    *returns, slope = regime(
        box, "ret_30d_btc, ret_30d_large, ret_30d_mid, ret_30d_small, risk_curve_slope", 60
    )
    steps = [-1.5, -0.5, 0.5, 1.5]
    assert slope == pytest.approx(
        sum(s * r for s, r in zip(steps, returns, strict=True)) / 5, rel=1e-9
    )
    assert returns[1] < returns[2] < returns[3]


def test_breadth_counts_no_tie_and_needs_twenty(box: LakeBox) -> None:
    """15 of 25 above their average, one on it; all fall; 5 of 25 are graded 70."""
    columns = "universe_count, breadth_above_sma50, adv_dec, pct_grade_high"
    assert regime(box, columns, 5) == (25, 0.6, -1.0, 0.2)
    assert regime(box, columns, 10) == (19, None, None, None)


@pytest.mark.parametrize(
    ("number", "phase"),
    [
        (58, None),
        (59, "consolidation"),
        (81, "trend_up"),
        (130, "trend_down"),
        (155, "transition"),
        (210, "transition"),
    ],
)
def test_phases_of_bitcoin(box: LakeBox, number: int, phase: str | None) -> None:
    """60 closes; a range of 10 % is quiet, 25 % is not."""
    assert regime(box, "btc_phase", number) == (phase,)


def test_concentration_of_venues(box: LakeBox) -> None:
    """5, 4, 3, 2 and 1 of 15; four venues are too few."""
    assert regime(box, "market_venue_count, venue_hhi", 5) == (5, pytest.approx(55 / 225))
    assert regime(box, "market_venue_count, venue_hhi", 25) == (4, None)
