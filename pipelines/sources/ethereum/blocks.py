"""Where days begin in the chain, and how many blocks may be asked for at once."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.http import HttpClient, RequestRefused
from pipelines.parsing import PayloadError
from pipelines.sources.ethereum import parse, rpc
from pipelines.sources.ethereum.settings import FIRST_RANGE, MAX_RANGE

# a block is made every twelve seconds, unless its maker sleeps
SLOT_S = 12
_INTERPOLATIONS = 6
_MISSED_SLOTS = 2
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
    found = parse.block(
        rpc.call(client, "eth_getBlockByNumber", [name, False]), f"eth_getBlockByNumber {name}"
    )
    if found is None:
        raise RequestRefused(f"ethereum: no block {name}")
    return Block(*found)


def first_block_from(client: HttpClient, time_s: int, low: Block | None, high: Block) -> Block:
    """Return the first block made at or after an instant.

    Blocks come at an even pace, so that it is found by interpolation in a few requests; where the
    pace is uneven, by halving.

    Args:
        client: asks a node.
        time_s: the instant, in seconds.
        low: a block not after the one looked for, if one is known.
        high: a block made at or after it.

    Raises:
        RequestRefused, SourceUnavailable, RequestFailed, PayloadError: as `block_at`.
    """
    if low is not None and low.time_s >= time_s:
        return low
    for attempt in range(_MAX_STEPS):
        first = low.number + 1 if low else 0
        if first == high.number:
            return high
        guess = (first + high.number) // 2
        if attempt < _INTERPOLATIONS:
            pace = float(SLOT_S)
            if low is not None:
                pace = (high.time_s - low.time_s) / (high.number - low.number)
            # now a little before the place, now a little after, so that both ends close in
            aside = _MISSED_SLOTS * (1 if attempt % 2 else -1) if attempt else 0
            guess = high.number - round((high.time_s - time_s) / max(pace, 1)) + aside
        found = block_at(client, min(max(guess, first), high.number - 1))
        if found.time_s >= time_s:
            high = found
        else:
            low = found
    raise PayloadError(f"ethereum: times of blocks do not grow: no block at {time_s}")


@dataclass
class Range:
    """How many blocks the next request may ask for.

    Attributes:
        size: blocks of the next request.
        ceiling: what the node has shown to be too much is never asked again.
    """

    size: int = FIRST_RANGE
    ceiling: int = MAX_RANGE

    def shrink(self, asked: int, allowed: int | None) -> None:
        """Ask for what the node allows, or for half.

        Raises:
            RequestRefused: a single block is already too much.
        """
        if asked <= 1:
            raise RequestRefused("ethereum: the logs of a single block are too many for the node")
        fits = allowed if allowed is not None and 0 < allowed < asked else asked // 2
        self.size = self.ceiling = fits

    def grow(self) -> None:
        """Ask for twice as much, below what was too much."""
        self.size = min(self.size * 2, self.ceiling)
