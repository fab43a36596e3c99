"""Coin Metrics' archive: `/{asset}.csv`, whatever metrics the asset has, the last line partial."""

from __future__ import annotations

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, text
from pipelines.sandbox.server.state import State

NAME = "coinmetrics_archive"
# what is known at the label's own instant, so that the last line has it
_RATES = "ReferenceRate"


def file(state: State, request: Request) -> Reply:
    """Answer a file: a header with the asset's metrics, then a line a day; empty: no value."""
    name = request.path_params["name"]
    asset = name.removesuffix(".csv")
    table = daily.table(state, "network_metrics", ["asset", "metric"], ("value",))
    metrics = sorted(metric for owner, metric in table.keys() if owner == asset)  # noqa: SIM118
    if not name.endswith(".csv") or not metrics:
        return text("404: Not Found", 404)
    series = {}
    for metric in metrics:
        seen = table.seen(asset, metric)
        series[metric] = dict(zip(seen.days.tolist(), seen.values["value"].tolist(), strict=True))
    days = sorted({day for values in series.values() for day in values})
    if days and days[-1] < daily.today(state):
        # the rate at the midnight that ends the last day is known already
        days.append(daily.today(state))
        for metric, values in series.items():
            price = series.get("PriceUSD", {}).get(days[-2])
            if metric.startswith(_RATES) and price is not None:
                values[days[-1]] = price
    lines = [",".join(["time", *metrics])]
    for day in days:
        cells = [_cell(series[metric].get(day)) for metric in metrics]
        lines.append(",".join([daily.day_text(day), *cells]))
    return text("\n".join(lines), 200)


def _cell(value: float | None) -> str:
    if value is None or np.isnan(value):
        return ""
    return repr(daily.clean(value))


MOUNT = Mount(name=NAME, handlers={"/{name}": file}, limit=Limit(300, 60))
