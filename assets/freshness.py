"""Freshness as asset checks: how old the data of raw tables and published marts are.

Dagster's own freshness policies count from materialisations: a source that answers each day with
yesterday's rows would be fresh. These count from the days that rows are about. They warn and never
block: late data are somebody else's failure, and what is there is right.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from assets import keys
from assets.dbt_project import mart_descriptions
from assets.partitions import window_of_run
from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock, Window
from pipelines.lake.catalog import write_catalog
from pipelines.monitoring import freshness
from pipelines.monitoring.freshness import Freshness

CHECK = "data_is_fresh"
TABLES_OP = "raw_freshness"
MARTS_OP = "published_freshness"

Measure = Callable[[Settings, datetime, Window | None], tuple[Freshness, ...]]


def freshness_checks() -> list[dg.AssetChecksDefinition]:
    """Return the checks of the raw tables that data are due of, and of the published daily marts.

    Raises:
        ManifestMissing: the dbt project, which knows the marts, was not parsed yet.
    """
    tables = {
        keys.raw(source, table.name): f"{source}.{table.name}"
        for source in sources.SOURCES
        for table in freshness.watched(source)
    }
    marts = {keys.published(name): name for name in mart_descriptions() if name.endswith("_daily")}
    return [
        _checks(TABLES_OP, tables, _of_tables, "The newest day of the table's rows"),
        _checks(MARTS_OP, marts, freshness.of_marts, "The newest day with a number in it"),
    ]


def _of_tables(settings: Settings, now: datetime, window: Window | None) -> tuple[Freshness, ...]:
    # the run's own loads are not listed yet where nothing was built after them
    write_catalog(settings)
    return freshness.of_tables(settings, now, window)


def _checks(
    name: str, subjects: Mapping[dg.AssetKey, str], measure: Measure, what: str
) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=name,
        description="Compares the newest day of data with what is promised.",
        specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=key,
                description=f"{what} is as new as its sources promise it to be.",
            )
            for key in subjects
        ],
        can_subset=True,
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.AssetCheckResult]:
        found = {
            one.subject: one for one in measure(settings, clock.now(), window_of_run(context.run))
        }
        for check_key in sorted(context.selected_asset_check_keys):
            key = check_key.asset_key
            yield _result(key, found.get(subjects[key]))

    return check


def _result(key: dg.AssetKey, found: Freshness | None) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"status": found.status if found else "nothing is due"}
    if found is not None and found.newest_day is not None:
        metadata["newest day"] = found.newest_day.isoformat()
    if found is not None and found.late_since is not None:
        metadata["late from"] = dg.MetadataValue.timestamp(found.late_since)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=CHECK,
        passed=found is None or found.status in ("fresh", "empty"),
        severity=dg.AssetCheckSeverity.WARN,
        description=str(found) if found is not None else "",
        metadata=metadata,
    )
