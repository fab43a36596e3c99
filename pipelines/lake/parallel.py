"""Sources landed side by side: within one they wait for its pace, and not for one another."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache, partial
from importlib import import_module
from queue import SimpleQueue
from typing import Any

from pipelines import sources
from pipelines.core.garbage import collect_rarely
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock, Window
from pipelines.extraction import candles
from pipelines.lake import landing
from pipelines.lake.landing import LoadReport, merged
from pipelines.lake.repair import GapRequest

# of sources that are landed side by side from a server of our own
SANDBOX_THREADS = 4
SHORT_WINDOW_D = 31


class Landing:
    """Sources landed side by side: within one they wait for its pace, and not for one another.

    Threads, because what takes time is other people's servers. In the sandbox it is our own
    processor, so that a few are enough there, and long windows are read and parsed in processes: a
    Python process uses one core. All end with this process: a load that is cut off in its middle
    is one that no catalog lists.
    """

    def __init__(
        self,
        source_names: Sequence[str],
        window: Window,
        settings: Settings,
        clock: Clock,
        run_id: str,
        gap_requests: Sequence[GapRequest] = (),
    ) -> None:
        """Begin, with those that have the most tables: they take longest.

        With gap requests nothing else is asked for.
        """
        self._gap_requests = gap_requests
        self._reports: dict[str, Future[LoadReport]] = {name: Future() for name in source_names}
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        is_live = settings.profile == "live"
        workers = len(source_names) if is_live else min(SANDBOX_THREADS, len(source_names))
        self._is_spread = workers > 1 and start_processes(settings, window)
        longest_first = sorted(source_names, key=lambda name: -len(sources.tables(name)))
        for name in (*longest_first, *(None,) * workers):
            self._waiting.put(name)
        for number in range(workers):
            threading.Thread(
                target=self._work,
                args=(window, settings, clock, run_id),
                name=f"land-{number}",
                daemon=True,
            ).start()

    def report(self, source_name: str) -> LoadReport:
        """Wait for a source; return what its load did, or raise what ended it."""
        return self._reports[source_name].result()

    def cancel(self) -> None:
        """Begin with no further source."""
        for report in self._reports.values():
            report.cancel()

    def _work(self, window: Window, settings: Settings, clock: Clock, run_id: str) -> None:
        while (name := self._waiting.get()) is not None:
            report = self._reports[name]
            if not report.set_running_or_notify_cancel():
                continue
            try:
                report.set_result(self._land(name, window, settings, clock, run_id))
            except BaseException as problem:  # noqa: BLE001  # whoever waits for it gets it
                report.set_exception(problem)

    def _land(
        self, name: str, window: Window, settings: Settings, clock: Clock, run_id: str
    ) -> LoadReport:
        if not self._gap_requests:
            # a day's run looks at days of long ago as well; a range is what somebody asked for
            job = partial(
                landing.land,
                name,
                window,
                settings,
                clock,
                run_id,
                is_sweeping=window.day_count == 1,
            )
            return _processes().submit(job).result() if self._is_spread else job()
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
            for request in self._gap_requests
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
