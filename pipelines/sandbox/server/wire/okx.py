"""OKX: candles, funding and instruments. Errors come with HTTP 200, all values are text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from math import isnan
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server import perpetuals
from pipelines.sandbox.server.mount import Limit, Mount, of_first_market
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import CandleSeries, Listing, State

NAME = "okx"
# days of 1D, 2D, 1W … begin at 16:00 UTC; the dataset has no such candles
BARS = {
    "1m": "1m",
    "3m": "3m",
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1H": "1h",
    "2H": "2h",
    "4H": "4h",
    "6Hutc": "6h",
    "12Hutc": "12h",
    "1Dutc": "1d",
}
# OKX has none of these, but recordings of it have
RECORDED_BARS = {"8Hutc": "8h"}
_OTHER_BARS = frozenset((
    "1s", "6H", "12H", "1D", "2D", "3D", "1W", "1M", "3M",
    "2Dutc", "3Dutc", "1Wutc", "1Mutc", "3Mutc",
))  # fmt: skip
DEFAULT_LIMIT, MAX_LIMIT = 100, 300
FUNDING_LIMIT = 400
FUNDING_REACH_MS = 92 * 86_400_000
RECENT_BARS = 1440

_ROWS = Shape(
    rows=lambda body: body["data"],
    rebuild=lambda body, rows: {**body, "data": rows},
    price=4,
    column=1,
    enum=8,
)
_FUNDING = Shape(_ROWS.rows, _ROWS.rebuild, price="realizedRate", column="realizedRate")
_INSTRUMENTS = Shape(
    _ROWS.rows, _ROWS.rebuild, price="tickSz", column="instId", enum="instType"
)  # fmt: skip


class _Refused(Exception):
    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.reply = Reply({"code": code, "msg": message, "data": []}, status=status)


def _ok(rows: list[Any], shape: Shape) -> Reply:
    return Reply({"code": "0", "msg": "", "data": rows}, shape=shape)


def unknown(_state: State, _request: Request) -> Reply:
    """Answer a path that OKX does not have: the code is a number there."""
    body = {"msg": "", "code": 404, "data": {}, "error_code": "404", "error_message": ""}
    return Reply(body, status=404)


def history_candles(state: State, request: Request) -> Reply:
    """Answer `/market/history-candles`: nine texts, newest first, the running candle too."""
    return _answered(lambda: _candles(state, request, None))


def candles(state: State, request: Request) -> Reply:
    """Answer `/market/candles`: the same, of the newest 1440 bars."""
    return _answered(lambda: _candles(state, request, RECENT_BARS))


def _answered(answer: Any) -> Reply:
    try:
        reply: Reply = answer()
    except _Refused as problem:
        return problem.reply
    return reply


def _candles(state: State, request: Request, reach: int | None) -> Reply:
    query = request.query_params
    inst_id, bar = _instrument(query), query.get("bar", "1m")
    after, before = _instant(query, "after"), _instant(query, "before")
    limit = _limit(query, MAX_LIMIT)
    series = state.candles(NAME, inst_id, BARS.get(bar) or RECORDED_BARS.get(bar))
    if series is None and bar not in BARS and bar not in _OTHER_BARS:
        raise _Refused("51000", "Parameter bar error")
    swaps = perpetuals.contracts(state, NAME)
    if inst_id not in _pairs(state) and inst_id not in swaps:
        raise _no_such_instrument()
    if series is None:
        return _ok([], _ROWS)
    return _ok(_page(state, series, after, before, limit, reach), _ROWS)


def _page(
    state: State,
    series: CandleSeries,
    after: int | None,
    before: int | None,
    limit: int,
    reach: int | None,
) -> list[Any]:
    """Return rows newest first; both bounds are exclusive."""
    positions = series.versions.at(state.now_us)
    if reach is not None:
        positions = positions[-reach:]
    opens_ms = series.versions.keys[positions] * 1000
    inside = np.ones(len(positions), dtype=bool)
    if after is not None:
        inside &= opens_ms < after
    if before is not None:
        inside &= opens_ms > before
    decimals = max(series.decimals, 1)
    rows = series.rows(
        NAME, positions[inside][-limit:], lambda columns: render(columns, decimals, "1")
    )
    running = series.running(state.now_us)
    if running is not None and _is_inside(running.open_s * 1000, after, before):
        columns = {name: np.array([value]) for name, value in vars(running).items()}
        rows += render(columns, decimals, "0")
    return rows[::-1][:limit]


def _is_inside(open_ms: int, after: int | None, before: int | None) -> bool:
    return (after is None or open_ms < after) and (before is None or open_ms > before)


def render(columns: Mapping[str, Any], decimals: int, confirm: str) -> Sequence[Any]:
    """Return candles as OKX prints them: nine texts; of a pair both last volumes are the quote."""
    prices = [
        [f"{value:.{decimals}f}" for value in columns[name].tolist()]
        for name in ("open", "high", "low", "close")
    ]
    quote = [f"{value:.8f}" for value in columns["volume_quote"].tolist()]
    return [
        list(row)
        for row in zip(
            [str(open_s * 1000) for open_s in columns["open_s"].tolist()],
            *prices,
            [f"{value:.8f}" for value in columns["volume_base"].tolist()],
            quote,
            quote,
            [confirm] * len(quote),
            strict=True,
        )
    ]


def funding_rate_history(state: State, request: Request) -> Reply:
    """Answer `/public/funding-rate-history`: settlements of three months, newest first."""
    return _answered(lambda: _funding(state, request))


def _funding(state: State, request: Request) -> Reply:
    query = request.query_params
    inst_id = _instrument(query)
    after, before = _instant(query, "after"), _instant(query, "before")
    limit = _limit(query, FUNDING_LIMIT, FUNDING_LIMIT)
    if inst_id not in perpetuals.contracts(state, NAME):
        raise _no_such_instrument()
    series = perpetuals.funding(state, NAME, inst_id)
    if series is None:
        return _ok([], _FUNDING)
    oldest = state.now_us // 1000 - FUNDING_REACH_MS
    positions = series.between(
        state.now_us,
        max(oldest, before + 1) if before is not None else oldest,
        after - 1 if after is not None else None,
    )
    rows = []
    for position in positions[::-1][:limit].tolist():
        rate = float(series.values["rate"][position])
        predicted = float(series.values["predicted_rate"][position])
        rows.append(
            {
                "formulaType": "withRate",
                "fundingRate": perpetuals.amount(rate if isnan(predicted) else predicted, 16),
                "fundingTime": str(int(series.versions.keys[position])),
                "instId": inst_id,
                "instType": "SWAP",
                "method": "current_period",
                "realizedRate": perpetuals.amount(rate, 16),
            }
        )
    return _ok(rows, _FUNDING)


def instruments(state: State, request: Request) -> Reply:
    """Answer `/public/instruments`: what is listed now; a field that does not apply is empty."""
    kind = request.query_params.get("instType", "")
    if not kind:
        return _Refused("50014", "Parameter instType can not be empty", 400).reply
    if kind == "SPOT":
        rows = [_pair(state, listing) for listing in _pairs(state).values()]
    elif kind == "SWAP":
        listed = perpetuals.contracts(state, NAME).values()
        rows = [_swap(contract) for contract in listed if not contract.is_delisted]
    elif kind in ("MARGIN", "FUTURES", "OPTION"):
        rows = []
    else:
        return _Refused("51000", "Parameter instType error").reply
    return _ok(rows, _INSTRUMENTS)


def _pairs(state: State) -> dict[str, Listing]:
    """Return the pairs that are listed now; delisted ones are forgotten."""
    return {
        symbol: listing
        for symbol, listing in state.listings(NAME).items()
        if not listing.is_delisted
    }


_EMPTY = dict.fromkeys(
    ("alias", "auctionEndTime", "baseCcy", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime",
     "instFamily", "lever", "optType", "quoteCcy", "settleCcy", "stk", "uly"),
    "",
)  # fmt: skip


def _pair(state: State, listing: Listing) -> dict[str, str]:
    series = state.candles(NAME, listing.symbol, "1d")
    return {
        **_EMPTY,
        "baseCcy": listing.base_code,
        "category": "1",
        "instId": listing.symbol,
        "instType": "SPOT",
        "listTime": _list_time(listing.listed_day),
        "lotSz": "0.00000001",
        "minSz": "0.00001",
        "quoteCcy": listing.quote_code,
        "ruleType": "normal",
        "state": listing.status or "live",
        "tickSz": f"{10.0 ** -(series.decimals if series else 4):.10f}".rstrip("0"),
    }


def _swap(contract: perpetuals.Contract) -> dict[str, str]:
    family = f"{contract.base_code}-{contract.quote_code}"
    return {
        **_EMPTY,
        "category": "1",
        "ctMult": "1",
        "ctType": "linear",
        "ctVal": f"{contract.contract_size:g}",
        "ctValCcy": contract.base_code,
        "instFamily": family,
        "instId": contract.symbol,
        "instType": "SWAP",
        "lever": "100",
        "listTime": _list_time(contract.listed_day),
        "lotSz": "1",
        "minSz": "1",
        "ruleType": "normal",
        "settleCcy": contract.quote_code,
        "state": "live",
        "tickSz": "0.1",
        "uly": family,
    }


def _list_time(day: date) -> str:
    return str(int(datetime.combine(day, time(), tzinfo=UTC).timestamp()) * 1000)


def _instrument(query: Mapping[str, str]) -> str:
    inst_id = query.get("instId", "")
    if not inst_id:
        raise _Refused("50014", "Parameter instId can not be empty", 400)
    return inst_id


def _no_such_instrument() -> _Refused:
    return _Refused("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


def _instant(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name, "")
    if value and not value.isdigit():
        raise _Refused("51000", f"Parameter {name} error")
    return int(value) if value else None


def _limit(query: Mapping[str, str], most: int, default: int = DEFAULT_LIMIT) -> int:
    value = query.get("limit", str(default))
    if not value.isdigit() or int(value) < 1:
        raise _Refused("51000", "Parameter limit error")
    return min(int(value), most)


def _examples(state: State) -> Iterator[tuple[str, str]]:
    path, what = "/api/v5/market/history-candles?instId={}&bar=1Dutc&limit=5", "OKX: candles"
    yield from of_first_market(NAME, (path, what))(state)
    path, what = "/api/v5/public/funding-rate-history?instId={}", "OKX: funding"
    yield from perpetuals.of_first_contract(NAME, (path, what))(state)


MOUNT = Mount(
    name=NAME,
    handlers={
        "/api/v5/market/history-candles": history_candles,
        "/api/v5/market/candles": candles,
        "/api/v5/public/funding-rate-history": funding_rate_history,
        "/api/v5/public/instruments": instruments,
        "/{rest:path}": unknown,
    },
    limit=Limit(20, 2),
    throttled=lambda message: Reply(
        {"code": "50011", "msg": message or "Too Many Requests", "data": []}, 429
    ),
    failed=lambda message: {"code": "50013", "msg": message or "Systems are busy.", "data": []},
    examples=_examples,
)
