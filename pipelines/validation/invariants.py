"""Invariants: what must be true between marts, or between days; in Polars.

A rule about one mart alone is a dbt test or part of its publication contract. An invariant gets the
marts it names as frames and returns the rows that break it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol

import polars as pl

from pipelines.core import warehouse
from pipelines.core.excerpt import MAX_ROWS, Excerpt
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock, Window, last_complete_day
from pipelines.validation.measures import SCHEMA
from pipelines.validation.report import MAX_EXAMPLES, CheckResult, Severity

if TYPE_CHECKING:
    import duckdb

# doubles that took two ways through SQL may differ in the last digits
RELATIVE_TOLERANCE = 1e-9

# a day with half or one and a half times the usual number of rows is worth a look
ROW_COUNT_TOLERANCE = 0.5
ROW_COUNT_MEDIAN_D = 14
ROW_COUNT_MAX_DAYS = 31

# publishing four fifths of what users already have needs a reason
SHRINK_TOLERANCE = 0.2

# one asset in so many is recomputed: a wrong formula is wrong everywhere
RECOMPUTED_EVERY = 5
RECOMPUTED_WINDOWS_D = (1, 7, 30, 365)

# shares are sums of a dozen doubles
TOTAL_CHAIN = "__total__"
# sources round, and count a coin's chains and its total at different moments
CHAIN_TOLERANCE = 1e-3


class Marts(Protocol):
    """Gives marts as frames."""

    def frame(self, mart: str, columns: Sequence[str], schema: str = SCHEMA) -> pl.DataFrame:
        """Return the columns of a mart, or of a table of another schema that explains it."""
        ...

    def names(self) -> list[str]:
        """Return the marts that there are."""
        ...

    def columns(self, mart: str) -> list[str]:
        """Return the columns of a mart."""
        ...


@dataclass(frozen=True)
class Context:
    """What an invariant may know beside the marts.

    Attributes:
        window: the days of the run.
        last_complete_day: the newest day that is over at the run's clock.
        published_rows: rows of each mart in the current publication.
    """

    window: Window
    last_complete_day: date
    published_rows: Mapping[str, int]


@dataclass(frozen=True)
class Invariant:
    """A rule about more than one mart, or more than one day.

    Attributes:
        name: its name.
        mart: the mart that is wrong when the rule is broken.
        severity: whether a breach forbids publishing.
        description: the rule, for people.
        find: returns the rows that break it: key columns first, then what is wrong.
    """

    name: str
    mart: str
    severity: Severity
    description: str
    find: Callable[[Marts, Context], pl.DataFrame]


def check_invariants(
    settings: Settings,
    clock: Clock,
    run_id: str,
    window: Window,
    published_rows: Mapping[str, int],
) -> tuple[CheckResult, ...]:
    """Check every invariant against the warehouse; one result each."""
    context = Context(window, last_complete_day(clock), published_rows)
    with warehouse.read(settings.warehouse_path) as connection:
        marts = WarehouseMarts(connection)
        return tuple(evaluate(invariant, marts, context, clock, run_id) for invariant in INVARIANTS)


def evaluate(
    invariant: Invariant, marts: Marts, context: Context, clock: Clock, run_id: str
) -> CheckResult:
    """Check one invariant; a mart or column that it needs and that is missing is a breach."""
    import duckdb

    try:
        broken = invariant.find(marts, context)
        count, examples = broken.height, Excerpt.of(broken.columns, broken.head(MAX_ROWS).rows())
        detail = f"{count} rows, such as {examples.in_words(MAX_EXAMPLES)}" if count else ""
    except (duckdb.CatalogException, duckdb.BinderException) as problem:
        count, examples = -1, None
        detail = f"could not be checked: {str(problem).splitlines()[0]}"
    return CheckResult(
        run_id=run_id,
        checked_at=clock.now(),
        check_kind="invariant",
        check_name=invariant.name,
        mart=invariant.mart,
        severity=invariant.severity,
        is_passed=count == 0,
        failed_row_count=max(count, 0),
        detail=detail,
        examples=examples if count else None,
    )


class WarehouseMarts:
    """The marts of the warehouse."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def frame(self, mart: str, columns: Sequence[str], schema: str = SCHEMA) -> pl.DataFrame:
        """Return the columns of a mart, or of a table of another schema that explains it."""
        listed = ", ".join(f'"{column}"' for column in columns)
        return self._connection.sql(f'select {listed} from {schema}."{mart}"').pl()  # noqa: S608  # names from the catalogue, quoted

    def names(self) -> list[str]:
        """Return the marts that there are."""
        return sorted({mart for mart, _ in self._catalogue()})

    def columns(self, mart: str) -> list[str]:
        """Return the columns of a mart."""
        return [column for name, column in self._catalogue() if name == mart]

    def _catalogue(self) -> list[tuple[str, str]]:
        rows = self._connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = current_catalog() and schema_name = ? "
            "order by table_name, column_index",
            [SCHEMA],
        ).fetchall()
        return [(str(mart), str(column)) for mart, column in rows]


def differs(left: str, right: str) -> pl.Expr:
    """Return whether two columns differ by more than rounding; NULL differs from any value."""
    one, other = pl.col(left), pl.col(right)
    scale = pl.max_horizontal(one.abs(), other.abs(), pl.lit(1e-12))
    return (
        pl.when(one.is_null() & other.is_null())
        .then(pl.lit(value=False))
        .when(one.is_null() | other.is_null())
        .then(pl.lit(value=True))
        .otherwise((one - other).abs() > RELATIVE_TOLERANCE * scale)
    )


def _bars_agree_with_prices(marts: Marts, _context: Context) -> pl.DataFrame:
    key = ["asset_id", "day"]
    price = marts.frame("price_daily", [*key, "close_usd"]).rename({"close_usd": "price"})
    bar = marts.frame("ohlcv_daily", [*key, "close_usd"]).rename({"close_usd": "bar"})
    both = price.with_columns(in_price=pl.lit(value=True)).join(
        bar.with_columns(in_bar=pl.lit(value=True)), on=key, how="full", coalesce=True
    )
    wrong = pl.col("in_price").is_null() | pl.col("in_bar").is_null() | differs("price", "bar")
    return both.filter(wrong).sort(key).select(*key, "price", "bar")


def _returns_come_from_prices(marts: Marts, _context: Context) -> pl.DataFrame:
    key = ["asset_id", "day"]
    wanted = [f"ret_{days}d" for days in RECOMPUTED_WINDOWS_D]
    returns = marts.frame("returns_risk_daily", [*key, *wanted])
    price = marts.frame("price_daily", [*key, "close_usd", "prior_close_verdict"])
    # a close that the next reading refuted never was: nothing looks back to it
    refuted = (
        price.filter(pl.col("close_usd").is_not_null())
        .sort(key)
        .filter(pl.col("prior_close_verdict").shift(-1).over("asset_id") == "refuted")
    )
    factors = marts.frame(
        "int_asset_unit_factor",
        ["asset_id", "valid_from", "valid_to", "unit_factor"],
        schema="intermediate",
    )
    chosen = sample(price["asset_id"])
    adjusted = in_original_units(price.filter(pl.col("asset_id").is_in(chosen)), factors)
    wrong = []
    for days in RECOMPUTED_WINDOWS_D:
        before = adjusted.join(refuted, on=key, how="anti").select(
            "asset_id", pl.col("day").dt.offset_by(f"{days}d"), before=pl.col("close")
        )
        compared = (
            adjusted.join(before, on=key, how="left")
            .with_columns(recomputed=pl.col("close") / pl.col("before") - 1)
            .join(returns.select(*key, published=f"ret_{days}d"), on=key, how="left")
        )
        # a ratio of two closes loses digits where the return is near zero: compare the growth
        compared = compared.with_columns(
            growth=pl.col("published") + 1, expected_growth=pl.col("recomputed") + 1
        )
        wrong.append(
            compared.filter(differs("growth", "expected_growth")).select(
                *key,
                window_d=pl.lit(days),
                published="published",
                recomputed="recomputed",
            )
        )
    return pl.concat(wrong).sort(*key, "window_d")


def sample(assets: pl.Series) -> list[str]:
    """Return every fifth asset by name: always the same ones, so that a run can be repeated."""
    return assets.unique().sort().gather_every(RECOMPUTED_EVERY).to_list()


def in_original_units(price: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """Return closes per unit as it was before any change of units: asset_id, day, close."""
    matched = price.join(factors, on="asset_id", how="left").filter(
        pl.col("valid_from").is_null()
        | (
            (pl.col("day") >= pl.col("valid_from"))
            & (pl.col("valid_to").is_null() | (pl.col("day") < pl.col("valid_to")))
        )
    )
    return price.join(
        matched.select("asset_id", "day", "unit_factor"), on=["asset_id", "day"], how="left"
    ).select("asset_id", "day", close=pl.col("close_usd") * pl.col("unit_factor").fill_null(1.0))


def _accepted_venues_make_the_price(marts: Marts, _context: Context) -> pl.DataFrame:
    key = ["asset_id", "day"]
    counted = (
        marts.frame("venue_quality_daily", [*key, "is_accepted", "volume_usd"])
        .filter("is_accepted")
        .group_by(key)
        .agg(accepted=pl.len().cast(pl.Int64), accepted_volume_usd=pl.col("volume_usd").sum())
    )
    price = marts.frame("price_daily", [*key, "n_venues", "volume_usd"])
    both = price.join(counted, on=key, how="full", coalesce=True).with_columns(
        pl.col("accepted").fill_null(0)
    )
    wrong = pl.col("n_venues").ne_missing(pl.col("accepted")) | differs(
        "volume_usd", "accepted_volume_usd"
    )
    return both.filter(wrong).sort(key)


def _pegs_use_published_prices(marts: Marts, _context: Context) -> pl.DataFrame:
    coins = marts.frame("dim_stablecoin", ["stablecoin_id", "asset_id"]).unique("stablecoin_id")
    peg = marts.frame("stablecoin_peg_daily", ["stablecoin_id", "day", "price_usd", "price_source"])
    price = marts.frame("price_daily", ["asset_id", "day", "close_usd"])
    compared = (
        peg.filter(pl.col("price_source") == "canonical")
        .join(coins, on="stablecoin_id", how="left")
        .join(price, on=["asset_id", "day"], how="left")
    )
    return (
        compared.filter(differs("price_usd", "close_usd"))
        .select("stablecoin_id", "day", "price_usd", "close_usd")
        .sort("stablecoin_id", "day")
    )


def _valuations_agree(marts: Marts, _context: Context) -> pl.DataFrame:
    """What a mart takes from another it shows as the other does."""
    key = ["entity", "day"]
    peers = marts.frame("peer_percentile_daily", ["asset_id", "day", "metric", "metric_value"])
    metrics = peers["metric"].unique().sort().to_list()
    valued = marts.frame("valuation_daily", ["asset_id", "day", *{"mcap_usd", *metrics}]).rename(
        {"asset_id": "entity"}
    )
    ranked = peers.select(
        pl.col("metric").alias("what"), entity="asset_id", day="day", shown="metric_value"
    ).join(
        valued.unpivot(metrics, index=key, variable_name="what", value_name="meant"),
        on=["what", *key],
        how="left",
    )
    tokens = marts.frame("exchange_token_daily", ["token_asset_id", "day", "token_mcap_usd"])
    caps = (
        tokens.drop_nulls(["token_asset_id", "token_mcap_usd"])
        .select(entity="token_asset_id", day="day", shown="token_mcap_usd")
        .join(valued.select(*key, meant="mcap_usd"), on=key, how="left")
        .with_columns(what=pl.lit("token_mcap_usd"))
    )
    grown = marts.frame("protocol_growth_daily", ["protocol_id", "day", "tvl_usd"])
    held = marts.frame("protocol_fundamentals_daily", ["protocol_id", "chain_id", "day", "tvl_usd"])
    totals = held.filter(pl.col("chain_id") == TOTAL_CHAIN)
    locked = (
        grown.select(entity="protocol_id", day="day", shown="tvl_usd")
        .join(totals.select(entity="protocol_id", day="day", meant="tvl_usd"), on=key, how="left")
        .with_columns(what=pl.lit("tvl_usd"))
    )
    compared = pl.concat(
        # of no metric at all nothing is meant, not even a number
        frame.select("what", *key, "shown", pl.col("meant").cast(pl.Float64))
        for frame in (ranked, caps, locked)
    )
    return compared.filter(differs("shown", "meant")).sort("what", *key)


def _plans_answer_to_signals(marts: Marts, _context: Context) -> pl.DataFrame:
    key = ["asset_id", "day"]
    plan = marts.frame("risk_plan_daily", [*key, "signal", "signal_event_id"])
    decided = marts.frame("signal_daily", [*key, "signal"]).rename({"signal": "decided"})
    reported = (
        marts.frame("alert", ["kind", "entity_id", "day", "ref_id"])
        .filter(pl.col("kind") == "signal_change")
        .select(pl.col("entity_id").alias("asset_id"), "day", "ref_id")
    )
    both = plan.join(decided, on=key, how="full", coalesce=True).join(
        reported, on=key, how="full", coalesce=True
    )
    return both.filter(
        pl.col("signal").ne_missing(pl.col("decided"))
        | (pl.col("ref_id").is_not_null() & pl.col("ref_id").ne_missing(pl.col("signal_event_id")))
    ).sort(key)


def _crowding_is_funding(marts: Marts, _context: Context) -> pl.DataFrame:
    key = ["asset_id", "day"]
    scored = (
        marts.frame("grade_components", [*key, "grade", "factor", "factor_value"])
        .filter((pl.col("grade") == "trend_score") & (pl.col("factor") == "crowding"))
        .select(*key, pl.col("factor_value").alias("crowding"))
        .drop_nulls("crowding")
    )
    funding = marts.frame("derivatives_daily", [*key, "funding_z_90d"])
    both = scored.join(funding, on=key, how="left")
    return both.filter(differs("crowding", "funding_z_90d")).sort(key)


def _equity_is_what_trades_earned(marts: Marts, _context: Context) -> pl.DataFrame:
    """On its newest day a strategy has what its trades, open ones included, have made of 1."""
    trade = marts.frame("strategy_trade", ["strategy_id", "entry_equity", "net_pnl_frac"])
    earned = trade.group_by("strategy_id").agg(
        earned=1 + (pl.col("entry_equity") * pl.col("net_pnl_frac")).sum()
    )
    daily = marts.frame("strategy_performance_daily", ["strategy_id", "day", "equity"])
    newest = daily.sort("day").group_by("strategy_id", maintain_order=True).last()
    both = newest.join(earned, on="strategy_id", how="full", coalesce=True)
    # sums of thousands of trades: rounding is relative to the equity of 1 that all began with
    close = (pl.col("equity") - pl.col("earned")).abs() <= RELATIVE_TOLERANCE * pl.max_horizontal(
        pl.col("equity").abs(), 1.0
    )
    return both.filter(~close.fill_null(value=False)).sort("strategy_id")


def _market_supply_adds_up(marts: Marts, _context: Context) -> pl.DataFrame:
    """Coins have a share where they count: dollars, and not twice."""
    coins = marts.frame("stablecoin_supply_daily", ["day", "share_frac", "supply_par_usd"])
    summed = (
        coins.drop_nulls("share_frac")
        .group_by("day")
        .agg(sum_of_coins_usd=pl.sum("supply_par_usd"))
    )
    market = marts.frame("stablecoin_market_daily", ["day", "total_supply_par_usd"])
    both = market.drop_nulls("total_supply_par_usd").join(summed, on="day", how="left")
    return both.filter(differs("total_supply_par_usd", "sum_of_coins_usd")).sort("day")


def _chains_make_the_total(marts: Marts, _context: Context) -> pl.DataFrame:
    key = ["stablecoin_id", "day"]
    chains = marts.frame("stablecoin_chain_daily", [*key, "circulating_native"])
    summed = chains.group_by(key).agg(sum_of_chains_native=pl.sum("circulating_native"))
    supply = marts.frame("stablecoin_supply_daily", [*key, "circulating_native", "is_partial"])
    both = (
        supply.filter(~pl.col("is_partial")).drop_nulls("circulating_native").join(summed, on=key)
    )
    gap = (pl.col("sum_of_chains_native") - pl.col("circulating_native")).abs()
    return both.filter(gap > CHAIN_TOLERANCE * pl.col("circulating_native").abs()).sort(key)


def _days_reach_the_run(marts: Marts, context: Context) -> pl.DataFrame:
    price = marts.frame("price_daily", ["day", "close_usd"])
    last = context.window.last
    there = price.filter((pl.col("day") == last) & pl.col("close_usd").is_not_null()).height
    newest = price["day"].max()
    found = pl.DataFrame(
        {
            "day_of_the_run": [last],
            "prices_of_it": [there],
            "newest_day": [newest],
            "last_complete_day": [context.last_complete_day],
        }
    )
    return found.filter(
        (pl.col("prices_of_it") == 0) | (pl.col("newest_day") > pl.col("last_complete_day"))
    )


def _day_sizes_are_usual(marts: Marts, context: Context) -> pl.DataFrame:
    days = list(context.window.chunks(1))[-ROW_COUNT_MAX_DAYS:]
    first, last = days[0].start, days[-1].start
    found = [
        sizes.with_columns(mart=pl.lit(mart))
        for mart in marts.names()
        if mart.endswith("_daily") and "day" in marts.columns(mart)
        for sizes in [unusual_days(_settled(marts, mart, first), first, last)]
    ]
    columns = ["mart", "day", "rows", "usual"]
    return pl.concat(found).select(columns) if found else pl.DataFrame(schema=columns)


def _settled(marts: Marts, mart: str, first: date) -> pl.DataFrame:
    """Return the days of a mart's rows, without metrics that began just before the run.

    A mart of one row for each metric grows by as many rows as it has assets when a metric begins,
    such as the diluted multiples on the day of the first snapshot of total supplies.
    """
    if "metric" not in marts.columns(mart):
        return marts.frame(mart, ["day"])
    rows = marts.frame(mart, ["day", "metric"])
    young = pl.col("day").min().over("metric") > first - timedelta(days=ROW_COUNT_MEDIAN_D)
    return rows.filter(~young).select("day")


def unusual_days(days: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Return the days from `first` to `last` whose row count is far from the usual one.

    The usual count is the median of the fourteen days before; a series younger than that has none.
    Columns: day, rows, usual.
    """
    counted = days.group_by("day").agg(rows=pl.len().cast(pl.Int64)).sort("day")
    # a day without any row has no line of its own, and is the most unusual of all
    oldest = counted["day"].min()
    begin = oldest if isinstance(oldest, date) else first
    spine = pl.DataFrame({"day": pl.date_range(begin, last, interval="1d", eager=True)})
    dense = spine.join(counted, on="day", how="left").with_columns(pl.col("rows").fill_null(0))
    usual = dense.sort("day").with_columns(
        usual=pl.col("rows")
        .shift(1)
        .rolling_median(ROW_COUNT_MEDIAN_D, min_samples=ROW_COUNT_MEDIAN_D)
    )
    return usual.filter(
        pl.col("day").is_between(first, last)
        & ((pl.col("rows") - pl.col("usual")).abs() > ROW_COUNT_TOLERANCE * pl.col("usual"))
    )


def _nothing_got_lost(marts: Marts, context: Context) -> pl.DataFrame:
    there = set(marts.names())
    rows = [
        {"mart": mart, "rows": marts.frame(mart, [marts.columns(mart)[0]]).height, "before": before}
        for mart, before in sorted(context.published_rows.items())
        if mart in there and not mart.startswith("ops_")
    ]
    frame = pl.DataFrame(rows, schema={"mart": pl.String, "rows": pl.Int64, "before": pl.Int64})
    return frame.filter(pl.col("rows") < (1 - SHRINK_TOLERANCE) * pl.col("before"))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "bars_agree_with_prices",
        "ohlcv_daily",
        "block",
        "ohlcv_daily has the same assets and days as price_daily, with the same closes.",
        _bars_agree_with_prices,
    ),
    Invariant(
        "returns_come_from_prices",
        "returns_risk_daily",
        "block",
        "Returns over 1, 7, 30 and 365 days are those of price_daily's closes in constant units: "
        "recomputed for every fifth asset.",
        _returns_come_from_prices,
    ),
    Invariant(
        "accepted_venues_make_the_price",
        "venue_quality_daily",
        "block",
        "The accepted venues of an asset and day are as many as price_daily says, and their "
        "volumes sum to its volume.",
        _accepted_venues_make_the_price,
    ),
    Invariant(
        "pegs_use_published_prices",
        "stablecoin_peg_daily",
        "block",
        "Where a peg is measured on the canonical price, that price is price_daily's.",
        _pegs_use_published_prices,
    ),
    Invariant(
        "valuations_agree",
        "valuation_daily",
        "block",
        "Peers are ranked by valuation_daily's numbers, the tokens of exchanges have its market "
        "caps, and growth is of the TVL that protocol_fundamentals_daily has in total.",
        _valuations_agree,
    ),
    Invariant(
        "crowding_is_funding",
        "grade_components",
        "block",
        "What counts as crowding in the trader grade is the z-score of funding in "
        "derivatives_daily; an asset without perpetuals has none.",
        _crowding_is_funding,
    ),
    Invariant(
        "plans_answer_to_signals",
        "risk_plan_daily",
        "block",
        "Every signal has its plan and no other has one; on the day of a change the plan names the "
        "event that the alert names.",
        _plans_answer_to_signals,
    ),
    Invariant(
        "equity_is_what_trades_earned",
        "strategy_performance_daily",
        "block",
        "The equity of each strategy is 1 and what each trade made of the equity that it was "
        "entered with.",
        _equity_is_what_trades_earned,
    ),
    Invariant(
        "market_supply_adds_up",
        "stablecoin_market_daily",
        "block",
        "The total supply at par is the sum of the coins that have a share in it.",
        _market_supply_adds_up,
    ),
    Invariant(
        "chains_make_the_total",
        "stablecoin_chain_daily",
        "warn",
        "Where no chain is missing, a coin's chains sum to its supply, but for a thousandth.",
        _chains_make_the_total,
    ),
    Invariant(
        "days_reach_the_run",
        "price_daily",
        "block",
        "price_daily has prices of the run's newest day, and no day that is not over.",
        _days_reach_the_run,
    ),
    Invariant(
        "day_sizes_are_usual",
        "price_daily",
        "warn",
        "Each day of the run has, in every daily mart, between half and one and a half times the "
        "rows that are usual (the median of the fourteen days before).",
        _day_sizes_are_usual,
    ),
    Invariant(
        "nothing_got_lost",
        "price_daily",
        "warn",
        "No mart has less than four fifths of the rows that it has in the current publication.",
        _nothing_got_lost,
    ),
)
