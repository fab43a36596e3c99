"""Coin Metrics community API v4: `/timeseries/asset-metrics`, the catalogue, assets."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import numpy as np
import polars as pl
from starlette.requests import Request

from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import Ints, State, Versions

NAME = "coinmetrics"
DEFAULT_PAGE, MAX_PAGE = 100, 10_000
FREQUENCIES = ("1b", "1s", "1m", "5m", "10m", "1h", "1d", "1d-ny-close")
# what the community host is known for, whether the dataset has it or not
COMMUNITY = frozenset((
    "AdrActCnt", "AdrBalCnt", "BlkCnt", "CapMVRVCur", "CapMrktCurUSD", "CapMrktEstUSD",
    "FeeTotNtv", "FlowInExNtv", "FlowInExUSD", "FlowOutExNtv", "FlowOutExUSD", "HashRate",
    "IssTotNtv", "IssTotUSD", "PriceBTC", "PriceUSD", "ROI1yr", "ROI30d", "ReferenceRate",
    "ReferenceRateETH", "ReferenceRateEUR", "ReferenceRateUSD", "SplyCur", "SplyExNtv",
    "SplyExUSD", "SplyExpFut10yr", "TxCnt", "TxTfrCnt", "volume_reported_spot_usd_1d",
))  # fmt: skip
# what needs a key: one of these fails a whole call
PAID = frozenset((
    "CapAct1yrUSD", "CapFutExp10yrUSD", "CapRealUSD", "DiffLast", "FlowMinerNtv", "NVTAdj",
    "NVTAdj90", "RevUSD", "SER", "SOPR", "SplyAct1yr", "SplyBMXNtv", "SplyFF",
    "SplyMiner0HopAllNtv", "TxTfrValAdjUSD", "VelCur1yr",
))  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CALENDAR = date(1970, 1, 1)
_LONG_URI = 10_000


class _BadRequest(Exception):
    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.reply = Reply({"error": {"type": kind, "message": message}}, status=status)


def _bad(name: str, value: str) -> _BadRequest:
    return _BadRequest(
        "bad_parameter", f"Bad parameter '{name}'. Value '{value}' is not supported."
    )


class AssetMetrics:
    """One asset's metrics: every version rendered once, the visible ones chosen at an instant."""

    def __init__(self, frame: pl.DataFrame) -> None:
        """Take the asset's rows, sorted by metric, day and known instant."""
        self.metrics = sorted(frame["metric"].unique().to_list())
        codes = frame["metric"].replace_strict(
            {name: code for code, name in enumerate(self.metrics)}, return_dtype=pl.Int64
        )
        self._days: Ints = frame["day"].to_physical().cast(pl.Int64).to_numpy()
        self._codes: Ints = codes.to_numpy()
        # days are below a million for the next 2,700 years
        self._versions = Versions(
            self._codes * 1_000_000 + self._days,
            frame["known_us"].to_numpy(),
            frame["gone"].to_numpy(),
        )
        self._texts = [_number(value) for value in frame["value"].to_list()]

    def at(self, now_us: int) -> MetricTable:
        """Return what is known at an instant."""
        positions = self._versions.at(now_us)
        columns: dict[str, dict[int, str | None]] = {}
        codes, days = self._codes[positions], self._days[positions]
        bounds = np.searchsorted(codes, np.arange(len(self.metrics) + 1))
        for code, metric in enumerate(self.metrics):
            part = slice(bounds[code], bounds[code + 1])
            if bounds[code] < bounds[code + 1]:
                columns[metric] = dict(
                    zip(
                        days[part].tolist(),
                        [self._texts[position] for position in positions[part].tolist()],
                        strict=True,
                    )
                )
        return MetricTable(columns)


@dataclass(frozen=True)
class MetricTable:
    """An asset's metrics as they are known: for each metric the text (or null) by day number."""

    columns: Mapping[str, Mapping[int, str | None]]


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def label(day: int) -> str:
    """Return a day number as Coin Metrics prints instants: nine fractional digits."""
    return f"{(_CALENDAR + timedelta(days=day)).isoformat()}T00:00:00.000000000Z"


class Metrics:
    """All assets' metrics, loaded when first asked for."""

    def __init__(self, state: State) -> None:
        """Split the table by asset."""
        self._state = state
        frame = state.frame("network_metrics").sort("asset", "metric", "day", "known_us")
        self._series = {
            str(asset): AssetMetrics(part)
            for (asset,), part in frame.partition_by(
                "asset", as_dict=True, maintain_order=True
            ).items()
        }
        self.known_metrics = frozenset(
            metric for series in self._series.values() for metric in series.metrics
        )

    def table(self, asset: str) -> MetricTable:
        """Return an asset's metrics at the clock's instant."""
        return self._state.cached((NAME, asset), lambda: self._series[asset].at(self._state.now_us))

    def assets(self) -> list[str]:
        """Return the assets that have any metric at the clock's instant."""
        return self._state.cached(
            (NAME, "assets"),
            lambda: [asset for asset in self._series if self.table(asset).columns],
        )


def _metrics(state: State) -> Metrics:
    return state.kept(NAME, lambda: Metrics(state))


def asset_metrics(state: State, request: Request) -> Reply:
    """Answer `/v4/timeseries/asset-metrics`: values as text, null without data, pages."""
    try:
        return _asset_metrics(state, request)
    except _BadRequest as problem:
        return problem.reply


def _asset_metrics(state: State, request: Request) -> Reply:
    query = dict(request.query_params)
    if len(str(request.url)) > _LONG_URI:
        raise _BadRequest("uri_too_long", "URI Too Long", 414)
    known = _metrics(state)
    assets = _assets(known, query, required=True)
    frequency = query.get("frequency", "1d")
    if frequency not in FREQUENCIES:
        raise _bad("frequency", frequency)
    metrics = _wanted(known, assets, query, frequency)
    first = _bound(query, "start_time", "start_inclusive")
    last = _bound(query, "end_time", "end_inclusive")
    newest = _count(query, "limit_per_asset", None, 1_000_000)
    sort = query.get("sort", "asset")
    if sort not in ("asset", "time", "height"):
        raise _bad("sort", sort)
    if query.get("format", "json") != "json":
        raise _bad("format", query["format"])
    signature = (tuple(assets), tuple(metrics), first, last, newest, sort, frequency)

    def rows() -> list[dict[str, str | None]]:
        return _all_rows(
            known,
            assets,
            metrics if frequency == "1d" else [],
            first,
            last,
            newest,
            by_time=sort == "time",
        )

    return _page(request, query, state.cached((NAME, "rows", signature), rows), "end")


def _assets(known: Metrics, query: Mapping[str, str], *, required: bool) -> list[str]:
    text = query.get("assets", "")
    if not text:
        if required:
            raise _BadRequest("bad_parameter", "Bad parameter 'assets'. Value is required.")
        return known.assets()
    if text == "*":
        return known.assets()
    available = set(known.assets())
    asked = sorted({asset.strip().lower() for asset in text.split(",")})
    if query.get("ignore_unsupported_errors") == "true":
        return [asset for asset in asked if asset in available]
    for asset in asked:
        if asset not in available:
            raise _bad("assets", asset)
    return asked


def _wanted(
    known: Metrics, assets: list[str], query: Mapping[str, str], frequency: str
) -> list[str]:
    if not query.get("metrics"):
        raise _BadRequest("bad_parameter", "Bad parameter 'metrics'. Value is required.")
    wanted = []
    for metric in dict.fromkeys(query["metrics"].split(",")):
        if metric in known.known_metrics:
            wanted.append(metric)
        elif metric in PAID:
            if query.get("ignore_forbidden_errors") != "true":
                asset = assets[0] if assets else ""
                raise _BadRequest(
                    "forbidden",
                    f"Requested metric '{metric}' with frequency '{frequency}' for asset "
                    f"'{asset}' is not available with supplied credentials.",
                    403,
                )
        elif metric not in COMMUNITY and query.get("ignore_unsupported_errors") != "true":
            raise _bad("metrics", metric)
    return wanted


def _bound(query: Mapping[str, str], name: str, inclusive: str) -> int | None:
    """Return the first (or last) day number that lies inside the bound."""
    text = query.get(name)
    if text is None:
        return None
    compact = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    shortened = "-".join(compact.groups()) if compact else re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(shortened)
    except ValueError:
        raise _bad(name, text) from None
    passed = moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH
    day, rest = divmod(passed, timedelta(days=1))
    includes = query.get(inclusive, "true") != "false"
    if name == "start_time":
        return day if not rest and includes else day + 1
    return day if rest or includes else day - 1


def _count(query: Mapping[str, str], name: str, default: int | None, most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise _bad(name, text)
    return int(text)


def _all_rows(
    known: Metrics,
    assets: list[str],
    metrics: list[str],
    first: int | None,
    last: int | None,
    newest: int | None,
    *,
    by_time: bool,
) -> list[dict[str, str | None]]:
    rows: list[tuple[int, dict[str, str | None]]] = []
    for asset in assets:
        columns = known.table(asset).columns
        # a metric that the asset does not have has no key; one without data has a null
        having = [(metric, columns[metric]) for metric in metrics if metric in columns]
        days = sorted(
            day
            for day in set().union(*(values.keys() for _, values in having))
            if (first is None or day >= first) and (last is None or day <= last)
        )
        if newest is not None:
            days = days[-newest:]
        rows += [
            (
                day,
                {
                    "asset": asset,
                    "time": label(day),
                    **{metric: values.get(day) for metric, values in having},
                },
            )
            for day in days
        ]
    if by_time:
        rows.sort(key=lambda row: row[0])
    return [row for _, row in rows]


_ROWS = Shape(
    rows=lambda body: body["data"],
    rebuild=lambda body, rows: {**body, "data": rows},
    price=2,
    column=2,
)


def _page(request: Request, query: Mapping[str, str], rows: list[Any], paging_from: str) -> Reply:
    """Return one page, with the address of the next one unless it is the last."""
    size = _count(query, "page_size", DEFAULT_PAGE, MAX_PAGE) or DEFAULT_PAGE
    side = query.get("paging_from", paging_from)
    if side not in ("start", "end"):
        raise _bad("paging_from", side)
    token = query.get("next_page_token")
    offset = 0 if token is None else _offset(token)
    if side == "start":
        page = rows[offset : offset + size]
    else:
        stop = max(len(rows) - offset, 0)
        page = rows[max(stop - size, 0) : stop]
    body: dict[str, Any] = {"data": page}
    if offset + size < len(rows):
        following = base64.urlsafe_b64encode(f"0.{offset + size}".encode()).decode().rstrip("=")
        here = {key: value for key, value in query.items() if key != "next_page_token"}
        body["next_page_token"] = following
        body["next_page_url"] = str(
            request.url.replace(query=urlencode({**here, "next_page_token": following}))
        )
    return Reply(body, shape=_ROWS)


def _offset(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        return int(text.removeprefix("0."))
    except ValueError:
        raise _bad("next_page_token", token) from None


def catalog(state: State, request: Request) -> Reply:
    """Answer `/v4/catalog-v2/asset-metrics`: what this host may be asked for."""
    return _catalog(state, request, everything=False)


def catalog_all(state: State, request: Request) -> Reply:
    """Answer `/v4/catalog-all-v2/asset-metrics`: the same, marked as free."""
    return _catalog(state, request, everything=True)


def _catalog(state: State, request: Request, *, everything: bool) -> Reply:
    try:
        query = dict(request.query_params)
        known = _metrics(state)
        chosen = set(query["metrics"].split(",")) if query.get("metrics") else None
        rows = []
        for asset in sorted(_assets(known, query, required=False)):
            metrics = [
                {"metric": metric, "frequencies": [_frequency(days, everything=everything)]}
                for metric, days in known.table(asset).columns.items()
                if chosen is None or metric in chosen
            ]
            if metrics:
                rows.append({"asset": asset, "metrics": metrics})
        return _page(request, query, rows, "start")
    except _BadRequest as problem:
        return problem.reply


def _frequency(days: Mapping[int, str | None], *, everything: bool) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "frequency": "1d",
        "min_time": label(min(days)),
        "max_time": label(max(days)),
    }
    return listed | {"community": True} if everything else listed


def assets(state: State, request: Request) -> Reply:
    """Answer `/v4/reference-data/assets`."""
    try:
        query = dict(request.query_params)
        known = _metrics(state)
        names: dict[str, str] = {
            row["coinmetrics_id"]: row["name"]
            for row in state.visible("assets").iter_rows(named=True)
            if row["coinmetrics_id"]
        }
        rows: list[dict[str, str]] = [
            {"asset": asset, "full_name": names.get(asset, asset)}
            for asset in sorted(_assets(known, query, required=False))
        ]
        return _page(request, query, rows, "start")
    except _BadRequest as problem:
        return problem.reply


def _meter(limit: Limit, used: float, wait_s: float) -> Mapping[str, str]:
    return {
        "X-RateLimit-Limit": f"{limit.weight:g}",
        "X-RateLimit-Remaining": f"{max(limit.weight - used, 0):g}",
        "X-RateLimit-Reset": f"{max(wait_s, 0):.0f}",
    }


def _examples(state: State) -> Iterator[tuple[str, str]]:
    if state.dataset.has("network_metrics"):
        yield f"/{NAME}/v4/catalog-v2/asset-metrics", "Coin Metrics: what it has"
        query = "assets=btc&metrics=PriceUSD,SplyCur&page_size=5"
        yield f"/{NAME}/v4/timeseries/asset-metrics?{query}", "Coin Metrics: daily metrics"


MOUNT = Mount(
    name=NAME,
    handlers={
        "/v4/timeseries/asset-metrics": asset_metrics,
        "/v4/catalog-v2/asset-metrics": catalog,
        "/v4/catalog-all-v2/asset-metrics": catalog_all,
        "/v4/reference-data/assets": assets,
    },
    limit=Limit(10, 6),
    throttled=lambda message: Reply(
        {"error": {"type": "too_many_requests", "message": message or "Too many requests"}}, 429
    ),
    failed=lambda message: {
        "error": {"type": "internal_error", "message": message or "Internal error"}
    },
    meter=_meter,
    examples=_examples,
)
