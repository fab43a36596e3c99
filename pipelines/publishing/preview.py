"""What a publication looks like: the newest rows of the marts people ask for first, and pictures.

Read from the published file, so it shows what readers get, names beside ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.core import warehouse
from pipelines.core.excerpt import MAX_ROWS, Excerpt

if TYPE_CHECKING:
    import altair as alt
    import duckdb

_DAYS: Final = 365
_COINS: Final = 6
_WIDTH: Final = 640

_NEWEST_ROWS: Final = {
    "screener_latest": """
        select symbol, day, close_usd, ret_1d, ret_7d, ret_30d, volume_median_30d_usd,
            trader_grade, grade_rank, momentum_label, investor_grade
        from marts.screener_latest
        order by grade_rank nulls last, asset_id
    """,
    "price_daily": """
        select symbol, day, close_usd, volume_usd, n_venues, dispersion_bps, price_quality, evidence
        from marts.price_daily_latest
        order by volume_usd desc nulls last, asset_id
    """,
    "stablecoin_supply_daily": """
        select symbol, day, supply_usd, net_mint_1d_usd, net_mint_7d_usd, share_frac, supply_rank
        from marts.stablecoin_supply_daily_latest
        order by supply_rank nulls last, stablecoin_id
    """,
    "stablecoin_peg_daily": """
        select symbol, day, price_usd, dev_bps, dev_low_bps, time_off_peg_30d_frac, price_quality
        from marts.stablecoin_peg_daily_latest
        order by abs(dev_bps) desc nulls last, stablecoin_id
    """,
}
_BITCOIN: Final = f"""
    select price.day, price.close_usd, grade.trader_grade
    from marts.price_daily as price
    left join marts.trader_grade_daily as grade
        on price.asset_id = grade.asset_id and price.day = grade.day
    where price.asset_id = 'bitcoin'
        and price.day > (select max(day) from marts.price_daily) - {_DAYS}
    order by price.day
"""  # noqa: S608  # our own numbers
# the largest of the newest day; a coin without a symbol is known by its id
_LARGEST: Final = f"""
    select stablecoin_id, coalesce(symbol, stablecoin_id) as coin, supply_rank
    from marts.stablecoin_supply_daily_latest
    order by supply_rank nulls last, stablecoin_id
    limit {_COINS}
"""  # noqa: S608  # our own numbers
_SUPPLY: Final = f"""
    select supply.day, largest.coin, largest.supply_rank, supply.supply_usd
    from marts.stablecoin_supply_daily as supply
    inner join ({_LARGEST}) as largest on supply.stablecoin_id = largest.stablecoin_id
    where supply.day > (select max(day) from marts.stablecoin_supply_daily) - {_DAYS}
    order by largest.supply_rank, supply.day
"""  # noqa: S608  # our own numbers
_PEG: Final = f"""
    select peg.day, largest.coin, largest.supply_rank, peg.dev_bps
    from marts.stablecoin_peg_daily as peg
    inner join ({_LARGEST}) as largest on peg.stablecoin_id = largest.stablecoin_id
    where peg.day > (select max(day) from marts.stablecoin_peg_daily) - {_DAYS}
    order by largest.supply_rank, peg.day
"""  # noqa: S608  # our own numbers


class PreviewError(Exception):
    """A publication cannot be shown; the message says why."""


@dataclass(frozen=True)
class Preview:
    """What is shown of a published mart.

    Attributes:
        rows: rows of its newest day, the most telling ones first.
        picture: a chart of its last year as a PNG; None where it has none.
    """

    rows: Excerpt
    picture: bytes | None = None


def previews(database: Path) -> dict[str, Preview]:
    """Return the previews of the headline marts in a published file, by mart.

    A mart that is not in the file has none: what was published is published.

    Raises:
        PreviewError: a mart cannot be read or drawn.
    """
    import duckdb

    if not database.exists():
        return {}
    try:
        return _previews(database)
    except (duckdb.Error, ValueError) as problem:
        raise PreviewError(str(problem)) from problem


def _previews(database: Path) -> dict[str, Preview]:
    with warehouse.read(database) as connection:
        there = {
            str(name)
            for (name,) in connection.execute(
                "select table_name from duckdb_columns() where schema_name = 'marts'"
            ).fetchall()
        }
        return {
            mart: Preview(_rows(connection, query), _picture(connection, mart))
            for mart, query in _NEWEST_ROWS.items()
            if {mart, *_ALSO_READ.get(mart, ())} <= there
        }


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Excerpt:
    found = connection.execute(f"{query} limit {MAX_ROWS}")
    return Excerpt.of([column[0] for column in found.description or ()], found.fetchall())


def _picture(connection: duckdb.DuckDBPyConnection, mart: str) -> bytes | None:
    """Return a mart's chart; None where it has none, or not two days to be drawn."""
    if mart not in _CHARTS:
        return None
    # only here: it brings a JavaScript engine along
    import vl_convert

    query, chart = _CHARTS[mart]
    found = connection.execute(query)
    names = [column[0] for column in found.description or ()]
    records = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    if len({record["day"] for record in records}) < 2:
        return None
    drawn = chart([record | {"day": record["day"].isoformat()} for record in records])
    png: bytes = vl_convert.vegalite_to_png(drawn.to_dict())
    return png


def _bitcoin(records: list[dict[str, Any]]) -> alt.TopLevelMixin:
    import altair as alt

    day = alt.X("day:T", title=None, scale=alt.Scale(type="utc"))
    chart = alt.Chart({"values": records}).mark_line(strokeWidth=1.5)
    price = chart.encode(
        x=day, y=alt.Y("close_usd:Q", title="BTC, USD", scale=alt.Scale(type="log", nice=False))
    ).properties(width=_WIDTH, height=200)
    grade = chart.encode(
        x=day,
        y=alt.Y("trader_grade:Q", title="trader grade", scale=alt.Scale(domain=[0, 100])),
        color=alt.value("#e45756"),
    ).properties(width=_WIDTH, height=90)
    return alt.vconcat(price, grade)


def _areas(records: list[dict[str, Any]]) -> alt.Chart:
    """Return areas over UTC days, still without what they show."""
    import altair as alt

    day = alt.X("day:T", title=None, scale=alt.Scale(type="utc"))
    return alt.Chart({"values": records}).mark_area().encode(x=day)


def _supply(records: list[dict[str, Any]]) -> alt.TopLevelMixin:
    import altair as alt

    return (
        _areas(records)
        .encode(
            y=alt.Y(
                "supply_usd:Q",
                title="supply, billion USD",
                axis=alt.Axis(labelExpr="format(datum.value / 1e9, ',')"),
            ),
            color=alt.Color("coin:N", title=None, sort=_by_rank(records)),
            order=alt.Order("supply_rank:Q"),
        )
        .properties(width=_WIDTH, height=260)
    )


def _peg(records: list[dict[str, Any]]) -> alt.TopLevelMixin:
    import altair as alt

    return (
        _areas(records)
        .encode(
            # a coin that dies must not flatten those that are off by a few basis points
            y=alt.Y(
                "dev_bps:Q",
                title=None,
                scale=alt.Scale(type="symlog", constant=10),
                axis=alt.Axis(values=[-10_000, -1_000, -100, -10, 0, 10, 100, 1_000]),
            ),
            row=alt.Row(
                "coin:N",
                title="off the peg, bps",
                sort=_by_rank(records),
                header=alt.Header(labelAngle=0, labelAlign="left"),
                spacing=8,
            ),
        )
        .properties(width=_WIDTH, height=55)
    )


def _by_rank(records: list[dict[str, Any]]) -> list[str]:
    """Return the coins in the order of the records: the largest first."""
    return list(dict.fromkeys(record["coin"] for record in records))


_CHARTS: Final[dict[str, tuple[str, Callable[[list[dict[str, Any]]], alt.TopLevelMixin]]]] = {
    "price_daily": (_BITCOIN, _bitcoin),
    "stablecoin_supply_daily": (_SUPPLY, _supply),
    "stablecoin_peg_daily": (_PEG, _peg),
}
# what their charts read beside the mart itself
_ALSO_READ: Final = {
    "price_daily": ("trader_grade_daily",),
    "stablecoin_peg_daily": ("stablecoin_supply_daily",),
}
