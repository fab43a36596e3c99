"""The application: every source's endpoints under its name, and the control beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from pipelines.sandbox.server import (
    binance,
    binance_files,
    binance_futures,
    bitstamp,
    blockchain_info,
    bybit,
    coinbase,
    coingecko,
    coinmetrics,
    coinmetrics_archive,
    defillama,
    defillama_coins,
    defillama_stablecoins,
    defillama_yields,
    ecb,
    ethereum,
    gold,
    kraken,
    okx,
    page,
    perpetuals,
    stablecoin_charts,
)
from pipelines.sandbox.server.encode import dumps
from pipelines.sandbox.server.faults import Fault, Faults, instead, is_transport
from pipelines.sandbox.server.limits import Limiter
from pipelines.sandbox.server.reply import JSON, Reply
from pipelines.sandbox.server.state import State

Handler = Callable[[State, Request], Reply]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class SourceRoutes:
    """A source's endpoints by path, with the weight of a request where it is not 1."""

    name: str
    handlers: Mapping[str, Handler]
    weights: Mapping[str, float]
    methods: tuple[str, ...] = ("GET",)


SOURCES: tuple[SourceRoutes, ...] = (
    SourceRoutes(
        binance.NAME,
        {"/api/v3/klines": binance.klines, "/api/v3/exchangeInfo": binance.exchange_info},
        {path: float(weight) for path, weight in binance.WEIGHTS.items()},
    ),
    SourceRoutes(
        coinbase.NAME,
        {
            "/products": coinbase.products,
            "/products/{product_id}": coinbase.product,
            "/products/{product_id}/candles": coinbase.candles,
        },
        {},
    ),
    SourceRoutes(
        kraken.NAME,
        {"/0/public/OHLC": kraken.ohlc, "/0/public/AssetPairs": kraken.asset_pairs},
        {},
    ),
    SourceRoutes(
        coinmetrics.NAME,
        {
            "/v4/timeseries/asset-metrics": coinmetrics.asset_metrics,
            "/v4/catalog-v2/asset-metrics": coinmetrics.catalog,
            "/v4/catalog-all-v2/asset-metrics": coinmetrics.catalog_all,
            "/v4/reference-data/assets": coinmetrics.assets,
        },
        {},
    ),
    SourceRoutes(
        defillama_stablecoins.NAME,
        {
            "/stablecoins": defillama_stablecoins.stablecoins,
            "/stablecoin/{coin_id}": defillama_stablecoins.stablecoin,
            "/stablecoinprices": defillama_stablecoins.prices,
            "/stablecoincharts/{chain}": stablecoin_charts.chart,
            "/stablecoinchains": stablecoin_charts.chains,
        },
        {},
    ),
    SourceRoutes(
        binance_files.NAME,
        {"/data/spot/{folder}/klines/{symbol}/{interval}/{name}": binance_files.file},
        {},
    ),
    SourceRoutes(
        binance_futures.NAME,
        {
            "/fapi/v1/exchangeInfo": binance_futures.exchange_info,
            "/fapi/v1/fundingRate": binance_futures.funding_rate,
            "/fapi/v1/fundingInfo": binance_futures.funding_info,
            "/futures/data/openInterestHist": binance_futures.open_interest_hist,
        },
        {},
    ),
    SourceRoutes(
        okx.NAME,
        {
            "/api/v5/market/history-candles": okx.history_candles,
            "/api/v5/market/candles": okx.candles,
            "/api/v5/public/funding-rate-history": okx.funding_rate_history,
            "/api/v5/public/instruments": okx.instruments,
            "/{rest:path}": okx.unknown,
        },
        {},
    ),
    SourceRoutes(
        bybit.NAME,
        {
            "/v5/market/kline": bybit.kline,
            "/v5/market/funding/history": bybit.funding_history,
            "/v5/market/open-interest": bybit.open_interest,
            "/v5/market/instruments-info": bybit.instruments_info,
        },
        {},
    ),
    SourceRoutes(
        bitstamp.NAME,
        {
            "/api/v2/ohlc/{market}/": bitstamp.ohlc,
            "/api/v2/markets/": bitstamp.markets,
            "/api/v2/trading-pairs-info/": bitstamp.trading_pairs_info,
        },
        {},
    ),
    SourceRoutes(
        coingecko.NAME,
        {
            "/coins/markets": coingecko.markets,
            "/coins/categories": coingecko.categories,
            "/coins/{coin_id}/market_chart/range": coingecko.market_chart,
        },
        {},
    ),
    SourceRoutes(
        defillama.NAME,
        {
            "/protocols": defillama.protocols,
            "/protocol/{slug}": defillama.protocol,
            "/v2/chains": defillama.chains,
            "/v2/historicalChainTvl": defillama.historical_chain_tvl,
            "/v2/historicalChainTvl/{chain}": defillama.historical_chain_tvl,
            "/overview/{kind}": defillama.overview,
            "/overview/{kind}/{chain}": defillama.overview,
            "/summary/{kind}/{slug}": defillama.summary,
        },
        {},
    ),
    SourceRoutes(defillama_coins.NAME, {"/chart/{coins}": defillama_coins.chart}, {}),
    SourceRoutes(
        defillama_yields.NAME,
        {"/pools": defillama_yields.pools, "/chart/{pool}": defillama_yields.chart},
        {},
    ),
    SourceRoutes(ethereum.NAME, {"/": ethereum.rpc}, {}, methods=("POST",)),
    SourceRoutes(blockchain_info.NAME, {"/charts/{name}": blockchain_info.chart}, {}),
    SourceRoutes(coinmetrics_archive.NAME, {"/{name}": coinmetrics_archive.file}, {}),
    SourceRoutes(ecb.NAME, {"/data/EXR/{series}": ecb.exchange_rates}, {}),
    SourceRoutes(
        gold.NAME,
        {
            "/cenyzlota/{start}/{end}": gold.prices,
            "/exchangerates/rates/a/{code}/{start}/{end}": gold.currency_rates,
        },
        {},
    ),
)


class BrokenResponse(Response):
    """An answer that announces more bytes than come: the connection ends in its middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the head and half of the body, and leave."""
        half = bytes(self.body)[: len(bytes(self.body)) // 2]
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        await send({"type": "http.response.body", "body": half, "more_body": True})


class _ClockBody(BaseModel):
    now: datetime

    @field_validator("now")
    @classmethod
    def _aware(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs a time zone, such as 2026-11-01T06:00:00Z")
        return value


_FAULT_LIST = TypeAdapter(list[Fault])


def create_app(state: State, *, enforce_limits: bool = False) -> Starlette:
    """Return the ASGI application.

    Args:
        state: the dataset and its clock.
        enforce_limits: whether requests over the sources' own limits are refused, in real seconds.
    """
    faults = Faults()
    limiter = Limiter(enforce=enforce_limits)
    mounts = [
        Mount(
            f"/{source.name}",
            routes=[
                Route(
                    path,
                    _endpoint(state, faults, limiter, source, path, handler),
                    methods=list(source.methods),
                )
                for path, handler in source.handlers.items()
            ],
        )
        for source in SOURCES
    ]

    async def index(_: Request) -> Response:
        return HTMLResponse(page.index(state, _examples(state)))

    async def clock(request: Request) -> Response:
        if request.method == "PUT":
            try:
                state.set_clock(_ClockBody.model_validate_json(await request.body()).now)
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse({"now": state.now.isoformat()})

    async def planted(request: Request) -> Response:
        if request.method == "PUT":
            try:
                faults.set(_FAULT_LIST.validate_json(await request.body()))
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=422)
        elif request.method == "DELETE":
            faults.set([])
        return JSONResponse([fault.model_dump() for fault in faults.active])

    return Starlette(
        routes=[
            Route("/", index),
            Route("/_sandbox/clock", clock, methods=["GET", "PUT"]),
            Route("/_sandbox/faults", planted, methods=["GET", "PUT", "DELETE"]),
            *mounts,
        ]
    )


def _endpoint(
    state: State,
    faults: Faults,
    limiter: Limiter,
    source: SourceRoutes,
    path: str,
    handler: Handler,
) -> Endpoint:
    weight = source.weights.get(path, 1.0)

    async def answer(request: Request) -> Response:
        where = request.url.path.removeprefix(f"/{source.name}")
        # handlers do not wait: what was posted is read for them
        request.state.body = await request.body()
        striking = faults.striking(source.name, where, request.url.query, request.state.body)
        transport = [fault for fault in striking if is_transport(fault)]
        refusal, headers = limiter.refuse(source.name, weight)
        reply = refusal
        for fault in transport:
            if fault.kind == "slow":
                await asyncio.sleep(fault.delay_s)
            reply = reply or instead(fault, source.name)
        if reply is None:
            reply = handler(state, request)
            query = request.query_params
            for fault in striking:
                if not is_transport(fault):
                    reply = faults.spoil(reply, fault, source.name, where, query)
            faults.remember(reply, source.name, where, query)
        return _response(replace(reply, headers={**headers, **reply.headers}), transport)

    return answer


def _response(reply: Reply, transport: list[Fault]) -> Response:
    match reply.payload:
        case bytes() as body:
            pass
        case str() as text:
            body = text.encode()
        case payload:
            body = dumps(payload)
    kinds = {fault.kind for fault in transport}
    if "truncated" in kinds:
        body = body[: max(len(body) // 2, 1)]
    # sources do not all say the charset
    response = Response if "drop" not in kinds else BrokenResponse
    return response(
        body, reply.status, headers=dict(reply.headers), media_type=reply.media_type or JSON
    )


_CANDLES = (
    (okx.NAME, "/okx/api/v5/market/history-candles?instId={}&bar=1Dutc&limit=5", "OKX: candles"),
    (bybit.NAME, "/bybit/v5/market/kline?category=spot&symbol={}&interval=D", "Bybit: candles"),
    (bitstamp.NAME, "/bitstamp/api/v2/ohlc/{}/?step=86400&limit=5", "Bitstamp: candles"),
)
_FUNDING = (
    (
        binance_futures.NAME,
        "/binance_futures/fapi/v1/fundingRate?symbol={}&limit=5",
        "Binance futures: funding",
    ),
    (okx.NAME, "/okx/api/v5/public/funding-rate-history?instId={}", "OKX: funding"),
    (
        bybit.NAME,
        "/bybit/v5/market/funding/history?category=linear&symbol={}",
        "Bybit: funding",
    ),
)


def _examples(state: State) -> Iterator[tuple[str, str]]:
    """Yield an address of each endpoint that answers something in this dataset."""
    first = {name: next(iter(state.listings(name)), None) for name in ("binance", "coinbase")}
    pairs = next(iter(state.listings("kraken")), None)
    if first["binance"]:
        query = f"symbol={first['binance']}&interval=1d&limit=5"
        yield f"/binance/api/v3/klines?{query}", "Binance: daily candles"
        yield "/binance/api/v3/exchangeInfo", "Binance: the list of pairs"
    if first["coinbase"]:
        path = f"/coinbase/products/{first['coinbase']}/candles?granularity=86400"
        yield path, "Coinbase: daily candles"
        yield "/coinbase/products", "Coinbase: the list of products"
    if pairs:
        yield f"/kraken/0/public/OHLC?pair={pairs}&interval=1440", "Kraken: daily candles"
        yield "/kraken/0/public/AssetPairs", "Kraken: the list of pairs"
    for venue, path, what in _CANDLES:
        if symbol := next(iter(state.listings(venue)), None):
            yield path.format(symbol), what
    for venue, path, what in _FUNDING:
        if symbol := next(iter(perpetuals.contracts(state, venue)), None):
            yield path.format(symbol), what
    if state.dataset.has("network_metrics"):
        yield "/coinmetrics/v4/catalog-v2/asset-metrics", "Coin Metrics: what it has"
        query = "assets=btc&metrics=PriceUSD,SplyCur&page_size=5"
        yield f"/coinmetrics/v4/timeseries/asset-metrics?{query}", "Coin Metrics: daily metrics"
    if state.dataset.has("stablecoins"):
        yield "/defillama_stablecoins/stablecoins", "DefiLlama: stablecoins"
        coin = state.dataset.table("stablecoins").select("stablecoin_id").first().collect()
        if len(coin):
            yield (
                f"/defillama_stablecoins/stablecoin/{coin.item()}",
                "DefiLlama: one coin's history",
            )
        yield "/defillama_stablecoins/stablecoinprices", "DefiLlama: daily prices"
