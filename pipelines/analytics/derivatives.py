"""Funding rates on one footing."""

from __future__ import annotations

import polars as pl


def funding_8h_equivalent(rate: pl.Expr, interval_h: pl.Expr) -> pl.Expr:
    """Funding of one interval expressed per eight hours: rate x 8 / interval.

    Formula: funding-rate.

    The interval is that of the settlement itself: contracts change theirs.

    Args:
        rate: funding rate of one interval, as a fraction.
        interval_h: length of that interval in hours.

    Returns:
        The rate per 8 hours; NULL without an interval or with one not above zero.
    """
    return pl.when(interval_h > 0).then(rate * 8 / interval_h)
