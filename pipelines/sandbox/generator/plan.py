"""When each planted defect happens: places in the window, for any length of it."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.sandbox.generator.settings import GeneratorSettings


@dataclass(frozen=True)
class Plan:
    """Day numbers (0 is the first day) of what happens in the market.

    What needs three venues lies in the last 700 days of the default window: Kraken reaches back
    720 days.
    """

    last: int
    slow_depeg: int
    slow_depeg_days: int
    gap_one: int
    gap_five: int
    death: int
    ticker: int
    ticker_gap: int
    wick: int
    zero_volume: int
    spiral: int
    lonely_wick: int
    lonely_fall: int
    lying: int
    intraday_dip: int
    redenomination: int
    crash: int
    misspelling: int
    depegged_quote: int
    dead_delisting: int
    restated: int
    deleted: int
    spike: int
    outage_binance: int
    late: int
    delisting: int
    outage_kraken: int
    new_chain: int
    stable_wick: int
    disputed: int
    funding_change: int

    @classmethod
    def of(cls, settings: GeneratorSettings) -> Plan:
        """Return the plan for the settings' window."""
        count = settings.day_count

        def at(fraction: float) -> int:
            return int(fraction * count)

        return cls(
            last=count - 1,
            slow_depeg=at(0.36),
            slow_depeg_days=min(30, count // 8),
            gap_one=at(0.40),
            gap_five=at(0.42),
            death=at(0.44),
            ticker=at(0.48),
            ticker_gap=max(3, count // 60),
            wick=at(0.50),
            zero_volume=at(0.53),
            spiral=at(0.55),
            lonely_wick=at(0.84),
            lonely_fall=at(0.88),
            lying=at(0.57),
            intraday_dip=at(0.59),
            redenomination=at(0.60),
            crash=at(0.62),
            misspelling=at(0.64),
            depegged_quote=at(0.66),
            dead_delisting=at(0.69),
            restated=at(0.70),
            deleted=at(0.72),
            spike=at(0.73),
            outage_binance=at(0.74),
            late=at(0.75),
            delisting=at(0.78),
            outage_kraken=at(0.80),
            new_chain=at(0.82),
            stable_wick=at(0.86),
            disputed=count - 31,
            # OKX reaches back three months
            funding_change=count - 21,
        )
