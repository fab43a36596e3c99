"""What the commands do, in terms of jobs: which job, for which days, at which time.

The command line only parses and prints; everything here can be called from a program as well.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

from assets import automation, transformation
from assets.command import runs
from assets.command.market import Market, morning_after, open_market
from assets.resources import Progress
from pipelines import publishing
from pipelines.core.settings import Settings, SettingsError
from pipelines.core.windows import Window
from pipelines.lake import origin, parallel, repair, storage
from pipelines.lake.catalog import newest_day, newest_fetch, oldest_fetch
from pipelines.lake.repair import GapRequest
from pipelines.publishing import Manifest
from pipelines.sandbox.availability import refuse_unavailable_days, within_available_days
from pipelines.sources import SOURCES
from pipelines.validation import measures


@dataclass(frozen=True)
class Published:
    """What a command published, and the runs that led there.

    Attributes:
        manifest: the new publication.
        outcomes: the runs, in order.
    """

    manifest: Manifest
    outcomes: tuple[runs.Outcome, ...]


def daily(
    settings: Settings,
    progress: Progress,
    *,
    day: date | None = None,
    dataset: Path | None = None,
) -> Published:
    """Run the daily job for one day; in the sandbox, land the dataset's history before, once.

    Args:
        settings: profile and folders.
        progress: is given how far the work is.
        day: the UTC day; default: the market's last complete one.
        dataset: a dataset folder to use in place of the default one.

    Raises:
        runs.RunFailed: a stage failed; the last publication holds.
        SettingsError: the settings contradict each other, or the data folder is another market's.
    """
    wanted = Window.of_day(day) if day else None
    with open_market(settings, progress, dataset, day, admit=partial(_admit, wanted)) as market:
        target = day or market.last_day
        with runs.open_instance(market.settings) as instance:
            outcomes = []
            history = _missing_history(instance, market, target)
            if history is not None:
                parallel.start_processes(market.settings, history)
                outcomes.append(
                    runs.execute(
                        instance, automation.HISTORY_JOB, history, market.settings, progress
                    )
                )
            outcomes.append(
                runs.execute(
                    instance,
                    automation.DAILY_JOB,
                    Window.of_day(target),
                    market.settings,
                    progress,
                )
            )
        return Published(_current(market.settings), tuple(outcomes))


def backfill(
    settings: Settings,
    progress: Progress,
    window: Window,
    *,
    dataset: Path | None = None,
) -> Published:
    """Extract a range of days in one run, as the sources tell it now, build, check and publish."""
    with open_market(settings, progress, dataset, admit=partial(_admit, window)) as market:
        with runs.open_instance(market.settings) as instance:
            outcome = runs.execute(
                instance, automation.BACKFILL_JOB, window, market.settings, progress
            )
        return Published(_current(market.settings), (outcome,))


def replay(
    settings: Settings,
    progress: Progress,
    window: Window,
    *,
    dataset: Path | None = None,
) -> Published:
    """Walk through a dataset day by day, each as if it were today.

    The clock goes from morning to morning, so the history keeps what was known when, and what was
    restated later. What came before the window is landed first, as it was known when it began.

    Raises:
        SettingsError: the profile is live: real time cannot be turned back. Or the lake knows more
            than was known on the first morning: its marts would have days that were still to come.
    """
    if settings.profile == "live":
        raise SettingsError("a replay needs the profile `sandbox`: real time does not turn back")
    _refuse_later_knowledge(settings, window.start)
    outcomes = []
    admit = partial(_admit, window)
    with open_market(settings, progress, dataset, window.start, admit=admit) as market:
        with runs.open_instance(market.settings) as instance:
            history = _missing_history(instance, market, window.start)
            if history is not None:
                before = market.at(morning_after(history.last))
                outcomes.append(
                    runs.execute(
                        instance, automation.HISTORY_JOB, history, before.settings, progress
                    )
                )
            for today in window.chunks(1):
                then = market.at(morning_after(today.start))
                outcomes.append(
                    runs.execute(instance, automation.DAILY_JOB, today, then.settings, progress)
                )
        return Published(_current(market.settings), tuple(outcomes))


@dataclass(frozen=True)
class Repaired:
    """What a repair asked for and what it led to.

    Attributes:
        gap_requests: what was missing and could still be had; empty: nothing, and nothing was done.
        published: the new publication.
        remaining: what is still missing and can still be had.
    """

    gap_requests: tuple[GapRequest, ...]
    published: Published | None = None
    remaining: tuple[GapRequest, ...] = ()


def repair_gaps(settings: Settings, progress: Progress, *, dataset: Path | None = None) -> Repaired:
    """Ask again for the days that `ops_gap` says can still be had, and for nothing else.

    Raises:
        runs.RunFailed: a stage failed; what the other sources gave is landed.
        SettingsError: the settings contradict each other, or the data folder is another market's.
    """
    with open_market(settings, progress, dataset, admit=_claim) as market:
        wanted = repair.gap_requests(market.settings)
        if not wanted:
            return Repaired(())
        return _repaired(market, wanted, progress)


def reread(
    settings: Settings,
    progress: Progress,
    window: Window,
    *,
    source: str | None = None,
    dataset: Path | None = None,
) -> Repaired:
    """Ask again for a range of days, as the sources tell it now: all of it, missing or not.

    Raises:
        runs.RunFailed: a stage failed; what the other sources gave is landed.
        SettingsError: there is no such source or day, the settings contradict each other, or the
            data folder is another market's.
    """
    if source is not None and source not in SOURCES:
        raise SettingsError(f"no such source: {source}; there are {', '.join(SOURCES)}")
    with open_market(settings, progress, dataset, admit=partial(_admit, window)) as market:
        return _repaired(market, repair.rereads(market.settings, window, source), progress)


def _repaired(market: Market, wanted: tuple[GapRequest, ...], progress: Progress) -> Repaired:
    with runs.open_instance(market.settings) as instance:
        outcome = runs.execute(
            instance,
            automation.REPAIR_JOB,
            # what is asked for is in the requests; the run is of days that exist
            within_available_days(market.settings, repair.span(wanted)),
            market.settings,
            progress,
            config=automation.repair_config(wanted),
            only_sources={request.source for request in wanted},
        )
    return Repaired(
        wanted,
        Published(_current(market.settings), (outcome,)),
        repair.gap_requests(market.settings),
    )


def rebuild(
    settings: Settings, progress: Progress, *, as_of: datetime | None = None
) -> runs.Outcome:
    """Delete the warehouse and build it again from the lake; publish nothing.

    Args:
        settings: folders.
        progress: is given how far the work is.
        as_of: build the marts as they could have been built at this instant.

    Raises:
        SettingsError: nothing was landed yet, or nothing of it at that instant.
        runs.RunFailed: a stage failed.
    """
    settings = origin.recall(settings)
    _refuse_empty_lake(settings)
    if as_of is not None:
        _refuse_before_knowledge(settings, as_of)
    with runs.open_instance(settings) as instance:
        config = {
            transformation.OP_NAME: {
                "from_scratch": True,
                **({"as_of": as_of.isoformat()} if as_of else {}),
            }
        }
        return runs.execute(
            instance,
            automation.REBUILD_JOB,
            None,
            settings,
            progress,
            config=config,
        )


def publish(settings: Settings, progress: Progress) -> Published:
    """Check the warehouse as it is, and publish it.

    Raises:
        SettingsError: nothing was built yet.
        runs.RunFailed: a stage failed; the last publication holds.
    """
    settings = origin.recall(settings)
    if measures.newest_day(settings) is None:
        _refuse_empty_lake(settings)
        raise SettingsError("nothing was built yet: run `tokenmart rebuild` first")
    with runs.open_instance(settings) as instance:
        outcome = runs.execute(instance, automation.PUBLISH_JOB, None, settings, progress)
    return Published(_current(settings), (outcome,))


@dataclass(frozen=True)
class Canary:
    """What this code makes of the lake, beside what is published of it.

    Attributes:
        settings: those of the folder that has both publications.
        before: the current one.
        after: the one that this code would publish.
    """

    settings: Settings
    before: Manifest
    after: Manifest


def canary(settings: Settings, progress: Progress) -> Canary:
    """Build and publish the lake in a folder beside it; what is used is not touched.

    Raises:
        SettingsError: there is no publication to compare with.
        runs.RunFailed: a stage failed.
    """
    before = publishing.current(settings)
    if before is None:
        raise SettingsError("nothing is published yet that this code could be compared with")
    folder = settings.data_dir / "canary"
    beside = settings.model_copy(
        update={
            "data_dir": folder,
            "lake_url": None,
            "postgres_url": None,
            "mirror_url": None,
            "metrics_file": None,
        }
    )
    progress.begin(f"Copy the lake to {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    storage.copy_lake(settings, folder / "lake")
    shutil.copytree(
        settings.published_dir / before.version,
        beside.published_dir / before.version,
        copy_function=storage.link_or_copy,
    )
    progress.end("done")
    rebuild(beside, progress)
    return Canary(beside, before, publish(beside, progress).manifest)


def _admit(window: Window | None, market: Market) -> None:
    """Refuse days that the market does not have, and a lake of another one; claim the lake.

    Raises:
        SettingsError: says which days can be had, or whose the lake is.
    """
    refuse_unavailable_days(market.settings, window or Window.of_day(market.last_day))
    _claim(market)


def _claim(market: Market) -> None:
    origin.claim(market.settings)


def _missing_history(instance: runs.Instance, market: Market, target: date) -> Window | None:
    """Return the days of the dataset before `target` that are still to be landed."""
    if market.dataset is None or target <= market.dataset.start:
        return None
    history = Window(market.dataset.start, target)
    gap = runs.first_gap(instance, market.settings, history)
    return Window(gap, target) if gap is not None else None


def _refuse_empty_lake(settings: Settings) -> None:
    if newest_day(settings) is None:
        raise SettingsError("nothing was landed yet: run `tokenmart daily` first")


def _refuse_before_knowledge(settings: Settings, as_of: datetime) -> None:
    oldest = oldest_fetch(settings)
    if oldest is not None and as_of < oldest:
        raise SettingsError(
            f"nothing was known at {as_of:%Y-%m-%d %H:%M} UTC: the lake's first load is of "
            f"{oldest:%Y-%m-%d %H:%M} UTC"
        )


def _refuse_later_knowledge(settings: Settings, first_day: date) -> None:
    newest = newest_fetch(settings)
    if newest is not None and newest > morning_after(first_day):
        raise SettingsError(
            f"the lake in {settings.data_dir} has heard things at {newest:%Y-%m-%d %H:%M} UTC that "
            f"nobody knew on the morning after {first_day}. A replay wants a data folder of its "
            "own: TOKENMART_DATA_DIR=data/replay tokenmart backfill --replay ..."
        )


def _current(settings: Settings) -> Manifest:
    manifest = publishing.current(settings)
    if manifest is None:
        raise SettingsError("the run ended well, but there is no publication")
    return manifest
