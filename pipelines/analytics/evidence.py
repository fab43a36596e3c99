"""What a grade was worth lately, as it could be known on the day: nothing here looks forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, FloatArray
from pipelines.analytics.cross_section import Grid, ago, ranks_among, row_correlation

MEASURE: Final = "measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceParameters:
    """Over how long a grade is judged; the values are a seed.

    Attributes:
        horizon_d: days of the returns that it is held against.
        skip_d: days between the close that a grade rests on and the one at which the return begins.
        window_d: days of which the mean is taken.
        min_obs: days with a correlation that the mean needs.
        min_assets: assets that a day's correlation needs.
    """

    horizon_d: int
    skip_d: int
    window_d: int
    min_obs: int
    min_assets: int


def known_ic(
    scores: pl.LazyFrame, closes: pl.LazyFrame, parameters: EvidenceParameters
) -> pl.LazyFrame:
    """Rank correlation of each measure with the returns that followed, on the day it is known.

    Formula: grade-evidence.

    That of the grades of day d is known when the return has ended, on d + ``skip_d`` +
    ``horizon_d``, and stands there: the return ends on the row's own day and the grade is from
    before it, so no day needs to know a later one.

    Args:
        scores: one row per (measure, asset_id, day) with ``value``; high is good, NULL is none.
        closes: one row per (asset_id, day) with ``close_usd`` in constant units, 0 once dead.
        parameters: horizon, window and minima.

    Returns:
        One row per (measure, day) with prices: ``ic`` (NULL: not enough assets) and ``ic_mean``
        over the ``window_d`` days that end on it (NULL: fewer than ``min_obs``).
    """
    schema = {
        MEASURE: pl.String(),
        DAY: pl.Date(),
        "ic": pl.Float64(),
        "ic_mean": pl.Float64(),
    }
    wanted = scores.select(MEASURE, ASSET, DAY, pl.col("value").cast(pl.Float64))

    def run(frame: pl.DataFrame) -> pl.DataFrame:
        priced = closes.select(ASSET, DAY, pl.col("close_usd").cast(pl.Float64)).collect()
        if frame.is_empty() or priced.is_empty():
            return pl.DataFrame(schema=schema)
        grid = Grid.around(priced, frame)
        returns = _past_returns(grid, priced, parameters.horizon_d)
        since = parameters.horizon_d + parameters.skip_d
        found = []
        for (measure,), part in sorted(frame.partition_by(MEASURE, as_dict=True).items()):
            (values,) = grid.matrices(part, ["value"])
            graded = ago(values, since)
            # who lacks one of the two takes no part: the others are ranked among themselves
            both = ~(np.isnan(graded) | np.isnan(returns))
            ic = row_correlation(
                ranks_among(graded, both),
                ranks_among(returns, both),
                min_count=parameters.min_assets,
            )
            found.append(
                pl.DataFrame({DAY: list(grid.days), "ic": ic}).select(
                    pl.lit(measure).alias(MEASURE), DAY, pl.col("ic").fill_nan(None)
                )
            )
        mean = pl.col("ic").rolling_mean(parameters.window_d, min_samples=parameters.min_obs)
        return pl.concat(found).with_columns(mean.over(MEASURE, order_by=DAY).alias("ic_mean"))

    return wanted.map_batches(run, schema=schema)


def _past_returns(grid: Grid, closes: pl.DataFrame, horizon_d: int) -> FloatArray:
    """Returns of the ``horizon_d`` days that end on each day.

    What was delisted on the way counts with its last close: whether a close will come back is not
    known on the day.
    """
    (close,) = grid.matrices(closes, ["close_usd"])
    begin = ago(close, horizon_d)
    held = (
        pl.DataFrame(close, schema=list(grid.assets))
        .fill_nan(None)
        .select(pl.all().forward_fill(limit=horizon_d))
        .fill_null(float("nan"))
        .to_numpy()
    )
    ended: FloatArray = held / begin - 1
    ended[~(begin > 0)] = float("nan")
    return ended
