"""The dump's host and Binance's pages, both of one made-up market."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipelines.core.bounds import Bounds
from pipelines.core.tables import Table
from pipelines.extraction.candles import INTERVAL_S
from pipelines.extraction.run import Extraction
from pipelines.http.client import Usage
from tests.sources.double import Double, at, ms

MICROSECONDS_FROM = at("2025-01-01")
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore"
)


def zipped(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def checksum_of(body: bytes, name: str) -> bytes:
    return f"{hashlib.sha256(body).hexdigest()}  {name}\n".encode()


class Market:
    """Candles of BTCUSDT from `first` on, by page as the API and by file as the dump has them."""

    def __init__(self, first: str, now: datetime) -> None:
        self.first = at(first)
        self.now = now
        self.change: Callable[[str, bytes], bytes | None] = lambda _name, body: body
        self.change_checksum: Callable[[str, bytes], bytes | None] = lambda _name, body: body
        self.symbols = ["BTCUSDT"]

    def row(self, open_ms: int, interval: str) -> list[Any]:
        minute = open_ms // 60_000
        price = 1000 + minute % 997
        close_ms = open_ms + INTERVAL_S[interval] * 1000 - 1
        return [
            open_ms, f"{price}.00000000", f"{price + 2}.00000000", f"{price - 2}.00000000",
            f"{price + 1}.00000000", "12.50000000", close_ms, "12506.25000000", minute % 100,
            "6.25000000", "6253.12500000", "0",
        ]  # fmt: skip

    def times(self, start: int, end: int, interval: str) -> range:
        step = INTERVAL_S[interval] * 1000
        first = max(start, ms(self.first))
        return range(-(-first // step) * step, min(end, ms(self.now)) + 1, step)

    def page(self, path: str, params: dict[str, Any]) -> Any:
        if path == "api/v3/exchangeInfo":
            return {
                "symbols": [
                    {"symbol": symbol, "status": "TRADING", "isSpotTradingAllowed": True,
                     "baseAsset": symbol.removesuffix("USDT"), "quoteAsset": "USDT"}
                    for symbol in self.symbols
                ]
            }  # fmt: skip
        interval = params["interval"]
        times = self.times(params["startTime"], params["endTime"], interval)
        return [self.row(time, interval) for time in times[: params["limit"]]]

    def csv(self, start: datetime, end: datetime, interval: str) -> str:
        lines = []
        for time in self.times(ms(start), ms(end) - 1, interval):
            row = self.row(time, interval)
            if at("1970-01-01") + timedelta(milliseconds=time) >= MICROSECONDS_FROM:
                row[0], row[6] = row[0] * 1000, row[6] * 1000 + 999
            lines.append(",".join(map(str, row)) + "\n")
        return "".join(lines)

    def file(self, path: str) -> bytes | None:
        """Return what the dump's host has at a path: a file only if it has any candle."""
        folder, _, _, interval, name = path.removeprefix("data/spot/").split("/")
        wants_checksum = name.endswith(".CHECKSUM")
        name = name.removesuffix(".CHECKSUM")
        period = name.removesuffix(".zip").split("-", 2)[2]
        if folder == "monthly":
            start = at(f"{period}-01")
            end = (start + timedelta(days=32)).replace(day=1)
        else:
            start = at(period)
            end = start + timedelta(days=1)
        text = self.csv(start, end, interval) if end <= self.now else ""
        if not text:
            return None
        body = self.change(name, zipped(name.replace(".zip", ".csv"), text))
        if wants_checksum:
            whole = zipped(name.replace(".zip", ".csv"), text)
            return self.change_checksum(name, checksum_of(whole, name))
        return body


class Host:
    """Stands in for the client of the dump's host."""

    base_url = "double:"
    bounds = Bounds()

    def __init__(self, market: Market) -> None:
        self.asked: list[str] = []
        self._market = market

    @property
    def usage(self) -> Usage:
        return Usage(request_count=len(self.asked))

    def get_file(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self._market.file(path)

    @property
    def names(self) -> list[str]:
        return [path.rpartition("/")[2] for path in self.asked]


def run_of(market: Market, remembered: list[dict[str, Any]] | None = None, **options: Any):  # type: ignore[no-untyped-def]
    def recall(table: Table) -> pl.DataFrame:
        return pl.DataFrame(remembered or [], schema=_schema(table))

    return Extraction(
        client=Double(market.page),  # type: ignore[arg-type]
        fetched_at=market.now,
        run_id="run",
        universe=frozenset(symbol.removesuffix("USDT") for symbol in market.symbols),
        files=Host(market),  # type: ignore[arg-type]
        remembered=recall,
        **{"intervals": ("1h",), "bulk": "always", **options},
    )


def _schema(table: Table) -> Any:
    return pl.DataFrame(pl.from_arrow(table.arrow_schema().empty_table())).schema
