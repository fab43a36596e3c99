"""The routes to marts: one for each subject's address, and `/v1/marts/{mart}` for every mart."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError

from pipelines.publishing.catalog import Catalog, Mart
from pipelines.serving.answers import answer, chosen_version, form_of, headers_of, is_known
from pipelines.serving.assets import asset_ids
from pipelines.serving.formats import FORMATS, JSON
from pipelines.serving.models import (
    Page,
    Selection,
    filters_of,
    query_model,
    row_model,
)
from pipelines.serving.problems import PROBLEM_RESPONSES, invalid, unknown
from pipelines.serving.query import Question, ask
from pipelines.serving.resources import RESOURCES
from pipelines.serving.shelf import Edition, Shelf

_FORMS: dict[str, Any] = {form.media_type: {} for form in FORMATS if form is not JSON}


def router_of(shelf: Shelf, catalog: Catalog) -> APIRouter:
    """Return the routes to the marts of a catalog.

    Args:
        shelf: the publications that answer.
        catalog: of the publication whose columns the requests and answers are described by.
    """
    router = APIRouter(prefix="/v1")
    for resource in RESOURCES:
        mart = catalog.marts.get(resource.mart)
        if mart is None:
            continue
        row = row_model(mart)
        _add(router, shelf, mart, row, resource.path, resource.tag)
        entity = mart.key[0]
        if entity.endswith("_id") and entity != "event_id" and mart.has_day:
            short = entity.removesuffix("_id")
            path = f"{resource.path}/{{{short}}}"
            _add(router, shelf, mart, row, path, resource.tag, entity=entity)

    @router.get(
        "/marts/{mart}",
        tags=["marts"],
        summary="Any mart, or the view of its newest day, by its name",
        response_model=None,
        responses=PROBLEM_RESPONSES,
        openapi_extra={
            "responses": {"200": {"content": {form.media_type: {} for form in FORMATS}}}
        },
    )
    async def any_mart(request: Request, mart: str) -> Response:
        """Answer as the mart's own address does, with the same parameters (see `/v1/catalog`)."""
        with shelf.edition() as edition:
            served = edition.catalog.marts
        if mart not in served:
            raise unknown("mart", mart, list(served), hint="/v1/catalog lists them")
        asked = validated(served[mart], request.query_params)
        return await _answered(shelf, request, mart, asked, {})

    return router


def _add(
    router: APIRouter,
    shelf: Shelf,
    mart: Mart,
    row: type,
    path: str,
    tag: str,
    *,
    entity: str | None = None,
) -> None:
    questions = query_model(mart, without=frozenset({entity} if entity else ()))
    name = mart.name

    async def endpoint(request: Request, **given: Any) -> Response:
        _refuse_unknown(request.query_params, questions)
        path_value = given.pop("entity", None)
        # each value was validated on its own, by the signature below
        asked = questions.model_construct(**given)
        fixed = {} if entity is None else {entity: str(path_value)}
        return await _answered(shelf, request, name, asked, fixed)

    endpoint.__signature__ = _signature(questions, entity)  # type: ignore[attr-defined]
    router.add_api_route(
        path,
        endpoint,
        methods=["GET"],
        tags=[tag],
        name=f"{tag}_{mart.name}{'_of_one' if entity else ''}",
        operation_id=f"get{path}".replace("/", "_").replace("{", "by_").replace("}", ""),
        summary=mart.description.split(". ")[0].split(": ")[0],
        description=mart.description,
        response_model=None,
        responses={
            200: {"model": Page[row], "content": _FORMS},  # type: ignore[valid-type]
            304: {"description": "the client has this answer already"},
            **PROBLEM_RESPONSES,
        },
    )


def _signature(questions: type[Selection], entity: str | None) -> inspect.Signature:
    """Return an endpoint's parameters one by one: the framework forgets models beyond the 128th."""
    parameters = [inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)]
    if entity is not None:
        what = "its id or its symbol" if entity == "asset_id" else "its id"
        alias = entity.removesuffix("_id")
        parameters.append(
            inspect.Parameter(
                "entity",
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[str, Path(alias=alias, description=what)],
            )
        )
    for name, field in questions.model_fields.items():
        query = Query(description=field.description)
        query.metadata = list(field.metadata)
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[field.annotation, query],
                default=field.default,
            )
        )
    return inspect.Signature(parameters)


def validated(mart: Mart, given: Mapping[str, str]) -> Selection:
    """Return what is asked of a mart.

    Args:
        mart: the mart.
        given: parameters of its address by name.

    Raises:
        Problem: the mart has no such parameter, or a value is not of its type.
    """
    questions = query_model(mart)
    _refuse_unknown(given, questions)
    try:
        return questions.model_validate(dict(given))
    except ValidationError as error:
        raise invalid(error.errors()) from None


def _refuse_unknown(given: Iterable[str], questions: type[Selection]) -> None:
    """Refuse a parameter that is not known: a misspelt filter would be no filter."""
    known = list(questions.model_fields)
    for name in given:
        if name not in known:
            raise unknown(
                "parameter", name, known, hint=f"there are {', '.join(known)}", status=422
            )


async def _answered(
    shelf: Shelf,
    request: Request,
    name: str,
    asked: Selection,
    fixed: dict[str, str],
) -> Response:
    form = form_of(request, asked.format)
    is_pinned = bool(asked.version or asked.known_at or asked.cursor)
    # what is published stays as it is: only of what is current more can come
    wait_s = 0.0 if is_pinned else float(getattr(asked, "wait_s", 0) or 0)
    until = time.monotonic() + wait_s
    while True:
        version = await run_in_threadpool(chosen_version, shelf, asked, asked.cursor)
        headers = headers_of(request, version, form.name, is_pinned=is_pinned)
        if is_known(request, headers):
            if time.monotonic() >= until:
                return Response(status_code=304, headers=headers)
        elif (
            response := await run_in_threadpool(
                _read, shelf, version, name, asked, fixed, form, headers, until
            )
        ) is not None:
            return response
        # an event comes with a publication only: the pointer is looked at, not the database
        await shelf.next_version(version, until)


def _read(
    shelf: Shelf,
    version: str,
    name: str,
    asked: Selection,
    fixed: dict[str, str],
    form: Any,
    headers: dict[str, str],
    until: float,
) -> Response | None:
    """Return the answer; None: there is no event yet, and there is time to wait for one."""
    with shelf.edition(version) as edition:
        mart = edition.catalog.marts.get(name)
        if mart is None:
            raise unknown("mart", name, list(edition.catalog.marts), hint="/v1/catalog lists them")
        question = question_of(edition, mart, asked, fixed)
        if time.monotonic() < until and not _has_rows(edition, question):
            return None
        return answer(shelf, edition, question, cursor=asked.cursor, form=form, headers=headers)


def _has_rows(edition: Edition, question: Question) -> bool:
    sql, values = replace(question, limit=1, order=()).sql(["1"])
    cursor = edition.cursor()
    try:
        return cursor.execute(sql, values).fetchone() is not None
    finally:
        cursor.close()


def question_of(
    edition: Edition, mart: Mart, asked: Selection, fixed: Mapping[str, str]
) -> Question:
    """Return the question that is asked of a mart.

    Args:
        edition: the publication that answers.
        mart: one of its marts.
        asked: the parameters.
        fixed: column to its value, of an address that says it.

    Raises:
        Problem: the mart cannot answer it.
    """
    filters = {name: asked.wanted(name) for name in filters_of(mart) if asked.wanted(name)}
    filters |= {column: (value,) for column, value in fixed.items()}
    named = filters["asset_id"] if "asset_id" in fixed else asked.wanted("asset")
    if named:
        filters["asset_id"] = asset_ids(edition, named)
    after_seq = getattr(asked, "after_seq", None)
    question = ask(
        mart,
        columns=asked.column_names,
        filters=filters,
        start=getattr(asked, "start", None),
        end=getattr(asked, "end", None),
        order=asked.order_names or (("event_seq",) if after_seq is not None else ()),
        limit=asked.limit,
    )
    return question if after_seq is None else replace(question, after_seq=after_seq)
