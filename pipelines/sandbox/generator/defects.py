"""The planted defects: each changes what a source says, and is listed as a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.sandbox.dataset import TOTAL_CHAIN, Scenario
from pipelines.sandbox.generator import cast as parts
from pipelines.sandbox.generator.cast import Cast
from pipelines.sandbox.generator.plan import Plan
from pipelines.sandbox.generator.settings import GeneratorSettings
from pipelines.sandbox.generator.stables import NEW_CHAIN
from pipelines.sandbox.generator.venues import Market

Tags = NDArray[np.object_]
_RESTATED_AFTER = 10
_DELETED_AFTER = 9
_LATE_BY = 3
_NOON = 12
# how far the venue that falls furthest is under the others, on the days after a crash began
_APART = (0.95, 0.90, 0.80, 0.70)
# what is still traded of a coin that is gone
_TAIL = 0.05


@dataclass
class World:
    """Everything that sources say, before and after the defects.

    Attributes:
        settings: sizes and window.
        cast: who there is.
        plan: when what happens.
        markets: listings with candles.
        metrics: network_metrics with `known_at` and `is_deleted`.
        stablecoins: with versions.
        balances: stablecoin_daily with versions.
        price_tags: for each asset a tag a day.
        supply_tags: for each asset a tag a day.
        events: rows of token_events.
        scenarios: what was planted.
    """

    settings: GeneratorSettings
    cast: Cast
    plan: Plan
    markets: list[Market]
    metrics: pl.DataFrame
    stablecoins: pl.DataFrame
    balances: pl.DataFrame
    price_tags: dict[str, Tags]
    supply_tags: dict[str, Tags]
    events: list[dict[str, Any]] = field(default_factory=list)
    scenarios: list[Scenario] = field(default_factory=list)

    def day(self, number: int) -> date:
        """Return the day of a number."""
        return self.settings.start + timedelta(days=number)

    def instant(self, number: int, hour: int = 0) -> datetime:
        """Return an hour of the day of a number."""
        return datetime.combine(self.day(number), time(hour), tzinfo=UTC)

    def epoch_us(self, number: int, hour: int = 0) -> int:
        """Return `instant` in epoch microseconds."""
        return int(self.instant(number, hour).timestamp()) * 1_000_000

    def note(self, id_: str, entity: str, first: int, last: int, what: str, expect: str) -> None:
        """List a planted defect."""
        self.scenarios.append(
            Scenario(
                id=id_,
                what=what,
                entity=entity,
                from_=self.day(max(first, 0)),
                to=self.day(min(last, self.settings.day_count)),
                expect=expect,
            )
        )

    def tag(self, asset_id: str, first: int, last: int, tag: str) -> None:
        """Say that the days are hard for the asset's price."""
        self.price_tags[asset_id][first : last + 1] = tag

    def of(self, venue: str | None = None, base: str | None = None) -> list[Market]:
        """Return the markets of a venue, of a base, or both."""
        return [
            market
            for market in self.markets
            if venue in (None, market.venue) and base in (None, market.base)
        ]

    def first_market(self, venue: str, base: str, quote: str | None = None) -> Market | None:
        """Return a market of the base on the venue, if the sizes chosen have it."""
        found = [m for m in self.of(venue, base) if quote in (None, m.quote_code)]
        return found[0] if found else None


def plant(world: World) -> None:
    """Plant every defect that the sizes allow, in place; then say which days have no data."""
    for defect in _DEFECTS:
        defect(world)
    _say_no_data(world)


def _wicks(world: World) -> None:
    day = world.plan.wick
    market = world.first_market("binance", "solana", "USDT")
    if market is not None:
        at = market.at(day)
        market.close[at] = np.round(market.close[at] * 0.72, 4)
        market.low[at] = np.round(min(market.low[at], market.close[at]) * 0.97, 4)
        world.tag("solana", day, day, "wick")
        world.note(
            "F-1", market.key, day, day,
            "one venue's close and low 28 % under the others",
            "the venue is rejected that day; the canonical close stays within the others' range",
        )  # fmt: skip
    market = world.first_market("binance", "ethereum", "USDT")
    if market is not None:
        day += 3
        at = market.at(day)
        market.high[at] = np.round(market.high[at] * 1.35, 2)
        world.tag("ethereum", day, day, "wick")
        world.note(
            "F-1", market.key, day, day,
            "one venue's high 35 % over the others, its close is right",
            "the canonical high does not follow; high_any does; the close is not affected",
        )  # fmt: skip
    market = world.first_market("binance", parts.WICKED_STABLE)
    if market is not None:
        day = world.plan.stable_wick
        at = market.at(day)
        market.low[at], market.close[at] = 0.65, 0.68
        world.tag(parts.WICKED_STABLE, day, day, "wick")
        world.note(
            "F-1", market.key, day, day,
            "a stablecoin at 0.68 on one venue while others trade near the peg",
            "|dev_bps| of the canonical close under 100; no depeg event",
        )  # fmt: skip


def _lying_venues(world: World) -> None:
    first, last = world.plan.lying, world.plan.lying + 4
    market = world.first_market("kraken", "solana", "USD")
    if market is not None:
        _scale(market, first, last, 1.05)
        world.tag("solana", first, last, "lying_venue")
        world.note(
            "F-2", market.key, first, last, "one of three venues 5 % over the others",
            "the venue is rejected on these days",
        )  # fmt: skip
    first, last = world.plan.disputed, world.plan.disputed + 2
    market = world.first_market("coinbase", parts.YOUNG[2])
    if market is not None and world.first_market("binance", parts.YOUNG[2]):
        _scale(market, first, last, 1.05)
        world.tag(parts.YOUNG[2], first, last, "lying_venue")
        world.note(
            "F-2", market.key, first, last, "two venues, 5 % apart",
            "price_quality is `disputed`; the close nearer to the day before is taken",
        )  # fmt: skip


def _scale(market: Market, first: int, last: int, factor: float) -> None:
    rows = (market.days >= first) & (market.days <= last)
    for name in ("open", "high", "low", "close"):
        values = getattr(market, name)
        values[rows] = np.round(values[rows] * factor, 6)
    market.volume_quote[rows] = np.round(market.volume_quote[rows] * factor, 8)


def _pegs(world: World) -> None:
    plan = world.plan
    first, last = plan.depegged_quote, plan.depegged_quote + 3
    quoted = [market for market in world.markets if market.quote_code == "USDC"]
    for asset_id in {market.base for market in quoted}:
        world.tag(asset_id, first, last, "depegged_quote")
    world.note(
        "F-3", parts.DIPPING, first, last,
        f"a quote stablecoin at 0.97 for three days, then back; {len(quoted)} markets are quoted "
        "in it, one of them its asset's only market on the venue",
        "closes are converted at its own price, never at 1; one fast depeg event that closes",
    )  # fmt: skip
    if "tether" in {spec.asset_id for spec in world.cast.stables}:
        world.note(
            "F-3", "tether", plan.intraday_dip, plan.intraday_dip,
            "a quote stablecoin dips 4 % within the day and closes within 31 bps",
            "an intraday low alone opens no event",
        )  # fmt: skip
    begin, end = plan.slow_depeg, plan.slow_depeg + plan.slow_depeg_days - 1
    world.note(
        "F-18", parts.SLOW_DEPEG, begin, end, "a stablecoin 78 bps under its peg for weeks",
        "the slow rule opens an event on the third day; it closes after the way back",
    )  # fmt: skip
    world.note(
        "F-18", parts.SPIRAL, plan.spiral, plan.last,
        f"an algorithmic stablecoin dies; the supply of {parts.BACKING} explodes meanwhile and its "
        "price falls by more than 99 %",
        "the event never closes; death_spiral_flag is set; price_daily does not quarantine days on "
        "which three venues agree",
    )  # fmt: skip
    if parts.LEFTOVER in {spec.asset_id for spec in world.cast.stables}:
        world.note(
            "F-6", parts.LEFTOVER, 0, plan.last,
            "a stablecoin dead since 2022 with 409 million units left at 0.016 USD",
            "not in aggregates of living coins at par; its events do not recover",
        )  # fmt: skip
    dead = world.stablecoins.filter(pl.col("asset_id") == parts.SPIRAL).with_columns(
        dead_from=pl.lit(world.day(plan.spiral + 10)),
        known_at=pl.lit(world.instant(plan.spiral + 11)),
    )
    world.stablecoins = pl.concat([world.stablecoins, dead])


def _crashes(world: World) -> None:
    """Let the venues of a dying coin disagree, halt and delist, and lonely venues print alone."""
    plan = world.plan
    first = plan.spiral + 1
    last = first + len(_APART) - 1
    halted = (last + 1, last + 2)
    furthest = world.first_market("kraken", parts.SPIRAL, "USD")
    pausing = world.first_market("binance", parts.SPIRAL)
    world.tag(parts.SPIRAL, first, plan.spiral + 9, "crash")
    if furthest is not None:
        for day, factor in enumerate(_APART, start=first):
            _scale(furthest, day, day, factor)
        furthest.keep(furthest.days <= last)
        furthest.last = last
        world.note(
            "F-22", furthest.key, first, last,
            "in the crash one venue is 5 to 30 % under the others, then it delists",
            "the event worsens by the reading nearest to the peg and is not ended by the delisting",
        )  # fmt: skip
    if pausing is not None:
        pausing.keep((pausing.days < halted[0]) | (pausing.days > halted[1]))
        world.note(
            "F-22", pausing.key, *halted, "a venue halts in the middle of the crash",
            "the event stays open on one venue's evidence",
        )  # fmt: skip
    for market in world.of(base=parts.SPIRAL):
        tail = market.days > last
        for name in ("volume_base", "volume_quote"):
            values = getattr(market, name)
            values[tail] = np.round(values[tail] * _TAIL, 8)
        market.trades[tail] = np.maximum(1, (market.trades[tail] * _TAIL).astype(np.int64))
    world.note(
        "F-22", parts.SPIRAL, last + 1, plan.spiral + 9, "hardly anything is traded any more",
        "the event goes on worsening, and its log tells the quality of each day",
    )  # fmt: skip
    day = plan.spiral + 5
    for market in world.of("kraken", parts.BACKING):
        market.keep((market.days < day) | (market.days > day + 1))
    world.tag(parts.BACKING, day, day + 1, "crash")
    world.note(
        "F-22", parts.BACKING, day, day, "95 % are lost in a day, on two venues; the third halts",
        "a price and a return, no quarantine; a price_move; the death spiral keeps its input",
    )  # fmt: skip
    alone = world.first_market("binance", parts.LONELY_WICK)
    if alone is not None:
        at = alone.at(plan.lonely_wick)
        alone.low[at], alone.close[at] = 0.69, 0.70
        world.tag(parts.LONELY_WICK, plan.lonely_wick, plan.lonely_wick, "wick")
        world.note(
            "F-22", alone.key, plan.lonely_wick, plan.lonely_wick,
            "a wick on the only venue of a stablecoin, its reference holds", "no depeg event",
        )  # fmt: skip
    alone = world.first_market("kraken", parts.LONELY_FALL)
    if alone is not None:
        world.note(
            "F-22", alone.key, plan.lonely_fall, plan.lonely_fall + 5,
            "a stablecoin with one venue is 3 to 11 % under its peg for six days",
            "a depeg event with evidence of a single venue, which closes",
        )  # fmt: skip


def _gaps(world: World) -> None:
    plan = world.plan
    for asset_id, first, last in (
        (parts.REDENOMINATED, plan.gap_one, plan.gap_one),
        (parts.DELISTED, plan.gap_five, plan.gap_five + 4),
    ):
        for market in world.of(base=asset_id):
            market.keep((market.days < first) | (market.days > last))
        world.note(
            "F-4", asset_id, first, last, "no venue has a candle",
            "a row with NULL prices for each day; windows over it count fewer days",
        )  # fmt: skip
    for venue, day in (("binance", plan.outage_binance), ("kraken", plan.outage_kraken)):
        if not world.of(venue):
            continue
        for market in world.of(venue):
            market.keep(market.days != day)
        world.note(
            "F-4", venue, day, day, "a whole venue has no candle that day",
            "other venues carry the price; quality falls, no row is invented",
        )  # fmt: skip


def _tokens(world: World) -> None:
    plan = world.plan
    world.events.append(
        _event(world, parts.REDENOMINATED, "redenomination", plan.redenomination, ratio=100.0)
    )
    world.note(
        "F-5", parts.REDENOMINATED, plan.redenomination, plan.redenomination,
        "one unit becomes 100: price a hundredth, supply hundredfold",
        "token_events has ratio 100; the return across the day is continuous",
    )  # fmt: skip
    follow = plan.ticker + plan.ticker_gap
    renamed = plan.ticker + 2 * plan.ticker_gap
    world.events += [
        _event(world, parts.TICKER_OLD, "halt", plan.ticker + 1),
        _event(world, parts.TICKER_OLD, "ticker_reassigned", follow, successor=parts.TICKER_NEW),
        _event(world, parts.TICKER_OLD, "rename", renamed),
    ]
    world.note(
        "F-5", "SBXVEGA", plan.ticker, follow,
        f"the ticker of {parts.TICKER_OLD} is given to {parts.TICKER_NEW}; the old one goes on as "
        "SBXVEGC on one venue",
        "two asset_ids, no price chained from one to the other",
    )  # fmt: skip
    world.events.append(_event(world, parts.DELISTED, "delist", plan.delisting + 1))
    world.note(
        "F-6", parts.DELISTED, plan.delisting, plan.delisting,
        "delisted everywhere while its price is above 0",
        "no row after the last day; in every universe before it",
    )  # fmt: skip
    for asset_id, day in world.cast.delistings.items():
        world.events.append(_event(world, asset_id, "delist", day + 1))
    world.events.append(_event(world, parts.DEAD, "dead", plan.dead_delisting + 1))
    world.note(
        "F-6", parts.DEAD, plan.death, plan.dead_delisting,
        "falls by 22 % a day to nothing, then delisted",
        "a price near 0, returns down to -1, no infinity",
    )  # fmt: skip


def _event(
    world: World,
    asset_id: str,
    kind: str,
    day: int,
    ratio: float | None = None,
    successor: str | None = None,
) -> dict[str, Any]:
    return {
        "asset_id": asset_id,
        "kind": kind,
        "effective_day": world.day(day),
        "ratio": ratio,
        "successor_asset_id": successor,
        "known_at": world.instant(day - 5),
    }


def _restated(world: World) -> None:
    plan = world.plan
    first, last = plan.restated, plan.restated + 2
    known = _RESTATED_AFTER
    market = world.first_market("binance", "solana", "USDT")
    if market is not None:
        for day in range(first, last + 1):
            at = market.at(day)
            names = ("close", "high", "volume_base", "volume_quote")
            right = {name: getattr(market, name)[at] for name in names}
            market.close[at] = np.round(right["close"] * 1.008, 4)
            market.high[at] = max(right["high"], market.close[at])
            market.volume_base[at] = np.round(right["volume_base"] * 0.93, 8)
            market.volume_quote[at] = np.round(right["volume_quote"] * 0.93, 8)
            market.add_version(day, world.epoch_us(day + known, _NOON), **right)
        world.note(
            "F-7", market.key, first, last,
            f"candles restated {known} days later: close by 0.8 %, volume by 7 %",
            "two versions in history; as of before, the first; now, the second; ops_revision",
        )  # fmt: skip
    rows = (
        (pl.col("asset") == "eth")
        & pl.col("metric").is_in(["SplyCur", "AdrActCnt", "TxCnt"])
        & pl.col("day").is_between(world.day(first), world.day(last))
    )
    world.metrics = _restate(world.metrics, rows, {"value": 0.97}, "day", known)
    world.note(
        "F-7", "eth", first, last,
        f"supply, addresses and transactions restated by 3 % {known} days later",
        "two versions; marts built as of before have the first",
    )  # fmt: skip
    rows = (
        (pl.col("stablecoin_id") == "2")
        & pl.col("chain").is_in(["Ethereum", TOTAL_CHAIN])
        & pl.col("day").is_between(world.day(first), world.day(last))
    )
    world.balances = _restate(
        world.balances, rows, {"circulating": 0.985, "minted": 0.985}, "day", known
    )
    world.note(
        "F-7", parts.DIPPING, first, last, f"supply restated by 1.5 % {known} days later",
        "two versions; net mint around it is recomputed",
    )  # fmt: skip


def _restate(
    frame: pl.DataFrame, rows: pl.Expr, wrong: Mapping[str, float], day: str, after: int
) -> pl.DataFrame:
    """Let the rows' first version be wrong by a factor and add the right one, known later."""
    right = frame.filter(rows).with_columns(known_at=_noon_after(day, after))
    first = frame.with_columns(
        pl.when(rows).then(pl.col(name) * factor).otherwise(name).alias(name)
        for name, factor in wrong.items()
    )
    return pl.concat([first, right])


def _noon_after(day: str, after: int) -> pl.Expr:
    noon = pl.col(day).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return noon + pl.duration(days=after, hours=_NOON)


def _delete(frame: pl.DataFrame, rows: pl.Expr, values: list[str], after: int) -> pl.DataFrame:
    """Take the rows away, some days later."""
    gone = frame.filter(rows).with_columns(
        *(pl.lit(None, dtype=frame.schema[name]).alias(name) for name in values),
        known_at=_noon_after("day", after),
        is_deleted=pl.lit(value=True),
    )
    return pl.concat([frame, gone])


def _deleted(world: World) -> None:
    day, after = world.plan.deleted, _DELETED_AFTER
    market = world.first_market("coinbase", "solana", "USD")
    if market is not None:
        market.add_version(day, world.epoch_us(day + after, _NOON), is_deleted=True)
        world.note(
            "F-7", market.key, day, day, f"the candle vanishes {after} days later",
            "a tombstone in history; as of before, the candle counts",
        )  # fmt: skip
    rows = (
        (pl.col("asset") == "btc")
        & (pl.col("metric") == "TxTfrCnt")
        & (pl.col("day") == world.day(day))
    )
    world.metrics = _delete(world.metrics, rows, ["value"], after)
    world.note(
        "F-7", "btc", day, day, f"one metric of one day vanishes {after} days later",
        "a tombstone in history",
    )  # fmt: skip
    rows = (
        (pl.col("stablecoin_id") == "7")
        & (pl.col("chain") == "BSC")
        & (pl.col("day") == world.day(day))
    )
    amounts = ["circulating", "minted", "unreleased", "bridged"]
    world.balances = _delete(world.balances, rows, amounts, after)
    world.note(
        "F-7", f"{parts.SLOW_DEPEG} on BSC", day, day,
        f"one chain's amount of one day vanishes {after} days later",
        "a tombstone in history; the total stays, or is partial",
    )  # fmt: skip


def _late(world: World) -> None:
    day = world.plan.late
    market = world.first_market("binance", "ethereum", "USDT")
    if market is not None:
        market.known_us[market.at(day)] = world.epoch_us(day + _LATE_BY, _NOON)
        world.note(
            "F-8", market.key, day, day, f"the candle arrives on day d+{_LATE_BY}",
            "absent until then; the look-back finds it",
        )  # fmt: skip
    late = (pl.col("asset") == "btc") & (pl.col("day") == world.day(day + 1))
    last = (
        (pl.col("asset") == "eth")
        & pl.col("metric").is_in(["TxTfrCnt", "AdrActCnt"])
        & (pl.col("day") == world.day(world.plan.last))
    )
    world.metrics = world.metrics.with_columns(
        known_at=pl.when(late)
        .then(_noon_after("day", _LATE_BY))
        .when(last)
        .then(_noon_after("day", 1))
        .otherwise("known_at")
    )
    world.note(
        "F-8", "btc", day + 1, day + 1, f"all metrics of a day arrive on day d+{_LATE_BY}",
        "the row is absent until then",
    )  # fmt: skip
    world.note(
        "F-8", "eth", world.plan.last, world.plan.last,
        "the newest row is partial: two metrics follow at noon",
        "null, not 0, until then",
    )  # fmt: skip
    rows = (pl.col("stablecoin_id") == "10") & (pl.col("day") == world.day(day))
    world.balances = world.balances.with_columns(
        known_at=pl.when(rows).then(_noon_after("day", _LATE_BY)).otherwise("known_at")
    )
    world.note(
        "F-8", parts.MISSPELLED, day, day, f"a stablecoin's day arrives on day d+{_LATE_BY}",
        "absent until then",
    )  # fmt: skip


def _silent_days(world: World) -> None:
    first = world.plan.zero_volume
    for asset_id, last in ((parts.REDENOMINATED, first), (parts.DEAD, first + 3)):
        market = world.first_market("kraken", asset_id, "USD")
        if market is None:
            continue
        before = market.close[market.at(first - 1)]
        rows = (market.days >= first) & (market.days <= last)
        for name in ("open", "high", "low", "close"):
            getattr(market, name)[rows] = before
        for name in ("volume_base", "volume_quote", "trades"):
            getattr(market, name)[rows] = 0
        world.note(
            "F-11", market.key, first, last, "no trade: a flat bar with volume 0",
            "volume 0 is measured zero, not unknown; the venue is not eligible; identical closes "
            "are stale",
        )  # fmt: skip


def _shapes(world: World) -> None:
    plan = world.plan
    world.note(
        "F-12", parts.CONSTANT, 0, plan.last, "the price is 0.25 USD on every venue, every day",
        "volatility 0; ratios with it in the denominator are NULL, not infinite",
    )  # fmt: skip
    for asset_id in parts.YOUNG:
        first = next(m.first for m in world.markets if m.base == asset_id)
        world.note(
            "F-13", asset_id, first, plan.last,
            f"listed {plan.last + 1 - first} days before the end",
            "windows with fewer observations than min_obs are NULL",
        )  # fmt: skip
    world.note(
        "F-14", " and ".join(parts.TWINS), 0, plan.last, "two assets with identical candles",
        "ranks tie and are broken the same way every time",
    )  # fmt: skip
    world.note(
        "F-15", parts.SILENT_NARRATIVE, 0, plan.last,
        "a narrative of which too few members for a basket are in the market",
        "it has a row for each day, and no index in any of them",
    )  # fmt: skip
    world.note(
        "F-9", "every source", 0, plan.last,
        "duplicated and unordered pages, short pages, HTTP 429 and 500, truncated JSON: on demand, "
        "PUT /_sandbox/faults",
        "a clear error or counted quarantine rows; other sources go on",
    )  # fmt: skip
    running = world.settings.day_count
    world.note(
        "F-10", "every market", running, running,
        "the candle of the running day is in the answers, with the part that has passed",
        "dropped: no row for the running day",
    )  # fmt: skip
    leap = [
        number
        for number in range(plan.last + 1)
        if (world.day(number).month, world.day(number).day) == (2, 29)
    ]
    for number in leap:
        world.note(
            "F-20", "every series", number, number, "a leap day",
            "a day like any other: windows count it",
        )  # fmt: skip


def _enums(world: World) -> None:
    plan = world.plan
    chosen = world.stablecoins.filter(pl.col("asset_id") == parts.MISSPELLED)
    if len(chosen):
        misspelled = chosen.with_columns(
            peg_mechanism=pl.lit("crytpo-backed"),
            known_at=pl.lit(world.instant(plan.misspelling)),
        )
        world.stablecoins = pl.concat([world.stablecoins, misspelled])
        world.note(
            "F-16", parts.MISSPELLED, plan.misspelling, plan.last,
            "pegMechanism becomes `crytpo-backed`",
            "mapped to the right mechanism, and counted",
        )  # fmt: skip
    world.note(
        "F-16", f"tether on {NEW_CHAIN}", plan.new_chain, plan.last,
        "a chain that nobody has heard of",
        "a row like any other chain's; total = sum of chains still holds",
    )  # fmt: skip


def _spike(world: World) -> None:
    day = world.plan.spike
    rows = (pl.col("stablecoin_id") == "5") & (pl.col("day") == world.day(day))
    world.balances = world.balances.with_columns(
        pl.when(rows).then(pl.col(name) * 6).otherwise(name).alias(name)
        for name in ("circulating", "minted", "unreleased", "bridged")
    )
    world.supply_tags[parts.SPIKED][day] = "defect"
    world.note(
        "F-17", parts.SPIKED, day, day, "the supply is six times itself for one day",
        "quarantined: NULL that day, net mint around it NULL",
    )  # fmt: skip


def _say_no_data(world: World) -> None:
    """Tag the days on which no venue has a candle at the dataset's own instant."""
    now_us = world.epoch_us(world.settings.day_count, 6)
    for asset_id, tags in world.price_tags.items():
        covered = np.zeros(world.settings.day_count + 1, dtype=bool)
        for market in world.of(base=asset_id):
            known = market.known_us <= now_us
            covered[market.days[known & ~market.is_deleted]] = True
        for market in world.of(base=asset_id):
            others = [one for one in world.of(base=asset_id) if one is not market]
            for day in market.days[market.is_deleted & (market.known_us <= now_us)]:
                covered[day] = any(day in other.days for other in others)
        trading = tags != ""
        tags[trading & ~covered[: len(tags)]] = "no_data"


_DEFECTS: tuple[Callable[[World], None], ...] = (
    _wicks,
    _lying_venues,
    _pegs,
    _crashes,
    _restated,
    _deleted,
    _late,
    _silent_days,
    _tokens,
    _shapes,
    _enums,
    _spike,
    _gaps,
)
