"""Ethereum nodes: supply of curated tokens at the finalized block, their mints and burns.

Keyless nodes come and go: when one does not answer, the next is asked. They keep the state of the
newest blocks only, so supply has no history but the one that daily runs make.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil
from typing import Any

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed, expect_list
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.sources.ethereum import parse, rpc
from pipelines.sources.ethereum.blocks import Block, Range, block_at, first_blocks_from
from pipelines.sources.ethereum.settings import (
    BASE_URL,
    BLOCKS_OF_A_DAY,
    BUDGET,
    CALLS_OF_A_RANGE,
    FEW_LOGS,
    LICENCE,
    LOOK_BACK_D,
    MIRRORS,
    PLANNED_RANGE,
    PLANNED_STEPS,
    SELECTORS,
    TRANSFER,
    USEFUL_RANGE,
    ZERO_TOPIC,
)
from pipelines.sources.ethereum.tables import TOKEN_SUPPLY, TRANSFERS

# days of one log row: what came before a failure is landed anyway
PART_D = 30


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield supply now, and mints and burns of the closed and finalized days of the window."""
    tokens = run.wanted({address.lower() for address in run.universe})
    if not tokens:
        return
    head: list[Block] = []
    decimals: dict[str, int | None] = {}
    yield from run.pull(
        TOKEN_SUPPLY,
        tokens,
        None,
        lambda: _supply(run, tokens, head, decimals),
        is_needed=True,
    )
    closed = run.closed(window)
    if closed is None or not head:
        return
    # a day whose last block is not final yet is left to the next run
    newest, end = head[0], closed.end
    while end > closed.start and start_of(end).timestamp() > newest.time_s:
        end -= DAY
    if end == closed.start:
        return
    asked = Range()
    for part in Window(closed.start, end).chunks(PART_D):
        yield from run.pull(
            TRANSFERS,
            tokens,
            part,
            lambda part=part: _transfers(run, tokens, part, newest, decimals, asked),  # type: ignore[misc]
        )


def _supply(
    run: Extraction, tokens: list[str], head: list[Block], decimals: dict[str, int | None]
) -> Iterator[Parsed]:
    final = block_at(run.client, "finalized")
    head.append(final)
    names = tuple(SELECTORS)
    calls: list[rpc.Call] = [
        ("eth_call", [{"to": token, "data": SELECTORS[name]}, hex(final.number)])
        for token in tokens
        for name in names
    ]
    results = iter(rpc.batch(run.client, calls))
    by_token = {token: {name: next(results) for name in names} for token in tokens}
    parsed = parse.token_supply(by_token, final.number, final.time_s)
    decimals.update(
        zip(parsed.rows["token"].to_pylist(), parsed.rows["decimals"].to_pylist(), strict=True)
    )
    yield parsed


def _transfers(
    run: Extraction,
    tokens: list[str],
    window: Window,
    newest: Block,
    decimals: dict[str, int | None],
    asked: Range,
) -> Iterator[Parsed]:
    """Find where the days begin, then ask range after range; a block's number tells its day."""
    starts = [int(day.start_at.timestamp()) for day in window.chunks(1)]
    *firsts, stop = first_blocks_from(
        run.client, [*starts, int(window.end_at.timestamp())], None, newest
    )
    days = parse.Days([block.number for block in firsts], starts, stop.number)
    at = firsts[0].number
    while at < stop.number:
        parts = asked.parts(at, stop.number)
        try:
            logs = _logs(run, tokens, parts, asked.contracts or len(tokens))
        except rpc.TooMuch as problem:
            if problem.is_of_addresses:
                asked.name_fewer(asked.contracts or len(tokens))
                continue
            is_useless = problem.allowed is not None and problem.allowed < USEFUL_RANGE
            if not (is_useless and run.client.change_host()):
                asked.shrink(max(last - first + 1 for first, last in parts), problem.allowed)
            continue
        yield parse.transfers(logs, days, decimals, latest=run.fetched_at + DAY)
        at = parts[-1][1] + 1
        if len(logs) < FEW_LOGS:
            asked.grow()


def _logs(
    run: Extraction, tokens: list[str], parts: Sequence[tuple[int, int]], contracts: int
) -> list[Any]:
    """Return the logs of mints and burns of ranges of blocks, both ends inclusive."""
    calls: list[rpc.Call] = []
    groups = [tokens[start : start + contracts] for start in range(0, len(tokens), contracts)]
    for (first, last), named in product(parts, groups):
        where = {"fromBlock": hex(first), "toBlock": hex(last), "address": named}
        calls.append(("eth_getLogs", [{**where, "topics": [TRANSFER, ZERO_TOPIC]}]))
        calls.append(("eth_getLogs", [{**where, "topics": [TRANSFER, None, ZERO_TOPIC]}]))
    return [
        log for result in rpc.batch(run.client, calls) for log in expect_list(result, "eth_getLogs")
    ]


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests as if every call were one: a node may refuse batches.

    Nodes differ in the blocks that one call may ask for; a run through a node that allows fewer
    than `PLANNED_RANGE` stops at its ceiling, and the next run goes on.
    """
    tokens = run.at_most(len(run.universe))
    if not tokens:
        return []
    shares = [Share(TOKEN_SUPPLY, 1, 1 + tokens * len(SELECTORS), is_needed=True)]
    if (closed := run.closed(window)) is not None:
        days = closed.day_count
        ranges = CALLS_OF_A_RANGE * ceil(days * BLOCKS_OF_A_DAY / PLANNED_RANGE)
        # two guesses for where each day begins, step by step
        edges = 2 * PLANNED_STEPS * (days + ceil(days / PART_D))
        shares.append(Share(TRANSFERS, 1, ranges + edges, is_bound=True))
    return shares


SOURCE = Source(
    name="ethereum",
    title="Ethereum nodes",
    kind="chain",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    mirrors=MIRRORS,
)
