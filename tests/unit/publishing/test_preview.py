"""What is shown of a publication: rows of the newest day, and pictures that are pictures."""

from pathlib import Path

import duckdb

from pipelines.core.excerpt import MAX_ROWS
from pipelines.publishing import previews

PNG = b"\x89PNG\r\n\x1a\n"

MARTS = """
create schema marts;
create table marts.price_daily as
select asset_id, upper(asset_id) as symbol, day::date as day,
    (100 + day_of_year)::double as close_usd,
    1e9 as volume_usd, 2 as n_venues, 1.0 as dispersion_bps, 'ok' as price_quality,
    'multi_venue' as evidence
from (select unnest(range(timestamp '2024-01-01', timestamp '2024-02-01', interval 1 day)) as day)
cross join (select unnest(['bitcoin', 'ether']) as asset_id)
cross join lateral (select dayofyear(day) as day_of_year);
create view marts.price_daily_latest as
select * from marts.price_daily where day = (select max(day) from marts.price_daily);
create table marts.trader_grade_daily as
select asset_id, day, 50::double as trader_grade from marts.price_daily;
"""
COINS = """
create table marts.stablecoin_supply_daily as
select 'coin-' || n as stablecoin_id, case when n > 0 then 'C|' || n end as symbol,
    day::date as day, 1e9 * (30 - n) as supply_usd, 0.0 as net_mint_1d_usd,
    0.0 as net_mint_7d_usd, 0.1 as share_frac, n + 1 as supply_rank
from (select unnest(range(timestamp '2024-01-01', timestamp '2024-01-05', interval 1 day)) as day)
cross join (select unnest(range(30)) as n);
create view marts.stablecoin_supply_daily_latest as
select * from marts.stablecoin_supply_daily
where day = (select max(day) from marts.stablecoin_supply_daily);
"""


def published(tmp_path: Path, script: str) -> Path:
    database = tmp_path / "tokenmart.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(script)
    return database


def test_rows_are_of_the_newest_day_and_the_chart_is_a_picture(tmp_path: Path) -> None:
    shown = previews(published(tmp_path, MARTS))
    assert set(shown) == {"price_daily"}, "the others are not in the file"
    preview = shown["price_daily"]
    assert [str(row[1]) for row in preview.rows.rows] == ["2024-01-31"] * 2
    assert preview.picture is not None
    assert preview.picture.startswith(PNG)


def test_rows_are_bounded_and_a_coin_without_a_symbol_is_drawn(tmp_path: Path) -> None:
    preview = previews(published(tmp_path, MARTS + COINS))["stablecoin_supply_daily"]
    assert len(preview.rows.rows) == MAX_ROWS
    assert preview.rows.rows[0][0] is None
    assert preview.picture is not None
    assert len(preview.picture) < 200_000, "it is kept with each publication"


def test_of_one_day_there_is_no_picture(tmp_path: Path) -> None:
    script = MARTS + "delete from marts.price_daily where day < date '2024-01-31';"
    preview = previews(published(tmp_path, script))["price_daily"]
    assert len(preview.rows.rows) == 2
    assert preview.picture is None


def test_nothing_published_has_no_preview(tmp_path: Path) -> None:
    assert previews(tmp_path / "tokenmart.duckdb") == {}
