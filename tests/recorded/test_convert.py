"""The recordings as a dataset folder: valid, honest about its sources, and served as it is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from tests.recorded.convert import (
    binance,
    coinbase,
    coinbase_minutes,
    convert,
    curve_export,
    main,
)

DAY_S = 86_400


@pytest.fixture(scope="module")
def recorded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load(convert(shared_data, tmp_path_factory.mktemp("recorded") / "dataset"))


@pytest.fixture(scope="module")
def _server(recorded: Dataset) -> Iterator[SandboxServer]:
    with SandboxServer(recorded) as server:
        yield server


@pytest.fixture
def server(_server: SandboxServer, recorded: Dataset) -> SandboxServer:
    _server.set_clock(recorded.now)
    return _server


def _get(server: SandboxServer, path: str, **params: Any) -> Any:
    response = httpx.get(server.url + path, params=params or None, trust_env=False)
    assert response.status_code == 200, response.text
    return response.json()


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _metric(recorded: Dataset, asset: str, metric: str) -> dict[date, float]:
    rows = (
        recorded.table("network_metrics")
        .filter(pl.col("asset") == asset, pl.col("metric") == metric)
        .collect()
        .sort("known_at", nulls_last=False)
        .unique("day", keep="last", maintain_order=True)
    )
    return dict(rows.select("day", "value").iter_rows())


def test_the_folder_has_the_layout_without_warnings(recorded: Dataset) -> None:
    assert recorded.warnings == ()
    assert (recorded.start, recorded.end) == (date(2014, 12, 1), date(2022, 11, 22))
    assert not recorded.has("truth/price")
    # three have their own formats for the same network metrics
    assert recorded.sources == (
        "binance",
        "bitstamp",
        "blockchain_info",
        "coinbase",
        "coinmetrics",
        "coinmetrics_archive",
        "defillama",
        "defillama_stablecoins",
    )
    candles = recorded.table("candles").collect()
    assert candles["open_time"].max().date() == recorded.end
    assert len(candles) > 20_000


def test_the_mislabelled_file_is_coinbase_s(shared_data: Path) -> None:
    own, copied, ether = (part.frame for part in coinbase(shared_data))
    both = own.join(copied, on="day", suffix="_copied")
    equal = both.filter(pl.col("close") == pl.col("close_copied"))
    assert len(both) == len(equal) > 1_700
    closes = dict(ether.select("day", "close").iter_rows())
    for day in (date(2017, 9, 3), date(2017, 9, 4), date(2018, 4, 5)):
        assert coinbase_minutes(shared_data, "ethusd", day)["close"][-1] == closes[day]


def test_collections_of_one_market_agree_where_they_overlap(shared_data: Path) -> None:
    by_market: dict[str, list[pl.DataFrame]] = {}
    for part in binance(shared_data):
        by_market.setdefault(part.symbol, []).append(part.frame)
    compared = 0
    for frames in by_market.values():
        for number, first in enumerate(frames):
            for second in frames[number + 1 :]:
                both = first.join(second, on="day", suffix="_2")
                compared += len(both)
                close_gap = (both["close"] / both["close_2"] - 1).abs()
                assert (close_gap < 0.002).all()
                assert (both["volume_base"] / both["volume_base_2"] - 1).abs().median() in (
                    None,
                    pytest.approx(0, abs=1e-6),
                )
    assert compared > 2_000


def test_two_venues_price_bitcoin_for_more_than_two_years(recorded: Dataset) -> None:
    days = (
        recorded.table("candles")
        .filter(pl.col("symbol").is_in(["BTC-USD", "BTCUSDT"]))
        .group_by("open_time")
        .agg(pl.col("venue").n_unique())
        .collect()
    )
    assert (days["venue"] == 2).sum() > 850


def test_facts_of_the_catalogue_are_in_the_data(recorded: Dataset) -> None:
    price = _metric(recorded, "btc", "PriceUSD")
    assert price[date(2017, 12, 31)] == pytest.approx(13_921.48, abs=0.005)
    assert price[date(2018, 1, 1)] == pytest.approx(13_464.65, abs=0.005)
    assert price[date(2018, 1, 6)] == pytest.approx(17_103.59, abs=0.005)
    assert _metric(recorded, "btc", "CapMVRVCur")[date(2017, 12, 31)] == pytest.approx(
        2.7873, abs=5e-5
    )
    issued = _metric(recorded, "btc", "IssTotNtv")
    halving = date(2016, 7, 9)
    before = sum(issued[halving - timedelta(days=n)] for n in range(1, 31))
    after = sum(issued[halving + timedelta(days=n)] for n in range(1, 31))
    assert after / before == pytest.approx(0.5, rel=0.2)

    usdt = {
        at.date(): usd
        for at, usd in recorded.table("prices")
        .filter(pl.col("coin") == "tether")
        .select("ts", "price")
        .collect()
        .iter_rows()
    }
    assert usdt[date(2022, 5, 12)] == pytest.approx(1, abs=0.01)
    bitcoin = {
        at.date(): (high * usdt[at.date()], close * usdt[at.date()])
        for at, high, close in recorded.table("candles")
        .filter(pl.col("symbol") == "BTCUSDT", pl.col("open_time").dt.year() >= 2020)
        .select("open_time", "high", "close")
        .collect()
        .iter_rows()
    }
    for day, value, tolerance in (
        (date(2020, 3, 11), 7_939.34, 0.03),
        (date(2020, 3, 12), 4_959.31, 0.03),
        (date(2020, 3, 13), 5_627.69, 0.03),
        (date(2021, 11, 8), 67_567, 0.02),
        (date(2022, 11, 9), 15_881, 0.02),
    ):
        assert bitcoin[day][1] == pytest.approx(value, rel=tolerance), day
    fall = bitcoin[date(2020, 3, 12)][1] / bitcoin[date(2020, 3, 11)][1] - 1
    assert fall == pytest.approx(-0.3753, abs=0.025)
    assert bitcoin[date(2021, 11, 10)][0] == pytest.approx(69_045, rel=0.005)

    supply = {
        (coin, day): amount
        for coin, day, amount in recorded.table("stablecoin_daily")
        .select("stablecoin_id", "day", "circulating")
        .collect()
        .iter_rows()
    }
    assert supply["1", date(2020, 7, 15)] > 9e9
    assert supply["2", date(2021, 3, 1)] < 10e9 < supply["2", date(2021, 3, 31)]


def test_a_redenomination_is_reported_as_an_event(recorded: Dataset) -> None:
    event = recorded.table("token_events").collect().row(0, named=True)
    closes = {
        at.date(): close
        for at, close in recorded.table("candles")
        .filter(pl.col("symbol") == "COCOSUSDT")
        .select("open_time", "close")
        .collect()
        .iter_rows()
    }
    day = event["effective_day"]
    last = max(other for other in closes if other < day)
    assert closes[day] / closes[last] > 1_000
    assert 0.5 < closes[day] * event["ratio"] / closes[last] < 2


def test_what_anchor_held_is_its_tvl(recorded: Dataset) -> None:
    held = recorded.table("protocol_token_daily").group_by("day").agg(value=pl.col("value").sum())
    anchor = recorded.table("protocol_daily").filter(pl.col("protocol") == "anchor")
    both = anchor.join(held, on="day", how="left").collect()
    assert (both["day"].min(), both["day"].max()) == (date(2021, 5, 2), date(2022, 1, 27))
    reported = both.drop_nulls("value")
    assert len(reported) > 265
    assert ((reported["value"] / reported["tvl"] - 1).abs() < 2e-5).all()


def test_curve_s_chains_are_not_always_its_total(recorded: Dataset, shared_data: Path) -> None:
    """A source's own total is no stand-in for its chains: it knew more of them, or fewer."""
    total = curve_export(shared_data).filter(pl.col("chain") == "Total")
    summed = (
        recorded.table("protocol_daily")
        .filter(pl.col("protocol") == "curve")
        .group_by("day")
        .agg(pl.col("tvl").sum())
        .collect()
    )
    both = total.join(summed, on="day", suffix="_summed")
    apart = both.filter((pl.col("tvl_summed") / pl.col("tvl") - 1).abs() > 1e-9)
    assert (len(both), len(apart)) == (914, 419)
    assert apart["day"].max() == date(2022, 7, 15)


def test_the_sandbox_serves_every_source_from_it(server: SandboxServer) -> None:
    day = date(2020, 3, 12)
    row = _get(
        server,
        "/binance/api/v3/klines",
        symbol="BTCUSDT",
        interval="1d",
        startTime=_seconds(day) * 1000,
        limit=1,
    )[0]
    assert (row[1], row[4]) == ("7934.58000000", "4800.00000000")
    day = date(2017, 12, 31)
    (candle,) = _get(
        server,
        "/coinbase/products/BTC-USD/candles",
        granularity=DAY_S,
        start=day.isoformat(),
        end=day.isoformat(),
    )
    assert candle[4] == 13_863.13
    assert _get(server, "/kraken/0/public/AssetPairs")["result"] == {}, "nothing was recorded"
    metrics = _get(
        server,
        "/coinmetrics/v4/timeseries/asset-metrics",
        assets="btc",
        metrics="CapMVRVCur,PriceUSD",
        start_time=day.isoformat(),
        end_time=day.isoformat(),
    )["data"]
    assert metrics == [
        {
            "asset": "btc",
            "time": "2017-12-31T00:00:00.000000000Z",
            "CapMVRVCur": "2.78726716",
            "PriceUSD": "13921.4806414378",
        }
    ]
    listed = _get(server, "/defillama_stablecoins/stablecoins")["peggedAssets"]
    assert {coin["gecko_id"] for coin in listed} >= {"tether", "usd-coin", "terrausd"}
    tokens = _get(server, "/defillama_stablecoins/stablecoin/2")["tokens"]
    assert len(tokens) > 1_000
    prices = _get(server, "/defillama_stablecoins/stablecoinprices")
    assert float(prices[-2]["prices"]["tether"]) == pytest.approx(1, abs=0.01)


def test_real_restatements_are_replayed(server: SandboxServer) -> None:
    def value(metric: str, day: date, now: datetime) -> Any:
        server.set_clock(now)
        rows = _get(
            server,
            "/coinmetrics/v4/timeseries/asset-metrics",
            assets="btc",
            metrics=f"PriceUSD,{metric}",
            start_time=day.isoformat(),
            end_time=day.isoformat(),
        )["data"]
        return rows[0][metric]

    before = datetime(2019, 11, 2, 18, tzinfo=UTC)
    after = datetime(2020, 1, 4, 18, tzinfo=UTC)
    partial = date(2019, 11, 1)
    assert value("PriceUSD", partial, before) == value("PriceUSD", partial, after)
    assert (value("AdrActCnt", partial, before), value("AdrActCnt", partial, after))[0] is None
    assert value("AdrActCnt", partial, after) is not None
    restated = date(2019, 10, 31)
    first, second = (value("TxTfrValAdjUSD", restated, now) for now in (before, after))
    assert first != second
    assert float(first) == pytest.approx(float(second), rel=0.01)


def test_a_window_can_be_chosen_and_a_missing_folder_is_said(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--shared", str(shared_data), "--start", "2017-11-01", "--end", "2018-02-28"]
    assert main([str(tmp_path / "out"), *chosen]) == 0
    dataset = load(tmp_path / "out")
    assert (dataset.start, dataset.end) == (date(2017, 11, 1), date(2018, 2, 28))
    assert set(dataset.table("markets").collect()["venue"]) == {"binance", "bitstamp", "coinbase"}
    assert main([str(tmp_path / "none"), "--shared", str(tmp_path / "nowhere")]) == 1
    assert "there are no recordings" in capsys.readouterr().err
