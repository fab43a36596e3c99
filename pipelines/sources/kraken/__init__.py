"""Kraken spot: candles (the newest 720, more cannot be had) and the list of pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pipelines.core.windows import DAY, Window
from pipelines.extraction import candles
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import RequestFailed, RequestRefused, SourceUnavailable
from pipelines.sources.kraken import parse
from pipelines.sources.kraken.settings import (
    BASE_URL,
    BUDGET,
    INTRADAY,
    LICENCE,
    LOOK_BACK_D,
    QUOTES,
    REACH_ROWS,
)
from pipelines.sources.kraken.tables import ASSET_PAIRS, OHLC


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of pairs, and the closed candles of curated pairs in the window."""
    pairs: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.asset_pairs(_get(run, "AssetPairs", {}))
        for pair in parsed.rows.to_pylist():
            base, _, quote = (pair["wsname"] or "").partition("/")
            if base in run.universe and quote in QUOTES:
                pairs.append(pair["altname"])
        yield parsed

    yield from run.pull(ASSET_PAIRS, "*", None, listing)
    if not pairs:
        run.stop(f"no curated pair in the list of pairs ({len(run.universe)} codes known)")
    wanted = run.wanted(pairs)
    yield from candles.pull(run, OHLC, wanted, window, partial(_page, run), reach_rows=REACH_ROWS)


def _page(run: Extraction, pair: str, interval: str, window: Window) -> Iterator[Parsed]:
    interval_min = candles.INTERVAL_S[interval] // 60
    # `since` is exclusive, and an aligned one would hide the window's first candle
    since = int(window.start_at.timestamp()) - 1
    payload = _get(run, "OHLC", {"pair": pair, "interval": interval_min, "since": since})
    parsed = parse.ohlc(payload, pair, interval_min, latest=run.fetched_at + DAY)
    yield parsed.between("open_time", window.start_at, window.end_at)


def _get(run: Extraction, endpoint: str, params: Mapping[str, Any]) -> Any:
    """Ask, and raise what Kraken reports inside an answer 200."""
    payload = run.client.get_json(f"0/public/{endpoint}", params)
    problems = parse.errors(payload)
    if not problems:
        return payload
    message = f"{endpoint} {params.get('pair', '')}: {', '.join(problems)}"
    if parse.is_busy(payload):
        raise SourceUnavailable(message)
    if parse.is_failure(problems):
        raise RequestFailed(message)
    raise RequestRefused(message)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and one for each pair; pairs there may be fewer."""
    pairs = run.at_most(len(run.universe) * len(QUOTES))
    return [
        Share(ASSET_PAIRS, 1),
        *candles.shares(run, OHLC, window, pairs, REACH_ROWS, reach_rows=REACH_ROWS),
    ]


SOURCE = Source(
    name="kraken",
    title="Kraken spot",
    kind="spot_venue",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    intervals=INTRADAY,
    is_busy=parse.is_busy,
    quotes=QUOTES,
)
