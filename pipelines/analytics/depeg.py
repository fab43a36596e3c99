"""Depegs as an append-only log, and the death-spiral indicator."""

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

CHANGES: Final = ("suspect", "open", "worst", "close", "dead")


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
    """Log every change of every depeg event on the day that it became known.

    On an eligible day the published deviation opens and closes. On any other day the readings
    themselves do, whatever the day's label: what all of them say at least opens an event, and only
    readings that prove a recovery close one. A single reading opens nothing alone: it is a suspect
    until the next one lies on the same side, or does not. Missing evidence changes nothing, so an
    event outlives the markets of its coin. It never ends by the coin's death either: from
    ``dead_from`` on nothing opens, and what is open is logged as dead.

    Args:
        frame: one row per (stablecoin_id, day) with ``dev_bps`` (published; it alone makes the
            worst), ``is_eligible`` (NULL counts as false), ``dev_low_bps`` (canonical low; may be
            NULL), ``dead_from`` (Date or NULL), optionally ``is_confirmed`` (more than one
            reading says so; NULL: as eligible) and, of days that are not eligible,
            ``reading_bps`` (the reading nearest to the peg, 0 where they disagree about the side;
            NULL without a reading) and ``recovery_bps`` (the reading furthest from the peg where
            the day could prove a recovery).
        parameters: the thresholds.

    Returns:
        One row per state change and per new worst, in the order in which they became known:
        ``event_key`` (coin|start: the text to hash into an event_id), stablecoin_id,
        ``known_from_day``, ``change`` (one of ``CHANGES``), ``start_day``, ``detected_day``,
        ``rule`` ('fast' or 'slow'), ``worst_bps`` (signed, the published deviation largest in
        size; before any was published the first reading), ``worst_low_bps`` (lowest canonical low
        on eligible days of the event), ``last_day_off``, ``closed_day`` and ``severity``
        ('minor', 'major', 'severe'). Each row holds the event as it was known on that day; a view
        over the newest row per event with ``known_from_day <= t`` is the summary as of t, and
        nothing about an event is known before its ``detected_day``. A 'suspect' is no event: it
        is reported on the day of its print, and becomes one when it is confirmed.
    """
    given = frame.collect_schema()
    optional = {"reading_bps": pl.Float64, "recovery_bps": pl.Float64, "is_confirmed": pl.Boolean}
    wanted = frame.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in optional.items() if name not in given
    ).select(
        COIN,
        DAY,
        pl.col("dev_bps", "dev_low_bps", "reading_bps", "recovery_bps").cast(pl.Float64),
        pl.col("is_eligible").fill_null(value=False),
        pl.coalesce("is_confirmed", "is_eligible", pl.lit(value=False)).alias("is_confirmed"),
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
        deviations = panel.floats(spine["dev_bps"])
        eligible &= ~np.isnan(deviations)
        machine = _Machine(
            parameters,
            deviations=deviations,
            lows=np.where(eligible, panel.floats(spine["dev_low_bps"]), np.nan),
            readings=np.where(eligible, deviations, panel.floats(spine["reading_bps"])),
            recoveries=np.where(eligible, deviations, panel.floats(spine["recovery_bps"])),
            confirmed=panel.flags(spine["is_confirmed"]),
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
    """Flag coins whose backing asset is being printed to save the peg (formula: death-spiral).

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
    """The state machine of all coins at once, stepping through the days.

    Days are rows of the panel. Of each coin it remembers the run of readings outside the slow
    threshold that may become an event, the side of a single print that waits for the next one,
    and the event that is open.
    """

    def __init__(
        self,
        parameters: DepegParameters,
        *,
        deviations: FloatArray,
        lows: FloatArray,
        readings: FloatArray,
        recoveries: FloatArray,
        confirmed: BoolArray,
        dead: BoolArray,
    ) -> None:
        self._p = parameters
        self._deviations, self._lows = deviations, lows
        self._readings, self._recoveries = readings, recoveries
        self._confirmed, self._dead = confirmed, dead
        coins = deviations.shape[1]
        self._open = np.zeros(coins, dtype=np.bool_)
        self._run = np.zeros(coins, dtype=np.int64)
        self._suspect = np.zeros(coins)
        self._inside = np.zeros(coins, dtype=np.int64)
        self._start, self._detected, self._last_off = np.zeros((3, coins), dtype=np.int64)
        self._fast = np.zeros(coins, dtype=np.bool_)
        self._worst = np.full(coins, np.nan)
        self._worst_low = np.full(coins, np.nan)
        self._log: list[tuple[int, str, IntArray, dict[str, npt.NDArray[np.generic]]]] = []

    def run(self, spine: pl.DataFrame, panel: Panel) -> pl.DataFrame:
        """Step through the days and return the log."""
        for day in range(self._deviations.shape[0]):
            self._close_dead(day)
            alive = ~self._dead[day]
            was_open = self._open.copy()
            self._watch(day, alive & ~was_open)
            self._follow(day, alive & was_open)
        return self._to_frame(spine, panel)

    def _close_dead(self, day: int) -> None:
        gone = self._open & self._dead[day]
        if gone.any():
            self._note(day, "dead", gone)
            self._open &= ~gone

    def _watch(self, day: int, coins: BoolArray) -> None:
        """Take a day of coins that have no open event."""
        p = self._p
        reading = self._readings[day]
        size = np.abs(reading)
        side = np.sign(reading)
        off = coins & (size >= p.slow_bps)
        calm = coins & (size < p.slow_bps)
        begins = off & (self._run == 0)
        self._start[begins] = day
        self._worst[begins] = self._worst_low[begins] = np.nan
        self._run[off] += 1
        self._run[calm] = 0
        self._worsen(day, coins & (self._run > 0))

        fast = off & (size >= p.fast_bps)
        seconded = off & (side == self._suspect)
        sudden = (fast & self._confirmed[day]) | seconded
        opens = sudden | (off & (self._run >= p.slow_d))
        suspects = fast & ~opens
        # a print of which nobody has published a price is all that is known of its depth
        unpublished = (opens | suspects) & np.isnan(self._worst)
        self._worst[unpublished] = reading[unpublished]
        self._suspect[off | calm] = 0
        self._suspect[suspects] = side[suspects]
        self._detected[opens | suspects] = day
        self._last_off[opens | suspects] = day
        self._fast[opens | suspects] = (sudden | suspects)[opens | suspects]
        self._inside[opens] = 0
        self._open |= opens
        self._note(day, "suspect", suspects)
        # the event that it may become is as bad as what is published of it
        self._worst[suspects & unpublished] = np.nan
        self._note(day, "open", opens)

    def _follow(self, day: int, coins: BoolArray) -> None:
        """Take a day of coins with an open event."""
        p = self._p
        changed = self._worsen(day, coins)
        inside = coins & (np.abs(self._recoveries[day]) <= p.close_bps)
        beyond = np.fmax(np.abs(self._readings[day]), np.abs(self._deviations[day]))
        outside = coins & ~inside & (beyond > p.close_bps)
        self._inside[outside] = 0
        self._inside[inside] += 1
        self._last_off[outside] = day
        closes = inside & (self._inside >= p.close_d)
        self._note(day, "worst", changed & ~closes)
        self._note(day, "close", closes)
        self._open &= ~closes
        self._run[closes] = 0

    def _worsen(self, day: int, coins: BoolArray) -> BoolArray:
        """Move the worst of the coins; return whose moved."""
        deviation, low = self._deviations[day], self._lows[day]
        worse = coins & ~np.isnan(deviation) & ~(np.abs(deviation) <= np.abs(self._worst))
        lower = coins & ~np.isnan(low) & ~(low >= self._worst_low)
        self._worst[worse] = deviation[worse]
        self._worst_low[lower] = low[lower]
        moved: BoolArray = worse | lower
        return moved

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
