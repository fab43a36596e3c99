"""blockchain.com charts of Bitcoin: `/charts/{name}`; long ranges are thinned by default."""

from __future__ import annotations

from datetime import date

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.daily import DAY_S
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import State

NAME = "blockchain_info"
SAMPLES = 1_500
_ASSET = "btc"
# for each chart Coin Metrics' metric, its title and unit, the factor between the two, and the
# second of the day at which its samples are
CHARTS = {
    "n-transactions": ("TxCnt", "Confirmed Transactions Per Day", "Transactions", 1.0, 0),
    "n-unique-addresses": ("AdrActCnt", "Unique Addresses Used", "Addresses", 1.0, 0),
    "hash-rate": ("HashRate", "Hash Rate", "Hash Rate TH/s", 1.0, 0),
    "transaction-fees": ("FeeTotNtv", "Transaction Fees (BTC)", "BTC", 1.0, 0),
    "total-bitcoins": ("SplyCur", "Bitcoins in circulation", "BTC", 1.0, 26_021),
    "market-price": ("PriceUSD", "Market Price (USD)", "USD", 1.0, 0),
    # a block needs difficulty x 2^32 hashes, and takes ten minutes
    "difficulty": ("HashRate", "Difficulty", "Difficulty", 600e12 / 2**32, 7_200),
}
_UNITS_D = {"day": 1, "week": 7, "month": 30, "year": 365}
_VALUES = Shape(
    rows=lambda body: body["values"],
    rebuild=lambda body, rows: {**body, "values": rows},
    price="y",
    column="y",
)


def _span(text: str) -> int | None:
    """Return how many days a time span such as 5weeks has; None: all."""
    if text == "all":
        return None
    digits = "".join(character for character in text if character.isdigit())
    unit = text.removeprefix(digits).rstrip("s")
    return int(digits or 1) * _UNITS_D.get(unit, 365)


def chart(state: State, request: Request) -> Reply:
    """Answer `/charts/{name}`: instants in seconds and values, the running day's last."""
    name, query = request.path_params["name"], request.query_params
    if name not in CHARTS:
        return Reply({"status": "not-found", "error": f"No chart named {name}"}, status=404)
    metric, title, unit, factor, second = CHARTS[name]
    table = daily.table(state, "network_metrics", ["asset", "metric"], ("value",))
    seen = table.seen(_ASSET, metric)
    days, values = seen.days, seen.values["value"] * factor
    is_known = ~np.isnan(values) & (days < daily.today(state))
    days, values = days[is_known], values[is_known]
    if len(days):
        # the running day, as far as it has come
        days = np.append(days, daily.today(state))
        values = np.append(values, values[-1] * 0.25)
    span = _span(query.get("timespan", "1year"))
    first = -(2**31)
    if "start" in query:
        first = (date.fromisoformat(query["start"][:10]) - daily.EPOCH).days
    elif span is not None:
        first = daily.today(state) - span
    inside = days >= first
    if "start" in query and span is not None:
        inside &= days < first + span
    points = [
        {"x": day * DAY_S + second, "y": value}
        for day, value in zip(days[inside].tolist(), values[inside].tolist(), strict=True)
    ]
    if query.get("sampled", "true") != "false":
        points = points[:: -(-len(points) // SAMPLES) or 1]
    body = {
        "status": "ok",
        "name": title,
        "unit": unit,
        "period": "day",
        "description": "",
        "values": points,
    }
    return Reply(body, shape=_VALUES)


MOUNT = Mount(
    name=NAME,
    handlers={"/charts/{name}": chart},
    limit=Limit(30, 30),
    failed=lambda message: {"status": "error", "error": message or "Internal server error"},
)
