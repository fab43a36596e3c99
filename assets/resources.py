"""Resources: what a run is given from outside, so that a test or the command line can give another.

Settings are read when a run starts, never when definitions load.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import dagster as dg

from pipelines.core.settings import Settings, get_settings
from pipelines.core.windows import Clock, clock_at
from pipelines.lake.parallel import Landing
from pipelines.sandbox.availability import with_available_sources


class Progress(Protocol):
    """Is told how far a run is; for people who wait."""

    def heading(self, text: str) -> None:
        """A run begins; `text` says which."""
        ...

    def begin(self, stage: str, total: int | None = None) -> None:
        """A stage begins; `total` is the number of steps to come, if known."""
        ...

    def advance(self, what: str) -> None:
        """One step of the current stage is done."""
        ...

    def end(self, outcome: str, duration_s: float | None = None) -> None:
        """The current stage is over; `outcome` says in a few words what it did.

        It took `duration_s` seconds where it began before it was told to.
        """
        ...


class SilentProgress:
    """Tells nobody: runs that Dagster's own UI shows."""

    def heading(self, text: str) -> None:
        """Do nothing."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, what: str) -> None:
        """Do nothing."""

    def end(self, outcome: str, duration_s: float | None = None) -> None:
        """Do nothing."""


class Landings:
    """Holds what a run lands side by side, for the ops that tell how it went."""

    def __init__(self) -> None:
        self._landing: Landing | None = None

    def of_run(self, begin: Callable[[], Landing]) -> Landing:
        """Return the run's landing, begun by whoever asks first."""
        if self._landing is None:
            self._landing = begin()
        return self._landing

    def cancel(self) -> None:
        """Begin with no further source."""
        if self._landing is not None:
            self._landing.cancel()


@dg.resource(description="The sources that the run lands side by side.")
def run_landings(_context: dg.InitResourceContext) -> Iterator[Landings]:
    """Yield an empty one; what has not begun when the run ends does not begin."""
    landings = Landings()
    yield landings
    landings.cancel()


@dg.resource(description="The settings, read from the environment when the run starts.")
def environment_settings(_context: dg.InitResourceContext) -> Settings:
    """Return the settings of this process, less the sources that its market does not have."""
    return with_available_sources(get_settings())


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
        "landings": run_landings,
        "progress": dg.ResourceDefinition.hardcoded_resource(SilentProgress()),
    }
