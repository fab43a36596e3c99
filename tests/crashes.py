"""Generated crashes of stablecoins: what venues print of them, and what must be reported of it.

The truth is in the generator: each coin knows the first morning on which a broken peg can be known.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal["fall", "wick", "low"]
VENUES = ("coinbase", "kraken", "bitstamp", "binance", "okx")
DAY_COUNT = 44
CRASH_DAY = 34
USUAL_VOLUME_USD = 3e6
TAIL_VOLUME_USD = 2e4


@dataclass(frozen=True, slots=True)
class Print:
    """One venue's candle of one day."""

    close: float
    low: float
    volume_usd: float


@dataclass(frozen=True, slots=True)
class Crash:
    """What happens to a coin on ``CRASH_DAY`` and after.

    Attributes:
        kind: every venue falls; one venue prints a wick; all have a low for minutes only.
        depth: distance of the nearest venue's close from the peg, as a fraction.
        venues: how many list the coin.
        divergence: how much further the furthest venue falls, as a fraction of the nearest close.
        grows: share of what is left that is lost on each later day.
        delisted_after: days after the crash after which venues delist, one by one; None: never.
        halted_d: days after the crash day on which no venue trades.
        is_tail_thin: little is traded from the day after the crash.
        recovers_after: days after which it is back at the peg; None: never.
        has_reference: a source other than the venues prices it, too.
    """

    kind: Kind
    depth: float
    venues: int
    divergence: float = 0.0
    grows: float = 0.0
    delisted_after: int | None = None
    halted_d: int = 0
    is_tail_thin: bool = False
    recovers_after: int | None = None
    has_reference: bool = False

    def prints(self) -> list[dict[str, Print]]:
        """Return the candles of each day by venue; a venue without one is missing."""
        return [self._day(number) for number in range(DAY_COUNT)]

    def _day(self, number: int) -> dict[str, Print]:
        since = number - CRASH_DAY
        # no two days alike: a price that never moves is a dead feed
        calm = 1 + (number % 5 - 2) * 4e-4
        found = {}
        for place, venue in enumerate(VENUES[: self.venues]):
            volume = USUAL_VOLUME_USD * (1 + number % 7 / 100)
            close, low = calm + place * 1e-4, calm - 5e-4
            if since >= 0 and self.kind == "fall":
                if 0 < since <= self.halted_d:
                    continue
                if self.delisted_after is not None and since > self.delisted_after + place:
                    continue
                if self.recovers_after is None or since < self.recovers_after:
                    nearest = (1 - self.depth) * (1 - self.grows) ** since
                    spread = place / max(self.venues - 1, 1)
                    close = nearest * (1 - self.divergence * spread) * (1 + number % 3 * 1e-4)
                if self.is_tail_thin and since > 0:
                    volume = TAIL_VOLUME_USD * (1 + number % 7 / 100)
            elif since == 0 and self.kind == "wick" and place == 0:
                close = 1 - self.depth
            low = min(low, close)
            if since == 0 and self.kind == "low":
                low = 1 - self.depth
            found[venue] = Print(round(close, 8), round(low, 8), round(volume, 2))
        return found

    def reference(self, number: int) -> float | None:
        """Return what the reference says at the end of a day."""
        if not self.has_reference:
            return None
        closes = [one.close for one in self._day(number).values()]
        return closes[-1] if closes else None

    def first_known(self) -> int | None:
        """Return the number of the first day on which more than one reading says that it fell."""
        if self.kind != "fall":
            return None
        readings = 0
        for number in range(CRASH_DAY, DAY_COUNT):
            today = len(self._day(number))
            if not today:
                continue
            readings += 1
            if today + self.has_reference > 1 or readings > 1:
                still_off = self.recovers_after is None or number - CRASH_DAY < self.recovers_after
                return number if still_off else None
        return None


def crashes(count: int, seed: int) -> list[Crash]:
    """Return so many coins of all kinds, the same for the same seed."""
    rng = random.Random(seed)
    return [_crash(rng, number) for number in range(count)]


def _crash(rng: random.Random, number: int) -> Crash:
    kind: Kind = ("fall", "fall", "fall", "wick", "low")[number % 5]  # type: ignore[assignment]
    return Crash(
        kind=kind,
        depth=rng.uniform(0.05, 0.99),
        venues=rng.randint(1, 5) if kind == "fall" else rng.randint(2, 5),
        divergence=rng.choice((0.0, 0.01, rng.uniform(0.0, 0.3))),
        grows=rng.choice((0.0, 0.1, 0.5)),
        delisted_after=rng.choice((None, None, 0, 1, 3)),
        halted_d=rng.choice((0, 0, 1, 3)),
        is_tail_thin=rng.random() < 0.3,
        recovers_after=rng.choice((None, None, 3, 5)),
        has_reference=rng.random() < 0.3,
    )
