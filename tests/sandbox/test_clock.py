"""What is known when: the open candle, late rows, restated rows, deleted rows, new listings."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from pipelines.sandbox import SandboxError, SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sandbox.server.state import Candle, Versions, so_far
from tests.sandbox.conftest import DAY_S, SMALL, seconds

Ask = Callable[..., httpx.Response]


def _at(day: date, hour: float = 0) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def _scenario(dataset: Dataset, id_: str, entity: str) -> date:
    return next(s.from_ for s in dataset.scenarios if (s.id, s.entity) == (id_, entity))


def _kline(ask: Ask, symbol: str, day: date) -> list[Any] | None:
    start = seconds(day) * 1000
    rows = ask(
        "/binance/api/v3/klines", symbol=symbol, interval="1d", startTime=start, endTime=start
    ).json()
    return rows[0] if rows else None


def _metric(ask: Ask, asset: str, metric: str, day: date) -> Any:
    rows = ask(
        "/coinmetrics/v4/timeseries/asset-metrics",
        assets=asset,
        metrics=metric,
        start_time=day.isoformat(),
        end_time=day.isoformat(),
    ).json()["data"]
    return rows[0].get(metric) if rows else "no row"


def _supply(ask: Ask, coin: str, chain: str, day: date) -> Any:
    body = ask(f"/defillama_stablecoins/stablecoin/{coin}").json()
    tokens = body["tokens"] if chain == "__total__" else body["chainBalances"][chain]["tokens"]
    # a label's amount is the one at the end of the day before
    found = [point for point in tokens if point["date"] == seconds(day) + DAY_S]
    return found[0]["circulating"]["peggedUSD"] if found else None


def test_the_clock_can_be_read_and_set(server: SandboxServer) -> None:
    moment = _at(SMALL.start, 30.5)
    server.set_clock(moment)
    assert server.clock() == moment
    with pytest.raises(SandboxError, match="needs a time zone"):
        server.set_clock(moment.replace(tzinfo=None))
    assert server.clock() == moment


def test_an_open_candle_grows_and_is_final_at_its_end(ask: Ask, server: SandboxServer) -> None:
    day = SMALL.start + timedelta(days=40)
    seen = []
    for hour in (0, 5, 12, 23.9):
        server.set_clock(_at(day, hour))
        seen.append(_kline(ask, "BTCUSDT", day))
    server.set_clock(_at(day, 24))
    final = _kline(ask, "BTCUSDT", day)
    assert final is not None
    volumes = [float(row[5]) for row in seen]
    assert volumes == sorted(volumes)
    assert volumes[0] == 0 < volumes[1] < volumes[-1] < float(final[5])
    for row in seen:
        opened, high, low, close = (float(cell) for cell in row[1:5])
        assert opened == float(final[1])
        assert float(final[3]) <= low <= min(opened, close)
        assert max(opened, close) <= high <= float(final[2])
    server.set_clock(_at(day, 60))
    assert _kline(ask, "BTCUSDT", day) == final


def test_every_venue_has_the_same_open_day(ask: Ask, server: SandboxServer) -> None:
    day = SMALL.start + timedelta(days=40)
    server.set_clock(_at(day, 6))
    kraken = ask("/kraken/0/public/OHLC", pair="XBTUSD", interval=1440).json()["result"]
    assert kraken["XXBTZUSD"][-1][0] == seconds(day)
    coinbase = ask("/coinbase/products/BTC-USD/candles", granularity=DAY_S).json()
    assert coinbase[0][0] == seconds(day)
    assert coinbase[1][0] == seconds(day) - DAY_S


def test_nothing_after_the_clock_is_served(ask: Ask, server: SandboxServer) -> None:
    day = SMALL.start + timedelta(days=20)
    server.set_clock(_at(day, 6))
    assert _kline(ask, "BTCUSDT", day + timedelta(days=1)) is None
    assert _metric(ask, "btc", "PriceUSD", day) == "no row"
    assert _metric(ask, "btc", "PriceUSD", day - timedelta(days=1)) != "no row"
    assert _supply(ask, "1", "__total__", day - timedelta(days=1)) is not None
    prices = ask("/defillama_stablecoins/stablecoinprices").json()
    assert prices[-1]["date"] == seconds(day)
    catalog = ask("/coinmetrics/v4/catalog-v2/asset-metrics", assets="btc").json()["data"][0]
    newest = catalog["metrics"][0]["frequencies"][0]["max_time"]
    assert newest.startswith((day - timedelta(days=1)).isoformat())


def test_before_the_first_day_there_is_nothing(ask: Ask, server: SandboxServer) -> None:
    server.set_clock(_at(SMALL.start - timedelta(days=1)))
    assert ask("/binance/api/v3/exchangeInfo").json()["symbols"] == []
    assert ask("/coinbase/products").json() == []
    assert ask("/kraken/0/public/AssetPairs").json()["result"] == {}
    assert ask("/coinmetrics/v4/catalog-v2/asset-metrics").json() == {"data": []}
    assert ask("/defillama_stablecoins/stablecoinprices").json() == []
    assert ask("/defillama_stablecoins/stablecoin/1").json()["tokens"] == []


def test_a_restated_candle_has_two_versions(
    ask: Ask, server: SandboxServer, dataset: Dataset
) -> None:
    day = _scenario(dataset, "F-7", "binance:SOLUSDT")
    server.set_clock(_at(day + timedelta(days=1), 6))
    first = _kline(ask, "SOLUSDT", day)
    server.set_clock(_at(day + timedelta(days=10), 11.9))
    assert _kline(ask, "SOLUSDT", day) == first
    server.set_clock(_at(day + timedelta(days=10), 12))
    second = _kline(ask, "SOLUSDT", day)
    assert first is not None
    assert second is not None
    assert float(first[4]) / float(second[4]) == pytest.approx(1.008, abs=1e-4)


def test_a_restated_metric_and_supply_have_two_versions(
    ask: Ask, server: SandboxServer, dataset: Dataset
) -> None:
    day = _scenario(dataset, "F-7", "eth")
    server.set_clock(_at(day + timedelta(days=5)))
    before = (_metric(ask, "eth", "SplyCur", day), _supply(ask, "2", "Ethereum", day))
    server.set_clock(dataset.now)
    after = (_metric(ask, "eth", "SplyCur", day), _supply(ask, "2", "Ethereum", day))
    assert float(before[0]) / float(after[0]) == pytest.approx(0.97)
    assert before[1] / after[1] == pytest.approx(0.985)


def test_deleted_rows_vanish(ask: Ask, server: SandboxServer, dataset: Dataset) -> None:
    day = _scenario(dataset, "F-7", "coinbase:SOL-USD")

    def there() -> tuple[bool, bool, bool]:
        moment = _at(day).isoformat()
        rows = ask(
            "/coinbase/products/SOL-USD/candles", granularity=DAY_S, start=moment, end=moment
        ).json()
        metric = _metric(ask, "btc", "TxTfrCnt", day)
        return bool(rows), metric not in (None, "no row"), bool(_supply(ask, "7", "BSC", day))

    server.set_clock(_at(day + timedelta(days=9), 11))
    assert there() == (True, True, True)
    server.set_clock(_at(day + timedelta(days=9), 13))
    assert there() == (False, False, False)


def test_late_rows_come_late(ask: Ask, server: SandboxServer, dataset: Dataset) -> None:
    day = _scenario(dataset, "F-8", "binance:ETHUSDT")
    server.set_clock(_at(day, 12))
    assert _kline(ask, "ETHUSDT", day) is None, "nor was its open candle to be had"
    server.set_clock(_at(day + timedelta(days=3), 11))
    assert _kline(ask, "ETHUSDT", day) is None
    assert _kline(ask, "ETHUSDT", day + timedelta(days=1)) is not None
    server.set_clock(_at(day + timedelta(days=3), 12))
    assert _kline(ask, "ETHUSDT", day) is not None


def test_markets_come_and_go(ask: Ask, server: SandboxServer, dataset: Dataset) -> None:
    markets = dataset.table("markets").collect()
    young = markets.filter(pl.col("symbol") == "SBXYCUSDT")["listed_day"].item()
    gone = markets.filter(pl.col("symbol") == "SBXHALT-USD")["delisted_day"].item()

    def pairs() -> set[str]:
        listed = ask("/binance/api/v3/exchangeInfo").json()["symbols"]
        return {pair["symbol"] for pair in listed}

    def halted() -> tuple[str, bool]:
        products = {p["id"]: p for p in ask("/coinbase/products").json()}
        kraken = ask("/kraken/0/public/AssetPairs").json()["result"]
        return products["SBXHALT-USD"]["status"], "SBXHALTUSD" in kraken

    server.set_clock(_at(young) - timedelta(seconds=1))
    assert "SBXYCUSDT" not in pairs()
    server.set_clock(_at(young))
    assert "SBXYCUSDT" in pairs()
    server.set_clock(_at(gone, 23))
    assert halted() == ("online", True)
    server.set_clock(_at(gone, 24))
    assert halted() == ("delisted", False)


def test_a_replay_day_by_day_sees_each_day_once_final(ask: Ask, server: SandboxServer) -> None:
    """What each day's run would land is, with the versions that follow, what the end shows."""
    landed: dict[int, list[Any]] = {}
    for number in range(1, SMALL.day_count + 1):
        day = SMALL.start + timedelta(days=number)
        server.set_clock(_at(day, 6))
        rows = ask(
            "/binance/api/v3/klines",
            symbol="SOLUSDT",
            interval="1d",
            startTime=(seconds(day) - 12 * DAY_S) * 1000,
        ).json()
        landed |= {row[0]: row for row in rows if row[6] < _at(day, 6).timestamp() * 1000}
    final = ask("/binance/api/v3/klines", symbol="SOLUSDT", interval="1d", startTime=0).json()
    assert list(landed.values()) == final[:-1]


def test_versions_choose_the_newest_known_row_of_each_key() -> None:
    keys = np.array([1, 1, 1, 2, 3, 3])
    known = np.array([10, 20, 30, 15, 12, 25])
    deleted = np.array([False, False, True, False, False, False])
    versions = Versions(keys, known, deleted)
    assert versions.at(5).tolist() == []
    assert versions.at(10).tolist() == [0]
    assert versions.at(20).tolist() == [1, 3, 4]
    assert versions.at(30).tolist() == [3, 5], "key 1 was deleted, key 3 restated"


@pytest.mark.parametrize("close", [90.0, 110.0, 100.0])
def test_a_candle_so_far_stays_inside_the_whole_one(close: float) -> None:
    whole = Candle(0, 100.0, 120.0, 80.0, close, 50.0, 5_000.0, 40)
    volume = -1.0
    for part in np.linspace(0, 0.999, 37):
        sofar = so_far(whole, float(part), 2)
        assert sofar.open == whole.open
        assert whole.low <= sofar.low <= min(sofar.open, sofar.close)
        assert max(sofar.open, sofar.close) <= sofar.high <= whole.high
        assert volume < sofar.volume_base < whole.volume_base
        if sofar.volume_base:
            assert sofar.low <= sofar.volume_quote / sofar.volume_base <= sofar.high
        volume = sofar.volume_base
