"""DefiLlama's stablecoin wire format, statement by statement."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from tests.sandbox.conftest import DAY_S, SMALL, seconds

LIST = "/defillama_stablecoins/stablecoins"
PRICES = "/defillama_stablecoins/stablecoinprices"
Ask = Callable[..., httpx.Response]


def _coin(ask: Ask, coin_id: str = "1") -> dict[str, Any]:
    response = ask(f"/defillama_stablecoins/stablecoin/{coin_id}")
    assert response.status_code == 200
    coin: dict[str, Any] = response.json()
    return coin


def _listed(ask: Ask) -> dict[str, dict[str, Any]]:
    return {coin["id"]: coin for coin in ask(LIST).json()["peggedAssets"]}


def _stored(dataset: Dataset, coin_id: str, chain: str = "__total__") -> dict[int, float]:
    rows = (
        dataset.table("stablecoin_daily")
        .filter(pl.col("stablecoin_id") == coin_id, pl.col("chain") == chain)
        .collect()
        .sort("known_at", nulls_last=False)
        .unique("day", keep="last")
    )
    return {seconds(day): amount for day, amount in rows.select("day", "circulating").iter_rows()}


def test_the_list_has_the_recorded_keys_and_types(ask: Ask, shared_data: Path) -> None:
    recorded = json.loads(
        (shared_data / "defillama_stablecoins_recorded_2024/stablecoins.json").read_text()
    )
    body = ask(LIST).json()
    assert set(recorded) == set(body)
    old = {key: type(value) for key, value in recorded["peggedAssets"][0].items()}
    new = {key: type(value) for key, value in body["peggedAssets"][0].items()}
    assert {**new, "price": old["price"]} == old
    chain = next(iter(recorded["peggedAssets"][0]["chainCirculating"].values()))
    assert set(next(iter(body["peggedAssets"][0]["chainCirculating"].values()))) == set(chain)
    assert {"name", "totalCirculatingUSD"} <= set(body["chains"][0]) & set(recorded["chains"][0])


def test_the_list_is_sorted_by_circulating_dollars(ask: Ask) -> None:
    amounts = [coin["circulating"].get("peggedUSD", 0) for coin in ask(LIST).json()["peggedAssets"]]
    assert amounts == sorted(amounts, reverse=True)


def test_amounts_are_times_the_price_since_december_2025(
    ask: Ask, server: SandboxServer, dataset: Dataset
) -> None:
    stored = _stored(dataset, "3")
    before = datetime(2025, 11, 30, 23, tzinfo=UTC)
    server.set_clock(before)
    assert _listed(ask)["3"]["circulating"]["peggedUSD"] == pytest.approx(
        stored[seconds(before.date() - timedelta(days=1))]
    )
    after = before + timedelta(hours=2)
    server.set_clock(after)
    coin = _listed(ask)["3"]
    assert coin["price"] < 0.05
    assert coin["circulating"]["peggedUSD"] == pytest.approx(
        stored[seconds(before.date())] * coin["price"]
    )
    # the days before are valued at today's price: differences are changes of supply
    assert coin["circulatingPrevDay"]["peggedUSD"] == pytest.approx(
        stored[seconds(before.date() - timedelta(days=1))] * coin["price"]
    )


def test_earlier_amounts_are_an_empty_object_where_there_are_none(
    ask: Ask, server: SandboxServer
) -> None:
    server.set_clock(datetime.combine(SMALL.start, datetime.min.time(), UTC) + timedelta(days=3))
    coin = _listed(ask)["1"]
    assert coin["circulating"]["peggedUSD"] > 0
    assert coin["circulatingPrevMonth"] == {}


def test_a_dead_coin_says_since_when_and_is_in_no_chain_s_total(ask: Ask) -> None:
    body = ask(LIST).json()
    coins = {coin["id"]: coin for coin in body["peggedAssets"]}
    assert coins["3"]["deadFrom"] == "2022-05-09"
    assert "deadFrom" not in coins["1"]
    assert "Terra Classic" not in {chain["name"] for chain in body["chains"]}


def test_one_coin_s_points_are_in_native_units_with_whole_seconds(
    ask: Ask, dataset: Dataset
) -> None:
    coin = _coin(ask, "3")
    points = {point["date"]: point for point in coin["tokens"]}
    assert all(isinstance(date, int) for date in points)
    day = seconds(SMALL.end)
    assert points[day + DAY_S]["circulating"] == {"peggedUSD": _stored(dataset, "3")[day]}, (
        "a label's amount is the one at the end of the day before"
    )
    assert coin["onCoinGecko"] == "true"
    assert coin["gecko_id"] == "terrausd"
    assert coin["currentChainBalances"]["Ethereum"]["peggedUSD"] > 0


def test_zeros_are_0_or_absent_and_bridges_are_nested(ask: Ask) -> None:
    coin = _coin(ask, "1")
    total = coin["tokens"]
    assert {type(point.get("bridgedTo")) for point in total} == {int, type(None)}
    bridged = coin["chainBalances"]["Arbitrum"]["tokens"]
    assert {point.get("minted", "absent") for point in bridged} == {0, "absent"}
    nested = bridged[0]["bridgedTo"]
    assert nested["peggedUSD"] > 0
    assert nested["bridges"]["arbitrum"]["Ethereum"]["amount"] == nested["peggedUSD"]


def test_circulating_is_minted_minus_unreleased(ask: Ask) -> None:
    for point in _coin(ask, "1")["tokens"]:
        assert point["circulating"]["peggedUSD"] == pytest.approx(
            point["minted"]["peggedUSD"] - point["unreleased"]["peggedUSD"]
        )


def test_the_last_point_is_live(ask: Ask, server: SandboxServer) -> None:
    now = datetime.combine(SMALL.end, datetime.min.time(), UTC) + timedelta(hours=15, minutes=40)
    server.set_clock(now)
    tokens = _coin(ask)["tokens"]
    assert tokens[-1]["date"] == int(now.timestamp()) - 40 * 60, "it carries the hour"
    assert tokens[-2]["date"] == seconds(SMALL.end), "the end of the newest complete day"
    assert all(point["date"] % DAY_S == 0 for point in tokens[:-1])


def test_an_unknown_coin_is_a_404_in_html(ask: Ask) -> None:
    response = ask("/defillama_stablecoins/stablecoin/999999")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


def test_prices_are_by_gecko_id_as_numbers_or_text_and_the_last_is_live(
    ask: Ask, dataset: Dataset
) -> None:
    items = ask(PRICES).json()
    assert items[0]["date"] == 0, "the first item has no date"
    days = [item["date"] for item in items[1:]]
    assert days == sorted(days)
    assert all(isinstance(day, int) and day % DAY_S == 0 for day in days)
    assert days[-1] == int(dataset.now.timestamp()) // DAY_S * DAY_S
    kinds = {type(price) for item in items for price in item["prices"].values()}
    assert kinds == {float, str}
    stored = dict(
        dataset.table("prices")
        .filter(pl.col("coin") == "tether")
        .select(pl.col("ts").dt.date(), "price")
        .collect()
        .iter_rows()
    )
    assert float(items[-2]["prices"]["tether"]) == stored[SMALL.end]
    assert float(items[-1]["prices"]["tether"]) == stored[SMALL.end]


def test_a_misspelt_mechanism_comes_when_it_comes(ask: Ask, server: SandboxServer) -> None:
    assert _listed(ask)["10"]["pegMechanism"] == "crytpo-backed"
    server.set_clock(datetime.combine(SMALL.start, datetime.min.time(), UTC) + timedelta(days=9))
    assert _listed(ask)["10"]["pegMechanism"] == "crypto-backed"


def test_a_coin_without_price_or_total_row_is_served_all_the_same(
    tmp_path: Path, dataset: Dataset
) -> None:
    for table in ("assets", "markets", "candles", "stablecoins", "stablecoin_daily"):
        frame = dataset.table(table).collect()
        if table == "stablecoin_daily":
            frame = frame.filter(pl.col("chain") != "__total__")
        frame.write_parquet(tmp_path / f"{table}.parquet")
    (tmp_path / "dataset.json").write_text((dataset.path / "dataset.json").read_text())
    with SandboxServer(load(tmp_path)) as server:
        listed = httpx.get(server.url + LIST, trust_env=False).json()["peggedAssets"]
        coin = httpx.get(f"{server.url}/defillama_stablecoins/stablecoin/1", trust_env=False).json()
        prices = httpx.get(server.url + PRICES, trust_env=False).json()
    assert {one["price"] for one in listed} == {None}
    assert prices == []
    day = seconds(SMALL.end)
    point = next(point for point in coin["tokens"] if point["date"] == day + DAY_S)
    assert point["circulating"]["peggedUSD"] == pytest.approx(_stored(dataset, "1")[day])
    # without a price the list falls back to the peg
    tether = next(one for one in listed if one["id"] == "1")
    assert tether["circulating"]["peggedUSD"] == pytest.approx(_stored(dataset, "1")[day])
