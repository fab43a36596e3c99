"""What money, gold and a listed exchange are worth, on working days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from pipelines.sandbox.generator.defects import World
from pipelines.sandbox.generator.paths import Path
from pipelines.sandbox.generator.returns import Series, salted

# units for one dollar on the first day, and the daily volatility of that
_CURRENCIES: Mapping[str, tuple[float, float]] = {
    "AUD": (1.55, 0.006),
    "BRL": (5.0, 0.008),
    "CAD": (1.38, 0.004),
    "CHF": (0.90, 0.005),
    "CNY": (7.3, 0.002),
    "GBP": (0.82, 0.005),
    "HKD": (7.82, 0.0004),
    "IDR": (15_800.0, 0.004),
    "INR": (83.2, 0.002),
    "JPY": (150.5, 0.006),
    "KRW": (1_340.0, 0.005),
    "MXN": (17.9, 0.007),
    "MYR": (4.76, 0.004),
    "NZD": (1.71, 0.006),
    "PHP": (56.7, 0.003),
    "PLN": (4.2, 0.006),
    "SGD": (1.37, 0.003),
    "THB": (36.0, 0.004),
    "TRY": (28.3, 0.004),
    "ZAR": (18.6, 0.009),
}
# an exchange's shares: worth on the first day, how far they follow Bitcoin, and what is their own
_EQUITIES: Mapping[str, tuple[float, float, float]] = {"coinbase": (21e9, 0.75, 0.02)}
_SATURDAY = 5
# when neither London nor Frankfurt works
_HOLIDAYS = frozenset({(1, 1), (12, 25), (12, 26)})


def reference_tables(world: World, paths: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    """Return the tables `fx_rates`, `gold_daily` and `equity_daily`, without versions."""
    settings = world.settings
    count = settings.day_count
    days = settings.days[:count]
    works = np.array([_works(day) for day in days])
    dollars = paths["fiat-eur"].close[:count]
    rates: dict[str, Series] = {"USD": dollars}
    for currency, (first, sigma) in _CURRENCIES.items():
        rng = salted(settings.seed, "fx", currency)
        path = first * np.exp(np.cumsum(sigma * rng.standard_normal(count)))
        rates[currency] = dollars * path
    frames = [
        pl.DataFrame(
            {
                "currency": [currency] * int(works.sum()),
                "day": np.flatnonzero(works),
                "units_per_eur": np.round(values[works], 2 if values[0] > 1_000 else 4),
            }
        )
        for currency, values in sorted(rates.items())
    ]
    ounce = paths["pax-gold"].close[:count]
    rng = salted(settings.seed, "london")
    # the afternoon in London is not midnight, and the token is not the metal
    london = ounce * np.exp(0.0012 * rng.standard_normal(count))
    day = pl.lit(settings.start) + pl.duration(days=pl.col("day"))
    gold = pl.DataFrame({"day": np.flatnonzero(works), "usd_per_ozt": np.round(london[works], 2)})
    bitcoin = paths["bitcoin"].close[:count]
    equities = []
    for exchange, (worth, follows, sigma) in _EQUITIES.items():
        rng = salted(settings.seed, "equity", exchange)
        own = np.exp(np.cumsum(sigma * rng.standard_normal(count)))
        values = worth * (bitcoin / bitcoin[0]) ** follows * own
        equities.append(
            pl.DataFrame(
                {
                    "exchange": [exchange] * int(works.sum()),
                    "day": np.flatnonzero(works),
                    "equity_mcap_usd": np.round(values[works], -6),
                }
            )
        )
    return {
        "fx_rates": pl.concat(frames).with_columns(day=day),
        "gold_daily": gold.with_columns(day=day),
        "equity_daily": pl.concat(equities).with_columns(day=day),
    }


def _works(day: date) -> bool:
    return day.weekday() < _SATURDAY and (day.month, day.day) not in _HOLIDAYS
