"""The National Bank of Poland: the price of gold in zloty, and the dollar's rate.

A working day has the London price of the working day before, at the dollar rate of that day. What
the dataset has is the London price; the zloty comes from its euro rates.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, Shape, text
from pipelines.sandbox.server.state import State

NAME = "gold"
MAX_RANGE_D = 93
GRAMS_PER_OZT = 31.1034768
_SATURDAY = 5
_PRICES = Shape(rows=lambda body: body, rebuild=lambda _, rows: rows, price="cena", column="cena")
_RATES = Shape(
    rows=lambda body: body["rates"],
    rebuild=lambda body, rows: {**body, "rates": rows},
    price="mid",
    column="mid",
)


def _range(request: Request) -> tuple[int, int] | Reply:
    try:
        first, last = (
            (date.fromisoformat(request.path_params[name]) - daily.EPOCH).days
            for name in ("start", "end")
        )
    except ValueError:
        return text("404 NotFound", 404)
    if last < first:
        return text("400 BadRequest - Błędny zakres dat / Invalid date range", 400)
    if last - first > MAX_RANGE_D:
        limit = f"400 BadRequest - Przekroczony limit {MAX_RANGE_D} dni"
        return text(f"{limit} / Limit of {MAX_RANGE_D} days has been exceeded", 400)
    return first, last


def _no_data() -> Reply:
    return text("404 NotFound - Not Found - Brak danych", 404)


def _dollar_rates(state: State) -> dict[int, float]:
    """Return the zloty for a dollar by working day."""
    table = daily.table(state, "fx_rates", ["currency"], ("units_per_eur",))
    by_day: list[dict[int, float]] = []
    for currency in ("PLN", "USD"):
        seen = table.seen(currency)
        rates = seen.values["units_per_eur"].tolist()
        by_day.append(dict(zip(seen.days.tolist(), rates, strict=True)))
    zloty, dollar = by_day
    return {day: round(zloty[day] / dollar[day], 4) for day in zloty if day in dollar}


def _working_day_after(day: int) -> int:
    after = day + 1
    # 1970-01-01 was a Thursday
    while (after + 3) % 7 >= _SATURDAY:
        after += 1
    return after


def prices(state: State, request: Request) -> Reply:
    """Answer `/cenyzlota/{start}/{end}`: the zloty for a gram, working day by working day."""
    asked = _range(request)
    if isinstance(asked, Reply):
        return asked
    seen = daily.table(state, "gold_daily", [], ("usd_per_ozt",)).seen()
    rates = _dollar_rates(state)
    found: list[dict[str, Any]] = []
    for day, ounce in zip(seen.days.tolist(), seen.values["usd_per_ozt"].tolist(), strict=True):
        published = _working_day_after(day)
        is_out = published <= daily.today(state)
        if is_out and asked[0] <= published <= asked[1] and day in rates:
            price = round(ounce * rates[day] / GRAMS_PER_OZT, 2)
            found.append({"data": daily.day_text(published), "cena": price})
    return Reply(found, shape=_PRICES) if found else _no_data()


def currency_rates(state: State, request: Request) -> Reply:
    """Answer `/exchangerates/rates/a/{code}/{start}/{end}`: the middle rates; the dollar's only."""
    asked = _range(request)
    if isinstance(asked, Reply):
        return asked
    if request.path_params["code"].upper() != "USD":
        return _no_data()
    rates = [
        {"no": f"{number:03d}/A/NBP", "effectiveDate": daily.day_text(day), "mid": rate}
        for number, (day, rate) in enumerate(sorted(_dollar_rates(state).items()), start=1)
        if asked[0] <= day <= asked[1]
    ]
    if not rates:
        return _no_data()
    body = {"table": "A", "currency": "dolar amerykański", "code": "USD", "rates": rates}
    return Reply(body, shape=_RATES)


MOUNT = Mount(
    name=NAME,
    handlers={
        "/cenyzlota/{start}/{end}": prices,
        "/exchangerates/rates/a/{code}/{start}/{end}": currency_rates,
    },
    limit=Limit(300, 60),
)
