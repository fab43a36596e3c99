"""Coin Metrics' CSV files to rows. Pure."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from io import StringIO

from pipelines.core.payload import PayloadError
from pipelines.core.windows import Window
from pipelines.extraction.drift import shape_of
from pipelines.extraction.parsing import Parsed, dump, joined, parse_rows
from pipelines.sources.coinmetrics_archive.tables import ASSET_METRICS

# the first column's name; files of 2019 have the other
_TIME = ("time", "date")


def asset_metrics(text: str, asset: str, latest: datetime, window: Window) -> Parsed:
    """Parse a file: a header, then a line a day, oldest first; metrics differ by asset and year.

    The last line is partial (only rates are filled), which needs no care: an empty cell has no row.

    Args:
        text: the file.
        asset: the asset it is of.
        latest: instants after it are refused.
        window: lines of other days are not typed.

    Raises:
        PayloadError: there is no header with a time column, or a column stands twice in it.
    """
    lines = csv.reader(StringIO(text))
    header = next(lines, [])
    if not header or header[0] not in _TIME or len(set(header)) != len(header) or "" in header:
        raise PayloadError(f"archive of {asset}: no header with time and metrics: {header[:5]}")
    first, last = window.start.isoformat(), window.last.isoformat()
    days: list[list[str]] = []
    refused: list[tuple[str, str]] = []
    for line in lines:
        if not line or (len(line[0]) == len(first) and not first <= line[0] <= last):
            continue
        if len(line) == len(header):
            days.append(line)
        else:
            refused.append((f"row: expected {len(header)} cells, got {len(line)}", dump(line)))
    parts = [
        parse_rows(
            ASSET_METRICS,
            [[line[0], line[position]] for line in days if line[position]],
            {"time": 0, "value": 1},
            constants={"asset": asset, "metric": metric},
            times={"time": "iso"},
            latest=latest,
            sent=(),
        )
        for position, metric in enumerate(header)
        if position
    ]
    whole = joined(ASSET_METRICS, parts)
    # metrics differ by asset: of all files together the names are what a metric's coming shows
    shape = shape_of([dict(zip(header, line, strict=True)) for line in days[-1:]])
    return replace(whole, refused=(*refused, *whole.refused), shape=shape)
