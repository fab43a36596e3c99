"""Depegs as an append-only log (C.6.4), and the death-spiral indicator (C.6.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.analytics.calendar import (
    DAY,
    AnalyticsError,
    BoolArray,
    FloatArray,
    IntArray,
    Panel,
    dense,
)

COIN: Final = "stablecoin_id"

CHANGES: Final = ("open", "worst", "close", "dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class DepegParameters:
    """Thresholds of the state machine; their values are a seed.

    Coins of another class (commodities: 150/75 bps) are a second call with other parameters.

    Attributes:
        fast_bps: deviation that opens an event on one close.
        slow_bps: deviation that opens one after ``slow_d`` consecutive closes.
        slow_d: see above.
        close_bps: deviation within which a close counts as back at the peg.
        close_d: consecutive such closes that end an event.
        major_bps: worst deviation from which an event is 'major'.
        severe_bps: worst deviation from which an event is 'severe'.
    """

    fast_bps: float
    slow_bps: float
    slow_d: int
    close_bps: float
    close_d: int
    major_bps: float
    severe_bps: float

    def __post_init__(self) -> None:
        """Refuse thresholds in an order that the machine has no meaning for."""
        if not 0 <= self.close_bps <= self.slow_bps <= self.fast_bps:
            msg = f"needs 0 <= close_bps <= slow_bps <= fast_bps: {self}"
            raise AnalyticsError(msg)


def depeg_log(frame: pl.LazyFrame, parameters: DepegParameters) -> pl.LazyFrame:
    """Log every change of every depeg event on the day that it became known (C.6.4, G-16).

    A day without a deviation, or not eligible, freezes all counters. An event never ends by the
    coin's death: from ``dead_from`` on nothing opens, and what is open is logged as dead.

    Args:
        frame: one row per (stablecoin_id, day) with ``dev_bps``, ``is_eligible`` (NULL counts as
            false), ``dev_low_bps`` (canonical low; may be NULL) and ``dead_from`` (Date or NULL).
        parameters: the thresholds.

    Returns:
        One row per state change and per new worst, in the order in which they became known:
        ``event_key`` (coin|start: the text to hash into an event_id), stablecoin_id,
        ``known_from_day``, ``change`` (one of ``CHANGES``), ``start_day``, ``detected_day``,
        ``rule`` ('fast' or 'slow'), ``worst_bps`` (signed, largest in size), ``worst_low_bps``
        (lowest canonical low on eligible days of the event), ``last_day_off``, ``closed_day``
        and ``severity`` ('minor', 'major', 'severe'). Each row holds the event as it was known on
        that day; a view over the newest row per event with ``known_from_day <= t`` is the summary
        as of t, and nothing about an event is known before its ``detected_day``.
    """
    wanted = frame.select(
        COIN,
        DAY,
        pl.col("dev_bps").cast(pl.Float64),
        pl.col("dev_low_bps").cast(pl.Float64),
        pl.col("is_eligible").fill_null(value=False),
        (pl.col(DAY) >= pl.col("dead_from")).fill_null(value=False).alias("_dead"),
    )
    schema = {
        "event_key": pl.String(),
        COIN: wanted.collect_schema()[COIN],
        "known_from_day": pl.Date(),
        "change": pl.String(),
        "start_day": pl.Date(),
        "detected_day": pl.Date(),
        "rule": pl.String(),
        "worst_bps": pl.Float64(),
        "worst_low_bps": pl.Float64(),
        "last_day_off": pl.Date(),
        "closed_day": pl.Date(),
        "severity": pl.String(),
    }

    def run(spine: pl.DataFrame) -> pl.DataFrame:
        panel = Panel(spine)
        eligible = panel.flags(spine["is_eligible"])
        machine = _Machine(
            parameters,
            deviations=np.where(eligible, panel.floats(spine["dev_bps"]), np.nan),
            lows=panel.floats(spine["dev_low_bps"]),
            dead=panel.flags(spine["_dead"]),
        )
        return machine.run(spine, panel).select(list(schema))

    return dense(wanted, entity=COIN).map_batches(run, schema=schema)


def death_spiral(
    frame: pl.LazyFrame,
    *,
    off_peg_bps: float,
    supply_growth_3d: float,
    cover_floor_x: float,
    crash_3d: float,
) -> pl.LazyFrame:
    """Flag coins whose backing asset is being printed to save the peg (C.6.5).

    For coins whose mechanism leans on a backing asset b (algorithmic, hybrid); the caller passes
    no others.

    Args:
        frame: one row per (stablecoin_id, day) with ``dev_bps``, ``net_mint_7d_usd``,
            ``supply_par_usd``, and of b: ``backing_supply_growth_3d`` (fraction),
            ``backing_mcap_usd`` and ``backing_ret_3d`` (fraction).
        off_peg_bps: deviation at or below which the coin is off its peg (negative).
        supply_growth_3d: growth of b's supply from which it counts as printing.
        cover_floor_x: market cap of b over the coin's supply below which cover is gone.
        crash_3d: return of b at or below which it is crashing (negative).

    Returns:
        The rows given with ``reflexive_mint``, ``backing_cover_x`` and ``death_spiral_flag``;
        the flags are NULL where b's supply is unknown, and wherever what is unknown could
        change them.
    """
    growth = pl.col("backing_supply_growth_3d")
    printing = (growth >= supply_growth_3d) | (pl.col("net_mint_7d_usd") > 0)
    reflexive = (pl.col("dev_bps") <= off_peg_bps) & printing
    cover = pl.when(pl.col("supply_par_usd") > 0).then(
        pl.col("backing_mcap_usd") / pl.col("supply_par_usd")
    )
    failing = (pl.col("backing_cover_x") < cover_floor_x) | (pl.col("backing_ret_3d") <= crash_3d)
    return frame.with_columns(
        pl.when(growth.is_not_null()).then(reflexive).alias("reflexive_mint"),
        cover.alias("backing_cover_x"),
    ).with_columns(
        pl.when(growth.is_not_null())
        .then(pl.col("reflexive_mint") & failing)
        .alias("death_spiral_flag")
    )


class _Machine:
    """The state machine of all coins at once, stepping through the days (C.6.4).

    Days are rows of the panel. Of each coin it remembers the run of closes outside the slow
    threshold that may become an event, and the event that is open.
    """

    def __init__(
        self,
        parameters: DepegParameters,
        *,
        deviations: FloatArray,
        lows: FloatArray,
        dead: BoolArray,
    ) -> None:
        self._p = parameters
        self._deviations, self._lows, self._dead = deviations, lows, dead
        coins = deviations.shape[1]
        self._open = np.zeros(coins, dtype=np.bool_)
        self._run = np.zeros(coins, dtype=np.int64)
        self._inside = np.zeros(coins, dtype=np.int64)
        self._start, self._detected, self._last_off = np.zeros((3, coins), dtype=np.int64)
        self._fast = np.zeros(coins, dtype=np.bool_)
        self._worst = np.zeros(coins)
        self._worst_low = np.full(coins, np.nan)
        self._log: list[tuple[int, str, IntArray, dict[str, npt.NDArray[np.generic]]]] = []

    def run(self, spine: pl.DataFrame, panel: Panel) -> pl.DataFrame:
        """Step through the days and return the log."""
        for day in range(self._deviations.shape[0]):
            self._bury(day)
            known = ~np.isnan(self._deviations[day]) & ~self._dead[day]
            if known.any():
                self._step(day, known)
        return self._to_frame(spine, panel)

    def _bury(self, day: int) -> None:
        gone = self._open & self._dead[day]
        if gone.any():
            self._note(day, "dead", gone)
            self._open &= ~gone

    def _step(self, day: int, known: BoolArray) -> None:
        p = self._p
        deviation, low = self._deviations[day], self._lows[day]
        size = np.abs(deviation)
        was_open = self._open.copy()

        # a coin at its peg: the run of closes outside the slow threshold
        off = known & ~was_open & (size >= p.slow_bps)
        calm = known & ~was_open & ~off
        self._run[calm] = 0
        begins = off & (self._run == 0)
        self._start[begins] = day
        self._worst[begins] = deviation[begins]
        self._worst_low[begins] = low[begins]
        worse = off & (size > np.abs(self._worst))
        self._worst[worse] = deviation[worse]
        self._run[off] += 1
        self._worst_low[off] = np.fmin(self._worst_low[off], low[off])
        fast = known & ~was_open & (size >= p.fast_bps)
        opens = fast | (off & (self._run >= p.slow_d))
        self._open |= opens
        self._detected[opens] = day
        self._last_off[opens] = day
        self._fast[opens] = fast[opens]
        self._inside[opens] = 0
        self._note(day, "open", opens)

        # a coin with an open event
        live = known & was_open
        worse = live & (size > np.abs(self._worst))
        lower = live & ((low < self._worst_low) | (np.isnan(self._worst_low) & ~np.isnan(low)))
        self._worst[worse] = deviation[worse]
        self._worst_low[lower] = low[lower]
        inside = live & (size <= p.close_bps)
        outside = live & ~inside
        self._inside[outside] = 0
        self._inside[inside] += 1
        self._last_off[outside] = day
        closes = inside & (self._inside >= p.close_d)
        self._note(day, "worst", (worse | lower) & ~closes)
        self._note(day, "close", closes)
        self._open &= ~closes
        self._run[closes] = 0

    def _note(self, day: int, change: str, coins: BoolArray) -> None:
        which = np.flatnonzero(coins)
        if not len(which):
            return
        snapshot: dict[str, npt.NDArray[np.generic]] = {
            "start": self._start[which],
            "detected": self._detected[which],
            "last_off": self._last_off[which],
            "fast": self._fast[which],
            "worst_bps": self._worst[which],
            "worst_low_bps": self._worst_low[which],
        }
        self._log.append((day, change, which, snapshot))

    def _to_frame(self, spine: pl.DataFrame, panel: Panel) -> pl.DataFrame:
        coins = spine[panel.first_row] if spine.height else spine
        parts = [
            pl.DataFrame({"coin": which, **snapshot}, nan_to_null=True).with_columns(
                pl.lit(day).alias("known"), pl.lit(change).alias("change")
            )
            for day, change, which, snapshot in self._log
        ]
        if not parts:
            return _empty_log(spine)
        log = pl.concat(parts)
        number = log["coin"].to_numpy()
        first_day = coins[DAY].gather(number)
        size = pl.col("worst_bps").abs()

        def day_of(name: str) -> pl.Expr:
            return (pl.col("_first").to_physical() + pl.col(name)).cast(pl.Int32).cast(pl.Date)

        return (
            log.with_columns(coins[COIN].gather(number).alias(COIN), first_day.alias("_first"))
            .with_columns(
                day_of("known").alias("known_from_day"),
                day_of("start").alias("start_day"),
                day_of("detected").alias("detected_day"),
                day_of("last_off").alias("last_day_off"),
                pl.when(pl.col("fast"))
                .then(pl.lit("fast"))
                .otherwise(pl.lit("slow"))
                .alias("rule"),
                pl.when(size >= self._p.severe_bps)
                .then(pl.lit("severe"))
                .when(size >= self._p.major_bps)
                .then(pl.lit("major"))
                .otherwise(pl.lit("minor"))
                .alias("severity"),
            )
            .with_columns(
                pl.when(pl.col("change") == "close")
                .then(pl.col("known_from_day"))
                .alias("closed_day"),
                pl.concat_str(
                    [pl.col(COIN), pl.col("start_day").dt.to_string("%Y-%m-%d")], separator="|"
                ).alias("event_key"),
            )
            .sort("known_from_day", COIN)
        )


def _empty_log(spine: pl.DataFrame) -> pl.DataFrame:
    text, day, number = pl.lit(None, pl.String), pl.lit(None, pl.Date), pl.lit(None, pl.Float64)
    return spine.clear().select(
        text.alias("event_key"),
        COIN,
        day.alias("known_from_day"),
        text.alias("change"),
        day.alias("start_day"),
        day.alias("detected_day"),
        text.alias("rule"),
        number.alias("worst_bps"),
        number.alias("worst_low_bps"),
        day.alias("last_day_off"),
        day.alias("closed_day"),
        text.alias("severity"),
    )
