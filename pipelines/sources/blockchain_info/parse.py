"""blockchain.com chart payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed, dump, expect_list, expect_object, parse_rows
from pipelines.sources.blockchain_info.tables import CHARTS


def chart(payload: object, name: str, latest: datetime) -> Parsed:
    """Parse `/charts/{name}`: objects of seconds and value, at one hour of the day or several.

    Series begin at different hours, so the day is that of the sample (see the table's grid).

    Raises:
        PayloadError: the status is not ok, or there is no list of values.
    """
    body = expect_object(payload, f"chart {name}")
    if body.get("status") != "ok":
        raise PayloadError(f"chart {name}: status {dump(body.get('status'))}, not ok")
    return parse_rows(
        CHARTS,
        expect_list(body.get("values"), f"chart {name}: values"),
        {"day_time": "x", "sample_time": "x", "value": "y"},
        constants={"chart": name, "unit": body.get("unit")},
        times={"day_time": "s", "sample_time": "s"},
        latest=latest,
    )
