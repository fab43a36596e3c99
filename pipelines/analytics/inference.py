"""How sure a figure is: errors that know the overlap, and what many trials do to the best one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist
from typing import Final

import numpy as np

from pipelines.analytics.calendar import AnalyticsError, FloatArray

EULER_GAMMA: Final = 0.5772156649015329
NO_SPREAD: Final = 1e-24
"""A variance below it is rounding."""

_NORMAL: Final = NormalDist()


def lag_count(count: int, horizon_d: int) -> int:
    """Lags of a Newey-West error: the overlap, at least floor(4 (T/100)^(2/9)), below T.

    Args:
        count: observations T.
        horizon_d: days that neighbouring observations look ahead: they share all but one of them.
    """
    rule = math.floor(4 * math.pow(count / 100, 2 / 9))
    return max(0, min(max(horizon_d - 1, rule), count - 1))


def newey_west(values: FloatArray, lags: int) -> FloatArray:
    """Standard errors of means under autocorrelation (Newey and West 1987), Bartlett's weights.

    Args:
        values: one series per column, no NaN.
        lags: autocovariances that count, each the less the further apart the days are.

    Returns:
        One error per column; NaN where there is no spread to speak of.
    """
    count = len(values)
    if count < 2:
        return np.full(values.shape[1], np.nan)
    off = values - values.mean(axis=0)
    # weights that fall in a straight line are those of sums of neighbours, squared: none below zero
    window = lags + 1
    padded = np.vstack([np.zeros((window, off.shape[1])), off, np.zeros((lags, off.shape[1]))])
    total = padded.cumsum(axis=0)
    sums = total[window:] - total[:-window]
    variance = np.einsum("ij,ij->j", sums, sums) / window / count**2
    fine = variance > NO_SPREAD
    return np.where(fine, np.sqrt(np.where(fine, variance, 1.0)), np.nan)


def expanding_newey_west(values: FloatArray, horizon_d: int) -> FloatArray:
    """The error of ``newey_west`` after each observation, by the ones up to it.

    Args:
        values: a series, no NaN.
        horizon_d: see ``lag_count``.

    Returns:
        One error per observation; NaN where there is no spread to speak of.
    """
    size = len(values)
    if not size:
        return np.zeros(0)
    # away from zero sums of squares lose digits; where the series lies does not matter
    off = values - values[0]
    count = np.arange(1, size + 1)
    lags = np.array([lag_count(number, horizon_d) for number in count.tolist()])
    total = off.cumsum()
    mean = total / count
    variance = (off**2).cumsum() - count * mean**2
    for lag in range(1, int(lags.max()) + 1):
        here = slice(lag, None)
        shared = (
            (off[lag:] * off[:-lag]).cumsum()
            - mean[here] * (total[here] - total[lag - 1] + total[:-lag])
            + (count[here] - lag) * mean[here] ** 2
        )
        variance[here] += 2 * np.maximum(1 - lag / (lags[here] + 1), 0.0) * shared
    variance = variance / count**2
    fine = (variance > NO_SPREAD) & (count > 1)
    return np.where(fine, np.sqrt(np.where(fine, variance, 1.0)), np.nan)


def sharpe(values: FloatArray) -> float:
    """Mean over standard deviation, per observation; NaN without a spread."""
    if len(values) < 2:
        return math.nan
    spread = float(values.std(ddof=1))
    return float(values.mean()) / spread if spread > math.sqrt(NO_SPREAD) else math.nan


def moments(values: FloatArray) -> tuple[float, float]:
    """Skewness and kurtosis (3 for a normal distribution) of a series with a spread."""
    off = values - values.mean()
    variance = float((off**2).mean())
    return float((off**3).mean()) / variance**1.5, float((off**4).mean()) / variance**2


def probabilistic_sharpe(
    found: float, threshold: float, *, count: int, skewness: float, kurtosis: float
) -> float:
    """Probability that a true Sharpe ratio is above a threshold (Bailey, Lopez de Prado 2012).

    Args:
        found: Sharpe ratio per observation.
        threshold: the one to be above, per observation.
        count: observations.
        skewness: of the returns.
        kurtosis: of the returns, 3 for normal ones.
    """
    spread = 1 - skewness * found + (kurtosis - 1) / 4 * found**2
    if spread <= 0:
        return math.nan
    return _NORMAL.cdf((found - threshold) * math.sqrt(count - 1) / math.sqrt(spread))


def expected_best_sharpe(trial_count: int, trial_variance: float) -> float:
    """Sharpe ratio that the best of so many worthless trials is expected to show.

    Args:
        trial_count: independent trials.
        trial_variance: variance of the trials' Sharpe ratios, per observation.
    """
    if trial_count < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trial_count)
    second = _NORMAL.inv_cdf(1 - 1 / (trial_count * math.e))
    return math.sqrt(trial_variance) * ((1 - EULER_GAMMA) * first + EULER_GAMMA * second)


def deflated_sharpe(
    found: float,
    *,
    count: int,
    skewness: float,
    kurtosis: float,
    trial_count: int,
    trial_variance: float,
) -> float:
    """Probability that the best of many trials is better than luck (Bailey, Lopez de Prado 2014).

    Args:
        found: Sharpe ratio of the chosen trial, per observation.
        count: observations.
        skewness: of its returns.
        kurtosis: of its returns, 3 for normal ones.
        trial_count: trials made.
        trial_variance: variance of their Sharpe ratios, per observation.
    """
    return probabilistic_sharpe(
        found,
        expected_best_sharpe(trial_count, trial_variance),
        count=count,
        skewness=skewness,
        kurtosis=kurtosis,
    )


def overfitting_probability(trials: FloatArray, blocks: int = 16) -> tuple[float, FloatArray]:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    Bailey, Borwein, Lopez de Prado and Zhu (2017): the time is cut into blocks; for every half of
    them the trial that is best there is ranked among all in the other half. The probability is the
    share of halves in which it is no better than the median.

    Args:
        trials: one row per period, one column per trial; no NaN.
        blocks: an even number of blocks of equal length; what does not fill one at the end is left.

    Returns:
        The probability, and the logit of each half's rank (above 0: better than the median).

    Raises:
        AnalyticsError: fewer than two trials, an odd number of blocks, or blocks of one period.
    """
    periods, count = trials.shape
    length = periods // blocks
    if count < 2 or blocks % 2 or length < 2:
        msg = f"{count} trials over {periods} periods cannot be cut into {blocks} blocks"
        raise AnalyticsError(msg)
    cut = trials[: length * blocks].reshape(blocks, length, count)
    total, square = cut.sum(axis=1), (cut**2).sum(axis=1)
    halves = _halves(blocks)
    inside = _sharpes(halves @ total, halves @ square, length * blocks // 2)
    outside = _sharpes((1 - halves) @ total, (1 - halves) @ square, length * blocks // 2)
    best = inside.argmax(axis=1)
    chosen = outside[np.arange(len(best)), best][:, None]
    below, equal = (outside < chosen).sum(axis=1), (outside == chosen).sum(axis=1)
    place = (below + (equal + 1) / 2) / (count + 1)
    logits: FloatArray = np.log(place / (1 - place))
    return float((logits <= 0).mean()), logits


def _halves(blocks: int) -> FloatArray:
    chosen: Sequence[tuple[int, ...]] = list(combinations(range(blocks), blocks // 2))
    halves = np.zeros((len(chosen), blocks))
    for row, members in enumerate(chosen):
        halves[row, list(members)] = 1.0
    return halves


def _sharpes(total: FloatArray, square: FloatArray, count: int) -> FloatArray:
    mean = total / count
    variance = (square - count * mean**2) / (count - 1)
    fine = variance > NO_SPREAD
    return np.where(fine, mean / np.sqrt(np.where(fine, variance, 1.0)), 0.0)
