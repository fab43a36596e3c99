"""All columns of ``technical_daily`` that are recursive or go with one that is, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.analytics.calendar import on_calendar
from pipelines.analytics.crosses import with_cross
from pipelines.analytics.levels import PIVOTS, WEEKLY_PIVOTS, with_pivots
from pipelines.analytics.momentum import with_tsmom
from pipelines.analytics.moving import sma_expr, with_ema, with_macd
from pipelines.analytics.oscillators import with_rsi
from pipelines.analytics.ranges import with_atr, with_bollinger, with_donchian
from pipelines.analytics.volume import with_volume_z


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicalParameters:
    """Windows and minima of the indicators; their values are a seed, and names follow them.

    Attributes:
        max_gap_d: missing days that a recursion survives.
        sma_d: windows of the simple averages.
        ema_d: spans of the exponential averages.
        cross_sma_d: fast and slow window of the simple averages whose crosses are events.
        cross_ema_d: the same for the exponential averages.
        rsi_d: changes in the seed of the RSI.
        macd_fast_d: span of the fast average of the MACD.
        macd_slow_d: span of its slow average.
        macd_signal_d: span of its signal line.
        atr_d: true ranges in the seed of the ATR.
        bollinger_d: window of the bands.
        bollinger_sd: half-width of the bands in standard deviations.
        donchian_d: window of the channel.
        tsmom_d: horizons of the time-series momentum.
        tsmom_vol_d: window of its standard deviation.
        tsmom_min_obs: daily returns that this window needs.
        volume_z_d: window of the volume z-score.
        volume_z_min_obs: days with volume that this window needs.
        sd_floor: a standard deviation below it is no denominator.
    """

    max_gap_d: int
    sma_d: tuple[int, ...]
    ema_d: tuple[int, ...]
    cross_sma_d: tuple[int, int]
    cross_ema_d: tuple[int, int]
    rsi_d: int
    macd_fast_d: int
    macd_slow_d: int
    macd_signal_d: int
    atr_d: int
    bollinger_d: int
    bollinger_sd: float
    donchian_d: int
    tsmom_d: tuple[int, ...]
    tsmom_vol_d: int
    tsmom_min_obs: int
    volume_z_d: int
    volume_z_min_obs: int
    sd_floor: float


def price_columns(parameters: TechnicalParameters) -> tuple[str, ...]:
    """Names of the indicators that are prices: they change with the asset's units.

    Formula: unit-change.

    Those of ``technical`` and of ``weekly_pivots``.
    """
    p = parameters
    return (
        *(f"sma_{n}" for n in sorted({*p.sma_d, *p.cross_sma_d})),
        *(f"ema_{n}" for n in sorted({*p.ema_d, *p.cross_ema_d})),
        *("macd", "macd_signal", "macd_hist", "tr", f"atr_{p.atr_d}"),
        *("bb_mid", "bb_up", "bb_low"),
        *(f"donchian_{side}_{p.donchian_d}" for side in ("high", "low")),
        *PIVOTS,
        *WEEKLY_PIVOTS,
    )


def technical(frame: pl.LazyFrame, parameters: TechnicalParameters) -> pl.LazyFrame:
    """All indicators of one asset's own bars, daily pivots included.

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd``,
            ``volume_usd``; prices adjusted for token events.
        parameters: windows and minima.

    Returns:
        The rows given with ``sma_<n>``, ``ema_<n>``, ``cross_<fast>_<slow>``, ``rsi_<n>``,
        ``macd``, ``macd_signal``, ``macd_hist``, ``tr``, ``atr_<n>``, ``natr_<n>``, ``bb_mid``,
        ``bb_up``, ``bb_low``, ``bb_width``, ``bb_pctb``, ``donchian_high_<n>``,
        ``donchian_low_<n>``, ``donch_pos``, ``ret_<n>d``, ``tsmom_<n>``, ``volume_z_<n>d`` and
        the pivots, each as its own function defines it.
    """
    p = parameters

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        # the averages whose crosses are events, and those that are published, once each
        simple = sorted({*p.sma_d, *p.cross_sma_d})
        spine = spine.with_columns(sma_expr("close_usd", n).alias(f"sma_{n}") for n in simple)
        for n in sorted({*p.ema_d, *p.cross_ema_d}):
            spine = with_ema(spine, value="close_usd", n=n, max_gap_d=p.max_gap_d, alias=f"ema_{n}")
        for kind, (fast, slow) in (("sma", p.cross_sma_d), ("ema", p.cross_ema_d)):
            spine = with_cross(
                spine,
                fast=f"{kind}_{fast}",
                slow=f"{kind}_{slow}",
                alias=f"cross_{fast}_{slow}",
                max_gap_d=p.max_gap_d,
            )
        spine = with_rsi(spine, n=p.rsi_d, max_gap_d=p.max_gap_d)
        spine = with_macd(
            spine,
            fast=p.macd_fast_d,
            slow=p.macd_slow_d,
            signal=p.macd_signal_d,
            max_gap_d=p.max_gap_d,
        )
        spine = with_atr(spine, n=p.atr_d, max_gap_d=p.max_gap_d)
        spine = with_bollinger(spine, n=p.bollinger_d, deviations=p.bollinger_sd)
        spine = with_donchian(spine, n=p.donchian_d)
        spine = with_tsmom(
            spine,
            horizons=p.tsmom_d,
            vol_d=p.tsmom_vol_d,
            min_obs=p.tsmom_min_obs,
            sd_floor=p.sd_floor,
        )
        spine = with_volume_z(
            spine, n=p.volume_z_d, min_obs=p.volume_z_min_obs, sd_floor=p.sd_floor
        )
        return with_pivots(spine)

    return on_calendar(frame, compute)
