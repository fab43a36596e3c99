"""One venue's recorded bars as a dataset folder: three tables, nothing else.

    python -m tests.recorded.bars OUT [--hours] [--shared DIR]

Binance's pairs against USDT: days of some 200 of them, 2021-04 to 2022-12, or hours of twelve,
2021-04 to 2022-09 (see convert.py for what may be done with recordings). A code that the curated
lists do not know is an asset of the folder's own.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.core.settings import REPO_DIR

SEEDS = REPO_DIR / "dbt" / "seeds"
QUOTE, QUOTE_ID = "USDT", "tether"
# the first day of both recordings begins at 21:00
FIRST, LAST_DAY, LAST_HOUR = date(2021, 4, 5), date(2022, 12, 31), date(2022, 9, 29)


def convert_days(shared: Path, out: Path, first: date = FIRST, last: date = LAST_DAY) -> Path:
    """Write the folder of daily bars and return it."""
    bars = pl.read_parquet(shared / "binance_daily_bars_2021_2022" / "daily.parquet").select(
        "symbol",
        pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("open_time"),
        *("open", "high", "low", "close", "volume_base"),
        volume_quote=pl.col("volume_quote_approx"),
    )
    return _write(bars, "1d", out, first, last)


def convert_hours(shared: Path, out: Path, first: date = FIRST, last: date = LAST_HOUR) -> Path:
    """Write the folder of hourly bars and return it."""
    bars = pl.read_parquet(shared / "binance_hourly_bars_2021_2022" / "hourly.parquet")
    return _write(bars, "1h", out, first, last)


def _write(bars: pl.DataFrame, interval: str, out: Path, first: date, last: date) -> Path:
    """Write bars of whole days from the first to the last, their markets and their assets."""
    candles = bars.filter(pl.col("open_time").dt.date().is_between(first, last)).with_columns(
        venue=pl.lit("binance"), interval=pl.lit(interval)
    )
    markets = (
        candles.group_by("venue", "symbol")
        .agg(
            listed_day=pl.col("open_time").min().dt.date(),
            last_day=pl.col("open_time").max().dt.date(),
        )
        .with_columns(
            base_code=pl.col("symbol").str.strip_suffix(QUOTE),
            quote_code=pl.lit(QUOTE),
            quote_asset_id=pl.lit(QUOTE_ID),
            delisted_day=pl.when(pl.col("last_day") < last).then("last_day"),
        )
        .drop("last_day")
        .join(_curated_codes(first), on="base_code", how="left")
        .with_columns(pl.col("base_asset_id").fill_null(pl.col("base_code").str.to_lowercase()))
        .sort("symbol")
    )
    known = pl.read_csv(SEEDS / "identity/dim_asset_curated.csv", infer_schema=False).select(
        "asset_id", "symbol", "name", "asset_class"
    )
    traded = markets.select(asset_id="base_asset_id", symbol="base_code").unique("asset_id")
    own = traded.join(known, on="asset_id", how="anti").with_columns(
        name=pl.col("symbol"), asset_class=pl.lit("token")
    )
    wanted = pl.concat([traded["asset_id"], pl.Series([QUOTE_ID])])
    out.mkdir(parents=True)
    assets = pl.concat([known.filter(pl.col("asset_id").is_in(wanted.implode())), own])
    assets.sort("asset_id").write_parquet(out / "assets.parquet")
    markets.write_parquet(out / "markets.parquet")
    candles.write_parquet(out / "candles.parquet")
    meta = {
        "layout_version": 1,
        "name": f"recorded-{interval}",
        "start": first.isoformat(),
        "end": last.isoformat(),
    }
    (out / "dataset.json").write_text(json.dumps(meta))
    return out


def _curated_codes(day: date) -> pl.DataFrame:
    """Return what the venue's codes mean by the curated lists on a day."""
    return (
        pl.read_csv(SEEDS / "identity/dim_asset_alias_curated.csv", infer_schema=False)
        .filter(
            pl.col("source") == "binance",
            pl.col("valid_from") <= day.isoformat(),
            pl.col("valid_to").is_null() | (pl.col("valid_to") > day.isoformat()),
        )
        .select(base_code="source_id", base_asset_id="asset_id")
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hours", action="store_true", help="hours of twelve pairs")
    parser.add_argument("--shared", type=Path, default=REPO_DIR.parent / "shared" / "data")
    options = parser.parse_args()
    write = convert_hours if options.hours else convert_days
    print(write(options.shared, options.out))
