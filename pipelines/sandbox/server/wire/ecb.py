"""The ECB's data portal: `/data/EXR/{series}` as SDMX-CSV."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, text
from pipelines.sandbox.server.state import State

NAME = "ecb"
CSV = "application/vnd.sdmx.data+csv; version=1.0.0; charset=utf-8"
_SHORT = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE"
_FULL = ",OBS_STATUS,OBS_CONF,OBS_PRE_BREAK,OBS_COM,TIME_FORMAT,TITLE"


def exchange_rates(state: State, request: Request) -> Reply:
    """Answer `/data/EXR/D.{currencies}.EUR.SP00.A`: a line per currency and working day."""
    parts = request.path_params["series"].split(".")
    if len(parts) != 5:
        return text("Invalid number of dimensions in parameter series", 400)
    if parts[0] not in ("D", "") or parts[2:] != ["EUR", "SP00", "A"]:
        return text("No results found.", 404)
    table = daily.table(state, "fx_rates", ["currency"], ("units_per_eur",))
    known = sorted(currency for (currency,) in table.keys())  # noqa: SIM118
    wanted = set(parts[1].split("+")) if parts[1] else set(known)
    query = request.query_params
    first = _day(query.get("startPeriod", "1999-01-01"))
    last = _day(query.get("endPeriod", state.today.isoformat()))
    is_short = query.get("detail") == "dataonly"
    lines = []
    for currency in known:
        if currency not in wanted:
            continue
        seen = table.seen(currency)
        rates = seen.values["units_per_eur"].tolist()
        for day, rate in zip(seen.days.tolist(), rates, strict=True):
            if first <= day <= last:
                cells = f"EXR.D.{currency}.EUR.SP00.A,D,{currency},EUR,SP00,A"
                rest = "" if is_short else f',A,F,,,P1D,"{currency}/Euro, 2:15 pm (C.E.T.)"'
                lines.append(f"{cells},{daily.day_text(day)},{daily.clean(rate)}{rest}")
    if not lines:
        return text("No results found.", 404)
    header = _SHORT if is_short else _SHORT + _FULL
    return text("\n".join([header, *lines]) + "\n", 200, CSV)


def _day(period: str) -> int:
    return (date.fromisoformat(period) - daily.EPOCH).days


MOUNT = Mount(name=NAME, handlers={"/data/EXR/{series}": exchange_rates}, limit=Limit(100, 60))
