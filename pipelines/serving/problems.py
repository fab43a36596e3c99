"""Errors as RFC 9457 problem documents: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
_BASE = "/v1/problems/"


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 writes it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="which kind of error: stable, for programs")
    title: str = Field(description="the kind in words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what is wrong with this request, and what to do")


# what OpenAPI says of them
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDocument, "description": said}
    for status, said in (
        (404, "there is no such thing"),
        (409, "it could mean more than one thing"),
        (422, "it cannot be asked so"),
        (429, "too much at once; `Retry-After` says when to come again"),
    )
}


class Problem(Exception):
    """A request that is not answered.

    Attributes:
        kind: the last part of the problem's `type`, stable for programs.
        status: of HTTP.
        detail: a sentence that says what is wrong and what to do.
        more: further members of the document, such as `candidates`.
        headers: of the answer.
    """

    def __init__(
        self,
        kind: str,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind, self.status, self.detail = kind, status, detail
        self.more, self.headers = more, dict(headers or {})

    def response(self) -> JSONResponse:
        """Return it as a problem document."""
        document = {
            "type": f"{_BASE}{self.kind}",
            "title": self.kind.replace("-", " "),
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        headers = {"Cache-Control": "no-store", **self.headers}
        return JSONResponse(document, self.status, headers=headers, media_type=MEDIA_TYPE)


def unknown(
    kind: str, name: str, known: Sequence[str], *, hint: str = "", status: int = 404
) -> Problem:
    """Return the problem of a name that there is not, with the names that look like it."""
    from difflib import get_close_matches

    close = get_close_matches(name[:100], known, n=5, cutoff=0.5)
    there = f"did you mean {', '.join(close)}?" if close else hint
    return Problem(
        f"unknown-{kind}", status, f"there is no {kind} {name[:100]!r}; {there}", candidates=close
    )


def invalid(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Return the problem of parameters that are not of their types, as pydantic says."""
    found = [{"where": ".".join(map(str, said["loc"])), "what": said["msg"]} for said in errors]
    detail = "; ".join(f"{said['where']}: {said['what']}" for said in found)
    return Problem("invalid-request", 422, detail, errors=found)


def install(app: FastAPI) -> None:
    """Let every error of `app` be a problem document, those of the framework too."""

    @app.exception_handler(Problem)
    def _problem(_: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return invalid(error.errors()).response()

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return Problem(kind, error.status_code, str(error.detail), headers=error.headers).response()
