"""DefiLlama: protocols and chains, their TVL, fees, revenue and volume.

Asked for in depth: curated protocols and the largest families, curated chains and the largest.
Answers hold whole histories; the window decides which days of them are landed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import RequestRefused
from pipelines.sources.defillama import parse
from pipelines.sources.defillama.settings import (
    BASE_URL,
    BUDGET,
    CHAIN_FROM_USD,
    CHAINS,
    LICENCE,
    LOOK_BACK_D,
    MAX_UNCURATED,
    MAX_UNCURATED_CHAINS,
    METRICS,
    TOKENLESS,
    TOTAL,
    UNASKED_CATEGORIES,
    UNCURATED_FROM_USD,
)
from pipelines.sources.defillama.tables import (
    CHAIN_METRICS,
    CHAIN_TVL,
    METRIC_PROTOCOLS,
    PROTOCOL_METRICS,
    PROTOCOL_TOKENS,
    PROTOCOL_TVL,
    PROTOCOLS,
)
from pipelines.sources.defillama.tables import CHAINS as CHAIN_LIST

FAMILY = "parent#"


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the lists, and the histories of wanted protocols and chains for the closed days."""
    slugs: set[str] = set()
    holding: set[str] = set()
    chains: set[str] = set()
    yield from run.pull(PROTOCOLS, "*", None, lambda: _protocols(run, slugs, holding))
    if not slugs:
        run.stop("the list of protocols names no curated one and no large one")
    yield from run.pull(CHAIN_LIST, "*", None, lambda: _chains(run, chains))
    closed = run.closed(window)
    if closed is None:
        return
    # TVL labelled with a midnight is that at the end of the day before
    labels = Window(closed.start + DAY, closed.end + DAY)
    # a repair's series are not all named by a slug; `pull` leaves out what it does not want
    wanted = run.wanted(slugs) if run.only_table is None else sorted(slugs)
    run.settle(PROTOCOL_TVL, len(holding.intersection(wanted)))
    run.settle(CHAIN_TVL, 1 + len(chains))
    run.settle(CHAIN_METRICS, len(chains))
    run.settle(PROTOCOL_METRICS, len(wanted))
    for slug in wanted:
        if slug in holding:
            yield from _protocol_history(run, slug, labels)
    for chain in (TOTAL, *sorted(chains)):
        yield from run.pull(
            CHAIN_TVL,
            chain,
            labels,
            lambda chain=chain: _chain_tvl(run, chain, labels),  # type: ignore[misc]
            # the newest label is live and left out
            reaches=start_of(labels.last - DAY),
        )
    if not run.wants(CHAIN_METRICS, PROTOCOL_METRICS):
        return
    for metric in METRICS:
        yield from _metric(run, metric, wanted, sorted(chains), closed)


def _protocols(run: Extraction, slugs: set[str], holding: set[str]) -> Iterator[Parsed]:
    """Find the slugs wanted, and which protocols and families hold something at all."""
    parsed = parse.protocols(_get(run, "protocols"))
    sizes: Counter[str] = Counter()
    for protocol in parsed.rows.to_pylist():
        slug = protocol["slug"]
        family = (protocol["parent_protocol"] or "").removeprefix(FAMILY) or slug
        sizes[slug] += 0
        if protocol["tvl_usd"] is not None:
            holding |= {slug, family}
        if protocol["category"] not in UNASKED_CATEGORIES:
            sizes[family] += int(protocol["tvl_usd"] or 0)
    curated = run.universe | TOKENLESS
    large = [
        slug for slug, size in sizes.items() if size >= UNCURATED_FROM_USD and slug not in curated
    ]
    slugs |= {slug for slug in sizes if slug in curated}
    slugs |= set(sorted(large, key=lambda slug: (-sizes[slug], slug))[:MAX_UNCURATED])
    yield parsed


def _chains(run: Extraction, chains: set[str]) -> Iterator[Parsed]:
    parsed = parse.chains(_get(run, "v2/chains"))
    sizes = {chain["chain"]: chain["tvl_usd"] for chain in parsed.rows.to_pylist()}
    large = [
        chain for chain, size in sizes.items() if size >= CHAIN_FROM_USD and chain not in CHAINS
    ]
    chains |= CHAINS & set(sizes)
    chains |= set(sorted(large, key=lambda chain: (-sizes[chain], chain))[:MAX_UNCURATED_CHAINS])
    yield parsed


def _protocol_history(run: Extraction, slug: str, labels: Window) -> Iterator[Item]:
    """Land TVL and tokens of one answer."""
    answer: list[Any] = []
    latest = run.fetched_at + DAY

    def tvl() -> Iterator[Parsed]:
        answer.append(_get(run, f"protocol/{quote(slug)}"))
        yield parse.protocol_tvl(answer[0], slug, latest, labels)

    def tokens() -> Iterator[Parsed]:
        for payload in answer or [_get(run, f"protocol/{quote(slug)}")]:
            yield parse.protocol_tokens(payload, slug, latest, labels)

    reaches = start_of(labels.last)
    yield from run.pull(PROTOCOL_TVL, slug, labels, tvl, reaches=reaches)
    # a repair of the tokens alone has not asked yet
    if answer or run.only_table is not None:
        yield from run.pull(PROTOCOL_TOKENS, slug, labels, tokens, reaches=reaches)


def _chain_tvl(run: Extraction, chain: str, labels: Window) -> Iterator[Parsed]:
    path = "v2/historicalChainTvl"
    payload = _get(run, path if chain == TOTAL else f"{path}/{quote(chain, safe='')}")
    yield parse.chain_tvl(payload, chain, run.fetched_at + DAY, labels)


def _metric(
    run: Extraction, metric: str, slugs: list[str], chains: list[str], window: Window
) -> Iterator[Item]:
    """Land one data type: who has it, the chains' totals, the wanted protocols' days."""
    overview: list[Any] = []
    having: set[str] = set()
    latest, kind = run.fetched_at + DAY, METRICS[metric]

    def listing() -> Iterator[Parsed]:
        overview.append(_overview(run, metric, None))
        parsed = parse.metric_protocols(overview[0], metric)
        for protocol in parsed.rows.to_pylist():
            having.add(protocol["slug"])
            having.add((protocol["parent_protocol"] or "").removeprefix(FAMILY))
        yield parsed

    def of_chain(chain: str) -> Iterator[Parsed]:
        payload = overview[0] if chain == TOTAL else _overview(run, metric, chain)
        yield parse.chain_metrics(payload, metric, chain, latest, window)

    def of_protocol(slug: str) -> Iterator[Parsed]:
        payload = _get(run, f"summary/{kind}/{quote(slug)}", {"dataType": metric})
        yield parse.protocol_metrics(payload, metric, slug, latest, window)

    reaches = start_of(window.last)
    yield from run.pull(METRIC_PROTOCOLS, metric, None, listing)
    if not overview:
        return
    charted = parse.charted_chains(overview[0])
    for chain in (TOTAL, *(chain for chain in chains if charted is None or chain in charted)):
        yield from run.pull(
            CHAIN_METRICS,
            f"{metric}:{chain}",
            window,
            lambda chain=chain: of_chain(chain),  # type: ignore[misc]
            reaches=reaches,
        )
    for slug in slugs:
        if slug in having:
            yield from run.pull(
                PROTOCOL_METRICS,
                f"{metric}:{slug}",
                window,
                lambda slug=slug: of_protocol(slug),  # type: ignore[misc]
                reaches=reaches,
            )


def _overview(run: Extraction, metric: str, chain: str | None) -> Any:
    path = f"overview/{METRICS[metric]}"
    return _get(
        run,
        path if chain is None else f"{path}/{quote(chain, safe='')}",
        {"dataType": metric, "excludeTotalDataChartBreakdown": "true"},
    )


def _get(run: Extraction, path: str, params: Mapping[str, Any] | None = None) -> Any:
    """Return the body, refused where it is an error inside HTTP 200."""
    payload = run.client.get_json(path, params)
    if (problem := parse.refusal(payload)) is not None:
        raise RequestRefused(f"{path}: {problem}")
    return payload


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the lists, and a history of each protocol, chain and data type.

    Only the lists say which protocols and chains are large, and who has fees or volume at all.
    """
    shares = [Share(PROTOCOLS, 1), Share(CHAIN_LIST, 1)]
    if run.closed(window) is None:
        return shares
    slugs = run.at_most(len(run.universe | TOKENLESS) + MAX_UNCURATED)
    chains = len(CHAINS) + MAX_UNCURATED_CHAINS
    return [
        *shares,
        Share(PROTOCOL_TVL, slugs, is_bound=True),
        # tokens come with the TVL, unless they are all that is wanted
        *([Share(PROTOCOL_TOKENS, slugs)] if run.only_table == PROTOCOL_TOKENS.name else []),
        Share(CHAIN_TVL, 1 + chains, is_bound=True),
        Share(METRIC_PROTOCOLS, len(METRICS)),
        Share(CHAIN_METRICS, chains, len(METRICS), is_bound=True),
        Share(PROTOCOL_METRICS, slugs, len(METRICS), is_bound=True),
    ]


SOURCE = Source(
    name="defillama",
    title="DefiLlama",
    kind="aggregator",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
