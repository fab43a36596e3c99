"""Where days begin in the chain, and how many blocks may be asked for at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipelines.core.payload import PayloadError
from pipelines.http.client import HttpClient, RequestRefused
from pipelines.sources.ethereum import parse, rpc
from pipelines.sources.ethereum.settings import (
    BATCH_CALLS,
    CALLS_OF_A_RANGE,
    FIRST_RANGE,
    MAX_RANGE,
)

# a block is made every twelve seconds, unless its maker sleeps
SLOT_S = 12
_INTERPOLATIONS = 6
_MAX_STEPS = 48


@dataclass(frozen=True)
class Block:
    """A block: its number and when it was made, in seconds."""

    number: int
    time_s: int


def block_at(client: HttpClient, tag: str | int) -> Block:
    """Return a block by number or tag (`finalized`).

    Raises:
        RequestRefused: the node has no such block.
        TooMuch, SourceUnavailable, RequestFailed, PayloadError: as `rpc.call`.
    """
    name = hex(tag) if isinstance(tag, int) else tag
    return _block(rpc.call(client, "eth_getBlockByNumber", [name, False]), name)


def first_blocks_from(
    client: HttpClient, times_s: Sequence[int], low: Block | None, high: Block
) -> list[Block]:
    """Return for each instant the first block made at or after it.

    Blocks come at an even pace, so that they are found by interpolation in a few requests, asked
    for together; where the pace is uneven, by halving.

    Args:
        client: asks a node.
        times_s: the instants, in seconds.
        low: a block before them all, if one is known.
        high: a block made at or after them all.

    Raises:
        RequestRefused, SourceUnavailable, RequestFailed, PayloadError: as `block_at`.
    """
    known = {high.number: high} | ({low.number: low} if low else {})
    for attempt in range(_MAX_STEPS):
        blocks = sorted(known.values(), key=lambda block: block.number)
        if any(a.time_s > b.time_s for a, b in pairwise(blocks)):
            raise PayloadError("times of blocks do not grow")
        wanted: set[int] = set()
        found: list[Block] = []
        for time_s in times_s:
            place = bisect_left(blocks, time_s, key=lambda block: block.time_s)
            if place == len(blocks):
                raise PayloadError(f"no block at {time_s}")
            after, before = blocks[place], blocks[place - 1] if place else None
            first = before.number + 1 if before else 0
            if first == after.number:
                found.append(after)
            else:
                wanted |= set(_guesses(time_s, before, after, first, attempt))
        if not wanted:
            return found
        known |= {block.number: block for block in _blocks_at(client, sorted(wanted))}
    raise PayloadError(f"no block found in {_MAX_STEPS} steps")


def _guesses(
    time_s: int, before: Block | None, after: Block, first: int, attempt: int
) -> Iterator[int]:
    """Yield the blocks in [first, after) that the one looked for is probably between."""
    guess = (first + after.number) // 2
    if attempt < _INTERPOLATIONS:
        pace = float(SLOT_S)
        if before is not None:
            pace = (after.time_s - before.time_s) / (after.number - before.number)
        guess = after.number - int((after.time_s - time_s) / max(pace, 1))
    for number in (guess - 1, guess):
        yield min(max(number, first), after.number - 1)


def _blocks_at(client: HttpClient, numbers: Sequence[int]) -> Iterator[Block]:
    calls: list[rpc.Call] = [("eth_getBlockByNumber", [hex(at), False]) for at in numbers]
    for at, result in zip(numbers, rpc.batch(client, calls), strict=True):
        yield _block(result, hex(at))


def _block(result: object, name: str) -> Block:
    found = parse.block(result, f"eth_getBlockByNumber {name}")
    if found is None:
        raise RequestRefused(f"no block {name}")
    return Block(*found)


@dataclass
class Range:
    """How many blocks one call may ask for, and how many such calls go in one request.

    Attributes:
        size: blocks of the next calls.
        ceiling: what the node has shown to be too much is never asked again.
        calls: ranges of the next request.
        contracts: how many contracts one call may name; 0: all.
    """

    size: int = FIRST_RANGE
    ceiling: int = MAX_RANGE
    calls: int = 1
    contracts: int = 0

    def name_fewer(self, named: int) -> None:
        """Name half the contracts in one call.

        Raises:
            RequestRefused: a single one is already too much.
        """
        if named <= 1:
            raise RequestRefused("the node does not answer for a single contract")
        self.contracts = (named + 1) // 2

    def parts(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return the ranges of the next request: their first and last blocks, from `first` on."""
        starts = range(first, min(end, first + self.calls * self.size), self.size)
        return [(start, min(start + self.size, end) - 1) for start in starts]

    def shrink(self, asked: int, allowed: int | None) -> None:
        """Ask for what the node allows, or for half.

        Raises:
            RequestRefused: a single block is already too much.
        """
        if asked <= 1:
            raise RequestRefused("the logs of a single block are too many for the node")
        fits = allowed if allowed is not None and 0 < allowed < asked else asked // 2
        self.size = self.ceiling = fits
        self.calls = max(self.calls // 2, 1)

    def grow(self) -> None:
        """Ask for twice as much, below what was too much: first wider, then more at once."""
        if self.size < self.ceiling:
            self.size = min(self.size * 2, self.ceiling)
        else:
            self.calls = min(self.calls * 2, BATCH_CALLS // CALLS_OF_A_RANGE)
