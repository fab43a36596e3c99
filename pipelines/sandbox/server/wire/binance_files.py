"""data.binance.vision: candles in zips, with checksums; what is not there is a 404 in XML."""

from __future__ import annotations

import hashlib
import re
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO

from starlette.requests import Request

from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, text
from pipelines.sandbox.server.state import State
from pipelines.sandbox.server.wire import binance

NAME = "binance_files"
# the first day whose files have microseconds
MICROSECONDS_FROM_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1000
# a day's file is there in the morning of the next day, a month's after the first Monday
DAILY_DELAY = timedelta(hours=10)
_PERIOD = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")
_ZIP_TIME = (2020, 1, 1, 0, 0, 0)


def file(state: State, request: Request) -> Reply:
    """Answer `/data/spot/{folder}/klines/{symbol}/{interval}/{name}`: a zip, or its CHECKSUM."""
    at = request.path_params
    name = at["name"].removesuffix(".CHECKSUM")
    found = None
    if name.startswith(f"{at['symbol']}-{at['interval']}-") and name.endswith(".zip"):
        found = state.cached(
            (NAME, at["folder"], name),
            lambda: _zip(state, at["folder"], at["symbol"], at["interval"], name),
        )
    if found is None:
        return _missing(request.url.path)
    if at["name"].endswith(".CHECKSUM"):
        return text(f"{hashlib.sha256(found).hexdigest()}  {name}\n", 200, "binary/octet-stream")
    return Reply(found, media_type="application/zip")


def _missing(path: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        "<Message>The specified key does not exist.</Message>"
        f"<Key>{path.partition('/data/')[2]}</Key></Error>"
    )
    return text(body, 404, "application/xml")


def _zip(state: State, folder: str, symbol: str, interval: str, name: str) -> bytes | None:
    stem = name.removesuffix(".zip")
    days = _days(folder, stem.removeprefix(f"{symbol}-{interval}-"))
    if days is None or state.now < _published(folder, days[1]):
        return None
    series = state.candles(binance.NAME, symbol, interval)
    if series is None:
        return None
    start_s, end_s = (int(datetime.combine(day, time(), tzinfo=UTC).timestamp()) for day in days)
    positions = series.versions.at(state.now_us)
    opens = series.versions.keys[positions]
    positions = positions[(opens >= start_s) & (opens < end_s)]
    if not len(positions):
        return None
    rows = series.rows(
        binance.NAME, positions, lambda columns: binance.render(columns, series.length_s)
    )
    lines = []
    for row in rows:
        opened, closed = row[0], row[6]
        if opened >= MICROSECONDS_FROM_MS:
            opened, closed = opened * 1000, closed * 1000 + 999
        cells = (opened, *row[1:6], closed, *row[7:])
        lines.append(",".join(map(str, cells)))
    body = BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(f"{stem}.csv", _ZIP_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, "\n".join(lines) + "\n")
    return body.getvalue()


def _days(folder: str, period: str) -> tuple[date, date] | None:
    """Return the first day of a period and the first after it, or None if it is none."""
    parts = _PERIOD.fullmatch(period)
    if parts is None or (parts[3] is None) != (folder == "monthly"):
        return None
    try:
        start = date(int(parts[1]), int(parts[2]), int(parts[3] or 1))
    except ValueError:
        return None
    if folder == "daily":
        return start, start + timedelta(days=1)
    return start, (start + timedelta(days=31)).replace(day=1)


def _published(folder: str, end: date) -> datetime:
    if folder == "daily":
        return datetime.combine(end, time(), tzinfo=UTC) + DAILY_DELAY
    monday = end + timedelta(days=(7 - end.weekday()) % 7)
    return datetime.combine(monday, time(12), tzinfo=UTC)


MOUNT = Mount(
    name=NAME,
    handlers={"/data/spot/{folder}/klines/{symbol}/{interval}/{name}": file},
    limit=Limit(1_000, 10),
)
