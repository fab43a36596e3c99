"""Wire formats of CoinGecko, DefiLlama, Ethereum nodes and reference rates."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources.ethereum.settings import TRANSFER, ZERO_TOPIC
from tests.sandbox.conftest import DAY_S, seconds

Ask = Callable[..., httpx.Response]
RECORDED = "http_recorded_gamestonk"


def now_s(dataset: Dataset) -> int:
    return int(dataset.now.timestamp())


def label(dataset: Dataset, back: int = 0) -> int:
    """Return the midnight that ends the dataset's last day, or an earlier one."""
    return seconds(dataset.end) + DAY_S - back * DAY_S


# --- CoinGecko (2.2, 2.3) -------------------------------------------------------------------------


def test_markets_have_the_recorded_keys(ask: Ask, shared_data: Path) -> None:
    (path,) = (shared_data / RECORDED).glob(
        "*coins_markets_order_market_cap_desc_per_page_250*048*"
    )
    recorded = json.loads(path.read_text())[0]
    row = ask("/coingecko/coins/markets", vs_currency="usd").json()[0]
    optional = {key for key in recorded if key.endswith("_in_currency")}
    assert set(row) == set(recorded) - optional
    assert row["symbol"] == row["symbol"].lower()


def test_markets_are_paged_and_end_with_a_short_page(ask: Ask) -> None:
    whole = ask("/coingecko/coins/markets", vs_currency="usd").json()
    pages = [
        ask("/coingecko/coins/markets", vs_currency="usd", per_page=4, page=number).json()
        for number in (1, 2, 99)
    ]
    assert pages == [whole[:4], whole[4:8], []]
    some = ask("/coingecko/coins/markets", vs_currency="usd", ids="bitcoin,nobody").json()
    assert [row["id"] for row in some] == ["bitcoin"], "an unknown id is missing without a word"
    assert ask("/coingecko/coins/markets").status_code == 422


def test_a_chart_is_daily_beyond_ninety_days_and_hourly_below(ask: Ask, dataset: Dataset) -> None:
    path, end = "/coingecko/coins/bitcoin/market_chart/range", now_s(dataset)

    def asked(days: int) -> list[list[float]]:
        params = {"vs_currency": "usd", "from": end - days * DAY_S, "to": end}
        points: list[list[float]] = ask(path, **params).json()["prices"]
        return points

    daily, hourly = asked(100), asked(20)
    assert all(at % (DAY_S * 1000) == 0 for at, _ in daily[:-1])
    assert daily[-1][0] > end * 1000, "the last point is live, off by some milliseconds"
    steps = [later[0] - earlier[0] for earlier, later in pairwise(hourly)]
    assert all(abs(step - 3_600_000) < 120_000 for step in steps[:-1])


def test_charts_reach_back_a_year(ask: Ask, dataset: Dataset) -> None:
    params = {"vs_currency": "usd", "from": now_s(dataset) - 366 * DAY_S, "to": now_s(dataset)}
    answer = ask("/coingecko/coins/bitcoin/market_chart/range", **params)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"]["error_code"] == 10012
    params["from"] = now_s(dataset) - 100 * DAY_S
    unknown = ask("/coingecko/coins/nobody/market_chart/range", **params)
    assert (unknown.status_code, unknown.json()) == (404, {"error": "coin not found"})


# --- DefiLlama (4.1 to 4.7) -----------------------------------------------------------------------


def test_protocols_mix_chains_with_pseudo_keys(ask: Ask) -> None:
    listed = {row["slug"]: row for row in ask("/defillama/protocols").json()}
    aave = listed["aave-v3"]
    assert {"borrowed", "Ethereum-borrowed"} <= set(aave["chainTvls"])
    assert aave["tvl"] == pytest.approx(sum(aave["chainTvls"][name] for name in aave["chains"]))
    assert aave["parentProtocol"] == "parent#aave"
    assert listed["base"]["tvl"] is None
    assert listed["project-x"]["symbol"] == "-"


def test_the_last_point_of_tvl_is_live(ask: Ask, dataset: Dataset) -> None:
    for slug in ("aave-v3", "uniswap"):
        body = ask(f"/defillama/protocol/{slug}").json()
        for series in (body["tvl"], body["chainTvls"]["Ethereum"]["tvl"]):
            dates = [point["date"] for point in series]
            assert dates[-1] % DAY_S != 0
            assert dates[-2] == label(dataset), "the first record of today: how yesterday ended"
            assert all(date % DAY_S == 0 for date in dates[:-1])
    assert ask("/defillama/protocol/uniswap").json()["id"] == "parent#uniswap"


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/protocol/nobody", 400, "Protocol not found"),
        ("/v2/historicalChainTvl/Nowhere", 400, "There is no chain with that name"),
        ("/overview/fees?dataType=nothing", 500, "Internal server error"),
        (
            "/summary/fees/nobody?dataType=dailyFees",
            400,
            "Fees for nobody not found, please visit /overview/fees to see available protocols",
        ),
        (
            "/summary/dexs/letsbonk.fun?dataType=dailyVolume",
            400,
            (
                "Dexs for letsbonk.fun not found, "
                "please visit /overview/dexs to see available protocols"
            ),
        ),
    ],
)
def test_errors_are_plain_text(ask: Ask, path: str, status: int, body: str) -> None:
    answer = ask(f"/defillama{path}")
    assert (answer.status_code, answer.text) == (status, body)
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_newest_point_of_a_chain_is_live_under_a_midnight(ask: Ask, dataset: Dataset) -> None:
    points = ask("/defillama/v2/historicalChainTvl/Base").json()
    assert points[-1]["date"] == label(dataset)
    rows = dataset.table("chains_daily").collect().filter(chain="Base", day=dataset.end)
    assert points[-1]["tvl"] != rows["tvl"][0]
    assert points[-1]["tvl"] == pytest.approx(rows["tvl"][0], rel=0.01)


def test_an_overview_carries_the_last_day_forward(ask: Ask, dataset: Dataset) -> None:
    body = ask("/defillama/overview/fees", dataType="dailyFees").json()
    chart = body["totalDataChart"]
    assert chart[-1] == [label(dataset), chart[-2][1]]
    assert body["totalDataChartBreakdown"][-1][0] == label(dataset)
    short = ask(
        "/defillama/overview/fees", dataType="dailyFees", excludeTotalDataChartBreakdown="true"
    ).json()
    assert short["totalDataChartBreakdown"] == []
    entries = {entry["slug"]: entry for entry in body["protocols"]}
    assert entries["base"]["protocolType"] == "chain"
    assert entries["convex-finance"]["doublecounted"] is True
    assert "doublecounted" not in entries["aave-v3"], "what is false is left out"
    day = dict(map(tuple, body["totalDataChartBreakdown"]))[label(dataset, 2)]
    assert not {"Base", "Convex Finance"} & set(day)
    assert sum(day.values()) == pytest.approx(dict(map(tuple, chart))[label(dataset, 2)])


def test_a_summary_has_versions_by_chain(ask: Ask, dataset: Dataset) -> None:
    body = ask("/defillama/summary/dexs/uniswap", dataType="dailyVolume").json()
    chart = dict(map(tuple, body["totalDataChart"]))
    parts = dict(map(tuple, body["totalDataChartBreakdown"]))
    day = label(dataset, 1)
    assert set(parts[day]["Ethereum"]) == {"Uniswap V2", "Uniswap V3"}
    whole = sum(amount for versions in parts[day].values() for amount in versions.values())
    assert whole == pytest.approx(chart[day], abs=1)
    assert parts[label(dataset)] is None, "the running day has no parts yet"


def test_prices_are_near_the_instants_asked_for_and_bounded(ask: Ask, dataset: Dataset) -> None:
    path = "/defillama_coins/chart/coingecko:bitcoin,coingecko:nobody"
    start = label(dataset, 3)
    body = ask(path, start=start, span=4, period="1d", searchWidth="4h").json()
    assert set(body["coins"]) == {"coingecko:bitcoin"}, "an unknown coin is silently missing"
    points = body["coins"]["coingecko:bitcoin"]["prices"]
    assert len(points) == 4
    assert all(abs(one["timestamp"] - start - DAY_S * n) < 600 for n, one in enumerate(points))
    refused = ask(path, start=start, span=251)
    assert refused.status_code == 400
    assert "exceeds the maximum of 500" in refused.json()["message"]
    assert ask(path, start=start, end=start).status_code == 400


def test_yields_are_a_row_a_day_under_its_last_record(ask: Ask, dataset: Dataset) -> None:
    pools = ask("/defillama_yields/pools").json()
    assert pools["status"] == "success"
    pool = pools["data"][0]["pool"]
    points = ask(f"/defillama_yields/chart/{pool}").json()["data"]
    days = [point["timestamp"][:10] for point in points]
    assert len(set(days)) == len(days)
    assert days[-1] == dataset.now.date().isoformat(), "the last one is of the running day"
    assert points[-2]["timestamp"][11:13] == "23"
    unknown = ask("/defillama_yields/chart/6ba7b811-9dad-11d1-80b4-00c04fd430c8").json()
    assert unknown == {"status": "success", "data": []}
    invalid = ask("/defillama_yields/chart/x")
    assert (invalid.status_code, invalid.json()) == (400, "invalid configID!")


def test_stablecoin_charts_are_rounded_but_for_the_last(ask: Ask, dataset: Dataset) -> None:
    for chain in ("all", "Ethereum"):
        items = ask(f"/defillama_stablecoins/stablecoincharts/{chain}").json()
        assert isinstance(items[0]["date"], str)
        assert int(items[-1]["date"]) == label(dataset)
        amounts = items[-2]["totalCirculating"]["peggedUSD"]
        assert isinstance(amounts, int)
        assert items[-1]["totalUnreleased"]["peggedUSD"] == 0, "the last keeps all its keys"
        assert "totalUnreleased" not in items[-2]
    assert "totalMintedUSD" not in ask("/defillama_stablecoins/stablecoincharts/all").json()[-2]
    assert ask("/defillama_stablecoins/stablecoincharts/Nowhere").json() == []
    chains = ask("/defillama_stablecoins/stablecoinchains").json()
    assert {"name", "totalCirculatingUSD"} <= set(chains[0])


# --- Ethereum (3.3) -------------------------------------------------------------------------------


@pytest.fixture
def rpc(server: SandboxServer) -> Callable[..., Any]:
    def asked(method: str, *params: Any) -> Any:
        call = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        answer = httpx.post(f"{server.url}/ethereum/", json=call, trust_env=False)
        assert answer.status_code == 200, "errors come with 200 too"
        body = answer.json()
        assert body["id"] == 7
        return body.get("result", body.get("error"))

    return asked


def test_blocks_are_hexadecimal_and_final_after_a_while(
    rpc: Callable[..., Any], dataset: Dataset
) -> None:
    head, final = rpc("eth_blockNumber"), rpc("eth_getBlockByNumber", "finalized", False)
    assert int(head, 16) > int(final["number"], 16)
    assert now_s(dataset) - int(final["timestamp"], 16) == pytest.approx(16 * 60, abs=60)
    beyond = hex(int(head, 16) + 1)
    assert rpc("eth_getBlockByNumber", beyond, False) is None
    assert rpc("eth_getBlockByNumber", "0x01", False)["code"] == -32602, "no leading zeros"


def test_state_is_kept_for_a_hundred_blocks(rpc: Callable[..., Any], dataset: Dataset) -> None:
    token = dataset.table("tokens").collect()["address"][0]
    call = {"to": token, "data": "0x18160ddd"}
    final = rpc("eth_getBlockByNumber", "finalized", False)["number"]
    assert int(rpc("eth_call", call, final), 16) > 0
    assert "missing trie node" in rpc("eth_call", call, hex(int(final, 16) - 200))["message"]
    assert rpc("eth_call", {**call, "to": "0x" + "12" * 20}, final) == "0x", "no code there"
    assert rpc("eth_call", {**call, "data": "0xdeadbeef"}, final)["code"] == 3


def test_logs_are_limited_by_range(rpc: Callable[..., Any]) -> None:
    last = int(rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
    asked = {"fromBlock": hex(last - 5_000), "toBlock": hex(last), "topics": [TRANSFER]}
    assert rpc("eth_getLogs", asked)["message"] == "exceed maximum block range: 5000"
    asked["toBlock"] = "0xffffffff"
    assert "beyond current head" in rpc("eth_getLogs", asked)["message"]
    asked = {"fromBlock": hex(last - 4_999), "toBlock": hex(last)}
    minted = rpc("eth_getLogs", {**asked, "topics": [TRANSFER, ZERO_TOPIC]})
    burned = rpc("eth_getLogs", {**asked, "topics": [TRANSFER, None, ZERO_TOPIC]})
    assert all(entry["topics"][1] == ZERO_TOPIC for entry in minted)
    assert all(entry["topics"][2] == ZERO_TOPIC for entry in burned)
    keys = [(entry["blockHash"], entry["logIndex"]) for entry in minted + burned]
    assert len(set(keys)) == len(keys)


def test_a_batch_is_answered_in_another_order(server: SandboxServer) -> None:
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": []}
        for number, method in enumerate(("eth_blockNumber", "eth_chainId", "eth_nothing"))
    ]
    body = httpx.post(f"{server.url}/ethereum/", json=calls, trust_env=False).json()
    assert [entry["id"] for entry in body] == [2, 1, 0]
    assert body[0]["error"]["code"] == -32601
    assert body[1]["result"] == "0x1"


# --- charts, files and reference rates ------------------------------------------------------------


def test_charts_of_bitcoin_are_thinned_unless_reported_not_to(ask: Ask, dataset: Dataset) -> None:
    start = dataset.end - timedelta(days=9)
    query = {"start": start.isoformat(), "timespan": "10days", "format": "json"}
    body = ask("/blockchain_info/charts/total-bitcoins", **query, sampled="false").json()
    assert (body["status"], body["unit"]) == ("ok", "BTC")
    assert [point["x"] // DAY_S for point in body["values"]] == [
        seconds(start) // DAY_S + number for number in range(10)
    ]
    assert body["values"][0]["x"] % DAY_S, "series begin at different hours"
    whole = ask("/blockchain_info/charts/n-transactions", timespan="all", sampled="false").json()
    assert whole["values"][-1]["x"] == label(dataset), "the running day, as far as it has come"
    assert ask("/blockchain_info/charts/nothing").status_code == 404


def test_an_archives_columns_differ_by_asset_and_its_last_line_is_partial(
    ask: Ask, dataset: Dataset
) -> None:
    btc = ask("/coinmetrics_archive/btc.csv").text.splitlines()
    paxg = ask("/coinmetrics_archive/paxg.csv").text.splitlines()
    assert btc[0].startswith("time,AdrActCnt")
    assert btc[0] != paxg[0]
    last = dict(zip(btc[0].split(","), btc[-1].split(","), strict=True))
    assert last["time"] == dataset.now.date().isoformat()
    assert {name for name, cell in last.items() if cell} == {"time", "ReferenceRateUSD"}
    missing = ask("/coinmetrics_archive/nobody.csv")
    assert (missing.status_code, missing.text) == (404, "404: Not Found")


def test_reference_rates_are_of_working_days(ask: Ask) -> None:
    path = "/ecb/data/EXR/D.USD+PLN+XXX.EUR.SP00.A"
    week = {"startPeriod": "2025-10-06", "endPeriod": "2025-10-12", "format": "csvdata"}
    lines = ask(path, **week, detail="dataonly").text.splitlines()
    assert lines[0] == "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE"
    assert [line.split(",")[2] for line in lines[1:]] == ["PLN"] * 5 + ["USD"] * 5
    assert "OBS_STATUS" in ask(path, **week).text
    weekend = {"startPeriod": "2025-10-11", "endPeriod": "2025-10-12", "format": "csvdata"}
    assert (ask(path, **weekend).status_code, ask(path, **weekend).text) == (
        404,
        "No results found.",
    )


def test_gold_is_published_on_the_next_working_day(ask: Ask) -> None:
    prices = ask("/gold/cenyzlota/2025-10-06/2025-10-12").json()
    assert [price["data"] for price in prices] == [f"2025-10-{day:02d}" for day in range(6, 11)]
    assert set(prices[0]) == {"data", "cena"}
    rates = ask("/gold/exchangerates/rates/a/usd/2025-10-06/2025-10-12").json()
    assert (rates["table"], rates["code"], len(rates["rates"])) == ("A", "USD", 5)
    for path, status in (
        ("/gold/cenyzlota/2025-10-11/2025-10-12", 404),
        ("/gold/cenyzlota/2025-09-15/2025-12-31", 400),
        ("/gold/cenyzlota/2025-10-12/2025-10-11", 400),
        ("/gold/exchangerates/rates/a/eur/2025-10-06/2025-10-07", 404),
    ):
        assert ask(path).status_code == status, path
