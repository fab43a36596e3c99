"""Faults on demand: each does what it says, where and as often as it is asked to."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pipelines.sandbox import SandboxError, SandboxServer
from pipelines.sandbox.server.limits import Limiter
from tests.sandbox.conftest import DAY_S

Ask = Callable[..., httpx.Response]

ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "binance": (
        "/binance/api/v3/klines",
        {"symbol": "BTCUSDT", "interval": "1d", "startTime": 0, "limit": 9},
    ),
    "coinbase": ("/coinbase/products/BTC-USD/candles", {"granularity": DAY_S}),
    "kraken": ("/kraken/0/public/OHLC", {"pair": "XBTUSD", "interval": 1440}),
    "coinmetrics": (
        "/coinmetrics/v4/timeseries/asset-metrics",
        {"assets": "btc", "metrics": "PriceUSD", "page_size": 9},
    ),
    "defillama_stablecoins": ("/defillama_stablecoins/stablecoin/1", {}),
    "binance_futures": ("/binance_futures/fapi/v1/exchangeInfo", {}),
    "okx": ("/okx/api/v5/public/instruments", {"instType": "SWAP"}),
    "bybit": ("/bybit/v5/market/instruments-info", {"category": "linear"}),
}


def _rows(source: str, body: Any) -> list[Any]:
    match source:
        case "kraken":
            rows = next(value for name, value in body["result"].items() if name != "last")
        case "coinmetrics":
            rows = body["data"]
        case "defillama_stablecoins":
            rows = body["tokens"]
        case "binance_futures":
            rows = body["symbols"]
        case "okx":
            rows = body["data"]
        case "bybit":
            rows = body["result"]["list"]
        case _:
            rows = body
    return list(rows)


def _asked(ask: Ask, source: str) -> httpx.Response:
    path, params = ASKED[source]
    return ask(path, **params)


@pytest.mark.parametrize("source", list(ASKED))
@pytest.mark.parametrize("status", ["429", "500", "502", "503"])
def test_a_status_comes_as_often_as_asked_for(
    ask: Ask, server: SandboxServer, source: str, status: str
) -> None:
    server.set_faults([{"source": source, "kind": status, "times": 2, "retry_after": 3}])
    seen = [_asked(ask, source) for _ in range(3)]
    assert [response.status_code for response in seen] == [int(status)] * 2 + [200]
    assert seen[0].headers["Retry-After"] == "3"
    assert server.faults()[0]["hits"] == 2


def test_a_fault_strikes_only_where_it_is_reported_to(ask: Ask, server: SandboxServer) -> None:
    server.set_faults(
        [
            {
                "source": "binance",
                "path_prefix": "/api/v3/klines",
                "contains": "ETHUSDT",
                "kind": "500",
                "skip": 1,
            }
        ]
    )
    assert _asked(ask, "coinbase").status_code == 200
    assert ask("/binance/api/v3/exchangeInfo").status_code == 200
    assert _asked(ask, "binance").status_code == 200
    asked = [
        ask("/binance/api/v3/klines", symbol="ETHUSDT", interval="1d").status_code for _ in range(3)
    ]
    assert asked == [200, 500, 500]
    server.clear_faults()
    assert ask("/binance/api/v3/klines", symbol="ETHUSDT", interval="1d").status_code == 200


def test_bans_and_blocks_look_like_the_sources_own(ask: Ask, server: SandboxServer) -> None:
    server.set_faults([{"source": "binance", "kind": "418", "retry_after": 120}])
    banned = _asked(ask, "binance")
    assert (banned.status_code, banned.headers["Retry-After"]) == (418, "120")
    assert banned.json()["code"] == -1003
    server.set_faults([{"source": "binance", "kind": "451"}])
    blocked = _asked(ask, "binance")
    assert blocked.status_code == 451
    assert "restricted location" in blocked.json()["msg"]
    server.set_faults([{"source": "*", "kind": "403"}])
    assert _asked(ask, "coinbase").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("source", list(ASKED))
def test_html_empty_and_truncated_bodies_are_no_json(
    ask: Ask, server: SandboxServer, source: str
) -> None:
    for kind in ("html", "empty", "truncated"):
        server.set_faults([{"source": source, "kind": kind}])
        response = _asked(ask, source)
        assert response.status_code == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra|Invalid"):
            response.json()
        if kind == "truncated":
            assert response.text[0] in "[{"


def test_a_dropped_connection_ends_within_the_body(ask: Ask, server: SandboxServer) -> None:
    server.set_faults([{"source": "binance", "kind": "drop", "times": 1}])
    with pytest.raises(httpx.RemoteProtocolError):
        _asked(ask, "binance")
    assert _asked(ask, "binance").status_code == 200


def test_a_slow_answer_is_right_but_late(ask: Ask, server: SandboxServer) -> None:
    plain = _asked(ask, "kraken").json()
    server.set_faults([{"source": "kraken", "kind": "slow", "delay_s": 0.2}])
    before = time.monotonic()
    assert _asked(ask, "kraken").json() == plain
    assert time.monotonic() - before >= 0.2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("kraken", {"error": ["EService:Unavailable"]}),
        ("coinbase", {"message": "Internal server error"}),
        ("coinmetrics", {"error": {"type": "internal_error", "message": "Internal error"}}),
    ],
)
def test_an_error_inside_http_200(
    ask: Ask, server: SandboxServer, source: str, expected: object
) -> None:
    server.set_faults([{"source": source, "kind": "error_in_200", "times": 1}])
    response = _asked(ask, source)
    assert (response.status_code, response.json()) == (200, expected)
    server.set_faults([{"source": "kraken", "kind": "error_in_200", "message": "EAPI:Rate limit"}])
    assert _asked(ask, "kraken").json() == {"error": ["EAPI:Rate limit"]}


@pytest.mark.parametrize("source", list(ASKED))
def test_faults_of_content_change_rows_and_nothing_else(
    ask: Ask, server: SandboxServer, source: str
) -> None:
    plain = _asked(ask, source).json()
    rows = _rows(source, plain)

    def spoilt(kind: str) -> list[Any]:
        server.set_faults([{"source": source, "kind": kind}])
        body = _asked(ask, source).json()
        if isinstance(plain, dict):
            assert set(body) == set(plain), kind
        return _rows(source, body)

    assert spoilt("duplicate_rows") == [row for row in rows for _ in range(2)]
    unordered = spoilt("unordered")
    assert unordered != rows
    assert sorted(map(str, unordered)) == sorted(map(str, rows))
    assert spoilt("short_page") == rows[: len(rows) // 2]
    for kind in ("wrong_type", "negative_price", "missing_field", "null_field", "new_field"):
        changed = spoilt(kind)
        assert changed[1:] == rows[1:], kind
        assert changed[0] != rows[0], kind
    server.clear_faults()
    assert _asked(ask, source).json() == plain, "the server's own rows must stay as they are"


def test_a_negative_price_is_one_cell(ask: Ask, server: SandboxServer) -> None:
    server.set_faults([{"source": "binance", "kind": "negative_price"}])
    row = _asked(ask, "binance").json()[0]
    assert float(row[4]) < 0 < float(row[1])
    server.set_faults([{"source": "coinmetrics", "kind": "negative_price"}])
    assert float(_asked(ask, "coinmetrics").json()["data"][0]["PriceUSD"]) < 0
    server.set_faults([{"source": "defillama_stablecoins", "kind": "negative_price"}])
    assert _asked(ask, "defillama_stablecoins").json()["tokens"][0]["circulating"]["peggedUSD"] < 0


@pytest.mark.parametrize(
    ("source", "path", "value"),
    [
        ("binance", "/binance/api/v3/exchangeInfo", lambda body: body["symbols"][0]["status"]),
        ("coinbase", "/coinbase/products", lambda body: body[0]["status"]),
        (
            "kraken",
            "/kraken/0/public/AssetPairs",
            lambda body: next(iter(body["result"].values()))["status"],
        ),
        (
            "defillama_stablecoins",
            "/defillama_stablecoins/stablecoins",
            lambda body: body["peggedAssets"][0]["pegMechanism"],
        ),
    ],
)
def test_an_unknown_enum(
    ask: Ask, server: SandboxServer, source: str, path: str, value: Callable[[Any], str]
) -> None:
    server.set_faults([{"source": source, "kind": "unknown_enum"}])
    assert value(ask(path).json()) == "HIBERNATING"


def test_a_page_is_repeated_instead_of_the_next(ask: Ask, server: SandboxServer) -> None:
    server.set_faults([{"source": "binance", "kind": "duplicate_page", "skip": 1, "times": 1}])

    def page(start: int) -> list[Any]:
        params = {"symbol": "BTCUSDT", "interval": "1d", "startTime": start, "limit": 5}
        rows: list[Any] = ask("/binance/api/v3/klines", **params).json()
        return rows

    first = page(0)
    after = first[-1][0] + 1
    assert page(after) == first
    assert page(after)[0][0] > first[-1][0], "asked again, the next page comes"


def test_faults_that_are_none_are_refused(server: SandboxServer) -> None:
    for wrong in (
        {"source": "binance", "kind": "earthquake"},
        {"source": "bitfinex", "kind": "500"},
        {"source": "binance", "kind": "500", "tmes": 1},
    ):
        with pytest.raises(SandboxError):
            server.set_faults([wrong])
    assert server.faults() == []


def test_limits_hold_when_enforced(dataset) -> None:
    with (
        SandboxServer(dataset, enforce_limits=True) as strict,
        httpx.Client(trust_env=False) as client,
    ):
        path, params = ASKED["coinmetrics"]
        seen = [client.get(strict.url + path, params=params) for _ in range(12)]
        assert [response.status_code for response in seen] == [200] * 10 + [429] * 2
        assert int(seen[-1].headers["Retry-After"]) in range(1, 7)
        assert seen[-1].json()["error"]["type"] == "too_many_requests"
        path, params = ASKED["kraken"]
        last = [client.get(strict.url + path, params=params) for _ in range(4)][-1]
        assert (last.status_code, last.json()) == (200, {"error": ["EGeneral:Too many requests"]})


def test_a_limit_eases_as_its_window_passes() -> None:
    now = [100.0]
    limiter = Limiter(enforce=True, monotonic=lambda: now[0])
    refused = [limiter.refuse("coinmetrics", 1)[0] is not None for _ in range(11)]
    assert refused == [False] * 10 + [True]
    now[0] += 6.1
    assert limiter.refuse("coinmetrics", 1)[0] is None
    assert limiter.refuse("binance", 6000)[0] is None
    reply, headers = limiter.refuse("binance", 2)
    assert reply is not None
    assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
    assert headers["X-MBX-USED-WEIGHT-1M"] == "6002"
