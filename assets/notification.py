"""Notification: what runs and the age of data say, and the sensors that report it.

The sensors are on from the start: they ask nobody, and until the settings name a channel only the
log hears of anything.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from assets import keys
from assets.failures import troubles
from assets.metrics import write_metrics
from assets.partitions import days_of, window_of_run
from assets.timeline import note_time_line
from pipelines import publishing
from pipelines.core.settings import Settings
from pipelines.monitoring import notifier
from pipelines.monitoring.channels import LOG
from pipelines.monitoring.incidents import Incident, Message, Signal
from pipelines.validation.report import blocking, recorded

_RUNS_EVERY_S = 30
_DATA_EVERY_S = 900
# written by Dagster on a failed run that it will start again
_WILL_RETRY = "dagster/will_retry"


def run_signals(
    instance: dg.DagsterInstance, run_id: str, settings: Settings
) -> tuple[Signal, ...]:
    """Return what a finished run says of its job and of the publication.

    A run that failed because a check forbids publishing says nothing of its job: the data are not
    as promised, and the job did what it is there for.
    """
    record = instance.get_run_record_by_id(run_id)
    if record is None or record.end_time is None:
        return ()
    run, at = record.dagster_run, datetime.fromtimestamp(record.end_time, UTC)
    if run.is_success:
        job_is_well = Signal(kind="run", name=run.job_name, at=at)
        if all(made.run_id != run_id for made in publishing.publications(settings)):
            return (job_is_well,)
        return job_is_well, Signal(kind="publication", at=at)
    if run.is_failure:
        incident = _incident(instance, run, at, settings)
        return (Signal(kind=incident.kind, name=incident.name, at=at, incident=incident),)
    return ()


def report_run(instance: dg.DagsterInstance, run_id: str, settings: Settings) -> None:
    """Report what a run without a daemon has shown, of itself and of the data."""
    try:
        signals = (*run_signals(instance, run_id, settings), *notifier.data_signals(settings))
        notifier.report(settings, signals)
    except Exception:  # noqa: BLE001  # a broken notifier must not end a run that went well
        LOG.exception("run %s could not be reported", run_id)


def _incident(
    instance: dg.DagsterInstance, run: dg.DagsterRun, at: datetime, settings: Settings
) -> Incident:
    refused = blocking(recorded(run.run_id, settings))
    if refused:
        return Incident(
            kind="publication",
            title="a publication was refused; the last one holds",
            detail="\n".join(map(str, refused)),
            since=at,
            run_id=run.run_id,
        )
    types = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    events = [
        entry.dagster_event
        for entry in instance.all_logs(run.run_id, of_type=types)
        if entry.dagster_event is not None
    ]
    window = window_of_run(run)
    return Incident(
        kind="run",
        name=run.job_name,
        title=f"{run.job_name}{f' of {days_of(window)}' if window else ''} failed",
        detail="\n".join(map(str, troubles(events, run.run_id, settings))) or "no message",
        since=at,
        run_id=run.run_id,
    )


def sensors() -> list[dg.SensorDefinition]:
    """Return the sensors of failed runs, of runs that went well again, and of the data's age."""

    @dg.run_failure_sensor(
        name="failed_runs",
        description="Reports failed runs and refused publications, once until they recover.",
        minimum_interval_seconds=_RUNS_EVERY_S,
        # the runs of the command line, too
        monitor_all_code_locations=True,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def failed_runs(
        context: dg.RunFailureSensorContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SkipReason:
        _account_for(context, settings)
        if context.dagster_run.tags.get(_WILL_RETRY) == "true":
            return dg.SkipReason(f"run {context.dagster_run.run_id} is tried again")
        signals = run_signals(context.instance, context.dagster_run.run_id, settings)
        return _news(notifier.report(settings, signals))

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="recovered_runs",
        description="Reports that a job or the publication is well again.",
        minimum_interval_seconds=_RUNS_EVERY_S,
        monitor_all_code_locations=True,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def recovered_runs(
        context: dg.RunStatusSensorContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SkipReason:
        _account_for(context, settings)
        signals = run_signals(context.instance, context.dagster_run.run_id, settings)
        return _news(notifier.report(settings, signals))

    @dg.sensor(
        name="stale_data",
        description="Reports sources that deliver no new data and a publication that is old.",
        minimum_interval_seconds=_DATA_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def stale_data(settings: dg.ResourceParam[Settings]) -> dg.SkipReason:
        return _news(notifier.report(settings, notifier.data_signals(settings)))

    return [failed_runs, recovered_runs, stale_data]


def _account_for(context: dg.RunStatusSensorContext, settings: Settings) -> None:
    """Write down what a run did that Dagster has started: a command does so itself."""
    if keys.PROCESS not in context.dagster_run.tags:
        write_metrics(context.instance, context.dagster_run.run_id, settings)
        note_time_line(context.instance, context.dagster_run.run_id)


def _news(messages: Sequence[Message]) -> dg.SkipReason:
    return dg.SkipReason("; ".join(message.title for message in messages) or "no news")
