"""Tokenomics and quality in the investor grade, of assets known by heart."""

# the queries are made of constants
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.models.lake_box import LakeBox

# what circulates grows by a tenth in a year, the ledger by a fifth; one asset has the ledger only,
# one began to be reported half a year ago
STAND_INS = """
create schema if not exists intermediate;
create schema if not exists marts;
create table day as
select cast(range as date) as day, row_number() over (order by range) - 1 as t
from range(date '2024-01-01', date '2025-01-31', interval 1 day);
create table intermediate.int_universe_membership_daily as
select 'core' as universe_id, asset_id, day, true as is_member, 'member' as membership_reason,
    'token' as asset_class
from day cross join (values ('both'), ('ledger'), ('young'), ('silent')) asset(asset_id);
create table intermediate.int_asset_registry as
select distinct asset_id, 'dex' as sector from intermediate.int_universe_membership_daily;
create table intermediate.int_asset_mcap_daily as
select
    asset_id, day,
    case when asset_id = 'both' or (asset_id = 'young' and t > 200) then 100.0 * (1 + 0.1 * t / 365)
    end as supply_in_first_units,
    case when asset_id != 'young' then 200.0 * (1 + 0.2 * t / 365) end
    as supply_onchain_in_first_units,
    supply_in_first_units * 2.0 as mcap_usd,
    case when t > 380 and asset_id = 'both' then 440.0 end as fdv_usd,
    mcap_usd / fdv_usd as float_frac
from intermediate.int_universe_membership_daily inner join day using (day)
where asset_id != 'silent';
create table intermediate.int_asset_risk_daily as
select
    asset_id, day, 1.5 as sharpe_365d, cast(-0.4 as double) as max_drawdown_365d,
    0.9 as vol_180d_ann
from intermediate.int_universe_membership_daily where asset_id = 'both';
create table intermediate.int_asset_price_daily as
select asset_id, day, 3 as n_venues, 50.0 as volume_usd
from intermediate.int_universe_membership_daily where asset_id = 'both';
create table intermediate.int_asset_activity_daily as
select 'both' as asset_id, date '2024-01-01' as day, 1.0 as active_addresses, 2.0 as mvrv_x;
create table intermediate.int_token_fundamentals_daily as
select
    'both' as asset_id, day, 30e6 + t as fees_30d_usd, 1.0 as revenue_30d_usd, 5e6 as tvl_usd,
    1e6 as usd_inflow_90d_usd, 0.25 as fees_growth_90d_frac
from day;
"""


@pytest.fixture(scope="module")
def box(seeded_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> LakeBox:
    box = LakeBox(tmp_path_factory.mktemp("factors"))
    shutil.copy(seeded_warehouse, box.warehouse)
    with duckdb.connect(str(box.warehouse)) as connection:
        connection.execute(STAND_INS)
    box.run("int_investor_factor_daily")
    return box


def factors(box: LakeBox, asset: str, day: str) -> tuple[Any, ...]:
    (row,) = box.query(
        "select free_float, dilution, overhang, sharpe, max_drawdown "
        f"from intermediate.int_investor_factor_daily where asset_id = '{asset}' and day = '{day}'"
    )
    return row


def test_what_is_known_of_an_asset_is_a_factor(box: LakeBox) -> None:
    """2025-01-25 is day 390; 365 days before it was day 25."""
    now, before = 100 * (1 + 0.1 * 390 / 365), 100 * (1 + 0.1 * 25 / 365)
    assert factors(box, "both", "2025-01-25") == (
        pytest.approx(2 * now / 440),
        pytest.approx(now / before - 1),
        pytest.approx(440 / (2 * now)),
        1.5,
        -0.4,
    )


def test_the_largest_supply_is_unknown_before_its_capture(box: LakeBox) -> None:
    free_float, dilution, overhang, *_ = factors(box, "both", "2025-01-10")
    assert (free_float, overhang) == (None, None)
    assert dilution is not None


def test_growth_is_of_one_concept(box: LakeBox) -> None:
    """The ledger over the ledger where nobody says what circulates; never one over the other."""
    now, before = 1 + 0.2 * 390 / 365, 1 + 0.2 * 25 / 365
    assert factors(box, "ledger", "2025-01-25")[1] == pytest.approx(now / before - 1)
    assert factors(box, "young", "2025-01-25")[1] is None, "a year ago nothing was reported"


def test_what_nobody_reports_is_no_factor(box: LakeBox) -> None:
    assert factors(box, "silent", "2025-01-25") == (None, None, None, None, None)


def test_fees_and_inflow_count_a_day_after_they_happened(box: LakeBox) -> None:
    """DefiLlama answers a day late; a revenue below the floor has no multiple."""
    [row] = box.query(
        "select mcap_usd / pf, ps, mcap_usd / mcap_tvl, fee_growth, tvl_inflow, earns_fees "
        "from intermediate.int_investor_factor_daily "
        "where asset_id = 'both' and day = '2024-01-11'"
    )
    assert row[0] == pytest.approx((30e6 + 9) * 365 / 30)
    assert row[1] is None
    assert row[2:] == pytest.approx((5e6, 0.25, 0.2, True))
