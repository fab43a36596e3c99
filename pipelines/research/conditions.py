"""Conditions of the market under which a grade might be worth more: tested, and not assumed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import BoolArray, FloatArray
from pipelines.analytics.inference import lag_count, newey_west
from pipelines.analytics.quality import ALL, Judged
from pipelines.research.panel import MIN_ASSETS, ResearchPanel, rolled

ASKED: Final = ("ic", "spread_net_ret", "top_ret")
"""What is asked of a grade; ``top_ret`` is the mean return of the part that it ranks highest."""

MIN_DAYS_EACH: Final = 20
"""Days with and days without the condition: with fewer nothing is said."""

BREADTH_D, BREADTH_MIN_OBS = 50, 40
TREND_D, TREND_MIN_OBS = 200, 100
VOLATILITY_D, VOLATILITY_MIN_OBS = 30, 24
USUAL_D, USUAL_MIN_OBS = 365, 90

_SCHEMA: Final = {
    "measure": pl.String(),
    "universe": pl.String(),
    "horizon_d": pl.Int64(),
    "condition": pl.String(),
    "statistic": pl.String(),
    "holds_day_count": pl.Int64(),
    "holds_mean": pl.Float64(),
    "holds_t_stat": pl.Float64(),
    "fails_day_count": pl.Int64(),
    "fails_mean": pl.Float64(),
    "fails_t_stat": pl.Float64(),
    "difference": pl.Float64(),
    "difference_t_stat": pl.Float64(),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The daily numbers of one grade that conditions are held against.

    Attributes:
        measure: the grade.
        universe: who was compared.
        horizon_d: days ahead.
        daily: one of ``ASKED`` to its numbers.
    """

    measure: str
    universe: str
    horizon_d: int
    daily: Mapping[str, FloatArray]

    @classmethod
    def of(cls, judged: Judged) -> Asked:
        """Keep what is asked; the last quantile is the highest one."""
        named = {"top_ret" if name == "quantile_ret" else name: x for name, _, x in judged.daily}
        daily = {name: named[name] for name in ASKED}
        return cls(judged.measure, judged.universe, judged.horizon_d, daily)


def conditions(panel: ResearchPanel) -> dict[str, FloatArray]:
    """What the market was like, as it was known the day before.

    Args:
        panel: closes, members and funding.

    Returns:
        One number per day: 1 where the condition holds, 0 where it does not, NaN where nobody
        knows. ``broad``: more than half of the members stand above their mean of 50 days.
        ``rising``: the members' mean return, added up, stands above its mean of 200 days. ``bull``:
        both. ``calm``: that return's volatility of 30 days is below its median of a year.
        ``crowded``: the members' median funding is above its median of a year.
    """
    member = panel.universes[ALL]
    closes = np.where(panel.closes > 0, panel.closes, np.nan)
    before = np.vstack([np.full((1, closes.shape[1]), np.nan), closes[:-1]])
    market = _of_members(np.nanmean, closes / before - 1, member)
    mean = rolled(closes, lambda x: x.rolling_mean(BREADTH_D, min_samples=BREADTH_MIN_OBS))
    above = np.where(np.isnan(closes) | np.isnan(mean), np.nan, closes > mean)
    level = np.where(np.isnan(market), np.nan, np.nancumsum(market))
    volatility = _over(
        market, lambda x: x.rolling_std(VOLATILITY_D, min_samples=VOLATILITY_MIN_OBS)
    )
    funding = _of_members(np.nanmedian, panel.funding, member)
    broad = _compared(_of_members(np.nanmean, above, member), 0.5)
    rising = _compared(
        level, _over(level, lambda x: x.rolling_mean(TREND_D, min_samples=TREND_MIN_OBS))
    )
    found = {
        "broad": broad,
        "rising": rising,
        "bull": broad * rising,
        "calm": 1 - _compared(volatility, _usual(volatility)),
        "crowded": _compared(funding, _usual(funding)),
    }
    return {name: np.concatenate([[np.nan], state[:-1]]) for name, state in found.items()}


def held_against(asked: Iterable[Asked], states: Mapping[str, FloatArray]) -> pl.DataFrame:
    """Hold the daily numbers of grades against conditions.

    Errors are Newey-West's of a regression on a constant and the condition.

    Args:
        asked: the numbers.
        states: result of ``conditions``.

    Returns:
        A row per grade, universe, horizon, condition and statistic, with the mean of the days on
        which the condition holds and of those on which it does not, and their difference.
    """
    rows = [
        {
            "measure": one.measure,
            "universe": one.universe,
            "horizon_d": one.horizon_d,
            "condition": condition,
            "statistic": statistic,
            **found,
        }
        for one in asked
        for condition, state in states.items()
        for statistic, daily in one.daily.items()
        if (found := _difference(daily, state, one.horizon_d))
    ]
    keys = list(_SCHEMA)[:5]
    return pl.DataFrame(rows, schema=_SCHEMA).sort(keys)


def _difference(daily: FloatArray, state: FloatArray, horizon_d: int) -> dict[str, object]:
    known = ~(np.isnan(daily) | np.isnan(state))
    values, holds = daily[known], state[known] > 0
    counts = [int(side.sum()) for side in (holds, ~holds)]
    if min(counts) < MIN_DAYS_EACH:
        return {}
    means = [float(values[side].mean()) for side in (holds, ~holds)]
    # what each day adds to a mean's error: zero on the days that are not its own
    share = holds.mean()
    parts = [
        np.where(holds, values - means[0], 0.0) / share,
        np.where(holds, 0.0, values - means[1]) / (1 - share),
    ]
    moved = np.column_stack([*parts, parts[0] - parts[1]])
    errors = newey_west(moved, lag_count(len(values), horizon_d)).tolist()
    difference = means[0] - means[1]
    t_stats = [
        None if np.isnan(error) else mean / error
        for mean, error in zip([*means, difference], errors, strict=True)
    ]
    return {
        "holds_day_count": counts[0],
        "holds_mean": means[0],
        "holds_t_stat": t_stats[0],
        "fails_day_count": counts[1],
        "fails_mean": means[1],
        "fails_t_stat": t_stats[1],
        "difference": difference,
        "difference_t_stat": t_stats[2],
    }


def _of_members(
    compute: Callable[..., FloatArray], values: FloatArray, member: BoolArray
) -> FloatArray:
    """One number for the members of each day; NaN with too few that have a value."""
    among = np.where(member, values, np.nan)
    enough = (~np.isnan(among)).sum(axis=1) >= MIN_ASSETS
    with warnings.catch_warnings():
        # days on which nobody has a value are taken out below
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.where(enough, compute(among, axis=1), np.nan)


def _over(series: FloatArray, window: Callable[[pl.Expr], pl.Expr]) -> FloatArray:
    return rolled(series[:, None], window)[:, 0]


def _usual(series: FloatArray) -> FloatArray:
    return _over(series, lambda x: x.rolling_median(USUAL_D, min_samples=USUAL_MIN_OBS))


def _compared(value: FloatArray, line: FloatArray | float) -> FloatArray:
    """1 above the line, 0 on it or below."""
    return np.where(np.isnan(value) | np.isnan(line), np.nan, value > line)
