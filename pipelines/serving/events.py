"""Alerts and signal events as they come: read by number, and streamed to whoever listens.

An event has a number that no other gets and that later publications keep, so whoever remembers the
last number that he has seen misses nothing and sees nothing twice, whatever happens in between.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from pipelines.publishing.catalog import Catalog
from pipelines.serving.formats import json_rows
from pipelines.serving.query import ask
from pipelines.serving.resources import RESOURCES
from pipelines.serving.shelf import Edition, Shelf

_BATCH = 500
_KEEP_ALIVE_S = 15.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        mart: where it is from.
        seq: its number in this mart.
        key: what identifies it for ever.
        content: its row.
    """

    mart: str
    seq: int
    key: str
    content: dict[str, Any]


def event_marts(catalog: Catalog) -> tuple[str, ...]:
    """Return the marts whose rows are numbered events."""
    return tuple(
        name
        for name, mart in catalog.marts.items()
        if "event_seq" in mart.columns and mart.entry.kind == "table"
    )


def read_events(edition: Edition, mart: str, after_seq: int, limit: int = _BATCH) -> list[Event]:
    """Return the events after a number, in their order.

    Args:
        edition: the publication.
        mart: one of `event_marts`.
        after_seq: the last number that is known.
        limit: the most of them.
    """
    question = replace(
        ask(edition.catalog.marts[mart], order=("event_seq",), limit=limit), after_seq=after_seq
    )
    sql, values = question.sql()
    cursor = edition.cursor()
    try:
        table = cursor.execute(sql, values).to_arrow_table().combine_chunks()
    finally:
        cursor.close()
    if not table.num_rows:
        return []
    rows = json.loads(b"[" + json_rows(table.to_batches()[0]) + b"]")
    key = question.mart.key[0]
    return [Event(mart, int(row["event_seq"]), str(row[key]), row) for row in rows]


def newest_seq(edition: Edition, mart: str) -> int:
    """Return the highest number that was given; 0: none was."""
    cursor = edition.cursor()
    try:
        row = cursor.execute(f'select max(event_seq) from marts."{mart}"').fetchone()  # noqa: S608  # of the catalog
    finally:
        cursor.close()
    return int(row[0]) if row and row[0] is not None else 0


def router_of(shelf: Shelf, catalog: Catalog) -> APIRouter:
    """Return the streams of events."""
    router = APIRouter(prefix="/v1")
    for resource in RESOURCES:
        if resource.mart in event_marts(catalog):
            _add(router, shelf, resource.mart, resource.path, resource.tag)
    return router


def _add(router: APIRouter, shelf: Shelf, mart: str, path: str, tag: str) -> None:
    async def stream(
        after_seq: Annotated[
            int | None, Query(ge=0, description="the last number seen; default: from now on")
        ] = None,
        last_event_id: Annotated[int | None, Header(ge=0)] = None,
    ) -> StreamingResponse:
        seen = last_event_id if last_event_id is not None else after_seq
        return StreamingResponse(
            _events(shelf, mart, seen),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    router.add_api_route(
        f"{path}/stream",
        stream,
        methods=["GET"],
        tags=[tag],
        name=f"{mart}_stream",
        summary="Each event as a server-sent event, as soon as it is published",
        description="The id of each is its `event_seq`: a browser that comes back sends it as "
        "`Last-Event-ID` and misses nothing.",
        response_model=None,
        responses={200: {"content": {"text/event-stream": {}}}},
    )


async def _events(shelf: Shelf, mart: str, seen: int | None) -> AsyncIterator[bytes]:
    while True:
        version, events, seen = await run_in_threadpool(_after, shelf, mart, seen)
        for event in events:
            yield format_sse_event(
                data_str=json.dumps(event.content), event=mart, id=str(event.seq)
            )
        if not events:
            yield KEEPALIVE_COMMENT
            await shelf.next_version(version, time.monotonic() + _KEEP_ALIVE_S)


def _after(shelf: Shelf, mart: str, seen: int | None) -> tuple[str, list[Event], int]:
    with shelf.edition() as edition:
        if seen is None:
            return edition.version, [], newest_seq(edition, mart)
        events = read_events(edition, mart, seen)
        return edition.version, events, events[-1].seq if events else seen
