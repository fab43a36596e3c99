"""The application: every source's endpoints under its name, and the control beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator
from starlette import routing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from pipelines.sandbox.server import page
from pipelines.sandbox.server.encode import dumps
from pipelines.sandbox.server.faults import Fault, Faults, instead, is_transport
from pipelines.sandbox.server.limits import Limiter
from pipelines.sandbox.server.mount import Handler, Mount
from pipelines.sandbox.server.reply import JSON, Reply
from pipelines.sandbox.server.state import State
from pipelines.sandbox.server.wire import MOUNTS

Endpoint = Callable[[Request], Awaitable[Response]]


class BrokenResponse(Response):
    """An answer that announces more bytes than come: the connection ends in its middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the head and half of the body, and leave."""
        half = bytes(self.body)[: len(bytes(self.body)) // 2]
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        await send({"type": "http.response.body", "body": half, "more_body": True})


class _ClockBody(BaseModel):
    now: datetime

    @field_validator("now")
    @classmethod
    def _aware(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs a time zone, such as 2026-11-01T06:00:00Z")
        return value


_FAULT_LIST = TypeAdapter(list[Fault])


def create_app(state: State, *, enforce_limits: bool = False) -> Starlette:
    """Return the ASGI application.

    Args:
        state: the dataset and its clock.
        enforce_limits: whether requests over the sources' own limits are refused, in real seconds.
    """
    faults = Faults()
    limiter = Limiter(enforce=enforce_limits)
    mounts = [
        routing.Mount(
            f"/{source.name}",
            routes=[
                routing.Route(
                    path,
                    _endpoint(state, faults, limiter, source, path, handler),
                    methods=list(source.methods),
                )
                for path, handler in source.handlers.items()
            ],
        )
        for source in MOUNTS.values()
    ]

    async def index(_: Request) -> Response:
        return HTMLResponse(page.index(state, _examples(state)))

    async def clock(request: Request) -> Response:
        if request.method == "PUT":
            try:
                state.set_clock(_ClockBody.model_validate_json(await request.body()).now)
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse({"now": state.now.isoformat()})

    async def planted(request: Request) -> Response:
        if request.method == "PUT":
            try:
                faults.set(_FAULT_LIST.validate_json(await request.body()))
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=422)
        elif request.method == "DELETE":
            faults.set([])
        return JSONResponse([fault.model_dump() for fault in faults.active])

    return Starlette(
        routes=[
            routing.Route("/", index),
            routing.Route("/_sandbox/clock", clock, methods=["GET", "PUT"]),
            routing.Route("/_sandbox/faults", planted, methods=["GET", "PUT", "DELETE"]),
            *mounts,
        ]
    )


def _endpoint(
    state: State,
    faults: Faults,
    limiter: Limiter,
    source: Mount,
    path: str,
    handler: Handler,
) -> Endpoint:
    weight = source.weights.get(path, 1.0)

    async def answer(request: Request) -> Response:
        where = request.url.path.removeprefix(f"/{source.name}")
        # handlers do not wait: what was posted is read for them
        request.state.body = await request.body()
        striking = faults.striking(source.name, where, request.url.query, request.state.body)
        transport = [fault for fault in striking if is_transport(fault)]
        refusal, headers = limiter.refuse(source.name, weight)
        reply = refusal
        for fault in transport:
            if fault.kind == "slow":
                await asyncio.sleep(fault.delay_s)
            reply = reply or instead(fault, source.name)
        if reply is None:
            reply = handler(state, request)
            query = request.query_params
            for fault in striking:
                if not is_transport(fault):
                    reply = faults.spoil(reply, fault, source.name, where, query)
            faults.remember(reply, source.name, where, query)
        return _response(replace(reply, headers={**headers, **reply.headers}), transport)

    return answer


def _response(reply: Reply, transport: list[Fault]) -> Response:
    match reply.payload:
        case bytes() as body:
            pass
        case str() as text:
            body = text.encode()
        case payload:
            body = dumps(payload)
    kinds = {fault.kind for fault in transport}
    if "truncated" in kinds:
        body = body[: max(len(body) // 2, 1)]
    # sources do not all say the charset
    response = Response if "drop" not in kinds else BrokenResponse
    return response(
        body, reply.status, headers=dict(reply.headers), media_type=reply.media_type or JSON
    )


def _examples(state: State) -> Iterator[tuple[str, str]]:
    """Yield an address of each endpoint that answers something in this dataset."""
    for mount in MOUNTS.values():
        yield from mount.examples(state)
