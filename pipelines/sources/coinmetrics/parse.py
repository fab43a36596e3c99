"""Coin Metrics payloads to rows. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed, expect_list, expect_object, joined, parse_rows
from pipelines.sources.coinmetrics.tables import ASSET_METRICS, CATALOG

_NAMES = {column.name: column.name for column in ASSET_METRICS.columns}


def next_page(payload: object) -> str | None:
    """Return the URL of the next page; the key is absent on the last.

    Raises:
        PayloadError: it is there and not text.
    """
    url = expect_object(payload, "coinmetrics").get("next_page_url")
    if url is not None and not (isinstance(url, str) and url):
        raise PayloadError(f"next_page_url is not a URL: {url!r}")
    return url


def asset_metrics(payload: object, metrics: Collection[str], latest: datetime) -> Parsed:
    """Parse a page of `/v4/timeseries/asset-metrics` into long rows.

    A metric that is null has no data that day: a row with a null value. A metric whose key is
    absent is not supported for that asset: no row.

    Raises:
        PayloadError: there is no list of data.
    """
    data = expect_list(expect_object(payload, "asset-metrics").get("data"), "asset-metrics.data")
    rows = [row for row in data if isinstance(row, dict)]
    unreadable = [row for row in data if not isinstance(row, dict)]
    parts = [
        parse_rows(ASSET_METRICS, unreadable, _NAMES, times={"time": "iso"}, sent=rows),
    ]
    parts += [
        parse_rows(
            ASSET_METRICS,
            having,
            {"asset": "asset", "time": "time", "value": metric},
            constants={"metric": metric},
            times={"time": "iso"},
            latest=latest,
            sent=(),
        )
        for metric in metrics
        if (having := [row for row in rows if metric in row])
    ]
    return joined(ASSET_METRICS, parts)


def catalog(payload: object) -> Parsed:
    """Parse a page of `/v4/catalog-v2/asset-metrics`: metrics and frequencies nested by asset.

    Raises:
        PayloadError: there is no list of data.
    """
    rows: list[dict[str, Any]] = []
    for entry in expect_list(expect_object(payload, "catalog").get("data"), "catalog.data"):
        asset = expect_object(entry, "catalog.data[]")
        for listed in expect_list(asset.get("metrics"), "catalog.data[].metrics"):
            metric = expect_object(listed, "catalog.data[].metrics[]")
            rows += [
                {**series, "asset": asset.get("asset"), "metric": metric.get("metric")}
                if isinstance(series, dict)
                else series
                for series in expect_list(metric.get("frequencies"), "catalog frequencies")
            ]
    names = {column.name: column.name for column in CATALOG.columns}
    return parse_rows(CATALOG, rows, names, times={"min_time": "iso", "max_time": "iso"})
