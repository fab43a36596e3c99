"""From a question to an answer: which edition, is it known already, and the rows as they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import duckdb
import pyarrow as pa
from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from pipelines.serving.formats import JSON, Format, json_rows, negotiated
from pipelines.serving.models import DEFAULT_PAGE, MAX_PAGE, Truth
from pipelines.serving.problems import Problem
from pipelines.serving.query import Question, cursor_of, resumed, version_of
from pipelines.serving.shelf import Edition, Shelf

# so many values a batch, whatever the mart: what an answer holds in memory
_CELLS = 200_000
_KEPT_FOR_EVER = "max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def chosen_version(shelf: Shelf, truth: Truth, cursor: str | None = None) -> str:
    """Return the version that a request is answered from.

    Raises:
        Problem: the request names two, or one that is not there.
    """
    named = {
        "version": truth.version,
        "known_at": shelf.known_at(truth.known_at) if truth.known_at else None,
        "cursor": version_of(cursor) if cursor else None,
    }
    versions = {version for version in named.values() if version is not None}
    if len(versions) > 1:
        said = ", ".join(f"`{name}` {version}" for name, version in named.items() if version)
        raise Problem(
            "two-versions",
            409,
            f"the request asks for two publications ({said}): pages are of one publication only",
        )
    return versions.pop() if versions else shelf.current_version()


def headers_of(request: Request, version: str, form: str, *, is_pinned: bool) -> dict[str, str]:
    """Return the headers that say which publication answers and how long that holds."""
    asked = f"{request.url.path}?{request.url.query}#{form}"
    tag = hashlib.sha256(asked.encode()).hexdigest()[:16]
    return {
        "Tokenmart-Version": version,
        # weak: the same rows may be compressed in another way
        "ETag": f'W/"{version}-{tag}"',
        "Cache-Control": f"private, {_KEPT_FOR_EVER if is_pinned else _ASK_AGAIN}",
        "Vary": "Accept, Accept-Encoding",
    }


def is_known(request: Request, headers: Mapping[str, str]) -> bool:
    """Tell whether the client has this answer already."""
    known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    return headers["ETag"] in known or "*" in known


def answer(
    shelf: Shelf,
    edition: Edition,
    question: Question,
    *,
    cursor: str | None,
    form: Format,
    headers: Mapping[str, str],
) -> Response:
    """Return the answer to a question.

    A JSON answer is a page that says where the next one begins; the other forms are streamed whole.
    """
    if form is JSON:
        return _page(edition, question, cursor, headers)
    if cursor is not None:
        question = resumed(question.paged(question.limit or MAX_PAGE), cursor)
    return _stream(shelf, edition, question, form, headers)


def form_of(request: Request, name: str | None) -> Format:
    """Return the form that a request asks for; see `negotiated`."""
    return negotiated(name, request.headers.get("accept", "*/*"))


def _page(
    edition: Edition, question: Question, cursor: str | None, headers: Mapping[str, str]
) -> Response:
    limit = DEFAULT_PAGE if question.limit is None else question.limit
    if limit > MAX_PAGE:
        raise Problem(
            "limit-too-high",
            422,
            f"a page of JSON has at most {MAX_PAGE:,} rows: follow `next_cursor`, or ask for the "
            "whole as NDJSON, CSV, Arrow or Parquet",
        )
    # one row more than the page has tells whether there is another page
    paged = question.paged(limit)
    if cursor is not None:
        paged = resumed(paged, cursor)
    sql, values = replace(paged, limit=limit + 1).sql()
    connection = edition.cursor()
    try:
        rows = connection.execute(sql, values).to_arrow_table()
    finally:
        connection.close()
    page = rows.slice(0, limit).combine_chunks()
    following = None
    if rows.num_rows > limit:
        following = cursor_of(paged, edition.version, page.slice(limit - 1, 1).to_pylist()[0])
    shown = page.select(list(question.columns))
    data = b"".join(json_rows(batch) for batch in shown.to_batches()) if shown.num_rows else b""
    head = json.dumps({"mart": question.mart.name, "version": edition.version})[:-1].encode()
    body = b'%s, "data": [\n%s\n], "next_cursor": %s}\n' % (
        head,
        data,
        json.dumps(following).encode(),
    )
    return Response(body, headers=dict(headers), media_type=JSON.media_type)


def _stream(
    shelf: Shelf, edition: Edition, question: Question, form: Format, headers: Mapping[str, str]
) -> Response:
    mart = question.mart
    sent = {
        **headers,
        "Content-Disposition": f'attachment; filename="{mart.name}.{form.name}"',
    }
    sql, values = question.sql()
    rows = Rows(shelf, shelf.borrow(edition.version), sql, values, len(question.columns))
    return StreamingResponse(
        form.write(rows.schema, rows), headers=sent, media_type=form.media_type
    )


class Rows(Iterator[pa.RecordBatch]):
    """The rows of a query, batch by batch; the edition is kept until the last one or the end."""

    def __init__(
        self, shelf: Shelf, edition: Edition, sql: str, values: list[object], width: int
    ) -> None:
        self._shelf, self._edition = shelf, edition
        self._cursor: duckdb.DuckDBPyConnection | None = edition.cursor()
        try:
            self._reader = self._cursor.execute(sql, values).to_arrow_reader(
                max(1, _CELLS // max(1, width))
            )
        except BaseException:
            self.close()
            raise
        self.schema: pa.Schema = self._reader.schema

    def __next__(self) -> pa.RecordBatch:
        try:
            return self._reader.read_next_batch()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the edition back; more than once does no harm."""
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
            self._shelf.give_back(self._edition)

    def __del__(self) -> None:
        # of a client that went away before the first byte
        self.close()
