"""The market that a command talks to: a sandbox server of its own, or the live hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from assets.resources import Progress
from pipelines.core.settings import Settings, SettingsError
from pipelines.core.windows import DAY, clock_at, last_complete_day, start_of
from pipelines.sandbox.availability import with_available_sources

if TYPE_CHECKING:
    from pipelines.sandbox import SandboxProcess
    from pipelines.sandbox.dataset import Dataset

# a day is judged in the morning after it, when every source has published it
MORNING = timedelta(hours=6)
DEFAULT_DATASET = "default"


def morning_after(day: date) -> datetime:
    """Return the instant at which `day` is run: 06:00 UTC of the next day."""
    return start_of(day + DAY) + MORNING


@dataclass(frozen=True)
class Market:
    """What is there to be extracted, and the settings that reach it.

    Attributes:
        settings: with the server's address and the clock in them.
        dataset: what the server serves; None for the live hosts or somebody else's server.
        server: the server that this command started.
    """

    settings: Settings
    dataset: Dataset | None = None
    server: SandboxProcess | None = None

    @property
    def last_day(self) -> date:
        """The newest complete day at the market's clock."""
        return last_complete_day(clock_at(self.settings.now))

    def at(self, instant: datetime) -> Market:
        """Return the market as it is at `instant`; the live market has no other time than now."""
        if self.settings.profile == "live":
            return self
        if self.server is not None:
            self.server.set_clock(instant)
        return Market(self.settings.model_copy(update={"now": instant}), self.dataset, self.server)


@contextmanager
def open_market(
    settings: Settings,
    progress: Progress,
    dataset: Path | None = None,
    day: date | None = None,
    *,
    admit: Callable[[Market], object] = lambda _: None,
) -> Iterator[Market]:
    """Open the market of the settings' profile.

    In the sandbox: the given dataset, or else the settings' one, or else the default one, which is
    generated if it is not there yet. A server for it runs until the block ends.

    Args:
        settings: profile, folders.
        progress: is reported about the generation.
        dataset: a dataset folder to serve.
        day: the clock is set to the morning after this day; default: the dataset's own now.
        admit: refuses a market, by an error, before a server of it is started.

    Raises:
        SettingsError: a dataset is given in the live profile.
        DatasetError: the folder is no dataset.
    """
    if settings.profile == "live":
        if dataset is not None:
            raise SettingsError("a dataset can be used in the profile `sandbox` only")
        market = Market(settings)
        admit(market)
        yield market
        return
    if settings.sandbox_url is not None and dataset is None:
        market = Market(with_available_sources(settings))
        market = market.at(morning_after(day)) if day else market
        admit(market)
        yield market
        return
    from pipelines.sandbox import SandboxProcess
    from pipelines.sandbox.dataset import load

    folder = dataset or settings.dataset or _default_dataset(settings, progress)
    found = load(folder.expanduser().resolve())
    now = morning_after(day) if day else (settings.now or found.now)
    bound = with_available_sources(
        settings.model_copy(
            update={
                "dataset": found.path,
                "curation_dir": settings.curation_dir or found.path,
                "now": now,
            }
        )
    )
    admit(Market(bound, found))
    progress.begin(f"Start the sandbox with {found.name}")
    with SandboxProcess(found.path, now=now) as server:
        progress.end(f"{server.url}, where it is {now:%Y-%m-%d %H:%M} UTC")
        yield Market(bound.model_copy(update={"sandbox_url": server.url}), found, server)


def _default_dataset(settings: Settings, progress: Progress) -> Path:
    """Return the default dataset's folder; generate it if it is not there."""
    from pipelines.sandbox.dataset import META_FILE
    from pipelines.sandbox.generate import GeneratorSettings, generate

    folder = settings.data_dir / "sandbox" / DEFAULT_DATASET
    if not (folder / META_FILE).exists():
        wanted = GeneratorSettings(name=DEFAULT_DATASET)
        progress.begin("Generate the default market")
        generate(wanted, folder)
        progress.end(
            f"{wanted.assets} assets, {wanted.venues} venues, {wanted.day_count:,} days in {folder}"
        )
    return folder
