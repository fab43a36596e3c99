"""Automation: the jobs and the schedule."""

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from assets import keys
from assets.dbt_project import mart_descriptions
from assets.partitions import DAILY
from pipelines.core.settings import Settings

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


def jobs() -> "list[UnresolvedAssetJobDefinition]":
    """Return the jobs. Each selects a chain without gaps: a gap would be skipped in silence."""
    everything = dg.AssetSelection.all()
    extracted = dg.AssetSelection.key_prefixes([keys.RAW])
    published = dg.AssetSelection.key_prefixes([keys.PUBLISHED])
    built = everything - extracted - published
    gate = dg.AssetSelection.checks_for_assets(*(keys.mart(name) for name in mart_descriptions()))
    return [
        _job(DAILY_JOB, everything, "Extract a day, build, check and publish."),
        _job(BACKFILL_JOB, everything, "The same for a range of days, in a single run."),
        _job(HISTORY_JOB, extracted, "Extract a range of days into the lake, and no more."),
        _job(REBUILD_JOB, built, "Build the warehouse from the lake, and check it."),
        _job(REPAIR_JOB, everything, "Extract what is missing, as configured; build and publish."),
        _job(PUBLISH_JOB, published | gate, "Check the warehouse as it is, and publish it."),
    ]


def _job(
    name: str, selection: dg.AssetSelection, description: str
) -> "UnresolvedAssetJobDefinition":
    return dg.define_asset_job(
        name,
        selection=selection,
        description=description,
        partitions_def=DAILY,
        # half the wall time of a process per step, and the steps wait for one another anyway
        executor_def=dg.in_process_executor,
    )


def daily_schedule(job: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """Return the schedule: every day at 06:00 UTC, the day that has just ended.

    It is off until somebody switches it on: looking at the UI must not ask real hosts. In the
    sandbox there are no new days, and each tick says so instead of failing.
    """

    @dg.schedule(
        name="every_day",
        cron_schedule=DAILY_CRON,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Yesterday (UTC), at 06:00 UTC. Does nothing in the sandbox.",
    )
    def every_day(
        context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.RunRequest | dg.SkipReason:
        if settings.profile == "sandbox":
            return dg.SkipReason("the sandbox has no new days; TOKENMART_PROFILE=live has")
        day = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
        return dg.RunRequest(run_key=day, partition_key=day)

    return every_day
