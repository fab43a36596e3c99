"""What a run of a source will ask for, counted before its first request is sent.

Where a list has to be read first (which pairs are there?), the count is an upper bound; it is
settled when the list is known, still before the first series is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.core.tables import Table
    from pipelines.http.client import Budget

# what is sent again (retries, redirects, other hosts) beyond the plan: this share, or this many
RESEND_FRAC = 0.2
RESEND_LEAST = 20


@dataclass(frozen=True)
class Share:
    """The requests of one raw table within a plan.

    Attributes:
        table: the raw table.
        series: how many things are asked for: pairs, coins, days, pages of a list.
        each: requests for one of them, at the most.
        is_needed: True where a repair of another table needs it, too.
        is_bound: True as long as the source's own list has to say how many there are.
    """

    table: Table
    series: int
    each: int = 1
    is_bound: bool = False
    is_needed: bool = False

    @property
    def request_count(self) -> int:
        """Requests of the table."""
        return self.series * self.each


@dataclass(frozen=True)
class Plan:
    """The requests of one run of one source.

    Attributes:
        shares: by raw table, in the order of asking.
    """

    shares: tuple[Share, ...] = ()

    @property
    def request_count(self) -> int:
        """Requests of the run, none sent twice."""
        return sum(share.request_count for share in self.shares)

    @property
    def is_bound(self) -> bool:
        """True if it is an upper bound: a list has to be read first."""
        return any(share.is_bound for share in self.shares)

    @property
    def ceiling(self) -> int:
        """Requests that may leave at the most, those included that are sent again."""
        return self.request_count + max(RESEND_LEAST, ceil(self.request_count * RESEND_FRAC))

    def of(self, table_names: Collection[str]) -> Plan:
        """Return the plan of these raw tables alone."""
        return Plan(tuple(share for share in self.shares if share.table.name in table_names))

    def settled(self, table: Table, series: int) -> Plan:
        """Return the plan with the table's series counted; a bound is never raised."""
        return Plan(
            tuple(
                replace(share, series=min(series, share.series), is_bound=False)
                if share.table.name == table.name
                else share
                for share in self.shares
            )
        )

    def seconds(self, budget: Budget | None) -> float:
        """Return how long the requests take at the budget's pace, at the least."""
        if budget is None:
            return 0.0
        return max(0, self.request_count - budget.burst) / budget.requests_per_second

    def __str__(self) -> str:
        return f"{'at most ' if self.is_bound else ''}{self.request_count:,} requests"


def pages(rows: int, page_rows: int) -> int:
    """Return how many pages hold the rows: one at the least, which says that there are none."""
    return max(1, ceil(rows / page_rows))


def total(plans: Sequence[Plan]) -> Plan:
    """Return what several runs ask for together."""
    return Plan(tuple(share for plan in plans for share in plan.shares))
