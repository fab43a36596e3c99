"""Rules traded day by day: from what was decided to a ledger, and from it trades and equity.

Money is in parts of the equity at the start, which is 1. A decision knows the day that has ended
and is carried out at the next day's open. Within a day things happen in one order:

1. What is dead, or has had no price for too long, is written off at its last price less a haircut.
2. At the open: what opens beyond its stop, then beyond its targets, is closed there; then positions
   that are no longer wanted are closed, held ones resized and new ones opened.
3. Shorts pay for the day: funding where it is known, otherwise what borrowing costs.
4. Between open and close: the stop before the targets, for a bar does not tell which was first.
5. At the close: the orders of assets without an open; then everything is valued.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, AnalyticsError, BoolArray, FloatArray, IntArray
from pipelines.analytics.cross_section import Grid, Ordered, parts_of
from pipelines.analytics.inference import moments, sharpe
from pipelines.analytics.parameters import from_seed

YEAR_D: Final = 365
ALL: Final = "all"

SUNDAY: Final = date(1970, 1, 4)
"""Days of rebalancing are counted from here, so that they do not depend on where data begin: a week
ends on a Sunday and is traded on the Monday."""

ENTRIES: Final = ("top_part", "top_and_bottom_part", "sign", "always")
EXITS: Final = ("any_day", "rebalance")
SIZINGS: Final = ("equal_weight", "risk_at_stop")
FILLS: Final = ("open", "close")

COSTS: Final = ("fee", "slippage", "impact", "borrow", "funding")
"""Kinds of costs; funding that a short receives is a negative one."""

LEDGER: Final = {
    ASSET: pl.String(),
    DAY: pl.Date(),
    "entry_day": pl.Date(),
    "side": pl.Int64(),
    "entry_usd": pl.Float64(),
    "stop_usd": pl.Float64(),
    "risk_usd": pl.Float64(),
    "entry_equity": pl.Float64(),
    "size_frac": pl.Float64(),
    "exit_usd": pl.Float64(),
    "exit_reason": pl.String(),
    "gross_pnl": pl.Float64(),
    **{name: pl.Float64() for name in COSTS},
    "traded": pl.Float64(),
    "value": pl.Float64(),
}

EXIT_REASONS: Final = ("dead", "no_price", "stop", "take_profit", "signal", "ruin")
_REASONS: Final = (None, *EXIT_REASONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is bought and sold, when, how much of it, and at what cost; the values are a seed.

    Attributes:
        measure: what is ranked or followed, as ``mart.column``; None where ``entry`` is 'always'.
        entry: who is wanted: 'top_part' (the highest part, long), 'top_and_bottom_part' (and the
            lowest one short, where it can be sold short), 'sign' (above 0 long, below 0 short),
            'always' (long).
        part_count: parts that the members of a day are divided into.
        asset_id: the only asset that is looked at; None: all members of the universe.
        top_count: only so many of the most traded members; None: all of them.
        exit: when a position that is no longer wanted is left: 'any_day' or 'rebalance'.
        fill_at: price of a day at which orders are carried out: 'open' (the close where no open is
            known) or 'close'.
        stop_atr: distance of the stop from the close of the decision, in average true ranges.
        stop_excursion_x: the same in usual adverse excursions of the side, instead.
        take_profit_r: targets in units of that distance; at each an equal part is closed.
        take_profit_excursion_x: the same in usual favourable excursions of the side, instead.
        sizing: 'equal_weight' (``max_gross_frac`` in equal parts) or 'risk_at_stop' (the loss at
            the stop is ``risk_at_stop_frac`` of the equity).
        risk_at_stop_frac: see there.
        max_weight_frac: the most of the equity that one position is opened with.
        is_resized: whether held positions are brought back to their weight on rebalancing.
        rebalance_d: days between decisions to enter.
        max_gross_frac: limit of longs and shorts together, in parts of the equity.
        max_net_frac: limit of their difference.
        fee_bps: of what is traded.
        slippage_bps: half of the spread, whatever the size.
        impact_bps: moved price of an order of the whole volume of a day; less by the square root of
            the part.
        borrow_ann: what being short costs in a year where no funding is known.
        haircut_frac: part of the last price that is lost on what dies while held.
        missing_d: days without a price after which a held asset counts as lost.
        capital_usd: equity at the start, against which volumes are held.
        capacity_frac: the most of an ordinary day's volume that one position may have; None: any.
    """

    measure: str | None
    entry: str
    part_count: int
    asset_id: str | None
    top_count: int | None
    exit: str
    fill_at: str
    stop_atr: float | None
    stop_excursion_x: float | None
    take_profit_r: tuple[float, ...] | None
    take_profit_excursion_x: tuple[float, ...] | None
    sizing: str
    risk_at_stop_frac: float | None
    max_weight_frac: float
    is_resized: bool
    rebalance_d: int
    max_gross_frac: float
    max_net_frac: float
    fee_bps: float
    slippage_bps: float
    impact_bps: float
    borrow_ann: float
    haircut_frac: float
    missing_d: int
    capital_usd: float
    capacity_frac: float | None

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be followed; the message says why."""
        targets = self.targets
        at_least_zero = ("fee_bps", "slippage_bps", "impact_bps", "borrow_ann")
        above_zero = ("max_weight_frac", "max_gross_frac", "max_net_frac", "capital_usd")
        for name, chosen, choices in (
            ("entry", self.entry, ENTRIES),
            ("exit", self.exit, EXITS),
            ("fill_at", self.fill_at, FILLS),
            ("sizing", self.sizing, SIZINGS),
        ):
            _require(chosen in choices, f"{name} is {chosen!r}: it is one of {', '.join(choices)}")
        for name in at_least_zero:
            _require(getattr(self, name) >= 0, f"{name} must not be below 0")
        for name in above_zero:
            _require(getattr(self, name) > 0, f"{name} must be above 0")
        _require(
            (self.measure is None) == (self.entry == "always"),
            "a rule needs a measure to go by, and only one that always holds has none",
        )
        for one, other in (
            ("stop_atr", "stop_excursion_x"),
            ("take_profit_r", "take_profit_excursion_x"),
        ):
            _require(
                getattr(self, one) is None or getattr(self, other) is None,
                f"{one} and {other} say the same thing twice: choose one of them",
            )
        _require(
            self.stop is None or self.stop > 0,
            "a stop must be above 0: it would lie on the wrong side of the entry",
        )
        _require(
            all(target > 0 for target in targets) and list(targets) == sorted(set(targets)),
            "targets must be above 0 and rise: one would lie on the wrong side",
        )
        _require(
            not targets or self.stop is not None,
            "targets go with a stop: they need stop_atr or stop_excursion_x",
        )
        _require(
            self.sizing != "risk_at_stop" or bool(self.stop and self.risk_at_stop_frac),
            "sizing by risk_at_stop needs risk_at_stop_frac and stop_atr or stop_excursion_x",
        )
        _require(
            not (self.is_resized and targets),
            "what is_resized buys back is what a target has sold: choose one of them",
        )
        _require(0 <= self.haircut_frac <= 1, "haircut_frac must lie between 0 and 1")
        _require(
            self.capacity_frac is None or self.capacity_frac > 0, "capacity_frac must be above 0"
        )
        _require(min(self.rebalance_d, self.missing_d) >= 1, "days must be 1 or more")
        _require(self.part_count >= 2, "part_count must be 2 or more")

    @property
    def stop(self) -> float | None:
        """Distance of the stop, in whatever it is counted in; None without one."""
        return self.stop_atr if self.stop_excursion_x is None else self.stop_excursion_x

    @property
    def targets(self) -> tuple[float, ...]:
        """Distances of the targets, in whatever they are counted in."""
        return self.take_profit_r or self.take_profit_excursion_x or ()

    @property
    def reads_excursions(self) -> bool:
        """Whether a stop or a target is counted in usual excursions."""
        return not (self.stop_excursion_x is None and self.take_profit_excursion_x is None)


def rules(seed: pl.DataFrame) -> dict[str, Rule]:
    """The rules of the newest version of ``cfg_strategy``, by ``strategy_id``.

    Raises:
        AnalyticsError: a rule cannot be followed, or a column is missing or unknown.
    """
    newest = seed.filter(pl.col("version") == pl.col("version").max()).sort("strategy_id")
    named = [name for name in newest.columns if name not in {"version", "definition"}]
    return {row.pop("strategy_id"): from_seed(Rule, row) for row in newest.select(named).to_dicts()}


def backtest(market: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """The ledger of a rule on a market: what ``decisions`` decides, by ``simulate``.

    Args:
        market: one row per (asset_id, day) with what both of them need.
        rule: the rule.
    """
    return simulate(market, decisions(market, rule), rule)


def ledgers(market: pl.DataFrame, seed: pl.DataFrame) -> pl.DataFrame:
    """The ledgers of all rules of a seed, one below the other, with their ``strategy_id``.

    Args:
        market: what ``backtest`` takes, but for ``value``: each measure has a column of its own,
            under the name that it has in its mart.
        seed: ``cfg_strategy``.
    """
    found = []
    for strategy, rule in rules(seed).items():
        measure = pl.col(rule.measure.rpartition(".")[2]) if rule.measure else pl.lit(None)
        ledger = backtest(market.with_columns(measure.cast(pl.Float64).alias("value")), rule)
        found.append(ledger.select(pl.lit(strategy).alias("strategy_id"), pl.all()))
    return pl.concat(found)


def per_strategy(
    compute: Callable[..., pl.DataFrame], frame: pl.DataFrame, *others: pl.DataFrame
) -> pl.DataFrame:
    """Compute each strategy on its own.

    Args:
        compute: takes as many frames as there are, of one strategy.
        frame: rows with ``strategy_id``; its strategies are computed.
        *others: further frames with ``strategy_id``.

    Returns:
        The results one below the other, with their ``strategy_id``.
    """
    found = [
        compute(
            *(
                given.filter(pl.col("strategy_id") == strategy).drop("strategy_id")
                for given in (frame, *others)
            )
        ).select(pl.lit(strategy).alias("strategy_id"), pl.all())
        # of no strategy at all there are the columns
        for strategy in frame["strategy_id"].unique().sort().to_list() or [""]
    ]
    return pl.concat(found)


def decisions(measures: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Which side of each asset is wanted at the end of each day (formula: strategy-rule).

    Args:
        measures: one row per (asset_id, day): ``value`` (of the rule's measure; high is good),
            ``is_member``, ``universe_rank`` (1 = most traded), ``is_shortable``, ``is_dead``,
            ``atr_usd``; for a rule that reads them, the columns of ``excursions``.
        rule: the rule.

    Returns:
        asset_id, day, ``side`` (1, 0, -1), ``atr_usd`` and, for a rule that reads them, the usual
        excursions of that side: ``adverse_usd`` and ``favourable_usd``; days on which nobody says
        anything of an asset have no row, and it is not wanted then.
    """
    asked = measures.filter(
        ~pl.col("is_dead").fill_null(value=False)
        & (
            pl.col(ASSET) == rule.asset_id
            if rule.asset_id
            else pl.col("is_member").fill_null(value=False)
            & (pl.col("universe_rank") <= (rule.top_count or math.inf))
        )
    ).sort(ASSET, DAY)
    short = pl.when(pl.col("is_shortable").fill_null(value=False)).then(-1).otherwise(0)
    side: pl.Expr
    if rule.entry == "always":
        side = pl.lit(1)
    elif rule.entry == "sign":
        side = pl.when(pl.col("value") > 0).then(1).when(pl.col("value") < 0).then(short)
    else:
        asked = asked.with_columns(_part(asked, rule.part_count))
        low = short if rule.entry == "top_and_bottom_part" else pl.lit(0)
        side = (
            pl.when(pl.col("part") == rule.part_count).then(1).when(pl.col("part") == 1).then(low)
        )
    decided = asked.with_columns(side.fill_null(0).cast(pl.Int64).alias("side"))
    usual = [
        (
            pl.when(pl.col("side") < 0)
            .then(pl.col(f"short_{kind}_excursion_atr"))
            .otherwise(pl.col(f"long_{kind}_excursion_atr"))
            * pl.col("atr_usd")
        ).alias(f"{kind}_usd")
        for kind in ("adverse", "favourable")
        if rule.reads_excursions
    ]
    return decided.select(ASSET, DAY, "side", "atr_usd", *usual)


def simulate(bars: pl.DataFrame, decided: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Trade decisions on bars, after costs (formula: strategy-trade).

    Args:
        bars: one row per (asset_id, day): ``open_usd``, ``high_usd``, ``low_usd``, ``close_usd`` in
            constant units (NULL: nobody could trade), ``volume_usd``, ``volume_median_30d_usd``,
            ``funding_frac`` (what a long paid a short over the day; NULL: unknown), ``is_dead``.
        decided: one row per (asset_id, day): ``side`` wanted at the day's end, ``atr_usd`` and, for
            a rule that reads them, ``adverse_usd`` and ``favourable_usd``.
        rule: stops, sizes, limits and costs.

    Returns:
        The ledger: one row per position and day on which it was held, its last one included. Prices
        are in the bars' units, money in parts of the equity at the start: ``gross_pnl`` of the day,
        one column per kind of cost, ``traded``, ``value`` at the day's end (negative: short). The
        facts of the entry stand in each row, ``exit_usd`` and ``exit_reason`` in the last.
        ``size_frac`` is of ``entry_equity``, the equity on which the entry was decided.
    """
    if bars.is_empty() or decided.is_empty():
        return pl.DataFrame(schema=LEDGER)
    days = bars.select(pl.col(DAY).min(), pl.col(DAY).max().alias("last")).row(0)
    decided = decided.filter(pl.col(DAY).is_between(*days))
    grid = Grid.around(bars, decided)
    return _Book(_Market.of(grid, bars, decided, rule), rule).run(grid)


def trades(ledger: pl.DataFrame) -> pl.DataFrame:
    """One row per position, out of the ledger (formula: strategy-trade).

    Args:
        ledger: result of ``simulate``.

    Returns:
        asset_id, ``entry_day``, ``side``, ``entry_usd``, ``stop_usd``, ``entry_equity``,
        ``size_frac``, ``exit_day``, ``exit_usd`` and ``exit_reason`` (NULL while it is held),
        ``held_d``, ``gross_pnl_frac``, one ``<kind>_cost_frac`` per kind, ``net_pnl_frac`` (all of
        ``entry_equity``; of a held one so far) and ``r_multiple`` (net, in units of what the stop
        risked at the entry; NULL without a stop).
    """
    costs = [pl.col(name).sum().alias(f"{name}_cost_frac") for name in COSTS]
    scaled = ["gross_pnl_frac", *(f"{name}_cost_frac" for name in COSTS)]
    risk = pl.col("size_frac") * pl.col("risk_usd") / pl.col("entry_usd")
    closed = pl.col("exit_reason").is_not_null()
    return (
        ledger.sort(ASSET, "entry_day", DAY)
        .group_by(ASSET, "entry_day", maintain_order=True)
        .agg(
            pl.col(
                "side", "entry_usd", "stop_usd", "risk_usd", "entry_equity", "size_frac"
            ).first(),
            pl.col(DAY).filter(closed).first().alias("exit_day"),
            pl.col("exit_usd", "exit_reason").last(),
            (pl.col(DAY).last() - pl.col(DAY).first()).dt.total_days().alias("held_d"),
            pl.col("gross_pnl").sum().alias("gross_pnl_frac"),
            *costs,
        )
        .with_columns(pl.col(scaled) / pl.col("entry_equity"))
        .with_columns(
            (pl.col("gross_pnl_frac") - pl.sum_horizontal(scaled[1:])).alias("net_pnl_frac")
        )
        .with_columns((pl.col("net_pnl_frac") / risk).alias("r_multiple"))
        .drop("risk_usd")
    )


def performance(ledger: pl.DataFrame, last_day: date | None = None) -> pl.DataFrame:
    """Equity of each day, out of the ledger (formula: strategy-equity).

    Args:
        ledger: result of ``simulate``.
        last_day: the day up to which; None: the ledger's last.

    Returns:
        One row per calendar day from the first position on: day, ``equity`` (1 before the first
        position), ``ret_1d`` and, before costs, ``gross_ret_1d`` (of the equity of the day
        before), ``drawdown_frac``, ``gross_frac``, ``net_frac`` (longs and shorts at the day's end,
        together and against each other, of the equity), ``turnover_frac`` (what was traded, of the
        equity of the day before) and ``position_count``. Ratios are NULL once nothing is left.
    """
    daily = (
        ledger.sort(DAY, ASSET, "entry_day")
        .group_by(DAY, maintain_order=True)
        .agg(
            pl.col("gross_pnl", "traded").sum(),
            pl.sum_horizontal(COSTS).sum().alias("cost"),
            pl.col("value").abs().sum().alias("gross"),
            pl.col("value").sum().alias("net"),
            (pl.col("value") != 0).sum().cast(pl.Int64).alias("position_count"),
        )
    )
    spine = daily.select(
        pl.date_range(pl.col(DAY).min(), pl.coalesce(pl.lit(last_day), pl.col(DAY).max()))
        if daily.height
        else pl.col(DAY)
    )
    equity = 1 + (pl.col("gross_pnl") - pl.col("cost")).cum_sum()
    before = pl.col("equity").shift(1, fill_value=1.0)
    return (
        spine.join(daily, on=DAY, how="left", maintain_order="left")
        .fill_null(0)
        .with_columns(equity.alias("equity"))
        .with_columns(
            pl.when(before > 0).then(before).alias("_before"),
            pl.when(pl.col("equity") > 0).then(pl.col("equity")).alias("_after"),
            pl.max_horizontal(pl.col("equity").cum_max(), 1.0).alias("_peak"),
        )
        .select(
            DAY,
            "equity",
            (pl.col("equity") / pl.col("_before") - 1).alias("ret_1d"),
            (pl.col("gross_pnl") / pl.col("_before")).alias("gross_ret_1d"),
            (pl.col("equity") / pl.col("_peak") - 1).alias("drawdown_frac"),
            (pl.col("gross") / pl.col("_after")).alias("gross_frac"),
            (pl.col("net") / pl.col("_after")).alias("net_frac"),
            (pl.col("traded") / pl.col("_before")).alias("turnover_frac"),
            "position_count",
        )
    )


def summary(daily: pl.DataFrame, traded: pl.DataFrame) -> pl.DataFrame:
    """A strategy by calendar year and over all of its days (formula: strategy-summary).

    Args:
        daily: result of ``performance``.
        traded: result of ``trades``; a trade counts in the year in which it was left.

    Returns:
        One row per ``period`` ('all' or a year): ``first_day``, ``last_day``, ``day_count``,
        ``ret_frac``, ``cagr_frac`` (NULL below a year of days), ``vol_ann``, ``sharpe_ann``,
        ``sharpe_ann_se`` (Mertens 2002), ``max_drawdown_frac`` (within the period),
        ``turnover_ann``, ``trade_count`` (closed), ``hit_frac``, ``mean_r``, ``worst_r``.
    """
    rows = [
        {"period": period, **_summary(within, left)}
        for period in [ALL, *(str(year) for year in daily[DAY].dt.year().unique().sort())]
        for within, left in [(_of(daily, DAY, period), _of(traded, "exit_day", period))]
        if len(within)
    ]
    return pl.DataFrame(rows, schema=_SUMMARY)


_SUMMARY: Final = {
    "period": pl.String(),
    "first_day": pl.Date(),
    "last_day": pl.Date(),
    "day_count": pl.Int64(),
    "ret_frac": pl.Float64(),
    "cagr_frac": pl.Float64(),
    "vol_ann": pl.Float64(),
    "sharpe_ann": pl.Float64(),
    "sharpe_ann_se": pl.Float64(),
    "max_drawdown_frac": pl.Float64(),
    "turnover_ann": pl.Float64(),
    "trade_count": pl.Int64(),
    "hit_frac": pl.Float64(),
    "mean_r": pl.Float64(),
    "worst_r": pl.Float64(),
}


def _of(frame: pl.DataFrame, day: str, period: str) -> pl.DataFrame:
    return frame if period == ALL else frame.filter(pl.col(day).dt.year() == int(period))


def _summary(daily: pl.DataFrame, traded: pl.DataFrame) -> dict[str, object]:
    returns = daily["ret_1d"].drop_nulls().to_numpy()
    closed = traded.filter(pl.col("exit_day").is_not_null())
    path = np.concatenate(([1.0], (1 + returns).cumprod()))
    ratio = sharpe(returns)
    return {
        "first_day": daily[DAY].min(),
        "last_day": daily[DAY].max(),
        "day_count": daily.height,
        "ret_frac": path[-1] - 1,
        "cagr_frac": path[-1] ** (YEAR_D / daily.height) - 1
        if daily.height >= YEAR_D and path[-1] > 0
        else None,
        "vol_ann": returns.std(ddof=1) * math.sqrt(YEAR_D) if len(returns) > 1 else None,
        "sharpe_ann": _known(ratio * math.sqrt(YEAR_D)),
        "sharpe_ann_se": _known(sharpe_error(returns) * math.sqrt(YEAR_D)),
        "max_drawdown_frac": (path / np.maximum.accumulate(path) - 1).min(),
        "turnover_ann": _times(daily["turnover_frac"].mean(), YEAR_D),
        "trade_count": closed.height,
        "hit_frac": (closed["net_pnl_frac"] > 0).mean(),
        "mean_r": closed["r_multiple"].mean(),
        "worst_r": closed["r_multiple"].min(),
    }


def sharpe_error(returns: FloatArray) -> float:
    """Standard error of a Sharpe ratio per observation, skewness and kurtosis in it (Mertens 2002).

    Args:
        returns: the returns that the ratio is of; NaN is the answer where it has none.
    """
    ratio = sharpe(returns)
    if math.isnan(ratio):
        return math.nan
    skewness, kurtosis = moments(returns)
    spread = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    return math.sqrt(spread / (len(returns) - 1)) if spread > 0 else math.nan


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _times(value: object, factor: float) -> float | None:
    return value * factor if isinstance(value, float) else None


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise AnalyticsError(sentence)


def _part(asked: pl.DataFrame, part_count: int) -> pl.Series:
    """Part of the day that each row is in by its value, 1 the lowest; 0 without one."""
    grid = Grid.around(asked)
    (values,) = grid.matrices(asked, ["value"])
    parts = parts_of(Ordered.of(values).ranks, part_count)
    return pl.Series("part", parts[grid.locate(asked)] if len(asked) else [], dtype=pl.Int64)


def _plan(
    grid: Grid, decided: pl.DataFrame, rule: Rule
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Side, distance of the stop, and the unit that targets are counted in; NaN is unknown."""
    side, atr = grid.matrices(decided, ["side", "atr_usd"])
    adverse, favourable = (
        grid.matrices(decided, ["adverse_usd", "favourable_usd"])
        if rule.reads_excursions
        else (atr, atr)
    )
    if rule.stop is None:
        return side, np.full_like(atr, np.nan), np.full_like(atr, np.nan)
    risk = rule.stop * (adverse if rule.stop_atr is None else atr)
    return side, risk, risk if rule.take_profit_excursion_x is None else favourable


@dataclass(frozen=True, slots=True)
class _Market:
    """Days by assets; NaN is unknown."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    usual_volume: FloatArray
    funding: FloatArray
    is_dead: BoolArray
    wanted: IntArray
    risk: FloatArray
    reward: FloatArray
    is_rebalanced: BoolArray

    @classmethod
    def of(cls, grid: Grid, bars: pl.DataFrame, decided: pl.DataFrame, rule: Rule) -> _Market:
        names = ["open_usd", "high_usd", "low_usd", "close_usd", "volume_usd"]
        names += ["volume_median_30d_usd", "funding_frac", "is_dead"]
        opened, high, low, close, volume, usual, funding, dead = grid.matrices(bars, names)
        side, risk, reward = _plan(grid, decided, rule)
        # who has no close has not been traded
        opened, high, low = (np.where(np.isnan(close), np.nan, a) for a in (opened, high, low))
        number = np.array([(day - SUNDAY).days for day in grid.days])
        return cls(
            open=opened,
            high=np.fmax(np.fmax(high, close), opened),
            low=np.fmin(np.fmin(low, close), opened),
            close=close,
            volume=volume,
            usual_volume=usual,
            funding=funding,
            is_dead=np.nan_to_num(dead) > 0,
            wanted=np.nan_to_num(side).astype(np.int64),
            risk=risk,
            reward=reward,
            is_rebalanced=number % rule.rebalance_d == 0,
        )


class _Book:
    """Positions of all assets, stepping through the days."""

    def __init__(self, market: _Market, rule: Rule) -> None:
        self._m, self._rule = market, rule
        count = market.close.shape[1]
        self._equity = 1.0
        self._day = 0
        self._targets = np.array(rule.targets)

        def unknown() -> FloatArray:
            return np.full(count, np.nan)

        def zeros() -> IntArray:
            return np.zeros(count, dtype=np.int64)

        # positions: units are negative for shorts
        self._units, self._mark = np.zeros(count), unknown()
        self._entry_row, self._entry_usd = zeros(), unknown()
        self._entry_equity, self._size = unknown(), unknown()
        self._stop, self._risk, self._plan_usd = unknown(), unknown(), unknown()
        self._reward = unknown()
        self._first_units, self._reached = np.zeros(count), zeros()
        self._missing = zeros()
        # a side that was stopped out, until something else is wanted
        self._spent = zeros()
        # orders for the next day: weight NaN is none
        self._leaving = np.zeros(count, dtype=np.bool_)
        self._order, self._order_equity = unknown(), 1.0
        self._order_close, self._order_risk = unknown(), unknown()
        self._order_reward = unknown()
        # what the day has brought so far
        self._flow = {name: np.zeros(count) for name in ("gross_pnl", *COSTS, "traded")}
        self._rows: list[dict[str, npt.NDArray[np.generic]]] = []

    def run(self, grid: Grid) -> pl.DataFrame:
        """Step through the days; the ledger."""
        m = self._m
        for day in range(len(grid.days)):
            self._day = day
            has_open, has_close = ~np.isnan(m.open[day]), ~np.isnan(m.close[day])
            self._write_off()
            self._open_beyond(has_open)
            at_open = has_open if self._rule.fill_at == "open" else np.zeros_like(has_open)
            self._fill(at_open, m.open[day])
            self._finance()
            self._within(has_open, has_close)
            self._fill(has_close & ~at_open, m.close[day])
            self._settle(np.flatnonzero((self._units != 0) & has_close), m.close[day])
            self._record(np.flatnonzero(self._units), np.nan, None)
            self._decide()
        return self._ledger(grid)

    # -- the day's events, in their order

    def _write_off(self) -> None:
        day, held = self._day, self._units != 0
        missing = np.isnan(self._m.close[day])
        self._missing = np.where(held & missing, self._missing + 1, 0)
        dead = held & self._m.is_dead[day]
        lost = held & ~dead & (self._missing >= self._rule.missing_d)
        for mask, reason in ((dead, "dead"), (lost, "no_price")):
            rows = np.flatnonzero(mask)
            self._spend(rows)
            self._settle(rows, self._mark * (1 - np.sign(self._units) * self._rule.haircut_frac))
            self._close(rows, reason)

    def _open_beyond(self, has_open: BoolArray) -> None:
        price = self._m.open[self._day]
        side = np.sign(self._units)
        rows = np.flatnonzero(has_open & (side * (price - self._stop) <= 0) & (side != 0))
        self._spend(rows)
        self._sell(rows, price, "stop")
        for number in range(len(self._targets)):
            rows = self._at_target(number, price, has_open)
            self._take_profit(rows, number, price)

    def _fill(self, mask: BoolArray, price: FloatArray) -> None:
        """Carry out the orders: exits, then what is resized, then what is opened."""
        reason = "signal" if self._equity > 0 else "ruin"
        self._sell(np.flatnonzero(mask & self._leaving & (self._units != 0)), price, reason)
        side = np.sign(self._order)
        wanted = mask & ~np.isnan(self._order) & (self._order != 0) & (side != self._spent)
        with np.errstate(divide="ignore", invalid="ignore"):
            units = self._order * self._order_equity / price
        resized = np.flatnonzero(wanted & (self._units != 0) & (side == np.sign(self._units)))
        self._trade(resized, units, price)
        # a plan whose stop or first target has been passed overnight is void
        stop = self._order_close - side * self._order_risk
        beyond = side * (price - stop) <= 0
        if len(self._targets):
            target = self._order_close + side * self._targets[0] * self._order_reward
            beyond |= side * (price - target) >= 0
        opened = np.flatnonzero(wanted & (self._units == 0) & ~beyond)
        self._enter(opened, units, price, stop)
        self._order[mask] = np.nan

    def _finance(self) -> None:
        short = np.flatnonzero(self._units < 0)
        value = -self._units[short] * self._mark[short]
        funding = self._m.funding[self._day][short]
        known = ~np.isnan(funding)
        self._flow["funding"][short] -= np.where(known, funding, 0.0) * value
        self._flow["borrow"][short] += np.where(known, 0.0, self._rule.borrow_ann / YEAR_D) * value

    def _within(self, has_open: BoolArray, has_close: BoolArray) -> None:
        m, day = self._m, self._day
        side = np.sign(self._units)
        worst = np.where(side > 0, m.low[day], m.high[day])
        best = np.where(side > 0, m.high[day], m.low[day])
        # without an open a bar beyond the stop as a whole says nothing better than its close
        passed = ~has_open & (side * (best - self._stop) < 0)
        rows = np.flatnonzero(has_close & (side != 0) & (side * (worst - self._stop) <= 0))
        self._spend(rows)
        self._sell(rows, np.where(passed, m.close[day], self._stop), "stop")
        for number, distance in enumerate(self._targets):
            rows = self._at_target(number, best, has_close)
            target = self._plan_usd + side * distance * self._reward
            self._take_profit(rows, number, target)

    # -- targets

    def _at_target(self, number: int, price: FloatArray, mask: BoolArray) -> IntArray:
        """Positions that have reached their target of that number now, and not before."""
        side = np.sign(self._units)
        target = self._plan_usd + side * self._targets[number] * self._reward
        is_next = mask & (side != 0) & (self._reached == number)
        return np.flatnonzero(is_next & (side * (price - target) >= 0))

    def _take_profit(self, rows: IntArray, number: int, price: FloatArray) -> None:
        self._reached[rows] = number + 1
        if number + 1 == len(self._targets):
            self._spend(rows)
            self._sell(rows, price, "take_profit")
        else:
            left = 1 - (number + 1) / len(self._targets)
            self._trade(rows, self._first_units * left, price)

    # -- what is done with positions

    def _enter(
        self, rows: IntArray, units: FloatArray, price: FloatArray, stop: FloatArray
    ) -> None:
        self._entry_row[rows] = self._day
        self._entry_usd[rows], self._mark[rows] = price[rows], price[rows]
        self._entry_equity[rows], self._size[rows] = self._order_equity, np.abs(self._order[rows])
        self._plan_usd[rows], self._risk[rows] = self._order_close[rows], self._order_risk[rows]
        self._reward[rows] = self._order_reward[rows]
        self._stop[rows] = stop[rows]
        self._first_units[rows], self._reached[rows] = units[rows], 0
        self._trade(rows, units, price)

    def _trade(self, rows: IntArray, units: FloatArray, price: FloatArray) -> None:
        """Bring positions to so many units at a price, and pay for it."""
        if not len(rows):
            return
        self._settle(rows, price)
        notional = np.abs(units[rows] - self._units[rows]) * price[rows]
        volume, usual = self._m.volume[self._day][rows], self._m.usual_volume[self._day][rows]
        volume = np.where(volume > 0, volume, usual)
        known = volume > 0
        wanted_usd = notional * self._rule.capital_usd
        # of an unknown volume an order is all of it
        share = np.where(known, wanted_usd / np.where(known, volume, 1.0), 1.0)
        self._flow["traded"][rows] += notional
        self._flow["fee"][rows] += notional * self._rule.fee_bps / 1e4
        self._flow["slippage"][rows] += notional * self._rule.slippage_bps / 1e4
        self._flow["impact"][rows] += notional * self._rule.impact_bps / 1e4 * np.sqrt(share)
        self._units[rows] = units[rows]

    def _sell(self, rows: IntArray, price: FloatArray, reason: str) -> None:
        if not len(rows):
            return
        self._trade(rows, np.zeros_like(self._units), price)
        self._close(rows, reason)

    def _settle(self, rows: IntArray, price: FloatArray) -> None:
        """Value positions at a price: what it moved since the last one is won or lost."""
        self._flow["gross_pnl"][rows] += self._units[rows] * (price[rows] - self._mark[rows])
        self._mark[rows] = price[rows]

    def _spend(self, rows: IntArray) -> None:
        self._spent[rows] = np.sign(self._units[rows]).astype(np.int64)

    def _close(self, rows: IntArray, reason: str) -> None:
        self._record(rows, self._mark[rows], reason)
        self._units[rows] = 0.0
        self._leaving[rows] = False
        self._stop[rows] = np.nan

    # -- decisions

    def _decide(self) -> None:
        """Orders for the next day, from what is known at the end of this one."""
        rule, day = self._rule, self._day
        wanted = self._m.wanted[day]
        held, side = self._units != 0, np.sign(self._units)
        self._spent = np.where(wanted == self._spent, self._spent, 0)
        self._order[:] = np.nan
        is_rebalanced = bool(self._m.is_rebalanced[day])
        if rule.exit == "any_day" or is_rebalanced:
            self._leaving = held & (wanted != side)
        if self._equity <= 0:
            self._leaving = held
        elif is_rebalanced:
            self._order_entries(wanted, held)

    def _order_entries(self, wanted: IntArray, held: BoolArray) -> None:
        rule, day = self._rule, self._day
        close, risk, reward = self._m.close[day], self._m.risk[day], self._m.reward[day]
        chosen = (wanted != 0) & (wanted != self._spent) & (close > 0)
        if rule.stop is not None:
            # a long's stop at or below zero protects nothing
            chosen &= (risk > 0) & (reward > 0) & ((wanted < 0) | (risk < close))
        traded = chosen & (~held | self._leaving | rule.is_resized)
        weight = self._weights(wanted, chosen, risk / np.where(chosen, close, 1.0))
        kept = np.where(held & ~self._leaving & ~traded, self._units * self._mark, 0.0)
        signed = np.where(traded, wanted * weight, 0.0)
        signed *= self._room(kept / self._equity, signed)
        self._order = np.where(traded & (signed != 0), signed, np.nan)
        self._order_equity = self._equity
        self._order_close, self._order_risk, self._order_reward = close, risk, reward

    def _weights(self, wanted: IntArray, chosen: BoolArray, stop_frac: FloatArray) -> FloatArray:
        """What part of the equity each chosen asset may have, before the limits of them all."""
        rule = self._rule
        if rule.sizing == "risk_at_stop":
            weight = (rule.risk_at_stop_frac or 0.0) / np.where(chosen, stop_frac, np.inf)
        else:
            counts = [int((chosen & (wanted == side)).sum()) for side in (1, -1)]
            share = rule.max_gross_frac / max(sum(count > 0 for count in counts), 1)
            count = np.where(wanted > 0, counts[0], counts[1])
            weight = share / np.maximum(count, 1)
        weight = np.minimum(weight, rule.max_weight_frac)
        if rule.capacity_frac is not None:
            # whose volume is unknown has no capacity
            usual = np.nan_to_num(self._m.usual_volume[self._day])
            weight = np.minimum(
                weight, rule.capacity_frac * usual / (self._equity * rule.capital_usd)
            )
        return weight

    def _room(self, kept: FloatArray, signed: FloatArray) -> float:
        """The part of new weights that the limits leave room for, the same for all of them."""
        rule = self._rule
        gross, net = float(np.abs(signed).sum()), float(signed.sum())
        part = 1.0
        if gross > 0:
            part = min(part, (rule.max_gross_frac - float(np.abs(kept).sum())) / gross)
        if net != 0:
            limit = math.copysign(rule.max_net_frac, net)
            part = min(part, (limit - float(kept.sum())) / net)
        return max(part, 0.0)

    # -- the ledger

    def _record(self, rows: IntArray, exit_usd: FloatArray | float, reason: str | None) -> None:
        """Write a line for each position, and begin the next one's day at nothing."""
        if not len(rows):
            return
        line: dict[str, npt.NDArray[np.generic]] = {
            "row": np.full(len(rows), self._day),
            "column": rows,
            "entry_row": self._entry_row[rows],
            "side": np.sign(self._first_units[rows]).astype(np.int64),
            "entry_usd": self._entry_usd[rows],
            "stop_usd": self._plan_usd[rows] - np.sign(self._first_units[rows]) * self._risk[rows],
            "risk_usd": self._risk[rows],
            "entry_equity": self._entry_equity[rows],
            "size_frac": self._size[rows],
            "exit_usd": np.broadcast_to(np.asarray(exit_usd, dtype=np.float64), rows.shape),
            "reason": np.full(len(rows), _REASONS.index(reason)),
            "value": np.zeros(len(rows)) if reason else self._units[rows] * self._mark[rows],
        }
        for name, flow in self._flow.items():
            line[name] = flow[rows]
            sign = 1.0 if name == "gross_pnl" else -1.0
            if name != "traded":
                self._equity += sign * float(line[name].sum())
            flow[rows] = 0.0
        self._rows.append(line)

    def _ledger(self, grid: Grid) -> pl.DataFrame:
        if not self._rows:
            return pl.DataFrame(schema=LEDGER)
        lines = pl.DataFrame(
            {name: np.concatenate([line[name] for line in self._rows]) for name in self._rows[0]}
        )
        days, assets = pl.Series(grid.days), pl.Series(grid.assets, dtype=pl.String)
        reasons = pl.Series(_REASONS, dtype=pl.String)
        return (
            lines.with_columns(
                pl.Series(ASSET, assets.gather(lines["column"])),
                pl.Series(DAY, days.gather(lines["row"])),
                pl.Series("entry_day", days.gather(lines["entry_row"])),
                pl.Series("exit_reason", reasons.gather(lines["reason"])),
                pl.col("entry_usd", "stop_usd", "risk_usd", "exit_usd").fill_nan(None),
            )
            .select(pl.col(name).cast(kind) for name, kind in LEDGER.items())
            .sort(ASSET, DAY, "entry_day")
        )
