"""A source's extraction in one run: one entity after the other, nothing lost on the way.

A source's `extract` calls `Extraction.pull` once for each entity. What goes wrong with one entity
is logged and the next is asked; what goes wrong with the source ends the extraction, and what came
before is landed all the same.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core import tracing
from pipelines.core.payload import PayloadError
from pipelines.core.settings import Bulk
from pipelines.core.tables import EXTRACTION, QUARANTINE, Listing, Table
from pipelines.core.windows import DAY, Window
from pipelines.extraction import drift
from pipelines.extraction.drift import Shape
from pipelines.extraction.parsing import EmptyList, Parsed, quarantine_rows, stamp
from pipelines.extraction.planning import Plan, Share
from pipelines.extraction.sweep import Rotation
from pipelines.http.client import (
    HttpClient,
    RequestFailed,
    RequestRefused,
    SourceError,
    SourceUnavailable,
    Usage,
)

# lists grow and shrink by a few entries a day: one that lost more of them was cut off on its way
SHORT_LIST_FRAC = 0.8
SHORTEST_JUDGED_LIST = 20
# a source that answers three entities in a row with what it does not document is not itself
MAX_CONSECUTIVE_ERRORS = 3
SWEEP = "sweep"
_MEASURES = tuple(
    column.name for column in EXTRACTION.columns if column.kind in ("integer", "double")
)
Item = tuple[str, pa.Table]
Recall = Callable[[Table], pl.DataFrame]


class Incomplete(SourceError):
    """What came is right, but it is not all: what is missing in it may be there all the same."""


@dataclass
class Extraction:
    """One source's extraction in one run: its client, its clock, its log.

    Attributes:
        client: asks the source.
        fetched_at: the run's instant; stamped on every row.
        run_id: the run's id; in every log and quarantine row.
        universe: the source's own codes of curated assets (see `pipelines.extraction.universe`).
        only: the entities that the user restricts the source to; None: the curated ones.
        files: asks the source's second host, where it has one.
        intervals: lengths of candles wanted beside the daily ones.
        bulk: whether files are read in place of pages: `auto` where that takes fewer requests.
        remembered: returns the rows that earlier runs landed in a raw table; None: nothing did.
        list_counts: rows of each whole list (snapshot table) when it was landed last.
        only_table: the one raw table to ask for, beside whole lists; None: all.
        max_requests: requests that the user lets a run send; None: as many as it plans.
        purpose: why it asks, for the log.
        rotation: in a sweep by series: whose turn it is; None: everybody's.
        bound: what was planned before the first request.
        plan: the same, settled by the lists that were read since.
        failures: what ends a run with an error, for people.
        refusals: entities that the source refused, for people.
        shapes: what the answers look like, by raw table.
        refused: refused rows by raw table, then by column and problem.
        unread: rows landed without an optional cell, in the same way.
    """

    client: HttpClient
    fetched_at: datetime
    run_id: str
    universe: frozenset[str]
    only: frozenset[str] | None = None
    files: HttpClient | None = None
    intervals: tuple[str, ...] = ()
    bulk: Bulk = "auto"
    remembered: Recall | None = None
    list_counts: Mapping[str, int] = field(default_factory=dict)
    only_table: str | None = None
    max_requests: int | None = None
    purpose: str = "run"
    rotation: Rotation | None = None
    bound: Plan = field(default_factory=Plan)
    plan: Plan = field(default_factory=Plan)
    failures: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    refused: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    unread: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    _names: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    _askable: set[str] = field(default_factory=set)
    _due: set[str] = field(default_factory=set)
    _spent: Usage = field(default_factory=Usage)
    _log: list[dict[str, Any]] = field(default_factory=list)
    _stopped: str | None = None
    _consecutive_errors: int = 0

    @property
    def usage(self) -> Usage:
        """What was sent so far, to all hosts of the source."""
        own = self.client.usage + (self.files.usage if self.files else Usage())
        return own + self._spent

    def adopt(self, shares: Iterable[Share]) -> None:
        """Plan the run, and send no more from now on than what the plan says."""
        asked = [
            share
            for share in shares
            if share.table.is_snapshot or share.is_needed or self.wants(share.table)
        ]
        self.bound = self.plan = Plan(tuple(asked))
        self._allow()

    def settle(self, table: Table, series: int) -> None:
        """Say how many series of a table there are, now that the source's list is known."""
        if self.plan.shares:
            self.plan = self.plan.settled(table, series)
            self._allow()

    def at_most(self, series: int) -> int:
        """Return how many of so many series are asked for at the most."""
        if self.rotation is not None:
            series = self.rotation.most(series)
        return series if self.only is None else min(series, len(self.only))

    def _allow(self) -> None:
        allowance = self.client.allowance
        allowance.ceiling = self.plan.ceiling
        allowance.reason = f"{self.plan} were planned for this run"
        if self.max_requests is not None and self.max_requests < allowance.ceiling:
            allowance.ceiling = self.max_requests
            allowance.reason += f", the setting MAX_REQUESTS allows {self.max_requests}"

    def closed(self, window: Window, reach_d: int | None = None) -> Window | None:
        """Return the part of the window whose days are over, or None if there is none.

        Args:
            window: the days asked for.
            reach_d: how many days back the source can answer; None: all.
        """
        today = self.fetched_at.date()
        start = window.start if reach_d is None else max(window.start, today - reach_d * DAY)
        end = min(window.end, today)
        return Window(start, end) if start < end else None

    def wanted(self, entities: Collection[str]) -> list[str]:
        """Return the entities to ask for, sorted: all given, or those the user restricts it to.

        What the user names and the source does not have (or nobody curated) is a refusal.
        """
        self._askable.update(entities)
        if self.rotation is not None:
            entities = {entity for entity in entities if self.rotation.is_due(entity)}
            self._due |= entities
        if self.only is None:
            return sorted(set(entities))
        if self.only_table is not None:
            # a repair's series: what the source does not list any more stays a gap
            return sorted(set(entities) & self.only)
        if self.rotation is not None:
            return sorted(set(entities) & self.only)
        self.refusals += [
            f"{entity}: set in the settings, but not among the source's curated ids"
            for entity in sorted(self.only - set(entities))
        ]
        return sorted(set(entities) & self.only)

    def pull(
        self,
        table: Table,
        entity: str | Sequence[str],
        window: Window | None,
        pages: Callable[[], Iterable[Parsed]],
        *,
        reaches: datetime | None = None,
        begins: datetime | None = None,
        is_needed: bool = False,
    ) -> Iterator[Item]:
        """Ask for one entity and yield its rows, page by page; log how it went.

        Args:
            table: the raw table.
            entity: the source's id of what is asked for, or several that one series of requests
                asks for together; '*' for a whole snapshot.
            window: the days asked for; None for a snapshot.
            pages: sends the requests; may raise the errors of `http`, `PayloadError`, and at its
                end `Incomplete`. It may yield rows of a second table, such as a list of files.
            reaches: the instant of the newest row that a complete answer has; an answer that ends
                earlier may be truncated, so its gaps say nothing about deletions ("partial").
            begins: the instant of its oldest row, for a source that answers newest first.
            is_needed: a repair asks for it, too, whatever table it repairs.

        Yields:
            Pairs of raw table name and rows: the table's own, and the quarantine's.
        """
        entities = [entity] if isinstance(entity, str) else list(entity)
        if not is_needed and not self._is_asked(table, entities):
            return
        entity_id = ",".join(entities)
        if self._stopped is not None:
            self._note(table, entities, window, dict.fromkeys(entities, ("skipped", self._stopped)))
            return
        before, started = self.usage, time.monotonic()
        received = _Received(table, entities)
        error: str | None = None
        missing: str | None = None
        try:
            for parsed in pages():
                received.take(parsed)
                self._look_at(parsed)
                # a list that a sweep needs was landed by the run itself
                if parsed.row_count and not (table.is_snapshot and self.purpose == SWEEP):
                    yield parsed.table.name, stamp(parsed, self.fetched_at)
                rejected = quarantine_rows(parsed, entity_id, self.run_id, self.fetched_at)
                if rejected is not None:
                    yield QUARANTINE.name, rejected
        except Incomplete as problem:
            missing = _said(problem)
        except RequestRefused as problem:
            error = _said(problem)
            self.refusals.append(f"{table.name} {entity_id}: {error}")
        except (PayloadError, RequestFailed) as problem:
            error, missing = self._failure(table, entity_id, problem)
        except SourceUnavailable as problem:
            error = _said(problem)
            self._stopped = error
            self.failures.append(error)
        if error is None:
            self._consecutive_errors = 0
            # a list that is asked for in parts has no length that a part could be held to
            if entity_id == "*":
                missing = missing or self._shortness(table, received.row_counts.total())
            outcomes = {name: received.outcome(name, reaches, begins, missing) for name in entities}
        else:
            outcomes = dict.fromkeys(entities, ("error", error))
        duration_s, used = time.monotonic() - started, asdict(self.usage.since(before))
        tracing.passed(
            "requests", self.run_id, duration_s, table=table.name, entities=len(entities),
            first_entity=entities[0], status=outcomes[entities[0]][0],
            rows=received.row_counts.total(), **used,
        )  # fmt: skip
        # how long it waited says something of that day's run, and nothing of the source
        used.pop("throttled_s")
        self._note(
            table,
            entities,
            window,
            outcomes,
            rows_landed=received.row_counts,
            rows_quarantined=received.refused_count,
            duration_s=duration_s,
            **used,
        )

    def _failure(
        self, table: Table, entity_id: str, problem: Exception
    ) -> tuple[str | None, str | None]:
        """Return what is wrong as an error, or as what is missing in an answer that is none."""
        said = _said(problem)
        if isinstance(problem, EmptyList) and not self.list_counts.get(table.name):
            # who never had anything may have nothing: what needs it will say so
            return None, said
        self.failures.append(f"{table.name} {entity_id}: {said}")
        self._count_error(said)
        return said, None

    def _look_at(self, parsed: Parsed) -> None:
        name = parsed.table.name
        self.shapes[name] = self.shapes.get(name, Shape()) | parsed.shape
        if parsed.refused:
            self.refused.setdefault(name, Counter()).update(drift.refusals(parsed.refused))
        if parsed.unread:
            self.unread.setdefault(name, Counter()).update(drift.refusals(parsed.unread))
        if parsed.table.listing is not None:
            self._names.setdefault(name, {}).update(_names(parsed.rows, parsed.table.listing))

    def listed(self) -> dict[str, dict[str, bool]]:
        """Return the names in each list that came whole, and whether they are asked for."""
        statuses: dict[str, set[str]] = {}
        for row in self._log:
            statuses.setdefault(row["table_name"], set()).add(row["status"])
        return {
            table_name: {name: not parts.isdisjoint(self._askable) for name, parts in names.items()}
            for table_name, names in self._names.items()
            if statuses[table_name] == {"ok"}
        }

    def stop(self, reason: str) -> None:
        """Ask for nothing more: without this answer the rest makes no sense.

        If the answer itself failed or was refused, that is the reason and not what follows from it.
        """
        self._give_up((self.failures or self.refusals or [reason])[-1])

    @property
    def has_stopped(self) -> bool:
        """True once the source is given up for this run."""
        return self._stopped is not None

    def take_in(self, other: Extraction) -> None:
        """Add what another extraction of the same source met with, as if it were one."""
        self._log += other._log
        self.failures += other.failures
        self.refusals += other.refusals
        self.bound = Plan(self.bound.shares + other.bound.shares)
        self.plan = Plan(self.plan.shares + other.plan.shares)
        self._spent += other.usage
        for name, shape in other.shapes.items():
            self.shapes[name] = self.shapes.get(name, Shape()) | shape
        for mine, theirs in ((self.refused, other.refused), (self.unread, other.unread)):
            for name, problems in theirs.items():
                mine.setdefault(name, Counter()).update(problems)

    def log(self) -> pa.Table:
        """Return the rows of the extraction table."""
        return pa.Table.from_pylist(self._log, schema=EXTRACTION.arrow_schema())

    def wants(self, *tables: Table) -> bool:
        """Tell whether any of the tables is asked for: a repair wants one and its lists."""
        return self.only_table is None or self.only_table in {table.name for table in tables}

    def _is_asked(self, table: Table, entities: Sequence[str]) -> bool:
        if table.is_snapshot:
            return True
        if self.rotation is not None and not any(self._is_due(entity) for entity in entities):
            return False
        if self.only_table is None:
            return True
        return self.wants(table) and (self.only is None or not self.only.isdisjoint(entities))

    def _is_due(self, entity: str) -> bool:
        """Tell whether it is a series' turn, or that of what it belongs to: a protocol's fees."""
        if self.rotation is None:
            return True
        return self.rotation.is_due(entity) or any(name in entity for name in self._due)

    def _shortness(self, table: Table, row_count: int) -> str | None:
        """Say (and count as a failure) that a whole list is much shorter than it was before."""
        before = self.list_counts.get(table.name, 0)
        if not table.is_snapshot or before < SHORTEST_JUDGED_LIST:
            return None
        if row_count >= SHORT_LIST_FRAC * before:
            return None
        problem = f"{row_count} rows, {before} the time before: the list looks cut off"
        self.failures.append(f"{table.name}: {problem}")
        return problem

    def _count_error(self, error: str | None) -> None:
        self._consecutive_errors += 1
        if self._consecutive_errors >= MAX_CONSECUTIVE_ERRORS and self._stopped is None:
            self._give_up(f"{self._consecutive_errors} errors in a row, the last: {error}")

    def _give_up(self, reason: str) -> None:
        if self._stopped is None:
            self._stopped = reason
        if self._stopped not in self.failures:
            self.failures.append(self._stopped)

    def _note(
        self,
        table: Table,
        entities: Sequence[str],
        window: Window | None,
        outcomes: Mapping[str, tuple[str, str | None]],
        rows_landed: Mapping[str, int] | None = None,
        **costs: Any,
    ) -> None:
        """Log one row per entity; what they cost together stands at the first, so sums hold."""
        nothing = dict.fromkeys(_MEASURES, 0)
        for position, entity_id in enumerate(entities):
            status, error = outcomes[entity_id]
            self._log.append(
                {
                    "table_name": table.name,
                    "entity_id": entity_id,
                    "window_start": window.start_at if window else None,
                    "window_end": window.end_at if window else None,
                    "status": status,
                    "error": error,
                    "run_id": self.run_id,
                    "purpose": self.purpose,
                    "fetched_at": self.fetched_at,
                    **nothing,
                    **(costs if position == 0 else {}),
                    "rows_landed": (rows_landed or {}).get(entity_id, 0),
                }
            )


def _names(rows: pa.Table, listing: Listing) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the names of what a list has and that is not over, with their parts."""
    columns = [rows[column].to_pylist() for column in listing.names]
    states = rows[listing.state].to_pylist() if listing.state else [None] * rows.num_rows
    for *parts, state in zip(*columns, states, strict=True):
        if state not in listing.over:
            yield " ".join(parts), frozenset(parts)


def _said(problem: Exception) -> str:
    """Return an error's text as text that can be kept: JSON can spell half a character."""
    return str(problem).encode("utf-8", "backslashreplace").decode()


class _Received:
    """What one series of requests brought, for each of its entities."""

    def __init__(self, table: Table, entities: Sequence[str]) -> None:
        self.row_counts: Counter[str] = Counter()
        self.refused_count = 0
        self._unclear_count = 0
        self._entities = entities
        self._table = table
        self._entity_column = table.key[0]
        self._time_column = table.time_column
        self._newest: dict[str, datetime] = {}
        self._oldest: dict[str, datetime] = {}

    def take(self, parsed: Parsed) -> None:
        self.refused_count += len(parsed.refused)
        self._unclear_count += parsed.unclear_count
        if parsed.table.name != self._table.name:
            return
        if len(self._entities) == 1:
            self._count(self._entities[0], parsed.rows)
            return
        for name in pc.unique(parsed.rows[self._entity_column]).to_pylist():
            # what came unasked stands with the first, so that sums hold
            entity = name if name in self._entities else self._entities[0]
            self._count(entity, parsed.rows.filter(pc.field(self._entity_column) == name))

    def _count(self, entity: str, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        self.row_counts[entity] += rows.num_rows
        if self._time_column is not None:
            oldest, newest = pc.min_max(rows[self._time_column]).as_py().values()
            self._newest[entity] = max(newest, self._newest.get(entity, newest))
            self._oldest[entity] = min(oldest, self._oldest.get(entity, oldest))

    def outcome(
        self,
        entity: str,
        reaches: datetime | None,
        begins: datetime | None,
        missing: str | None,
    ) -> tuple[str, str | None]:
        """Return status and reason of an answer without an error."""
        if missing is not None:
            return "partial", missing
        if self._unclear_count:
            # a refused row was in the answer: its key must not be taken for deleted
            return "partial", f"{self._unclear_count} rows refused, see the quarantine"
        newest = self._newest.get(entity)
        if reaches is not None and (newest is None or newest < reaches):
            return "partial", f"the newest row is of {newest}, not of {reaches}"
        oldest = self._oldest.get(entity)
        if begins is not None and (oldest is None or oldest > begins):
            return "partial", f"the oldest row is of {oldest}, not of {begins}"
        return "ok", None
