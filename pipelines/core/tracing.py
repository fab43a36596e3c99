"""Traces of runs by OpenTelemetry: only where its own variables ask for them is it imported.

A run's trace has the run's id, and its first span an id that follows from that: whoever works for
the run, in whatever process, knows where his spans belong without being handed anything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from uuid import UUID

from pipelines.core.settings import traces_are_wanted
from pipelines.core.windows import SystemClock

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

P = ParamSpec("P")
T = TypeVar("T")
Attribute = str | int | float | bool

NAME = "tokenmart"
# a collector that does not answer must not keep a run that is over
FLUSH_MS = 5_000
_LOG = logging.getLogger("tokenmart.tracing")
# the run whose first span begins at this moment
_beginning: ContextVar[UUID | None] = ContextVar("beginning", default=None)


class Span:
    """Something that is done and takes time; this one is of a process that nobody traces."""

    def note(self, **attributes: Attribute) -> None:
        """Say what it did."""

    def fail(self, reason: str) -> None:
        """Say that it did not do what it was to do."""


class _Traced(Span):
    def __init__(self, span: Any) -> None:
        self._span = span

    def note(self, **attributes: Attribute) -> None:
        self._span.set_attributes(_named(attributes))

    def fail(self, reason: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, reason))


@contextmanager
def run(run_id: str, **attributes: Attribute) -> Iterator[Span]:
    """Trace a run: its first span, which all others are below.

    Args:
        run_id: Dagster's id of it, which becomes the trace's.
        attributes: what it is.
    """
    provider = _provider()
    if provider is None:
        yield Span()
        return
    from opentelemetry.context import Context

    token = _beginning.set(UUID(run_id))
    span = provider.get_tracer(NAME).start_span(
        "run", Context(), attributes=_named({**attributes, "run_id": run_id})
    )
    _beginning.reset(token)
    try:
        yield _Traced(span)
    except BaseException as problem:
        span.record_exception(problem)
        _Traced(span).fail(str(problem))
        raise
    finally:
        span.end()
        provider.force_flush(FLUSH_MS)


@contextmanager
def span(name: str, run_id: str, **attributes: Attribute) -> Iterator[Span]:
    """Trace a part of a run: below the span that is open here, or else below the run.

    Args:
        name: the kind of part: few for all runs.
        run_id: the run.
        attributes: which one it is.
    """
    provider = _provider()
    if provider is None:
        yield Span()
        return
    from opentelemetry import trace

    is_outermost = not trace.get_current_span().get_span_context().is_valid
    context = _of_run(provider, run_id) if is_outermost else None
    tracer = provider.get_tracer(NAME)
    with tracer.start_as_current_span(name, context, attributes=_named(attributes)) as begun:
        yield _Traced(begun)
    if is_outermost:
        # a helper's process is ended and not asked
        provider.force_flush(FLUSH_MS)


def passed(name: str, run_id: str, duration_s: float, **attributes: Attribute) -> None:
    """Trace a part of a run that is over at this moment: below the span that is open here.

    Args:
        name: the kind of part.
        run_id: the run.
        duration_s: how long it took.
        attributes: which one it was, and what it did.
    """
    provider = _provider()
    if provider is None:
        return
    from opentelemetry import trace

    is_outermost = not trace.get_current_span().get_span_context().is_valid
    end = int(SystemClock().now().timestamp() * 1e9)
    provider.get_tracer(NAME).start_span(
        name,
        _of_run(provider, run_id) if is_outermost else None,
        attributes=_named(attributes),
        start_time=end - int(duration_s * 1e9),
    ).end(end)


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """Return the work with its spans, in another process, below the one that is open here."""
    if _provider() is None:
        return work
    from opentelemetry.propagate import inject

    headers: dict[str, str] = {}
    inject(headers)
    return partial(_below, headers, work)


def _below(headers: dict[str, str], work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    from opentelemetry import context
    from opentelemetry.propagate import extract

    token = context.attach(extract(headers))
    try:
        return work(*args, **kwargs)
    finally:
        context.detach(token)
        if (provider := _provider()) is not None:
            provider.force_flush(FLUSH_MS)


@cache
def _provider() -> TracerProvider | None:
    """Return what makes this process's spans; None: nobody wants them, or nobody can send them."""
    if not traces_are_wanted():
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    except ImportError as problem:
        _LOG.warning("no traces are sent, %s: `make extras` installs what it needs", problem)
        return None

    class RunIds(RandomIdGenerator):  # type: ignore[misc]  # the extra may not be installed
        def generate_trace_id(self) -> int:
            begun, other = _beginning.get(), int(super().generate_trace_id())
            return begun.int if begun is not None else other

        def generate_span_id(self) -> int:
            begun, other = _beginning.get(), int(super().generate_span_id())
            return _first_span(begun) if begun is not None else other

    # where they go, and what else they say of who sends them, OpenTelemetry's variables say
    named = Resource.create({"service.name": NAME}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named, id_generator=RunIds())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _of_run(provider: TracerProvider, run_id: str) -> Context:
    """Return the context below a run's first span, whoever has begun that."""
    from opentelemetry import trace

    run = UUID(run_id)
    is_sampled = provider.sampler.should_sample(None, run.int, "run").decision.is_sampled()
    first = trace.SpanContext(
        run.int, _first_span(run), is_remote=True, trace_flags=trace.TraceFlags(is_sampled)
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(first))


def _first_span(run: UUID) -> int:
    return run.int & (2**64 - 1)


def _named(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    return {f"{NAME}.{name}": value for name, value in attributes.items()}
