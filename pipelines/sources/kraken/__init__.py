"""Kraken spot: daily candles (the newest 720, more cannot be had) and the list of pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.extraction import Extraction, Item, Source
from pipelines.http import RequestFailed, RequestRefused, SourceUnavailable
from pipelines.parsing import Parsed
from pipelines.planning import Share
from pipelines.sources.kraken import parse
from pipelines.sources.kraken.settings import (
    BASE_URL,
    BUDGET,
    INTERVAL_MIN,
    LICENCE,
    LOOK_BACK_D,
    QUOTES,
    REACH_D,
)
from pipelines.sources.kraken.tables import ASSET_PAIRS, OHLC
from pipelines.windows import DAY, Window, start_of


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of pairs, and the closed daily candles of curated pairs in the window."""
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
        run.stop(f"kraken: no curated pair in the list of pairs ({len(run.universe)} codes known)")
    closed = run.closed(window, reach_d=REACH_D)
    if closed is None:
        return
    wanted = run.wanted(pairs)
    run.settle(OHLC, len(wanted))
    for pair in wanted:
        yield from run.pull(
            OHLC,
            pair,
            closed,
            lambda pair=pair: _page(run, pair, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
        )


def _page(run: Extraction, pair: str, window: Window) -> Iterator[Parsed]:
    # `since` is exclusive, and an aligned one would hide the window's first candle
    since = int(window.start_at.timestamp()) - 1
    payload = _get(run, "OHLC", {"pair": pair, "interval": INTERVAL_MIN, "since": since})
    parsed = parse.ohlc(payload, pair, INTERVAL_MIN, latest=run.fetched_at + DAY)
    yield parsed.between("open_time", window.start_at, window.end_at)


def _get(run: Extraction, endpoint: str, params: Mapping[str, Any]) -> Any:
    """Ask, and raise what Kraken reports inside an answer 200."""
    payload = run.client.get_json(f"0/public/{endpoint}", params)
    problems = parse.errors(payload)
    if not problems:
        return payload
    message = f"kraken: {endpoint} {params.get('pair', '')}: {', '.join(problems)}"
    if parse.is_busy(payload):
        raise SourceUnavailable(message)
    if parse.is_failure(problems):
        raise RequestFailed(message)
    raise RequestRefused(message)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and one for each pair; pairs there may be fewer."""
    shares = [Share(ASSET_PAIRS, 1)]
    if run.closed(window, reach_d=REACH_D) is not None:
        pairs = run.at_most(len(run.universe) * len(QUOTES))
        shares.append(Share(OHLC, pairs, is_bound=True))
    return shares


SOURCE = Source(
    name="kraken",
    title="Kraken spot",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    is_busy=parse.is_busy,
)
