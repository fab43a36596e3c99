"""A folder with hours or minutes alone: each venue is asked for them, and lands what is there."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings, SettingsError, SourceOverrides
from pipelines.core.windows import DAY, FixedClock, Window
from pipelines.extraction.candles import INTERVAL_S
from pipelines.lake import landing
from pipelines.lake.catalog import read_rows, write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.availability import with_available_sources
from pipelines.sandbox.dataset import Dataset, load

FIRST, DAYS = date(2024, 3, 1), 9
NOW = datetime(2024, 3, 10, 6, tzinfo=UTC)
LENGTHS = ("30m", "1h", "4h", "8h", "12h")
# venue, symbol, code, quote, raw table
MARKETS = (
    ("binance", "BTCUSDT", "BTC", "USDT", "klines"),
    ("coinbase", "BTC-USD", "BTC", "USD", "candles"),
    ("kraken", "XBTUSD", "XBT", "USD", "ohlc"),
    ("okx", "BTC-USDT", "BTC", "USDT", "history_candles"),
    ("bybit", "BTCUSDT", "BTC", "USDT", "kline"),
    ("bitstamp", "btcusd", "BTC", "USD", "ohlc"),
    ("gateio", "BTC_USDT", "BTC", "USDT", "candlesticks"),
)


def bars(length: str) -> list[dict[str, Any]]:
    """Return the candles of all days; the last two of the fourth day are missing."""
    step = INTERVAL_S[length]
    each = 86_400 // step
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    return [
        {
            "interval": length,
            "open_time": start + timedelta(seconds=number * step),
            "open": 100.0 + number,
            "high": 103.0 + number,
            "low": 99.0 + number,
            "close": 101.0 + number,
            "volume_base": 1.0 + number,
        }
        for number in range(DAYS * each)
        if number not in (4 * each - 1, 4 * each - 2)
    ]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("hours")
    ids = {"BTC": "bitcoin", "XBT": "bitcoin", "USDT": "tether", "USD": "fiat-usd"}
    pl.DataFrame(
        [
            {"asset_id": asset_id, "symbol": code, "name": code, "asset_class": "coin"}
            for code, asset_id in ids.items()
            if code != "XBT"
        ]
    ).write_parquet(folder / "assets.parquet")
    pl.DataFrame(
        [
            {
                "venue": venue, "symbol": symbol, "base_code": base, "quote_code": quote,
                "base_asset_id": ids[base], "quote_asset_id": ids[quote], "listed_day": FIRST,
            }
            for venue, symbol, base, quote, _ in MARKETS
        ]
    ).write_parquet(folder / "markets.parquet")  # fmt: skip
    pl.DataFrame(
        [
            {"venue": venue, "symbol": symbol, **bar}
            for venue, symbol, *_ in MARKETS
            for length in LENGTHS
            for bar in bars(length)
        ]
    ).write_parquet(folder / "candles.parquet")
    last = FIRST + (DAYS - 1) * DAY
    meta = {"layout_version": 1, "name": "hours", "start": str(FIRST), "end": str(last)}
    (folder / "dataset.json").write_text(json.dumps(meta))
    return load(folder)


@pytest.fixture(scope="module")
def url(recording: Dataset) -> Iterator[str]:
    with SandboxServer(recording) as server:
        yield server.url


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market[0])
def test_a_venue_lands_the_candles_that_the_folder_has(
    market: tuple[str, ...], recording: Dataset, url: str, tmp_path: Path
) -> None:
    venue, symbol, _, _, table = market
    settings = Settings(
        data_dir=tmp_path,
        sandbox_url=url,
        curation_dir=recording.path,
        sources={venue: SourceOverrides(intervals=LENGTHS)},
        _env_file=None,
    )
    report = landing.land(
        venue, Window(FIRST, FIRST + DAYS * DAY), settings, FixedClock(recording.now), "run"
    )
    assert (report.failures, report.refusals, report.quarantined) == ((), (), 0)
    assert report.requests <= report.planned
    write_catalog(settings)
    declared = {one.name: one for one in sources.tables(venue)}
    rows = read_rows(settings, venue, declared[f"{table}_intraday"])
    for length in LENGTHS:
        found = rows.filter(pl.col("series_id") == f"{symbol} {length}").sort("open_time")
        expected = bars(length)
        assert found["open_time"].to_list() == [bar["open_time"] for bar in expected], length
        assert set(found["length_s"]) == {INTERVAL_S[length]}
        for name in ("open", "high", "low", "close", "volume_base"):
            assert found[name].cast(pl.Float64).to_list() == [bar[name] for bar in expected], name
    assert report.rows.get(table, 0) == 0, "there are no days to be had"


def test_of_each_market_the_longest_below_a_day_is_asked_for(recording: Dataset) -> None:
    assert recording.intraday == {venue: ("12h",) for venue, *_ in MARKETS}
    found = with_available_sources(Settings(dataset=recording.path, _env_file=None))
    assert found.overrides("okx").intervals == ("12h",)
    assert not found.overrides("coingecko").enabled
    own = Settings(
        dataset=recording.path,
        sources={"okx": SourceOverrides(intervals=("1h",))},
        _env_file=None,
    )
    found = with_available_sources(own)
    assert found.overrides("okx").intervals == ("1h",), "the user's word counts"


def test_a_live_venue_is_not_asked_for_lengths_that_it_does_not_have(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        profile="live",
        sources={"okx": SourceOverrides(intervals=("8h",))},
        _env_file=None,
    )
    with pytest.raises(SettingsError, match="okx lands no candles of 8h"):
        landing.land("okx", Window.of_day(FIRST), settings, FixedClock(NOW), "run")
