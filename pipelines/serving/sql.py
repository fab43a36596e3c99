"""`POST /v1/sql`: a SELECT of one's own, where settings allow it; an Arrow stream comes back."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from pipelines.core.settings import Serving
from pipelines.serving.answers import chosen_version
from pipelines.serving.formats import ARROW
from pipelines.serving.guard import key_of
from pipelines.serving.models import Truth
from pipelines.serving.problems import Problem
from pipelines.serving.shelf import Shelf
from pipelines.serving.sql_worker import Order

_CHUNK = 1 << 16
# a worker that has used its processor time is ended by the system; one that waits, by us
_GRACE_S = 2.0


class Sql(BaseModel):
    """A query."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(
        description="one SELECT in DuckDB's SQL; the tables are marts.price_daily and so on",
        min_length=1,
        max_length=50_000,
    )


class Desk:
    """Workers: one for each query, one always ready, and never more than the settings allow."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._running = 0
        self._ready: asyncio.subprocess.Process | None = None

    async def answer(self, database: str, query: str) -> AsyncIterator[bytes]:
        """Return the rows of a query, once they begin to come.

        Raises:
            Problem: it is refused, fails, or takes too much.
        """
        serving = self._serving
        if self._running >= serving.sql_concurrency:
            raise Problem(
                "too-much-at-once",
                429,
                f"{serving.sql_concurrency} queries are running: wait for one of them",
                headers={"Retry-After": str(serving.sql_seconds)},
            )
        self._running += 1
        worker = None
        try:
            worker = await self._worker()
            order = Order(
                database, query, serving.sql_memory_mb, serving.sql_seconds, serving.sql_rows
            )
            until = asyncio.get_running_loop().time() + serving.sql_seconds + _GRACE_S
            head = await self._head(worker, order, until)
            if head["kind"] != "rows":
                raise Problem(head["kind"], 422, head["detail"])
        except BaseException:
            self._running -= 1
            if worker is not None:
                await _end(worker)
            raise
        return self._rows(worker, until)

    async def close(self) -> None:
        """End the worker that is ready."""
        if self._ready is not None:
            await _end(self._ready)

    async def _worker(self) -> asyncio.subprocess.Process:
        ready, self._ready = self._ready, None
        if ready is None or ready.returncode is not None:
            ready = await _start()
        self._ready = await _start()
        return ready

    async def _head(
        self, worker: asyncio.subprocess.Process, order: Order, until: float
    ) -> dict[str, str]:
        orders, answers = _pipes(worker)
        orders.write(order.encoded())
        too_long = {
            "kind": "query-too-long",
            "detail": f"the query takes more than {order.seconds} s: ask for fewer rows",
        }
        try:
            async with asyncio.timeout_at(until):
                await orders.drain()
                line = await answers.readline()
        except TimeoutError:
            return too_long
        # the system has ended it: it used up its processor time, or more memory than it may have
        head: dict[str, str] = json.loads(line) if line else too_long
        return head

    async def _rows(self, worker: asyncio.subprocess.Process, until: float) -> AsyncIterator[bytes]:
        _, answers = _pipes(worker)
        try:
            # a stream that is cut off has no end mark: its reader is told
            async with asyncio.timeout_at(until):
                while chunk := await answers.read(_CHUNK):
                    yield chunk
        finally:
            self._running -= 1
            await _end(worker)


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "pipelines.serving.sql_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # a stranger's query has no business with secrets
        env={},
    )


def _pipes(
    worker: asyncio.subprocess.Process,
) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("a worker was started without its pipes")
    return worker.stdin, worker.stdout


async def _end(worker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


def router_of(shelf: Shelf, serving: Serving, desk: Desk) -> APIRouter:
    """Return the route of SQL."""
    router = APIRouter(prefix="/v1", tags=["sql"])

    @router.post(
        "/sql",
        response_model=None,
        response_class=Response,
        responses={200: {"content": {ARROW.media_type: {}}, "description": "an Arrow stream"}},
    )
    async def sql(request: Request, asked: Sql, truth: Annotated[Truth, Query()]) -> Response:
        """Answer one SELECT; off unless TOKENMART_SERVING__SQL is true."""
        if not serving.sql:
            raise Problem(
                "sql-is-off", 403, "this service answers no SQL: TOKENMART_SERVING__SQL=true does"
            )
        key = key_of(request)
        if serving.require_keys and (key is None or "sql" not in key.scopes):
            raise Problem("scope-needed", 403, "this key may not ask in SQL: `keys make --sql`")
        version = chosen_version(shelf, truth)
        edition = shelf.borrow(version)
        try:
            rows = await desk.answer(str(edition.folder / edition.manifest.database), asked.query)
        finally:
            # the worker has the file open itself
            shelf.give_back(edition)
        headers = {"Tokenmart-Version": version, "Cache-Control": "no-store"}
        return StreamingResponse(rows, headers=headers, media_type=ARROW.media_type)

    return router
