"""The addresses under `/v2`: Token Metrics' parameters and envelope.

Their Python client swallows every error, sends a limit that nobody can choose (100 or 1,000) and
never asks for a second page. An answer that were cut at that limit would be a frame with days or
assets missing and no word about it. So such a limit asks for all rows, which are streamed in one
answer; a smaller one is a wish, and pages by it say in `message` how to go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field, create_model

from pipelines.serving.answers import Rows, chosen_version, headers_of, is_known
from pipelines.serving.formats import JSON, json_lists
from pipelines.serving.models import Truth
from pipelines.serving.problems import Problem, ProblemDocument, unknown
from pipelines.serving.shelf import Edition, Shelf
from pipelines.serving.tokenmetrics.wire import ENDPOINTS, NUMBER_OF_ASSET, UNAVAILABLE, Endpoint

_PROBLEM: dict[str, Any] = {"model": ProblemDocument}
_TOKENS = {
    "token_id": "`TOKEN_ID` of /v2/tokens, with commas",
    "symbol": "with commas; where several assets have one, all of them are answered",
    "token_name": "with commas",
}


class Asked(Truth):
    """What every address can be asked."""

    limit: int | None = Field(
        None, ge=1, description="rows of a page; what their client always sends means all rows"
    )
    page: int = Field(0, ge=0, le=10**9, description="counted from 0")


class Envelope(BaseModel):
    """An answer as Token Metrics writes it."""

    success: bool
    message: str = Field(description="which rows these are, and how to have more")
    length: int = Field(description="rows in `data`")
    data: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Query:
    """The rows of an answer: SQL after `select`, with its values."""

    fields: str
    source: str
    order: str
    values: list[Any]

    @property
    def total(self) -> str:
        return f"select count(*) from {self.source}"  # noqa: S608  # names of our own

    def page(self, limit: int | None, offset: int) -> str:
        part = "" if limit is None else f" limit {limit} offset {offset}"
        source = f"from {self.source} order by {self.order}{part}"
        return f"select {self.fields} {source}"  # names of our own


def router_of(shelf: Shelf) -> APIRouter:
    """Return the routes.

    Args:
        shelf: the publications that answer.
    """
    router = APIRouter(prefix="/v2", tags=["Token Metrics' wire format"])
    for endpoint in ENDPOINTS:
        _add(router, shelf, endpoint)
    for path, instead in UNAVAILABLE.items():
        _add_unavailable(router, path, instead)
    return router


def _add(router: APIRouter, shelf: Shelf, endpoint: Endpoint) -> None:
    parameters = _parameters(endpoint)

    def answer(request: Request, asked: Asked) -> Response:
        version = chosen_version(shelf, asked)
        is_pinned = bool(asked.version or asked.known_at)
        headers = headers_of(request, version, JSON.name, is_pinned=is_pinned)
        if is_known(request, headers):
            return Response(status_code=304, headers=headers)
        return _answer(shelf, version, endpoint, asked, headers)

    # set by hand: an annotation of this module cannot name a type that is made here
    answer.__annotations__["asked"] = Annotated[parameters, Query()]
    answer.__annotations__["request"] = Request
    router.add_api_route(
        f"/{endpoint.path}",
        answer,
        methods=["GET"],
        name=f"tokenmetrics_{endpoint.path}",
        summary=f"{endpoint.path}, from {endpoint.marts[0]}",
        response_model=None,
        responses={200: {"model": Envelope}, 404: _PROBLEM, 422: _PROBLEM},
    )


def _add_unavailable(router: APIRouter, path: str, instead: str) -> None:
    def refuse() -> Response:
        raise Problem("not-available", 501, f"{path} cannot be had here: {instead}")

    # no part of what is offered, and so of its document
    router.add_api_route(f"/{path}", refuse, methods=["GET", "POST"], include_in_schema=False)


def _parameters(endpoint: Endpoint) -> type[Asked]:
    fields: dict[str, Any] = {}
    if endpoint.has_tokens:
        fields |= {name: (str | None, Field(None, description=_TOKENS[name])) for name in _TOKENS}
    if endpoint.has_days:
        fields["startDate"] = (date | None, Field(None, description="the first day, UTC"))
        fields["endDate"] = (date | None, Field(None, description="the last day, included"))
    for name, condition in endpoint.filters.items():
        kind = float if condition.takes == "number" else str
        fields[name] = (kind | None, Field(None, description=condition.says))
    title = "".join(part.capitalize() for part in endpoint.path.split("-"))
    return cast("type[Asked]", create_model(f"TokenMetrics{title}", __base__=Asked, **fields))


def _answer(
    shelf: Shelf, version: str, endpoint: Endpoint, asked: Asked, headers: dict[str, str]
) -> Response:
    with shelf.edition(version) as edition:
        query, unheard = _query(edition, endpoint, asked)
        cursor = edition.cursor()
        try:
            (total,) = cursor.execute(query.total, query.values).fetchone() or (0,)
        finally:
            cursor.close()
    is_whole = asked.limit is None or asked.limit >= endpoint.whole_from
    limit = None if is_whole else asked.limit
    first = asked.page * limit if limit else 0
    # the first page has been the whole: to whoever asks for more, nothing more comes
    length = max(0, min(limit or total, total - first)) if limit or not asked.page else 0
    head = {
        "success": True,
        "message": _message(endpoint, total, first, length, asked.page, unheard),
        "length": length,
    }
    rows: Iterator[Any] = iter(())
    if length:
        sql = query.page(limit, first)
        rows = Rows(shelf, shelf.borrow(version), sql, query.values, len(endpoint.fields))
    body = json_lists(json.dumps(head).encode(), rows)
    return StreamingResponse(body, headers=headers, media_type=JSON.media_type)


def _message(
    endpoint: Endpoint, total: int, first: int, length: int, page: int, unheard: list[str]
) -> str:
    mart = endpoint.marts[0]
    if length == total:
        said = f"all {total:,} rows of {mart} that were asked for"
    elif length == 0:
        said = f"there are {total:,} rows of {mart}, and none on page {page}: pages begin with 0"
    else:
        said = f"rows {first + 1:,} to {first + length:,} of {total:,} of {mart}"
        if first + length < total:
            said += f"; `page={page + 1}` goes on"
    return f"{said}; unknown: {', '.join(unheard)}" if unheard else said


def _query(edition: Edition, endpoint: Endpoint, asked: Asked) -> tuple[_Query, list[str]]:
    """Return the query of a request, and the tokens that it names and nobody knows."""
    where, values = [], []
    unheard: list[str] = []
    start, end = getattr(asked, "startDate", None), getattr(asked, "endDate", None)
    if start and end and start > end:
        raise Problem(
            "reversed-range", 422, f"`startDate` ({start}) is after `endDate` ({end}): swap them"
        )
    for bound, sign in ((start, ">="), (end, "<=")):
        if bound is not None:
            where.append(f"day {sign} ?")
            values.append(bound)
    used = list(endpoint.marts)
    for name, condition in endpoint.filters.items():
        value = getattr(asked, name)
        if value is None:
            continue
        given = [value] if condition.takes == "number" else [_plain(word) for word in _words(value)]
        where.append(condition.condition.replace("?", ", ".join("?" * len(given))))
        values.extend(given)
        used.extend([condition.mart] if condition.mart else [])
    named = [name for name in _TOKENS if getattr(asked, name, None) is not None]
    if endpoint.has_tokens:
        used.append("dim_asset")
    _require(edition, used)
    if endpoint.has_tokens:
        assets = _numbered(edition)
        for name in named:
            wanted = _words(getattr(asked, name))
            found = [asset for asset in assets if asset[name] in {_folded(word) for word in wanted}]
            known = {asset[name] for asset in found}
            unheard += [word for word in wanted if _folded(word) not in known]
            if not found:
                raise unknown(
                    "token",
                    ", ".join(wanted),
                    [asset[name] for asset in assets],
                    hint="/v2/tokens lists them with TOKEN_ID, TOKEN_NAME and TOKEN_SYMBOL",
                )
            where.append(f"asset_id in ({', '.join('?' * len(found))})")
            values.extend(asset["asset_id"] for asset in found)
    source = f"({endpoint.relation}) as this"
    if where:
        source += f" where {' and '.join(where)}"
    fields = ", ".join(f'{sql} as "{name}"' for name, sql in endpoint.fields.items())
    return _Query(fields, source, endpoint.order, values), unheard


def _require(edition: Edition, marts: list[str]) -> None:
    for mart in marts:
        if mart not in edition.catalog.marts:
            raise unknown(
                "mart",
                mart,
                list(edition.catalog.marts),
                hint=f"the publication {edition.version} has none; /v1/versions lists others",
            )


def _numbered(edition: Edition) -> list[dict[str, str]]:
    """Return every asset as it may be named: id, `TOKEN_ID`, symbol and name, in lower case.

    Raises:
        Problem: two assets have one number; rows of both would be taken for one's.
    """
    cursor = edition.cursor()
    try:
        rows = cursor.execute(
            f"select asset_id, {NUMBER_OF_ASSET}, symbol, name from marts.dim_asset"  # noqa: S608  # an expression of our own
        ).fetchall()
    finally:
        cursor.close()
    assets = [
        {
            "asset_id": asset,
            "token_id": str(number),
            "symbol": _folded(symbol or ""),
            "token_name": _folded(name or ""),
        }
        for asset, number, symbol, name in rows
    ]
    by_number: dict[str, str] = {}
    for each in assets:
        other = by_number.setdefault(each["token_id"], each["asset_id"])
        if other != each["asset_id"]:
            raise Problem(
                "one-number-for-two",
                503,
                f"{other} and {each['asset_id']} have the same TOKEN_ID: ask /v1, which names "
                "assets by their ids",
            )
    return assets


def _words(text: str) -> list[str]:
    return [word for piece in text.split(",") if (word := piece.strip())]


def _folded(word: str) -> str:
    return word.casefold()


def _plain(word: str) -> str:
    """Return a category as the seeds write it: `Layer-1` is `layer_1`."""
    return _folded(word).replace("-", "_").replace(" ", "_")
