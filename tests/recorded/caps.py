"""Recorded prices and market caps of coins as a file of daily bars for the research bench.

    python -m tests.recorded.caps OUT.parquet [--shared DIR]

Exports of CoinGecko, 2013 to 2023: one price a day, which is the close of the day before, so a day
has no range. A market cap of 0 is unknown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from pipelines.core.settings import REPO_DIR


def convert(shared: Path, out: Path) -> Path:
    """Write the bars and return their file.

    Args:
        shared: folder of the recordings.
        out: a Parquet file: symbol, day, high, low, close, volume_quote, mcap_usd, supply_native.
    """
    snapshot = pl.col("snapped_at").str.head(10).str.to_date()
    exported = [
        pl.read_csv(path, schema_overrides={"price": pl.Float64}, infer_schema_length=None).select(
            symbol=pl.lit(path.stem.upper()),
            day=snapshot - pl.duration(days=1),
            close=pl.col("price"),
            volume_quote=pl.col("total_volume").cast(pl.Float64),
            mcap_usd=pl.col("market_cap").cast(pl.Float64),
        )
        for path in sorted((shared / "coingecko_exports_asardon").glob("*.csv"))
    ]
    bars = (
        pl.concat(exported)
        .filter(pl.col("close") > 0)
        .unique(["symbol", "day"], keep="first", maintain_order=True)
        .sort("symbol", "day")
        .with_columns(pl.when(pl.col("mcap_usd") > 0).then("mcap_usd"))
        .with_columns(
            high=pl.col("close"),
            low=pl.col("close"),
            supply_native=pl.col("mcap_usd") / pl.col("close"),
        )
    )
    bars.write_parquet(out)
    return out


def main() -> None:
    """Write the file that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorded.caps", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path, default=REPO_DIR.parent / "shared" / "data")
    options = parser.parse_args()
    print(convert(options.shared, options.out))


if __name__ == "__main__":
    main()
