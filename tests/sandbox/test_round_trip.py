"""What the sources' own extraction lands from the sandbox is what the dataset holds."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock, Window
from pipelines.lake import landing
from pipelines.lake.catalog import read_rows, write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import TABLES, Dataset, occurred_by
from pipelines.sources.coinmetrics import METRICS

Land = Callable[[str, str], pl.DataFrame]


@pytest.fixture
def land(tmp_path: Path, server: SandboxServer, dataset: Dataset) -> Land:
    settings = Settings(
        data_dir=tmp_path, sandbox_url=server.url, curation_dir=dataset.path, _env_file=None
    )

    def landed(source: str, table: str) -> pl.DataFrame:
        window = Window(dataset.start, dataset.now.date())
        report = landing.land(source, window, settings, FixedClock(dataset.now), "round-trip")
        assert (report.failures, report.refusals) == ((), ()), source
        assert report.quarantined == 0, source
        write_catalog(settings)
        declared = next(one for one in sources.tables(source) if one.name == table)
        return read_rows(settings, source, declared)

    return landed


def _known(dataset: Dataset, name: str) -> pl.DataFrame:
    """Return the rows of complete days as they are known at the dataset's own instant."""
    layout = TABLES[name]
    over = occurred_by(layout)
    assert over is not None
    return (
        dataset.table(name)
        .with_columns(known=pl.coalesce("known_at", over), over=over)
        .filter(pl.col("known") <= dataset.now, pl.col("over") <= dataset.now)
        .sort("known")
        .unique(layout.key, keep="last", maintain_order=True)
        .filter(~pl.col("is_deleted").fill_null(False))
        .collect()
    )


@pytest.mark.parametrize(
    ("source", "table", "symbol"),
    [
        ("binance", "klines", "symbol"),
        ("coinbase", "candles", "product_id"),
        ("kraken", "ohlc", "pair"),
    ],
)
def test_candles(land: Land, dataset: Dataset, source: str, table: str, symbol: str) -> None:
    rows = land(source, table)
    markets = dataset.table("markets").filter(pl.col("venue") == source).collect()
    quotes = {"binance": ["USDT", "USDC", "BTC"], "coinbase": ["USD"], "kraken": ["USD", "EUR"]}
    asked = markets.filter(pl.col("quote_code").is_in(quotes[source]))
    if source == "kraken":
        asked = asked.filter(pl.col("delisted_day").is_null())
    stored = _known(dataset, "candles").filter(
        pl.col("venue") == source, pl.col("symbol").is_in(asked["symbol"].to_list())
    )
    joined = stored.join(
        rows.select(
            pl.col("open_time"),
            symbol=pl.col(symbol),
            **{
                f"{name}_landed": pl.col(name).cast(pl.Float64)
                for name in ("open", "high", "low", "close", "volume_base")
            },
        ),
        on=["symbol", "open_time"],
        how="full",
        coalesce=True,
    )
    assert len(joined) == len(stored) == len(rows)
    for name in ("open", "high", "low", "close", "volume_base"):
        gap = (joined[name] - joined[f"{name}_landed"]).abs()
        assert gap.max() <= 1e-8 * 1.5, name
        assert gap.null_count() == 0, name


def test_network_metrics(land: Land, dataset: Dataset) -> None:
    rows = land("coinmetrics", "asset_metrics").drop_nulls("value")
    stored = (
        _known(dataset, "network_metrics")
        .drop_nulls("value")
        # the others are the archive's alone
        .filter(pl.col("metric").is_in(METRICS))
    )
    joined = stored.join(
        rows.select(
            "asset", "metric", day=pl.col("time").dt.date(), landed=pl.col("value").cast(float)
        ),
        on=["asset", "metric", "day"],
        how="full",
        coalesce=True,
    )
    assert len(joined) == len(stored) == len(rows)
    assert (joined["value"] / joined["landed"] - 1).abs().max() < 1e-12


def test_stablecoin_balances(land: Land, dataset: Dataset) -> None:
    rows = land("defillama_stablecoins", "balances")
    stored = _known(dataset, "stablecoin_daily")
    joined = stored.join(
        rows.select(
            "stablecoin_id",
            "chain",
            # a label's amounts are those at the end of the day before
            day=pl.col("day_time").dt.date().dt.offset_by("-1d"),
            **{
                f"{name}_landed": pl.col(landed).cast(float)
                for name, landed in (
                    ("circulating", "circulating"),
                    ("minted", "minted"),
                    ("unreleased", "unreleased"),
                    ("bridged", "bridged_to"),
                )
            },
        ),
        on=["stablecoin_id", "chain", "day"],
        how="full",
        coalesce=True,
    )
    assert len(joined) == len(stored) == len(rows)
    for name in ("circulating", "minted", "unreleased", "bridged"):
        gap = (joined[name] - joined[f"{name}_landed"]).abs() / joined[name].clip(lower_bound=1)
        assert gap.max() < 1e-9, name


def test_stablecoin_prices(land: Land, dataset: Dataset) -> None:
    # the running day's is landed, and final at its end
    rows = land("defillama_stablecoins", "prices").filter(
        pl.col("day_time").dt.date() < dataset.now.date()
    )
    stored = _known(dataset, "prices").with_columns(day=pl.col("ts").dt.date())
    joined = stored.join(
        rows.select(coin="gecko_id", day=pl.col("day_time").dt.date(), landed=pl.col("price")),
        on=["coin", "day"],
        how="full",
        coalesce=True,
    )
    assert len(joined) == len(stored) == len(rows)
    assert (joined["price"] - joined["landed"].cast(float)).abs().max() < 1e-12
