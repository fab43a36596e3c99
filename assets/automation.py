"""Automation: the jobs and the schedules."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import ingestion, keys
from assets.dbt_project import mart_descriptions
from assets.partitions import partition_of
from pipelines import publishing
from pipelines.core.settings import Settings
from pipelines.core.windows import DAY, Window
from pipelines.lake.repair import GapRequest, gap_requests, span

if TYPE_CHECKING:
    # what `define_asset_job` returns has no public name
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

DAILY_JOB = "daily"
BACKFILL_JOB = "backfill"
HISTORY_JOB = "history"
REBUILD_JOB = "rebuild"
PUBLISH_JOB = "publish"
REPAIR_JOB = "repair"

# A day's prices may be judged from 02:00 UTC of the next day; Coin Metrics' community data and
# DefiLlama's last hourly point are there by about 05:00. One hour of slack.
DAILY_CRON = "0 6 * * *"
# when the day's run is over
REPAIR_CRON = "0 9 * * 0"

# prices have a row for every day; a mart of events may have news of the day of the run
_OF_EVERY_DAY = "price_daily"
_NO_NEW_DAYS = dg.SkipReason("the sandbox has no new days; TOKENMART_PROFILE=live has")


def jobs() -> "list[UnresolvedAssetJobDefinition]":
    """Return the jobs. Those that extract are of a day, or of a range of days in a single run.

    Each selects a chain without gaps: a gap would be skipped in silence.
    """
    everything = dg.AssetSelection.all()
    extracted = dg.AssetSelection.key_prefixes([keys.RAW])
    published = dg.AssetSelection.key_prefixes([keys.PUBLISHED])
    built = everything - extracted - published
    gate = dg.AssetSelection.checks_for_assets(*(keys.mart(name) for name in mart_descriptions()))
    wanted = [
        (DAILY_JOB, everything, "Extract a day, build, check and publish."),
        (BACKFILL_JOB, everything, "Extract a range of days in one run, build, check and publish."),
        (HISTORY_JOB, extracted, "Extract a range of days into the lake, and no more."),
        (REBUILD_JOB, built, "Build the warehouse from the lake, and check it."),
        (REPAIR_JOB, everything, "Extract what is missing, as configured; build and publish."),
        (PUBLISH_JOB, published | gate, "Check the warehouse as it is, and publish it."),
    ]
    return [
        dg.define_asset_job(
            name,
            selection=selection,
            description=description,
            # half the wall time of a process per step, and the steps wait for one another anyway
            executor_def=dg.in_process_executor,
        )
        for name, selection, description in wanted
    ]


def selected_assets(
    job: dg.JobDefinition, only_sources: Collection[str] | None = None
) -> set[dg.AssetKey]:
    """Return a job's assets; without the raw tables of other sources, where some are named."""
    return {
        key
        for key in job.asset_layer.selected_asset_keys
        if only_sources is None or key.path[0] != keys.RAW or key.path[1] in only_sources
    }


def repair_config(wanted: Sequence[GapRequest]) -> dict[str, dict[str, Any]]:
    """Return the config of the ops of a repair, by op."""
    return {ingestion.OP_NAME: {"gap_requests": [request.as_config() for request in wanted]}}


def missed_days(published: date | None, yesterday: date) -> Window:
    """Return the days to be run this morning: yesterday, and those before it that were missed.

    Args:
        published: the newest day that is published. Where it is long ago, all since are missed;
            what is missing before it is the repair's.
        yesterday: the day that has just ended.
    """
    if published is None or published >= yesterday:
        return Window.of_day(yesterday)
    return Window.between(published + DAY, yesterday)


def schedules() -> list[dg.ScheduleDefinition]:
    """Return the schedules. They are off until somebody switches them on.

    Looking at the UI must not ask real hosts. In the sandbox there are no new days, and each tick
    says so instead of failing.
    """

    @dg.schedule(
        name="every_day",
        cron_schedule=DAILY_CRON,
        job_name=DAILY_JOB,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Yesterday (UTC) and the days missed before it, in one run, at 06:00 UTC. "
        "Does nothing in the sandbox.",
    )
    def every_day(
        context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.RunRequest | dg.SkipReason:
        if settings.profile == "sandbox":
            return _NO_NEW_DAYS
        yesterday = context.scheduled_execution_time.date() - DAY
        manifest = publishing.current(settings)
        newest = manifest.mart(_OF_EVERY_DAY).max_day if manifest is not None else None
        window = missed_days(newest, yesterday)
        partition_key, tags = partition_of(window)
        return dg.RunRequest(run_key=str(window), partition_key=partition_key, tags=tags)

    @dg.schedule(
        name="every_week_repair",
        cron_schedule=REPAIR_CRON,
        job_name=REPAIR_JOB,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Days that are missing and can still be had, on Sundays at 09:00 UTC. "
        "Does nothing in the sandbox.",
    )
    def every_week_repair(
        context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.RunRequest | dg.SkipReason:
        if settings.profile == "sandbox":
            return _NO_NEW_DAYS
        wanted = gap_requests(settings)
        if not wanted:
            return dg.SkipReason("nothing is missing that can still be had")
        job = context.repository_def.get_job(REPAIR_JOB)
        partition_key, tags = partition_of(span(wanted))
        ops = {name: {"config": config} for name, config in repair_config(wanted).items()}
        return dg.RunRequest(
            run_key=context.scheduled_execution_time.isoformat(),
            partition_key=partition_key,
            tags=tags,
            run_config={"ops": ops},
            asset_selection=sorted(selected_assets(job, {request.source for request in wanted})),
        )

    return [every_day, every_week_repair]
