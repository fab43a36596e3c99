"""One venue's recorded hours as a dataset folder: no daily candle, no other table.

    python -m tests.recorded.hours OUT [--shared DIR]

Binance's hours of twelve pairs against USDT, 2021-04 to 2022-09 (see convert.py for what may be
done with recordings).
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.settings import REPO_DIR

SEEDS = REPO_DIR / "dbt" / "seeds"
QUOTE = "USDT"
FIRST, LAST = date(2021, 4, 5), date(2022, 9, 29)


def convert_hours(shared: Path, out: Path, first: date = FIRST, last: date = LAST) -> Path:
    """Write the folder and return it: hours of whole days from the first to the last."""
    hours = pl.read_parquet(shared / "binance_hourly_bars_2021_2022" / "hourly.parquet").filter(
        pl.col("open_time").dt.date().is_between(first, last)
    )
    codes = pl.read_csv(SEEDS / "dim_asset_alias_curated.csv", infer_schema=False).filter(
        pl.col("source") == "binance", pl.col("valid_from") <= first.isoformat()
    )
    assets = pl.read_csv(SEEDS / "dim_asset_curated.csv", infer_schema=False)
    symbols = hours.select("symbol").unique().sort("symbol")
    markets = (
        symbols.with_columns(
            venue=pl.lit("binance"),
            base_code=pl.col("symbol").str.strip_suffix(QUOTE),
            quote_code=pl.lit(QUOTE),
            quote_asset_id=pl.lit("tether"),
            listed_day=pl.lit(first),
        )
        .join(
            codes.select(base_code="source_id", base_asset_id="asset_id").unique("base_code"),
            on="base_code",
        )
        .sort("symbol")
    )
    wanted = pl.concat([markets["base_asset_id"], pl.Series(["tether"])]).unique()
    out.mkdir(parents=True)
    assets.filter(pl.col("asset_id").is_in(wanted.implode())).select(
        "asset_id", "symbol", "name", "asset_class"
    ).write_parquet(out / "assets.parquet")
    markets.write_parquet(out / "markets.parquet")
    hours.with_columns(venue=pl.lit("binance"), interval=pl.lit("1h")).write_parquet(
        out / "candles.parquet"
    )
    meta = {
        "layout_version": 1,
        "name": "recorded-hours",
        "start": first.isoformat(),
        "end": last.isoformat(),
    }
    (out / "dataset.json").write_text(json.dumps(meta))
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path, default=REPO_DIR.parent / "shared" / "data")
    options = parser.parse_args()
    print(convert_hours(options.shared, options.out))
