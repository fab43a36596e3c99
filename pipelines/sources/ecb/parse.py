"""The ECB's CSV to rows. Pure."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from io import StringIO

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed, dump, parse_rows
from pipelines.sources.ecb.tables import EXCHANGE_RATES

_NEEDED = ("FREQ", "CURRENCY", "CURRENCY_DENOM", "TIME_PERIOD", "OBS_VALUE")


def exchange_rates(text: str, latest: datetime) -> Parsed:
    """Parse SDMX-CSV (`format=csvdata`): a header, then a line per series and day.

    Columns come and go, so they are found by name. A day without a rate (a suspended currency) has
    an empty or `NaN` value and no row. Nothing in the window is an empty text.

    Raises:
        PayloadError: a needed column is missing.
    """
    lines = csv.DictReader(StringIO(text))
    if text.strip():
        missing = sorted(set(_NEEDED) - set(lines.fieldnames or ()))
        if missing:
            raise PayloadError(f"EXR: no columns {missing} in {dump(lines.fieldnames)[:200]}")
    rows, strange = [], []
    for line in lines:
        if line["FREQ"] != "D" or line["CURRENCY_DENOM"] != "EUR":
            strange.append(("row: not a daily rate of the euro", dump(line)))
        elif line["OBS_VALUE"] not in ("", "NaN"):
            rows.append(line)
    parsed = parse_rows(
        EXCHANGE_RATES,
        rows,
        {"currency": "CURRENCY", "day_time": "TIME_PERIOD", "units_per_eur": "OBS_VALUE"},
        times={"day_time": "iso"},
        latest=latest,
    )
    return replace(parsed, refused=(*parsed.refused, *strange))
