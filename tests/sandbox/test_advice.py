"""`validate` says what comes of a folder, and what in it is left aside."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core.settings import REPO_DIR
from pipelines.sandbox.__main__ import main
from pipelines.sandbox.advice import HAPPEN, NEEDS, advise
from pipelines.sandbox.dataset import TABLES, Dataset, load
from pipelines.sandbox.server.state import State

START = date(2024, 1, 1)


def market(venue: str, symbol: str, base: str, asset_id: str, **columns: Any) -> dict[str, Any]:
    return {
        "venue": venue, "symbol": symbol, "base_code": base, "quote_code": "USDT",
        "base_asset_id": asset_id, "quote_asset_id": "tether", "listed_day": START, **columns,
    }  # fmt: skip


def candles(venue: str, symbol: str, interval: str, hours: int) -> list[dict[str, Any]]:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    return [
        {
            "venue": venue, "symbol": symbol, "interval": interval,
            "open_time": first + timedelta(hours=number * hours),
            "open": 1.0, "high": 2.0, "low": 1.0, "close": 1.5, "volume_base": 1.0,
        }
        for number in range(72 // hours)
    ]  # fmt: skip


@pytest.fixture
def recording(tmp_path: Path) -> Dataset:
    """Hours of one venue, days of another, and of a third that nobody speaks."""
    assets = [("tether", "USDT"), ("bitcoin", "XBTC"), ("my-luna", "LUNA"), ("late", "LATE")]
    tables: dict[str, list[dict[str, Any]]] = {
        "assets": [
            {"asset_id": asset_id, "symbol": symbol, "name": symbol, "asset_class": "coin"}
            for asset_id, symbol in assets
        ],
        "markets": [
            market("binance", "BTCUSDT", "BTC", "bitcoin"),
            market("binance", "LUNAUSDT", "LUNA", "my-luna"),
            market("okx", "LATE-USDT", "LATE", "late", listed_day=date(2024, 1, 3)),
            market("bitfinex", "tBTCUSD", "BTC", "bitcoin"),
        ],
        "candles": [
            *candles("binance", "BTCUSDT", "1h", 1),
            *candles("binance", "LUNAUSDT", "8h", 8),
            *candles("okx", "LATE-USDT", "1d", 24),
            *candles("bitfinex", "tBTCUSD", "1d", 24),
        ],
    }
    for name, rows in tables.items():
        pl.DataFrame(rows).write_parquet(tmp_path / f"{name}.parquet")
    meta = {"layout_version": 1, "name": "recording", "start": "2024-01-01", "end": "2024-01-03"}
    (tmp_path / "dataset.json").write_text(json.dumps(meta))
    return load(tmp_path)


def test_what_is_left_aside_is_said(recording: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(recording.path)]) == 0
    said = capsys.readouterr().out
    for sentence in (
        "venues served: binance, okx",
        "venue bitfinex has no wire format here: its 3 candles are ignored",
        "2 markets of binance have no daily candles: days are added up from 1h, 8h",
        "okx LATE-USDT: 2 candles lie before its listing and are ignored",
        "binance's LUNA is my-luna here and terra-luna, terra-luna-2 in the curated lists",
        "asset bitcoin is XBTC here and BTC in the curated lists",
        "marts that stay empty without network_metrics: network_valuation_daily",
    ):
        assert sentence in said, said
    assert "price_daily" in said.split("marts that it fills: ")[1].splitlines()[0]


def test_what_is_said_to_be_ignored_is(recording: Dataset) -> None:
    series = State(recording).candles("okx", "LATE-USDT", "1d")
    assert series is not None
    assert len(series.versions.keys) == 1


def test_of_a_folder_with_every_table_nothing_stays_empty(dataset: Dataset) -> None:
    assert [line for line in advise(dataset) if "stay empty" in line or "ignored" in line] == []


def test_marts_and_tables_are_those_that_there_are() -> None:
    marts = {path.stem for path in (REPO_DIR / "dbt/models/marts").rglob("*.sql")}
    assert set(NEEDS) | set(HAPPEN) <= marts
    assert {table for tables in NEEDS.values() for table in tables} <= set(TABLES)
