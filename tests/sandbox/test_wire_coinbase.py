"""Coinbase Exchange's wire format, statement by statement."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from tests.sandbox.conftest import DAY_S, SMALL, seconds

Ask = Callable[..., httpx.Response]
Candles = Callable[[str, str], pl.DataFrame]
FIRST = datetime.combine(SMALL.start, datetime.min.time())


def _path(product: str = "BTC-USD") -> str:
    return f"/coinbase/products/{product}/candles"


def _rows(ask: Ask, first: datetime, last: datetime, product: str = "BTC-USD") -> list[list[float]]:
    response = ask(
        _path(product), granularity=DAY_S, start=f"{first.isoformat()}Z", end=f"{last.isoformat()}Z"
    )
    assert response.status_code == 200, response.text
    rows: list[list[float]] = response.json()
    return rows


def test_a_row_has_low_and_high_before_open_and_close(ask: Ask, candles: Candles) -> None:
    stored = candles("coinbase", "BTC-USD").row(0, named=True)
    (row,) = _rows(ask, FIRST, FIRST)
    assert row == [
        seconds(SMALL.start),
        *(stored[name] for name in ("low", "high", "open", "close", "volume_base")),
    ]
    assert isinstance(row[0], int)
    assert all(isinstance(cell, float) for cell in row[1:])


def test_rows_are_newest_first_and_both_ends_are_inclusive(ask: Ask) -> None:
    rows = _rows(ask, FIRST, FIRST + timedelta(days=4))
    start = seconds(SMALL.start)
    assert [row[0] for row in rows] == [start + number * DAY_S for number in (4, 3, 2, 1, 0)]


def test_300_steps_are_the_most(ask: Ask) -> None:
    end = FIRST + timedelta(days=300)
    assert _rows(ask, FIRST, end)
    response = ask(
        _path(),
        granularity=DAY_S,
        start=f"{FIRST.isoformat()}Z",
        end=f"{(end + timedelta(days=1)).isoformat()}Z",
    )
    assert response.status_code == 400
    assert response.json() == {
        "message": "granularity too small for the requested time range. "
        "Count of aggregations requested exceeds 300"
    }


def test_other_granularities_are_refused(ask: Ask) -> None:
    response = ask(_path(), granularity=7200)
    assert (response.status_code, response.json()) == (400, {"message": "Unsupported granularity"})


def test_one_bound_alone_is_ignored_and_the_newest_come(ask: Ask) -> None:
    free = ask(_path(), granularity=DAY_S).json()
    assert ask(_path(), granularity=DAY_S, start=f"{FIRST.isoformat()}Z").json() == free
    assert ask(_path(), granularity=DAY_S, end=f"{FIRST.isoformat()}Z").json() == free
    assert free[0][0] == seconds(SMALL.end) + DAY_S, "the running bucket is included"


def test_unix_seconds_and_offsets_are_tolerated(ask: Ask) -> None:
    start = seconds(SMALL.start)
    plain = _rows(ask, FIRST, FIRST)
    assert ask(_path(), granularity=DAY_S, start=start, end=start).json() == plain
    shifted = (FIRST + timedelta(hours=2)).isoformat() + "+02:00"
    assert ask(_path(), granularity=DAY_S, start=shifted, end=shifted).json() == plain


def test_buckets_without_trades_are_left_out(tmp_path: Path, dataset: Dataset) -> None:
    for table in ("assets", "markets", "candles"):
        frame = dataset.table(table).collect()
        if table == "candles":
            silent = (pl.col("symbol") == "ETH-USD") & (pl.col("open_time").dt.day() == 20)
            frame = frame.with_columns(
                volume_base=pl.when(silent).then(0.0).otherwise("volume_base")
            )
        frame.write_parquet(tmp_path / f"{table}.parquet")
    (tmp_path / "dataset.json").write_text((dataset.path / "dataset.json").read_text())
    with SandboxServer(load(tmp_path)) as other:
        rows = httpx.get(
            f"{other.url}/coinbase/products/ETH-USD/candles",
            params={"granularity": DAY_S, "start": FIRST.isoformat(), "end": "2025-09-30"},
            trust_env=False,
        ).json()
    days = [(row[0] - seconds(SMALL.start)) // DAY_S for row in reversed(rows)]
    assert days == [number for number in range(16) if number != 5]


def test_before_the_listing_there_is_an_empty_page(ask: Ask) -> None:
    assert _rows(ask, FIRST, FIRST + timedelta(days=9), "SBXYA-USD") == []


def test_an_unknown_product_is_not_found(ask: Ask) -> None:
    response = ask(_path("NOPE-USD"), granularity=DAY_S)
    assert (response.status_code, response.json()) == (404, {"message": "NotFound"})
    assert ask("/coinbase/products/NOPE-USD").status_code == 404


def test_products_have_their_keys_and_states(ask: Ask) -> None:
    products = {product["id"]: product for product in ask("/coinbase/products").json()}
    bitcoin = products["BTC-USD"]
    assert (bitcoin["base_currency"], bitcoin["quote_currency"]) == ("BTC", "USD")
    assert (bitcoin["status"], bitcoin["trading_disabled"]) == ("online", False)
    assert isinstance(bitcoin["quote_increment"], str)
    assert products["USDT-USD"]["fx_stablecoin"] is True
    assert bitcoin["fx_stablecoin"] is False
    delisted = products["SBXHALT-USD"]
    assert (delisted["status"], delisted["trading_disabled"]) == ("delisted", True)
    assert ask("/coinbase/products/BTC-USD").json() == bitcoin


def test_an_auction_book_shares_the_currencies_of_another_product(ask: Ask) -> None:
    products = ask("/coinbase/products").json()
    same = [
        p["id"] for p in products if (p["base_currency"], p["quote_currency"]) == ("BTC", "USD")
    ]
    assert sorted(same) == ["BTC-USD", "BTCAUCTION-USD"]


def test_a_product_has_the_keys_of_the_recording(ask: Ask, shared_data: Path) -> None:
    line = (shared_data / "exchange_metadata_cryptofeed/COINBASE.0.txt").read_text().splitlines()[0]
    recorded = json.loads(line[line.index("[") :])[0]
    # sizes were dropped from the answer since
    gone = {"base_min_size", "base_max_size", "max_market_funds"}
    served = ask("/coinbase/products").json()[0]
    kept = set(recorded) - gone
    assert kept <= set(served)
    assert {key: type(served[key]) for key in kept} == {key: type(recorded[key]) for key in kept}


@pytest.mark.parametrize("bad", ["yesterday", "2025-13-01"])
def test_a_bound_that_is_no_time_is_refused(ask: Ask, bad: str) -> None:
    response = ask(_path(), granularity=DAY_S, start=bad, end=bad)
    assert response.status_code == 400
    assert "message" in response.json()
