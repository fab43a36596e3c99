"""A rule of one's own, traded on a publication: what it would have earned after costs."""

from __future__ import annotations

import dataclasses
import re
import tomllib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from pipelines.analytics import strategies
from pipelines.analytics.calendar import ASSET, DAY, AnalyticsError
from pipelines.analytics.cross_section import Grid
from pipelines.analytics.excursions import ExcursionParameters, excursions
from pipelines.analytics.parameters import from_seed, newest_version
from pipelines.analytics.strategies import Rule
from pipelines.core import warehouse
from pipelines.research.errors import ResearchError
from pipelines.research.panel import unit_factor

if TYPE_CHECKING:
    import duckdb

HINDSIGHT: Final = frozenset({"signal_quality", "moonshots"})
"""Marts that tell what came after: a rule that reads them knows the answer."""

PRICES: Final = ("open_usd", "high_usd", "low_usd", "close_usd")

_MEASURE: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_NUMBERS: Final = ("DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INTEGER", "SMALLINT", "TINYINT")


@dataclass(frozen=True, slots=True)
class Backtest:
    """What became of a rule.

    Attributes:
        name: the rule's.
        rule: the rule.
        trades: see ``strategies.trades``.
        performance: see ``strategies.performance``.
        summary: see ``strategies.summary``.
    """

    name: str
    rule: Rule
    trades: pl.DataFrame
    performance: pl.DataFrame
    summary: pl.DataFrame


def read_rule(path: Path) -> Rule:
    """Read a rule: a TOML file with the fields of ``cfg_strategy``.

    Raises:
        ResearchError: it is no TOML, has an unknown field, lacks one, or cannot be followed.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        msg = f"{path} cannot be read as TOML: {problem}"
        raise ResearchError(msg) from None
    hints = typing.get_type_hints(Rule)
    absent = {
        field.name: None
        for field in dataclasses.fields(Rule)
        if type(None) in typing.get_args(hints[field.name])
    }
    # in a seed a list is a text with commas
    values = {
        name: ",".join(map(str, value)) if isinstance(value, list) else value
        for name, value in given.items()
    }
    try:
        return from_seed(Rule, absent | values)
    except AnalyticsError as problem:
        msg = f"{path} is no rule that can be followed: {problem}"
        raise ResearchError(msg) from None


def published_rules(seeds: Path) -> dict[str, Rule]:
    """The rules that are published, by name: the newest version of ``cfg_strategy``."""
    return strategies.rules(pl.read_csv(seeds / "strategy/cfg_strategy.csv"))


def publication(given: Path) -> Path:
    """The file of a publication, from its folder or itself.

    Raises:
        ResearchError: there is none.
    """
    path = given / "tokenmart.duckdb" if given.suffix != ".duckdb" else given
    if not path.is_file():
        msg = f"There is no publication at {path}: `tokenmart daily` makes one"
        raise ResearchError(msg)
    return path


def run(name: str, rule: Rule, path: Path, *, seeds: Path) -> Backtest:
    """Trade a rule on a publication.

    Args:
        name: of the rule.
        rule: the rule.
        path: a published DuckDB file.
        seeds: folder of the seeds, which say how old the word of a short market may be.

    Raises:
        ResearchError: the publication lacks what the rule reads, the rule reads what it must not,
            or it never held anything.
    """
    market = read_market(path, rule, seeds=seeds)
    ledger = strategies.backtest(market, rule)
    if ledger.is_empty():
        msg = "The rule never held anything on these days: nobody was wanted, or nothing had room"
        raise ResearchError(msg)
    traded = strategies.trades(ledger)
    daily = strategies.performance(ledger, market[DAY].max())  # type: ignore[arg-type]
    return Backtest(name, rule, traded, daily, strategies.summary(daily, traded))


def published_excursions(seeds: Path) -> ExcursionParameters:
    """Which excursions count as usual in what is published."""
    return ExcursionParameters.from_plan(pl.read_csv(seeds / "plan/cfg_plan.csv"))


def read_market(path: Path, rule: Rule, *, seeds: Path) -> pl.DataFrame:
    """What ``strategies.backtest`` takes, from published marts; prices in first units."""
    return tradable(read_prices(path, rule, seeds=seeds), published_excursions(seeds))


def tradable(market: pl.DataFrame, parameters: ExcursionParameters) -> pl.DataFrame:
    """Prices at which somebody could trade, beside the usual excursions until then.

    Args:
        market: result of ``read_prices``.
        parameters: which excursions count as usual.
    """
    usual = excursions(market.lazy(), parameters).collect()
    # what one venue alone shows is nothing to trade at
    confirmed = pl.when(~pl.col("is_unconfirmed")).then(pl.col(*PRICES)).name.keep()
    return market.join(usual, on=[ASSET, DAY]).with_columns(confirmed)


def read_prices(path: Path, rule: Rule, *, seeds: Path) -> pl.DataFrame:
    """Published bars in first units, with all that a rule asks of its assets but excursions."""
    with warehouse.read(path) as connection:
        mart, column = _measure(connection, rule)
        if not _columns(connection, "ohlcv_daily"):
            msg = f"{path} has no mart ohlcv_daily: it is no publication"
            raise ResearchError(msg)
        market = connection.execute(
            _MARKET_SQL.format(measure=f"cast(measure.{column} as double)", mart=mart)
        ).pl()
    if market.is_empty():
        msg = f"{path} has no prices"
        raise ResearchError(msg)
    plan = pl.read_csv(seeds / "plan/cfg_plan.csv")
    max_age_d = int(str(newest_version(plan)["short_market_max_age_d"]))
    grid = Grid.around(market)
    closes, returns = grid.matrices(market, ["close_usd", "ret_1d"])
    factor = pl.Series(unit_factor(closes, returns)[grid.locate(market)])
    seen = pl.when("has_perpetual").then(DAY).forward_fill().over(ASSET, order_by=DAY)
    return market.with_columns(
        pl.col(*PRICES) * factor,
        (pl.col("atr_14") * factor).alias("atr_usd"),
        ((pl.col(DAY) - seen).dt.total_days() < max_age_d)
        .fill_null(value=False)
        .alias("is_shortable"),
    )


def _measure(connection: duckdb.DuckDBPyConnection, rule: Rule) -> tuple[str, str]:
    """Mart and column of the rule's measure, if it may be read; a rule without one reads closes."""
    if rule.measure is None:
        return "ohlcv_daily", "close_usd"
    if not _MEASURE.fullmatch(rule.measure):
        msg = f"measure is {rule.measure!r}: it is written as mart.column"
        raise ResearchError(msg)
    mart, column = rule.measure.split(".")
    if mart in HINDSIGHT:
        msg = f"{mart} tells what came after: a rule that reads {rule.measure} knows the answer"
        raise ResearchError(msg)
    columns = _columns(connection, mart)
    if column not in columns:
        msg = f"The publication has no {rule.measure}"
        raise ResearchError(msg)
    if not {ASSET, DAY} <= set(columns) or column in {ASSET, DAY}:
        msg = f"{rule.measure} is not of assets and days: a rule ranks the assets of a day"
        raise ResearchError(msg)
    if not columns[column].startswith(_NUMBERS):
        msg = f"{rule.measure} is a label ({columns[column]}): a rule goes by a number"
        raise ResearchError(msg)
    return mart, column


def _columns(connection: duckdb.DuckDBPyConnection, mart: str) -> dict[str, str]:
    rows = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where schema_name = 'marts' and table_name = ?",
        [mart],
    ).fetchall()
    return dict(rows)


_MARKET_SQL: Final = """
    with death as (
        select asset_id, min(cast(effective_at as date)) as day
        from marts.dim_token_event
        where event_kind = 'dead'
        group by asset_id
    )

    select bar.asset_id, bar.day, bar.open_usd, bar.high_usd, bar.low_usd, bar.close_usd,
        bar.volume_usd, returns.ret_1d, coalesce(member.is_member, false) as is_member,
        member.universe_rank, member.volume_median_30d_usd, indicator.atr_14,
        derivative.funding_day as funding_frac,
        coalesce(derivative.funding_contract_count + derivative.oi_contract_count, 0) > 0
            as has_perpetual,
        coalesce(price.price_quality = 'unconfirmed', false) as is_unconfirmed,
        coalesce(bar.day >= death.day, false) as is_dead, {measure} as value
    from marts.ohlcv_daily as bar
    left join marts.price_daily as price
        on bar.asset_id = price.asset_id and bar.day = price.day
    left join marts.dim_universe_membership as member
        on bar.asset_id = member.asset_id and bar.day = member.day and member.universe_id = 'core'
    left join marts.returns_risk_daily as returns
        on bar.asset_id = returns.asset_id and bar.day = returns.day
    left join marts.technical_daily as indicator
        on bar.asset_id = indicator.asset_id and bar.day = indicator.day
    left join marts.derivatives_daily as derivative
        on bar.asset_id = derivative.asset_id and bar.day = derivative.day
    left join marts.{mart} as measure
        on bar.asset_id = measure.asset_id and bar.day = measure.day
    left join death on bar.asset_id = death.asset_id
    order by bar.asset_id, bar.day
"""
