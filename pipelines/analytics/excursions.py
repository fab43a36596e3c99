"""How far prices go for and against a position while it is held, in average true ranges."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, SERIES, lagged, on_calendar
from pipelines.analytics.parameters import from_seed, newest_version

SIDES: Final = {"long": 1, "short": -1}
COUNT: Final = "excursion_count"
COLUMNS: Final = tuple(
    f"{side}_{kind}_excursion_atr" for side in SIDES for kind in ("adverse", "favourable")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcursionParameters:
    """Which excursions count as usual; the values are a seed.

    Attributes:
        excursion_horizon_d: days that a position is looked at from the close of its entry.
        excursion_window_d: days of which the windows that have ended on them are compared.
        excursion_min_obs: windows that a quantile needs.
        adverse_quantile: part of the windows that ended with a profit whose worst price was nearer.
        favourable_quantile: part of all windows whose best price was nearer.
        min_stdev: an average true range below this part of the price is that of a constant.
    """

    excursion_horizon_d: int
    excursion_window_d: int
    excursion_min_obs: int
    adverse_quantile: float
    favourable_quantile: float
    min_stdev: float

    @classmethod
    def from_plan(cls, seed: pl.DataFrame) -> ExcursionParameters:
        """Those of the newest version of ``cfg_plan``."""
        plan = newest_version(seed)
        return from_seed(cls, {field.name: plan[field.name] for field in fields(cls)})


def excursions(frame: pl.LazyFrame, parameters: ExcursionParameters) -> pl.LazyFrame:
    """Usual excursions of the positions whose days have ended (formula: excursion).

    A window begins at the close of one day and has its highs and lows on the ``horizon`` days after
    it; it counts from the day on which the last of them has ended.

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd`` and
            ``atr_usd`` in constant units.
        parameters: horizon, window and quantiles.

    Returns:
        The rows given: asset_id, day, ``excursion_count`` (windows compared) and for both sides
        ``<side>_adverse_excursion_atr`` (of the windows that ended with a profit) and
        ``<side>_favourable_excursion_atr`` (of all), in average true ranges of the entry; NULL with
        fewer windows than ``excursion_min_obs``.
    """
    horizon, days = parameters.excursion_horizon_d, parameters.excursion_window_d
    least = parameters.excursion_min_obs
    entry, atr = lagged(pl.col("close_usd"), horizon), lagged(pl.col("atr_usd"), horizon)
    moves = (atr > parameters.min_stdev * entry) & (entry > 0)
    high = pl.col("high_usd").rolling_max(horizon, min_samples=horizon).over(SERIES)
    low = pl.col("low_usd").rolling_min(horizon, min_samples=horizon).over(SERIES)

    def quantile(value: pl.Expr, part: float) -> pl.Expr:
        rolled = value.rolling_quantile(
            part, interpolation="linear", window_size=days, min_samples=least
        )
        return rolled.over(SERIES)

    def usual(side: str) -> list[pl.Expr]:
        adverse, favourable = ("_fall", "_rise") if side == "long" else ("_rise", "_fall")
        won = pl.when(SIDES[side] * pl.col("_gain") > 0).then(pl.col(adverse))
        return [
            quantile(won, parameters.adverse_quantile).alias(f"{side}_adverse_excursion_atr"),
            quantile(pl.col(favourable), parameters.favourable_quantile).alias(
                f"{side}_favourable_excursion_atr"
            ),
        ]

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        known = pl.col("_rise").is_not_null() & pl.col("_fall").is_not_null()
        return (
            spine.with_columns(
                # a window that opens beyond its entry never came back to it
                pl.when(moves).then(((high - entry) / atr).clip(lower_bound=0)).alias("_rise"),
                pl.when(moves).then(((entry - low) / atr).clip(lower_bound=0)).alias("_fall"),
                (pl.col("close_usd") - entry).alias("_gain"),
            )
            .with_columns(
                known.cast(pl.Int64).rolling_sum(days, min_samples=1).over(SERIES).alias(COUNT),
                *(expression for side in SIDES for expression in usual(side)),
            )
            .select(ASSET, DAY, COUNT, *COLUMNS, "^_.*$")
        )

    wanted = (ASSET, DAY, "high_usd", "low_usd", "close_usd", "atr_usd")
    return on_calendar(frame.select(wanted), compute)
