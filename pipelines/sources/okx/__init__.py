"""OKX: candles of spot pairs, settled funding of perpetual swaps, the list of both.

Both histories are read backwards: `after` is exclusive and means older. Funding reaches back three
months only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction import candles
from pipelines.extraction.parsing import EmptyList, Parsed
from pipelines.extraction.planning import Share, pages
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import RequestRefused, SourceUnavailable
from pipelines.sources.okx import parse
from pipelines.sources.okx.settings import (
    BARS,
    BASE_URL,
    BUDGET,
    FUNDING_PAGE_ROWS,
    FUNDING_REACH_D,
    INTRADAY,
    LICENCE,
    LOOK_BACK_D,
    PAGE_ROWS,
    QUOTES,
    SETTLED_IN,
)
from pipelines.sources.okx.tables import FUNDING_RATE_HISTORY, HISTORY_CANDLES, INSTRUMENTS


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the instruments, and of curated ones the window's closed candles and its funding."""
    kinds: dict[str, str] = {}

    def listing() -> Iterator[Parsed]:
        listed = 0
        for kind in ("SPOT", "SWAP"):
            parsed = parse.instruments(_get(run, "public/instruments", {"instType": kind}))
            listed += parsed.row_count
            kinds.update(
                (instrument["inst_id"], kind)
                for instrument in parsed.rows.to_pylist()
                if _is_wanted(run, instrument)
            )
            yield parsed
        if not listed:
            raise EmptyList("the list of instruments is empty")

    yield from run.pull(INSTRUMENTS, "*", None, listing)
    if not kinds:
        run.stop(f"no curated instrument in the list ({len(run.universe)} codes known)")
    recent = run.closed(window, reach_d=FUNDING_REACH_D)
    wanted = run.wanted(kinds)
    pairs = [inst_id for inst_id in wanted if kinds[inst_id] == "SPOT"]
    swaps = [inst_id for inst_id in wanted if kinds[inst_id] == "SWAP"]
    run.settle(FUNDING_RATE_HISTORY, len(swaps))
    yield from candles.pull(
        run, HISTORY_CANDLES, pairs, window, partial(_candles, run), is_newest_first=True
    )
    if recent is None:
        return
    for inst_id in swaps:
        yield from run.pull(
            FUNDING_RATE_HISTORY,
            inst_id,
            recent,
            partial(_funding, run, inst_id, recent),
            reaches=start_of(recent.last),
            begins=recent.start_at,
        )


def _is_wanted(run: Extraction, instrument: Mapping[str, Any]) -> bool:
    if instrument["inst_type"] == "SPOT":
        return instrument["base_ccy"] in run.universe and instrument["quote_ccy"] in QUOTES
    base, _, _ = (instrument["inst_family"] or "").partition("-")
    return (
        base in run.universe
        and instrument["contract_type"] == "linear"
        and instrument["settle_ccy"] in SETTLED_IN
    )


def _candles(run: Extraction, inst_id: str, interval: str, window: Window) -> Iterator[Parsed]:
    bar = BARS[interval]
    for rows in _backwards(
        run,
        "market/history-candles",
        {"instId": inst_id, "bar": bar},
        window,
        limit=min(PAGE_ROWS, candles.count(window, interval)),
        time_of=lambda row: row[0] if isinstance(row, list) and row else None,
    ):
        page = parse.history_candles(rows, inst_id, bar, latest=run.fetched_at + DAY)
        yield page.between("open_time", window.start_at, window.end_at)


def _funding(run: Extraction, inst_id: str, window: Window) -> Iterator[Parsed]:
    for rows in _backwards(
        run,
        "public/funding-rate-history",
        {"instId": inst_id},
        window,
        # no swap settles more often than every hour
        limit=min(FUNDING_PAGE_ROWS, 24 * window.day_count),
        time_of=lambda row: row.get("fundingTime") if isinstance(row, dict) else None,
    ):
        page = parse.funding_rate_history(rows, latest=run.fetched_at + DAY)
        yield page.between("funding_time", window.start_at, window.end_at)


def _backwards(
    run: Extraction,
    path: str,
    params: Mapping[str, Any],
    window: Window,
    *,
    limit: int,
    time_of: Any,
) -> Iterator[list[Any]]:
    """Yield page after page, from the window's end to its start or to the first page without rows.

    A page that is short says nothing: OKX has lowered its maxima before.
    """
    start_ms = int(window.start_at.timestamp()) * 1000
    after = int(window.end_at.timestamp()) * 1000
    while after > start_ms:
        rows = _get(run, path, {**params, "after": after, "limit": limit})
        if not rows:
            return
        yield rows
        oldest = parse.oldest_ms([time_of(row) for row in rows], path)
        if oldest >= after:
            raise PayloadError(f"{path}: a page after {after} begins at {oldest}")
        after = oldest


def _get(run: Extraction, path: str, params: Mapping[str, Any]) -> list[Any]:
    """Ask, raise what OKX reports inside an answer 200, and return the rows."""
    payload = run.client.get_json(f"api/v5/{path}", params)
    problem = parse.error(payload)
    if problem is None:
        return parse.rows(payload)
    message = f"{path} {params.get('instId', '')}: {problem}"
    if parse.is_busy(payload):
        raise SourceUnavailable(message)
    raise RequestRefused(message)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the lists, and the pages of each pair and swap.

    What is listed later ends with an empty page. A swap settles every hour at the most.
    """
    shares = [Share(INSTRUMENTS, 2)]
    pairs = run.at_most(len(run.universe) * len(QUOTES))
    shares += candles.shares(run, HISTORY_CANDLES, window, pairs, PAGE_ROWS, extra=1)
    if (recent := run.closed(window, reach_d=FUNDING_REACH_D)) is not None:
        swaps = run.at_most(len(run.universe) * len(SETTLED_IN))
        each = pages(24 * recent.day_count, FUNDING_PAGE_ROWS) + 1
        shares.append(Share(FUNDING_RATE_HISTORY, swaps, each, is_bound=True))
    return shares


SOURCE = Source(
    name="okx",
    title="OKX",
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
