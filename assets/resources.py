"""Resources: what a run is given from outside, so that a test or the command line can give another.

Settings are read when a run starts, never when definitions load.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Protocol

import dagster as dg

from pipelines.core import logs, tracing
from pipelines.core.settings import Settings, get_settings
from pipelines.core.windows import Clock, clock_at
from pipelines.sandbox.availability import with_available_sources


class Progress(Protocol):
    """Hears how far a run is; for people who wait."""

    def heading(self, text: str) -> None:
        """A run begins; `text` says which."""
        ...

    def begin(self, stage: str, total: int | None = None) -> None:
        """A stage begins; `total` is the number of steps to come, if known."""
        ...

    def advance(self, what: str, outcome: str | None = None) -> None:
        """One step of the current stage is done; `outcome` says what it did, if that is news."""
        ...

    def end(self, outcome: str) -> None:
        """The current stage is over; `outcome` says in a few words what it did."""
        ...


class SilentProgress:
    """Tells nobody: runs that Dagster's own UI shows."""

    def heading(self, text: str) -> None:
        """Do nothing."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, what: str, outcome: str | None = None) -> None:
        """Do nothing."""

    def end(self, outcome: str) -> None:
        """Do nothing."""


@dg.resource(description="The settings, read from the environment when the run starts.")
def environment_settings(context: dg.InitResourceContext) -> Iterator[Settings]:
    """Give the settings of this process, less the sources that its market does not have.

    They are there from a run's start to its end, and so is its trace: a run that Dagster started
    has nobody else around all of its steps. Sensors have settings as well, and no run.
    """
    settings = get_settings()
    logs.configure(settings.log_format)
    run = context.run
    with tracing.run(run.run_id, job=run.job_name) if run is not None else nullcontext():
        yield with_available_sources(settings)


@dg.resource(
    required_resource_keys={"settings"},
    description="The run's clock: fixed where the settings say so, else the wall's.",
)
def settings_clock(context: dg.InitResourceContext) -> Clock:
    """Return the clock that the settings ask for."""
    return clock_at(context.resources.settings.now)


def default_resources() -> dict[str, object]:
    """Return the resources of a run that nobody overrides anything of."""
    return {
        "settings": environment_settings,
        "clock": settings_clock,
        "progress": dg.ResourceDefinition.hardcoded_resource(SilentProgress()),
    }
