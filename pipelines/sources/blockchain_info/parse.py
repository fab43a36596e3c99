"""blockchain.com chart payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.parsing import Parsed, PayloadError, dump, expect_list, expect_object, parse_rows
from pipelines.sources.blockchain_info.tables import CHARTS

_DAY_S = 86_400


def chart(payload: object, name: str, latest: datetime) -> Parsed:
    """Parse `/charts/{name}`: objects of seconds and value, at one hour of the day or several.

    Series begin at different hours, so the instant is cut to its day; of several samples of a day
    the last counts.

    Raises:
        PayloadError: the status is not ok, or there is no list of values.
    """
    body = expect_object(payload, f"chart {name}")
    if body.get("status") != "ok":
        raise PayloadError(f"chart {name}: status {dump(body.get('status'))}, not ok")
    last_of_day: dict[Any, Any] = {}
    strange: list[Any] = []
    points = expect_list(body.get("values"), f"chart {name}: values")
    for point in points:
        at = point.get("x") if isinstance(point, dict) else None
        if type(at) is not int:
            strange.append(point)
            continue
        day = at // _DAY_S * _DAY_S
        if day not in last_of_day or at >= last_of_day[day]["x"]:
            last_of_day[day] = {**point, "day": day}
    return parse_rows(
        CHARTS,
        [*last_of_day.values(), *strange],
        {"day_time": "day", "sample_time": "x", "value": "y"},
        constants={"chart": name, "unit": body.get("unit")},
        times={"day_time": "s", "sample_time": "s"},
        latest=latest,
        sent=points,
    )
