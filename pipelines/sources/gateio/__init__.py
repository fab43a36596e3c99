"""Gate.io spot: candles and the list of pairs.

Pages are windows of a thousand candles by both ends, which count: a limit beside them is refused,
and so is one candle more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from pipelines.core.windows import DAY, Window
from pipelines.extraction import candles
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget
from pipelines.sources.gateio import parse
from pipelines.sources.gateio.tables import CANDLESTICKS, CURRENCY_PAIRS, REACH_ROWS

_PAGE_ROWS = 1000
# every quote that can be priced (the seed cfg_quote), in the venue's code
_QUOTES = frozenset({"BTC", "DAI", "ETH", "FDUSD", "TUSD", "USDC", "USDT"})


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of pairs, and the closed candles of curated ones in the window."""
    pairs: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.currency_pairs(run.client.get_json("api/v4/spot/currency_pairs"))
        pairs.extend(
            pair["currency_pair"]
            for pair in parsed.rows.to_pylist()
            if pair["base"] in run.universe and pair["quote"] in _QUOTES
        )
        yield parsed

    yield from run.pull(CURRENCY_PAIRS, "*", None, listing)
    if not pairs:
        run.stop(f"no curated pair in the list ({len(run.universe)} codes known)")
    yield from candles.pull(
        run, CANDLESTICKS, run.wanted(pairs), window, partial(_pages, run), reach_rows=REACH_ROWS
    )


def _pages(run: Extraction, pair: str, interval: str, window: Window) -> Iterator[Parsed]:
    step = timedelta(seconds=candles.INTERVAL_S[interval])
    for start, end in candles.spans(window, interval, _PAGE_ROWS):
        payload = run.client.get_json(
            "api/v4/spot/candlesticks",
            {
                "currency_pair": pair,
                "interval": interval,
                "from": int(start.timestamp()),
                "to": int((end - step).timestamp()),
            },
        )
        parsed = parse.candlesticks(payload, pair, interval, latest=run.fetched_at + DAY)
        yield parsed.between("open_time", start, end)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and the pages of each pair; pairs there may be fewer."""
    pairs = run.at_most(len(run.universe) * len(_QUOTES))
    return [
        Share(CURRENCY_PAIRS, 1),
        *candles.shares(run, CANDLESTICKS, window, pairs, _PAGE_ROWS, reach_rows=REACH_ROWS),
    ]


SOURCE = Source(
    name="gateio",
    title="Gate.io spot",
    kind="spot_venue",
    base_url="https://api.gateio.ws",
    # 200 requests in 10 seconds of each endpoint and address: half of it
    budget=Budget(requests_per_second=10.0, burst=10),
    look_back_d=3,
    extract=extract,
    plan=plan,
    licence="Gate.io API terms: own use, no redistribution of raw data",
    intervals=frozenset({"1m", "5m", "15m", "30m", "1h", "4h", "8h"}),
    quotes=_QUOTES,
)
