"""Kraken spot: `/0/public/OHLC`, `/0/public/AssetPairs`. Errors come with HTTP 200."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server.mount import Limit, Mount, of_first_market
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import NAME_OF_S, Candle, CandleSeries, Listing, State

NAME = "kraken"
# whatever is asked for: so many committed candles at most, and the running one
REACH = 720
INTERVALS = frozenset((1, 5, 15, 30, 60, 240, 1440, 10080, 21600))
# assets of the first years have a letter before their code, and so have pairs of two of them
_OLD_COINS = frozenset((
    "XBT", "ETH", "LTC", "XRP", "XLM", "XMR", "ZEC", "ETC", "REP", "MLN", "XDG",
))  # fmt: skip
_MONEY = frozenset(("USD", "EUR", "GBP", "JPY", "CAD", "AUD"))
# listed after the others: old codes without the letters in the pair's name
_PLAIN_PAIRS = frozenset({"XDGUSD", "XDGEUR"})
_FEES = [[0, 0.4], [10_000, 0.35], [50_000, 0.24], [100_000, 0.22], [250_000, 0.2]]
_FEES_MAKER = [[0, 0.25], [10_000, 0.2], [50_000, 0.14], [100_000, 0.12], [250_000, 0.08]]

_PAIRS = Shape(
    rows=lambda body: list(body["result"].values()),
    rebuild=lambda body, rows: {
        **body,
        "result": dict(zip(body["result"], rows, strict=False)),
    },
    price="pair_decimals",
    column="altname",
    enum="status",
)


def problem(*messages: str) -> Reply:
    """Return errors as Kraken does: HTTP 200, and no result."""
    return Reply({"error": list(messages)})


def asset_code(code: str) -> str:
    """Return Kraken's internal name of an asset: XBT is XXBT, USD is ZUSD, USDT stays."""
    if code in _OLD_COINS:
        return f"X{code}"
    return f"Z{code}" if code in _MONEY else code


def pair_id(listing: Listing) -> str:
    """Return Kraken's internal name of a pair: XXBTZUSD for XBTUSD, XBTUSDT as it is."""
    base, quote = asset_code(listing.base_code), asset_code(listing.quote_code)
    old = base != listing.base_code and quote != listing.quote_code
    if listing.base_code == "USDT" and quote != listing.quote_code:
        old = listing.quote_code == "USD"
    return f"{base}{quote}" if old and listing.symbol not in _PLAIN_PAIRS else listing.symbol


def _pairs(state: State) -> dict[str, Listing]:
    """Return the pairs that are listed now, by internal name; delisted ones are forgotten."""
    return state.cached(
        (NAME, "pairs"),
        lambda: {
            pair_id(listing): listing
            for listing in state.listings(NAME).values()
            if not listing.is_delisted
        },
    )


def _named(state: State) -> dict[str, str]:
    """Return the internal name by every name that Kraken accepts."""

    def names() -> dict[str, str]:
        found = {}
        for internal, listing in _pairs(state).items():
            for name in (internal, listing.symbol, wsname(listing)):
                found[name] = internal
        return found

    return state.cached((NAME, "names"), names)


def wsname(listing: Listing) -> str:
    """Return the name with a slash: XBT/USD."""
    return f"{listing.base_code}/{listing.quote_code}"


def ohlc(state: State, request: Request) -> Reply:
    """Answer `/0/public/OHLC`: the newest 720 candles and the running one, under one key."""
    query = request.query_params
    interval = query.get("interval", "1")
    since = query.get("since", "0")
    if "pair" not in query or not interval.isdigit():
        return problem("EGeneral:Invalid arguments")
    if not since.isdigit():
        return problem("EGeneral:Invalid arguments:since")
    internal = _named(state).get(query["pair"].upper())
    if internal is None:
        return problem("EQuery:Unknown asset pair")
    listing = _pairs(state)[internal]
    series = state.candles(NAME, listing.symbol, NAME_OF_S.get(int(interval) * 60))
    if series is None and int(interval) not in INTERVALS:
        return problem("EGeneral:Invalid arguments")
    rows, last = ([], int(since)) if series is None else _rows(state, series, int(since))
    key = wsname(listing) if query.get("assetVersion") == "1" else internal
    shape = Shape(
        rows=lambda body: body["result"][key],
        rebuild=lambda body, rows: {**body, "result": {**body["result"], key: rows}},
        price=4,
        column=1,
    )
    return Reply({"error": [], "result": {key: rows, "last": last}}, shape=shape)


def _rows(state: State, series: CandleSeries, since: int) -> tuple[list[Any], int]:
    decimals = series.decimals
    rendered = series.rendered(NAME, lambda columns: render(columns, decimals))
    committed = series.versions.at(state.now_us)[-REACH:]
    opens = series.versions.keys[committed]
    rows = [rendered[position] for position in committed[opens > since].tolist()]
    running = series.running(state.now_us)
    if running is None and len(committed):
        running = _flat(series, state, series.candle(int(committed[-1])).close)
    if running is not None:
        rows += render({name: np.array([value]) for name, value in vars(running).items()}, decimals)
    return rows, int(opens[-1]) if len(opens) else since


def _flat(series: CandleSeries, state: State, price: float) -> Candle:
    """Return the running candle of a market without a trade so far."""
    open_s = state.now_us // (series.length_s * 1_000_000) * series.length_s
    return Candle(open_s, price, price, price, price, 0.0, 0.0, 0)


def render(columns: Mapping[str, Any], decimals: int) -> Sequence[Any]:
    """Return candles as Kraken prints them: eight cells; without a trade the vwap is "0.0"."""
    shown = max(decimals, 1)
    base = columns["volume_base"]
    vwap = columns["volume_quote"] / np.where(base > 0, base, 1)
    prices = [
        [f"{value:.{shown}f}" for value in columns[name].tolist()]
        for name in ("open", "high", "low", "close")
    ]
    return list(
        zip(
            columns["open_s"].tolist(),
            *prices,
            [
                f"{value:.{shown}f}" if amount > 0 else "0.0"
                for value, amount in zip(vwap.tolist(), base.tolist(), strict=True)
            ],
            [f"{amount:.8f}" for amount in base.tolist()],
            columns["trades"].tolist(),
            strict=True,
        )
    )


def asset_pairs(state: State, request: Request) -> Reply:
    """Answer `/0/public/AssetPairs`: pairs by internal name."""
    query = request.query_params
    chosen = list(_pairs(state))
    if query.get("pair"):
        names = _named(state)
        asked = query["pair"].upper().split(",")
        if not all(name in names for name in asked):
            return problem("EQuery:Unknown asset pair")
        chosen = [names[name] for name in asked]
    part = _INFO.get(query.get("info", "info"))
    if part is None:
        return problem("EGeneral:Invalid arguments")
    pairs = {internal: _pair(state, _pairs(state)[internal]) for internal in chosen}
    if part:
        pairs = {name: {key: pair[key] for key in part} for name, pair in pairs.items()}
    return Reply({"error": [], "result": pairs}, shape=None if part else _PAIRS)


_INFO: Mapping[str, tuple[str, ...]] = {
    "info": (),
    "leverage": ("leverage_buy", "leverage_sell"),
    "fees": ("fees", "fees_maker", "fee_volume_currency"),
    "margin": ("margin_call", "margin_stop"),
}


def _pair(state: State, listing: Listing) -> dict[str, Any]:
    series = state.candles(NAME, listing.symbol, "1d")
    decimals = series.decimals if series else 5
    return {
        "altname": listing.symbol,
        "wsname": wsname(listing),
        "aclass_base": "currency",
        "base": asset_code(listing.base_code),
        "aclass_quote": "currency",
        "quote": asset_code(listing.quote_code),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": decimals,
        "lot_decimals": 8,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": _FEES,
        "fees_maker": _FEES_MAKER,
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": "0.0001",
        "costmin": "0.5",
        "tick_size": f"{10.0**-decimals:.{decimals}f}",
        "status": listing.status or "online",
        "long_position_limit": 0,
        "short_position_limit": 0,
    }


MOUNT = Mount(
    name=NAME,
    handlers={"/0/public/OHLC": ohlc, "/0/public/AssetPairs": asset_pairs},
    limit=Limit(2, 2),
    throttled=lambda message: Reply({"error": [message or "EGeneral:Too many requests"]}),
    failed=lambda message: {"error": [message or "EService:Unavailable"]},
    examples=of_first_market(
        NAME,
        ("/0/public/OHLC?pair={}&interval=1440", "Kraken: daily candles"),
        ("/0/public/AssetPairs", "Kraken: the list of pairs"),
    ),
)
