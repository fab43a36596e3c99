"""Sources landed side by side: within one they wait for its pace, and not for one another."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextvars import copy_context
from functools import cache, partial
from importlib import import_module
from queue import SimpleQueue
from typing import Any

from pipelines import sources
from pipelines.core import logs, tracing
from pipelines.core.garbage import collect_rarely
from pipelines.core.lifeline import end_with
from pipelines.core.settings import Settings, get_settings
from pipelines.core.windows import Clock, Window
from pipelines.extraction import candles
from pipelines.lake import landing
from pipelines.lake.landing import LoadReport, merged
from pipelines.lake.repair import GapRequest

# of sources that are landed side by side from a server of our own
SANDBOX_THREADS = 4
SHORT_WINDOW_D = 31


def land_side_by_side(
    source_names: Sequence[str],
    window: Window,
    settings: Settings,
    clock: Clock,
    run_id: str,
    gap_requests: Sequence[GapRequest] = (),
) -> Generator[tuple[str, Future[LoadReport]], None, None]:
    """Land sources in threads, and yield each as soon as it is over: its name, and how it went.

    Threads, because what takes time is other people's servers. In the sandbox it is our own
    processor, so that a few are enough there, and long windows are read and parsed in processes: a
    Python process uses one core. All end with this process: a load that is cut off in its middle
    is one that no catalog lists. Closed early, it begins with no further source.

    Args:
        source_names: some of `sources.SOURCES`.
        window: the days wanted.
        settings: profile, lake, overrides.
        clock: the run's.
        run_id: the run's id.
        gap_requests: with any, nothing else is asked for.
    """
    is_live = settings.profile == "live"
    workers = len(source_names) if is_live else min(SANDBOX_THREADS, len(source_names))
    is_spread = workers > 1 and start_processes(settings, window)
    # those that have the most tables take longest
    longest_first = sorted(source_names, key=lambda name: -len(sources.tables(name)))
    names: dict[Future[LoadReport], str] = {Future(): name for name in longest_first}
    waiting: SimpleQueue[Future[LoadReport] | None] = SimpleQueue()
    for landed in (*names, *(None,) * workers):
        waiting.put(landed)

    land = partial(
        _land, window=window, settings=settings, clock=clock, run_id=run_id,
        gap_requests=gap_requests, is_spread=is_spread,
    )  # fmt: skip

    def work() -> None:
        while (landed := waiting.get()) is not None:
            if not landed.set_running_or_notify_cancel():
                continue
            try:
                landed.set_result(land(names[landed]))
            except BaseException as problem:  # noqa: BLE001  # whoever asks how it went gets it
                landed.set_exception(problem)

    with tracing.span("extract", run_id, window=str(window)):
        for number in range(workers):
            target = partial(copy_context().run, work)
            threading.Thread(target=target, name=f"land-{number}", daemon=True).start()
        try:
            for landed in as_completed(names):
                yield names[landed], landed
        finally:
            for landed in names:
                landed.cancel()


def _land(
    name: str,
    window: Window,
    settings: Settings,
    clock: Clock,
    run_id: str,
    gap_requests: Sequence[GapRequest],
    *,
    is_spread: bool,
) -> LoadReport:
    if not gap_requests:
        # a day's run looks at days of long ago as well; a range is what somebody asked for
        is_sweeping = window.day_count == 1
        job = partial(landing.land, name, window, settings, clock, run_id, is_sweeping=is_sweeping)
        return _processes().submit(tracing.carried(job)).result() if is_spread else job()
    reports = [
        landing.land(
            name,
            request.window,
            _restricted(settings, request),
            clock,
            run_id,
            only_table=request.table_name,
            purpose=request.purpose,
        )
        for request in gap_requests
        if request.source == name
    ]
    return merged(reports) if reports else LoadReport(name, window)


@cache
def _processes() -> ProcessPoolExecutor:
    """Return this process's helpers: one for each core, started when the first is needed."""
    return ProcessPoolExecutor(
        os.cpu_count() or 1, multiprocessing.get_context("spawn"), initializer=_get_ready
    )


def start_processes(settings: Settings, window: Window) -> bool:
    """Start the processes that read a window, if it is worth it, and tell whether it is.

    A short window is read sooner than a process has started, but not sooner than by one that the
    history was read with. Who calls it early gains the seconds that they take to start.
    """
    if settings.profile == "live":
        return False
    if not _processes.cache_info().currsize:
        if window.day_count <= SHORT_WINDOW_D:
            return False
        for _ in range(os.cpu_count() or 1):
            _processes().submit(_is_ready)
    return True


def _get_ready() -> None:
    if (parent := multiprocessing.parent_process()) is not None and parent.pid is not None:
        end_with(parent.pid)
    logs.configure(get_settings().log_format)
    import_module("dlt.destinations")
    collect_rarely()


def _is_ready() -> bool:
    """Do nothing: a helper starts with the first thing that it is given to do."""
    return True


def _restricted(settings: Settings, request: GapRequest) -> Settings:
    """Return the settings with the request's series alone, and no look-back."""
    change: dict[str, Any] = {"look_back_d": 0}
    if request.table_name is not None:
        entities, intervals = candles.series_of(request.table_name, request.entities)
        change |= {"entities": tuple(entities), "intervals": tuple(intervals)}
    own = settings.overrides(request.source).model_copy(update=change)
    return settings.model_copy(update={"sources": {**settings.sources, request.source: own}})
