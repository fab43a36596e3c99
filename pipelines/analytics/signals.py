"""From grades to positions: the signal state machine, its events, its performance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.analytics.calendar import (
    ASSET,
    DAY,
    IS_INPUT,
    SERIES,
    AnalyticsError,
    BoolArray,
    FloatArray,
    IntArray,
    Panel,
    dense,
)

REASONS: Final = (
    "enter_long",
    "enter_short",
    "exit_long",
    "exit_short",
    "reverse_to_long",
    "reverse_to_short",
    "no_data",
    "price_missing",
    "left_universe",
    "dead",
)
"""Why a signal changed; the last three are overrides, the strongest last."""

_CODE: Final = {reason: code for code, reason in enumerate(REASONS, start=1)}
_NAME: Final = {code: reason for reason, code in _CODE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalParameters:
    """Thresholds of the state machine; their values are a seed.

    Attributes:
        enter_long: grade from which a long position may begin.
        exit_long: grade below which it ends.
        enter_short: grade down from which a short position may begin.
        exit_short: grade above which it ends.
        confirm_d: consecutive graded days at an entry threshold before it counts.
        min_hold_d: days that a state is held before a grade may change it.
        no_data_d: consecutive days without a grade after which a position ends.
        price_missing_d: consecutive days without a price after which a position ends.
    """

    enter_long: float
    exit_long: float
    enter_short: float
    exit_short: float
    confirm_d: int
    min_hold_d: int
    no_data_d: int
    price_missing_d: int

    def __post_init__(self) -> None:
        """Refuse thresholds that would make two states right at once."""
        if self.enter_short >= self.enter_long:
            msg = f"needs enter_short < enter_long: {self}"
            raise AnalyticsError(msg)
        if self.exit_long > self.enter_long or self.exit_short < self.enter_short:
            msg = f"a position must not be ended by the grade that began it: {self}"
            raise AnalyticsError(msg)


def signals(
    frame: pl.LazyFrame, parameters: SignalParameters, *, grade: str = "trader_grade"
) -> pl.LazyFrame:
    """Turn a grade into a position of -1, 0 or 1, with hysteresis (formula: signal-machine).

    A day without a grade leaves the state as it is and freezes the counters of confirmation;
    the holding time runs on. Overrides (dead, outside the universe, price missing for
    ``price_missing_d`` days, no grade for ``no_data_d`` days) end a position at once, whatever
    its holding time, and clear the counters; while one lasts the signal is 0.

    Args:
        frame: one row per (asset_id, day) with ``grade``, ``in_universe`` and ``is_dead``
            (booleans, not NULL) and ``price_quality`` (text; 'missing' or NULL is no price).
        parameters: the thresholds.
        grade: column of the grade.

    Returns:
        One row per asset and *calendar* day from its first to its last row (a day without a row
        has no grade and no price): asset_id, day, ``effective_day`` (day + 1), the grade,
        ``signal``, ``previous_signal``, ``trend`` (last signal that was not 0; NULL before one),
        ``held_d`` (days since the last change) and ``reason`` (one of ``REASONS``; NULL unless
        the signal changed on the day).

    Raises:
        AnalyticsError: on collect, if a flag is NULL.
    """
    wanted = frame.select(
        ASSET, DAY, pl.col(grade).cast(pl.Float64), "in_universe", "is_dead", "price_quality"
    )
    schema = {
        ASSET: wanted.collect_schema()[ASSET],
        DAY: pl.Date(),
        "effective_day": pl.Date(),
        grade: pl.Float64(),
        "signal": pl.Int8(),
        "previous_signal": pl.Int8(),
        "trend": pl.Int8(),
        "held_d": pl.Int32(),
        "reason": pl.String(),
    }

    def run(spine: pl.DataFrame) -> pl.DataFrame:
        given = spine.filter(pl.col(IS_INPUT))
        for flag in ("in_universe", "is_dead"):
            if given[flag].null_count():
                msg = f"{flag} must be true or false: it is NULL in {given[flag].null_count()} rows"
                raise AnalyticsError(msg)
        # a day without a row says nothing about the universe; it says that there was no price
        blocked = spine.select(
            dead=pl.col("is_dead").fill_null(value=False),
            left=~pl.col("in_universe").fill_null(value=True),
            unpriced=pl.col("price_quality").fill_null("missing") == "missing",
        )
        panel = Panel(spine)
        machine = _Machine(
            parameters,
            grades=panel.floats(spine[grade]),
            dead=panel.flags(blocked["dead"]),
            left=panel.flags(blocked["left"]),
            unpriced=panel.flags(blocked["unpriced"]),
        )
        machine.run()
        reason = pl.Series("reason", panel.in_frame_order(machine.reason))
        trend = panel.in_frame_order(machine.trend)
        return spine.select(
            ASSET,
            DAY,
            pl.col(DAY).dt.offset_by("1d").alias("effective_day"),
            grade,
            pl.Series("signal", panel.in_frame_order(machine.signal)),
            pl.Series("previous_signal", panel.in_frame_order(machine.previous)),
            pl.Series("trend", trend).replace(0, None),
            pl.Series("held_d", panel.in_frame_order(machine.held)),
            reason.replace_strict(_NAME, default=None, return_dtype=pl.String),
        )

    return dense(wanted).map_batches(run, schema=schema)


def positions(
    grades: FloatArray,
    *,
    dead: BoolArray,
    left: BoolArray,
    unpriced: BoolArray,
    trials: Sequence[SignalParameters],
) -> list[npt.NDArray[np.int8]]:
    """The positions of ``signals`` for several sets of thresholds, days by assets each.

    Args:
        grades: days by assets, NaN where there is none.
        dead: whether the asset is.
        left: whether it is outside of the universe.
        unpriced: whether it has no price.
        trials: the thresholds.
    """
    # side by side they take hardly longer than one: a day is one step for all of them
    count = len(trials)
    machine = _Machine(
        _Columns.of(trials, grades.shape[1]),
        grades=np.tile(grades, count),
        dead=np.tile(dead, count),
        left=np.tile(left, count),
        unpriced=np.tile(unpriced, count),
    )
    machine.run()
    return np.split(machine.signal, count, axis=1)


def signal_events(
    states: pl.LazyFrame, *, version: str, grade: str = "trader_grade"
) -> pl.LazyFrame:
    """The changes of a signal, one row each.

    Args:
        states: result of ``signals``.
        version: version of the grade and of the parameters.
        grade: column of the grade.

    Returns:
        One row per change: ``event_key`` (asset|day|version: the text to hash into an event_id),
        asset_id, day, ``effective_day``, ``from_signal``, ``to_signal``, ``reason``, ``grade``
        and ``grade_version``.
    """
    key = pl.concat_str([pl.col(ASSET), pl.col(DAY).dt.to_string("%Y-%m-%d")], separator="|")
    return states.filter(pl.col("signal") != pl.col("previous_signal")).select(
        (key + f"|{version}").alias("event_key"),
        ASSET,
        DAY,
        "effective_day",
        pl.col("previous_signal").alias("from_signal"),
        pl.col("signal").alias("to_signal"),
        "reason",
        pl.col(grade).alias("grade"),
        pl.lit(version).alias("grade_version"),
    )


def performance(frame: pl.LazyFrame, *, cost_bps: float) -> pl.LazyFrame:
    """What following the signal earned, after costs, and what holding earned.

    Formula: strategy-return.

    The position of a day is the signal of the day before (its effective day); a change costs
    ``cost_bps`` of what is traded. Without a price nothing can be traded: the position with
    which a gap began is held through it, and the first price after it settles the whole move.

    Args:
        frame: one row per (asset_id, day) with ``signal`` and ``close_usd`` (adjusted for token
            events; at 0 once dead).
        cost_bps: cost of a change of 1 in the position, in basis points.

    Returns:
        asset_id, day, ``effective_signal`` (position over the day), ``strat_ret`` (NULL on days
        without a price and on the first), ``strat_index`` (cumulative product, from 1),
        ``hold_ret`` and ``hold_index`` (bought at the close that the first signal was decided
        on; NULL before its effective day).
    """
    cost = cost_bps / 1e4
    position = pl.col("signal").shift(1).over(SERIES)
    trade = (pl.col("_position") - pl.col("_position").shift(1).fill_null(0).over(SERIES)).abs()
    base = pl.when(pl.col("_before") > 0).then(pl.col("close_usd") / pl.col("_before") - 1)
    priced = (
        dense(frame.select(ASSET, DAY, "signal", pl.col("close_usd").cast(pl.Float64)))
        .filter(pl.col("close_usd").is_not_null() & pl.col(IS_INPUT))
        .with_columns(
            position.cast(pl.Int8).alias("_position"),
            pl.col("close_usd").shift(1).over(SERIES).alias("_before"),
        )
        .with_columns(base.alias("hold_ret"), trade.alias("_trade"))
        .with_columns(
            (pl.col("_position") * pl.col("hold_ret") - cost * pl.col("_trade")).alias("strat_ret"),
            (pl.col("_position").fill_null(0) != 0).cum_max().over(SERIES).alias("_begun"),
        )
        .with_columns(
            (1 + pl.col("strat_ret").fill_null(0.0)).cum_prod().over(SERIES).alias("strat_index"),
            pl.when(pl.col("_begun"))
            .then(1 + pl.col("hold_ret").fill_null(0.0))
            .cum_prod()
            .over(SERIES)
            .alias("hold_index"),
        )
        .select(
            ASSET,
            DAY,
            pl.col("_position").alias("effective_signal"),
            "strat_ret",
            "strat_index",
            pl.when(pl.col("_begun")).then(pl.col("hold_ret")).alias("hold_ret"),
            "hold_index",
            pl.col("signal").cast(pl.Int8).alias("_from_here_on"),
        )
    )
    held = pl.col("_from_here_on").forward_fill().over(ASSET)
    return (
        frame.select(ASSET, DAY)
        .join(priced, on=[ASSET, DAY], how="left")
        .sort(ASSET, DAY)
        .with_columns(
            pl.when(pl.col("_from_here_on").is_null())
            .then(held)
            .otherwise(pl.col("effective_signal"))
            .alias("effective_signal"),
            pl.col("strat_index", "hold_index").forward_fill().over(ASSET),
        )
        .drop("_from_here_on")
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """``SignalParameters`` of each column of a matrix."""

    enter_long: FloatArray
    exit_long: FloatArray
    enter_short: FloatArray
    exit_short: FloatArray
    confirm_d: FloatArray
    min_hold_d: FloatArray
    no_data_d: FloatArray
    price_missing_d: FloatArray

    @classmethod
    def of(cls, trials: Sequence[SignalParameters], width: int) -> _Columns:
        """Each trial has as many columns, one after the other."""
        return cls(
            *(
                np.repeat([float(getattr(trial, field.name)) for trial in trials], width)
                for field in fields(SignalParameters)
            )
        )


class _Machine:
    """The state machine of all assets at once, stepping through the days."""

    def __init__(
        self,
        parameters: SignalParameters | _Columns,
        *,
        grades: FloatArray,
        dead: BoolArray,
        left: BoolArray,
        unpriced: BoolArray,
    ) -> None:
        self._p = parameters
        self._grades, self._dead, self._left = grades, dead, left
        self._unpriced = unpriced
        days, assets = grades.shape
        self.signal = np.zeros((days, assets), dtype=np.int8)
        self.previous = np.zeros_like(self.signal)
        self.trend = np.zeros_like(self.signal)
        self.reason = np.zeros_like(self.signal)
        self.held = np.zeros((days, assets), dtype=np.int32)

    def run(self) -> None:
        """Fill the matrices, day by day."""
        p = self._p
        days, assets = self._grades.shape
        state = np.zeros(assets, dtype=np.int8)
        trend = np.zeros(assets, dtype=np.int8)
        # a first position needs no holding time before it: only a change starts the clock
        held, highs, lows, unknown, missing = np.zeros((5, assets), dtype=np.int64)
        for day in range(days):
            grade = self._grades[day]
            known = ~np.isnan(grade)
            highs = np.where(known, np.where(grade >= p.enter_long, highs + 1, 0), highs)
            lows = np.where(known, np.where(grade <= p.enter_short, lows + 1, 0), lows)
            unknown = np.where(known, 0, unknown + 1)
            missing = np.where(self._unpriced[day], missing + 1, 0)
            decided, reason = self._decide(state, grade, held, highs, lows)
            decided = np.where(known, decided, state).astype(np.int8)
            reason = np.where(known, reason, 0).astype(np.int8)
            for name, applies in (
                ("no_data", unknown >= p.no_data_d),
                ("price_missing", missing >= p.price_missing_d),
                ("left_universe", self._left[day]),
                ("dead", self._dead[day]),
            ):
                decided = np.where(applies, 0, decided).astype(np.int8)
                reason = np.where(applies, _CODE[name], reason).astype(np.int8)
                highs = np.where(applies, 0, highs)
                lows = np.where(applies, 0, lows)
            changed = decided != state
            held = np.where(changed, 0, held + 1)
            trend = np.where(decided != 0, decided, trend)
            self.previous[day] = state
            state = decided
            self.signal[day] = state
            self.trend[day] = trend
            self.held[day] = held
            self.reason[day] = np.where(changed, reason, 0)

    def _decide(
        self,
        state: npt.NDArray[np.int8],
        grade: FloatArray,
        held: IntArray,
        highs: IntArray,
        lows: IntArray,
    ) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
        """The next state by grade alone, and its reason."""
        p = self._p
        up, down = highs >= p.confirm_d, lows >= p.confirm_d
        free = held >= p.min_hold_d
        is_long, is_short, flat = (state == 1) & free, (state == -1) & free, state == 0
        rules = (
            (flat & up, 1, "enter_long"),
            (flat & down, -1, "enter_short"),
            (is_long & down, -1, "reverse_to_short"),
            (is_long & (grade < p.exit_long), 0, "exit_long"),
            (is_short & up, 1, "reverse_to_long"),
            (is_short & (grade > p.exit_short), 0, "exit_short"),
        )
        conditions = [condition for condition, _, _ in rules]
        return (
            np.select(conditions, [np.int8(to) for _, to, _ in rules], state).astype(np.int8),
            np.select(conditions, [np.int8(_CODE[why]) for _, _, why in rules], 0).astype(np.int8),
        )
